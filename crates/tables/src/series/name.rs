//! The name of a series that is identified by several columns: `north / apples`.

/// The separator between the parts of a name.
const BETWEEN: &str = " / ";

/// The name of a series whose id columns contain `parts`. Different parts give different names: in
/// a part that would be ambiguous, `/` and `\\` are escaped with a backslash. A single part is the
/// name.
pub fn series_name<T: AsRef<str>>(parts: &[T]) -> String {
    match parts {
        [only] => only.as_ref().to_owned(),
        parts => {
            let parts: Vec<String> = parts.iter().map(|part| escaped(part.as_ref())).collect();
            parts.join(BETWEEN)
        }
    }
}

fn escaped(part: &str) -> String {
    // Next to a separator, a mark at the end of this part could be attributed to its neighbour.
    let is_plain = !part.contains('\\') && !format!(" {part} ").contains(BETWEEN);
    match is_plain {
        true => part.to_owned(),
        false => part.replace('\\', "\\\\").replace('/', "\\/"),
    }
}

/// Splits a name made by [`series_name`] into `count` parts.
///
/// # Examples
/// ```
/// use easylife_tables::{series_name, series_parts};
///
/// let name = series_name(&["north", "apples"]);
/// assert_eq!(name, "north / apples");
/// assert_eq!(series_parts(&name, 2), ["north", "apples"]);
/// let odd = ["a / b", "c"];
/// assert_eq!(series_parts(&series_name(&odd), 2), odd);
/// ```
pub fn series_parts(name: &str, count: usize) -> Vec<String> {
    if count == 1 {
        return vec![name.to_owned()];
    }
    let parts = name.split(BETWEEN).map(unescaped);
    let mut parts: Vec<String> = parts.collect();
    parts.resize(count, String::new());
    parts
}

fn unescaped(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    let mut letters = part.chars();
    while let Some(letter) = letters.next() {
        let next = match letter {
            '\\' => letters.next().unwrap_or(letter),
            letter => letter,
        };
        text.push(next);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        assert_eq!(series_name(&["north", "apples"]), "north / apples");
        assert_eq!(series_name(&["a/b", "c"]), "a/b / c");
        assert_eq!(series_name(&["a / b"]), "a / b");
        assert_ne!(series_name(&["a b", "c"]), series_name(&["a", "b c"]));
        assert_ne!(series_name(&["a / b", "c"]), series_name(&["a", "b / c"]));
        assert_ne!(series_name(&["a /", "b"]), series_name(&["a", "/ b"]));
    }

    proptest! {
        #[test]
        fn parts_come_back(parts in prop::collection::vec("[a /\\\\]{0,6}", 2..4)) {
            let name = series_name(&parts);
            prop_assert_eq!(series_parts(&name, parts.len()), parts);
        }
    }
}
