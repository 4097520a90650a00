//! Texts with labels, the input of `nlp`.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::{Kind, ReadError, ReadErrorKind, Row, Source, spelling};

/// Labelled texts in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    /// The text of each row.
    pub texts: Vec<String>,
    /// The class of each text, an index into `classes`.
    pub labels: Vec<u32>,
    /// The classes, in the order of [`sorted_classes`].
    pub classes: Vec<String>,
    /// Columns by which rows are grouped, besides text and label.
    pub slices: Vec<Slice>,
}

/// A column and its value in every row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// The column's name.
    pub column: String,
    /// One per row.
    pub values: Vec<String>,
}

/// Reads the columns `text` and `label`, and those of `slices`; stops at the first bad record.
///
/// # Errors
/// A missing column, or the first bad record.
pub fn read_texts(
    source: &mut dyn Source,
    text: &str,
    label: &str,
    slices: &[String],
) -> Result<Texts, ReadError> {
    let (text, label) = (source.column(text)?, source.column(label)?);
    let cells: Result<Vec<usize>, ReadError> =
        slices.iter().map(|name| source.column(name)).collect();
    let cells = cells?;
    let new = |column: &String| Slice {
        column: column.clone(),
        ..Slice::default()
    };
    let mut slices: Vec<Slice> = slices.iter().map(new).collect();
    let mut texts = Vec::new();
    let mut labels = Vec::new();
    let mut row = Row::new();
    while source.read(&mut row)? {
        texts.push(text_cell(&row, text, source)?.to_owned());
        labels.push(label_cell(&row, label, source)?);
        for (slice, &cell) in slices.iter_mut().zip(&cells) {
            slice.values.push(row.text(cell).to_owned());
        }
    }
    let classes = sorted_classes(labels.iter().map(String::as_str));
    let number: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    Ok(Texts {
        texts,
        labels: labels.iter().map(|label| number[label.as_str()]).collect(),
        classes,
        slices,
    })
}

/// The text in a cell; it may be empty, but not missing. A number or a boolean is used as spelled.
///
/// # Errors
/// If it is missing (null or NaN), or an object or a list.
pub fn text_of(kind: Kind, text: &str) -> Result<&str, ReadErrorKind> {
    match kind {
        Kind::Null => Err(ReadErrorKind::MissingText),
        Kind::Number if spelling::is_absent(kind, text) => Err(ReadErrorKind::MissingText),
        Kind::Json => Err(ReadErrorKind::Nested {
            what: "text",
            found: text.to_owned(),
        }),
        Kind::Text | Kind::Number | Kind::Bool => Ok(text),
    }
}

/// [`text_of`] for a cell of the last row.
///
/// # Errors
/// Those of [`text_of`], with the cell's position.
pub fn text_cell<'a>(row: &'a Row, cell: usize, source: &dyn Source) -> Result<&'a str, ReadError> {
    text_of(row.kind(cell), row.text(cell)).map_err(|kind| source.place(row, cell).error(kind))
}

/// The label in a cell of the last row, without surrounding white space and with a whole number in
/// canonical spelling ([`spelling::plain`]): `1`, `1.0` and `"1"` are the same.
///
/// # Errors
/// If it is missing, or an object or a list.
pub fn label_cell(row: &Row, cell: usize, source: &dyn Source) -> Result<String, ReadError> {
    let refuse = |kind| Err(source.place(row, cell).error(kind));
    let (kind, text) = (row.kind(cell), row.text(cell).trim());
    match kind {
        _ if spelling::is_absent(kind, text) => refuse(ReadErrorKind::EmptyLabel),
        Kind::Json => refuse(ReadErrorKind::Nested {
            what: "label",
            found: text.to_owned(),
        }),
        _ => Ok(spelling::plain_cell(kind, text).into_owned()),
    }
}

/// The group in a cell of the last row, spelled like a label; `None` if it is missing, so that a
/// row without a group is its own group.
///
/// # Errors
/// If it is an object or a list.
pub fn group_cell(
    row: &Row,
    cell: usize,
    source: &dyn Source,
) -> Result<Option<String>, ReadError> {
    match spelling::is_absent(row.kind(cell), row.text(cell)) {
        true => Ok(None),
        false => label_cell(row, cell, source).map(Some).map_err(|error| {
            let found = row.text(cell).to_owned();
            error.place.error(ReadErrorKind::Nested {
                what: "group",
                found,
            })
        }),
    }
}

/// The distinct labels, sorted by value if all are numbers, otherwise by bytes.
///
/// # Examples
/// ```
/// use easylife_tables::sorted_classes;
///
/// assert_eq!(sorted_classes(["10", "9", "10"].into_iter()), ["9", "10"]);
/// assert_eq!(sorted_classes(["b", "10", "9"].into_iter()), ["10", "9", "b"]);
/// ```
pub fn sorted_classes<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<String> {
    let distinct: std::collections::HashSet<&str> = labels.collect();
    let distinct: Vec<&str> = distinct.into_iter().collect();
    let order = class_order(&distinct).into_iter();
    order.map(|at| distinct[at].to_owned()).collect()
}

/// The indices of distinct labels in sorted order: by value if all are numbers, otherwise by bytes.
///
/// # Examples
/// ```
/// use easylife_tables::class_order;
///
/// assert_eq!(class_order(&["10", "9", "-1"]), [2, 1, 0]);
/// assert_eq!(class_order(&["10", "9", "b"]), [0, 1, 2]); // one is a word: as texts
/// ```
pub fn class_order<T: AsRef<str>>(labels: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    let number = |label: &T| (label.as_ref().parse::<f64>().ok()).filter(|value| value.is_finite());
    let by_bytes = |a: usize, b: usize| labels[a].as_ref().cmp(labels[b].as_ref());
    match labels.iter().map(number).collect::<Option<Vec<f64>>>() {
        Some(numbers) => order.sort_unstable_by(|&a, &b| {
            (numbers[a].total_cmp(&numbers[b])).then_with(|| by_bytes(a, b))
        }),
        None => order.sort_unstable_by(|&a, &b| by_bytes(a, b)),
    }
    order
}

/// Writes the form of a text used for comparisons to `out`: NFKC, lower case, white space collapsed
/// and trimmed.
///
/// # Examples
/// ```
/// let mut out = String::new();
/// easylife_tables::normalised("  Ｆｕｌｌ \t WIDTH ", &mut out);
/// assert_eq!(out, "full width");
/// ```
pub fn normalised(text: &str, out: &mut String) {
    out.clear();
    if text.is_ascii() {
        return fold_ascii(text, out);
    }
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        if word.is_ascii() {
            out.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            // NFKC may turn other characters into white space, which is collapsed as well.
            let word: String = word.nfkc().flat_map(char::to_lowercase).collect();
            out.push_str(&word.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}

/// Appends an ASCII text in lower case, with single spaces between words.
fn fold_ascii(text: &str, out: &mut String) {
    let text = text.trim();
    // Nearly all texts have only single spaces and are copied unchanged.
    if words_are_apart(text.as_bytes()) {
        out.push_str(text);
    } else {
        let words = text.split(|c: char| c.is_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out.make_ascii_lowercase();
}

/// Whether a text has only single spaces as white space and does not end in one. Without a branch
/// per byte and by slices only, so that it is vectorized.
fn words_are_apart(text: &[u8]) -> bool {
    const CONTROLS: u8 = b'\r' - b'\t';
    let nexts = text.get(1..).unwrap_or_default();
    let mut found = 0;
    for (&byte, &next) in text.iter().zip(nexts) {
        let control = byte.wrapping_sub(b'\t') <= CONTROLS;
        let twice = (byte == b' ') & (next == b' ');
        found |= u8::from(control | twice);
    }
    found == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_sorted_by_value_or_by_bytes() {
        let sorted = |labels: &[&str]| sorted_classes(labels.iter().copied());
        assert_eq!(sorted(&["10", "9", "1", "9"]), ["1", "9", "10"]);
        assert_eq!(sorted(&["10", "9", "x"]), ["10", "9", "x"]);
        assert_eq!(sorted(&["pos", "neg"]), ["neg", "pos"]);
    }

    #[test]
    fn texts_are_compared_without_case_space_and_form() {
        let normalised = |text| {
            let mut out = "left over".to_owned();
            super::normalised(text, &mut out);
            out
        };
        assert_eq!(
            normalised("  The\tﬁlm \u{3000}WAS  Ünder "),
            "the film was ünder"
        );
        assert_eq!(normalised("Straße"), "straße");
        assert_eq!(normalised(" \n"), "");
        assert_eq!(normalised("\tA\u{b}b \r\n C\u{1c}d "), "a b c\u{1c}d");
    }
}
