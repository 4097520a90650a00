//! What the columns of a table hold: guessed from their cells, unless `tabular.data.columns` says it.

use std::collections::HashSet;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::params::DataBlock;
use super::read::{Cells, Raw, RawColumn};
use crate::exit;
use models::tabular::{Column, ColumnKind, MISSING, Table, Values, Words};
use tables::clock::{Axis, Candidates, DateFormat, looks_like_time};
use tables::profile::understand;

/// Seconds of a day.
pub const DAY: f64 = 86_400.0;
/// Mean number of words from which a column holds texts.
const TEXT_WORDS: f64 = 3.0;
/// Least share of different values of texts and ids.
const DIFFERENT: f64 = 0.5;
/// A table of fewer rows has no ids: that all values differ says little.
const ID_ROWS: usize = 20;

/// What a column of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Number,
    Boolean,
    Category,
    Time,
    Text,
    /// Identifies rows.
    Id,
    /// Has one value.
    Constant,
    /// Has no values.
    Empty,
    Target,
    Weight,
    Group,
    /// Has the name of a column that `predict` adds.
    Output,
    /// Left out by the parameters.
    Ignored,
}

impl Role {
    /// What it holds, if it is predicted from.
    pub fn kind(self) -> Option<ColumnKind> {
        Some(match self {
            Role::Number => ColumnKind::Number,
            Role::Boolean => ColumnKind::Boolean,
            Role::Category => ColumnKind::Category,
            Role::Time => ColumnKind::Time,
            Role::Text => ColumnKind::Text,
            _ => return None,
        })
    }

    /// The name on a page.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Id => "id",
            Role::Constant => "constant",
            Role::Empty => "empty",
            Role::Target => "target",
            Role::Weight => "weight",
            Role::Group => "group",
            Role::Output | Role::Ignored => "left out",
            _ => self.kind().map_or("", ColumnKind::as_str),
        }
    }

    /// Whether people expect it not to be predicted from.
    pub fn is_of_rows(self) -> bool {
        matches!(self, Role::Target | Role::Weight | Role::Group)
    }

    fn of(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Number => Role::Number,
            ColumnKind::Boolean => Role::Boolean,
            ColumnKind::Category => Role::Category,
            ColumnKind::Time => Role::Time,
            ColumnKind::Text => Role::Text,
        }
    }
}

/// A column of the training data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Why it is that.
    pub because: String,
    /// How its times are written, if not as YYYY-MM-DD.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format: Option<DateFormat>,
    /// Share of rows without a value.
    pub missing: f64,
}

/// A column that is predicted from.
#[derive(Clone, Debug, PartialEq)]
pub struct Used {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// How its times are written, if not as YYYY-MM-DD.
    pub format: Option<DateFormat>,
}

/// A decision about a column.
struct Decision {
    role: Role,
    because: String,
    format: Option<DateFormat>,
}

impl Decision {
    fn new(role: Role, because: impl Into<String>) -> Self {
        Self {
            role,
            because: because.into(),
            format: None,
        }
    }
}

/// Decides about every column of the training part; and what to warn about.
///
/// # Errors
/// A column that is named in the parameters and not in the table.
pub fn decide(raw: &Raw, params: &DataBlock) -> Result<(Vec<Decided>, Vec<String>)> {
    let unknown = params.columns.keys().find(|name| raw.find(name).is_none());
    if let Some(name) = unknown {
        let names: Vec<&str> = raw.columns.iter().map(|c| c.name.as_str()).collect();
        return Err(exit::usage(format!(
            "tabular.data.columns.{name}: the table has no such column; it has: {}",
            names.join(", ")
        )));
    }
    let mut warnings = Vec::new();
    let decide = |column: &RawColumn| {
        let decision = decide_one(column, raw.rows, params, &mut warnings);
        Decided {
            name: column.name.clone(),
            role: decision.role,
            because: decision.because,
            format: decision.format,
            missing: missing(&column.cells) as f64 / raw.rows.max(1) as f64,
        }
    };
    let decided = raw.columns.iter().map(decide).collect();
    Ok((decided, warnings))
}

fn decide_one(
    column: &RawColumn,
    rows: usize,
    params: &DataBlock,
    warnings: &mut Vec<String>,
) -> Decision {
    let name = &column.name;
    if *name == params.target {
        return Decision::new(Role::Target, "target");
    }
    if params.weight.as_ref() == Some(name) {
        return Decision::new(Role::Weight, "weight of the rows");
    }
    if params.group.as_ref() == Some(name) {
        return Decision::new(Role::Group, "group of the rows");
    }
    if is_output(name) {
        return Decision::new(
            Role::Output,
            "name of a column that predict adds; rename it to use it",
        );
    }
    if let Some(said) = params.columns.get(name) {
        let role = said.kind().map_or(Role::Ignored, Role::of);
        return Decision {
            format: match (role, &column.cells) {
                (Role::Time, Cells::Words(words)) => time_format(&words.words).ok().flatten(),
                _ => None,
            },
            ..Decision::new(role, "by tabular.data.columns")
        };
    }
    match &column.cells {
        Cells::Numbers(numbers) => of_numbers(name, numbers),
        Cells::Words(words) => of_words(name, words, rows, warnings),
    }
}

/// Whether `predict` may add a column of this name, so that its input must not have one.
fn is_output(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    ["prediction", "probability"].contains(&name)
        || name.strip_prefix("reason_").is_some_and(is_number)
}

fn of_numbers(name: &str, numbers: &[f64]) -> Decision {
    let present = numbers.iter().copied().filter(|number| !number.is_nan());
    let (mut low, mut high, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0_usize);
    let mut is_whole = true;
    for number in present.clone() {
        low = low.min(number);
        high = high.max(number);
        count += 1;
        is_whole &= number.fract() == 0.0;
    }
    if count == 0 {
        return Decision::new(Role::Empty, "no values");
    }
    if low == high && count == numbers.len() {
        return Decision::new(Role::Constant, format!("constant: always {low}"));
    }
    if is_whole && count == numbers.len() && count >= ID_ROWS && high - low + 1.0 >= count as f64 {
        // With gaps where a split took rows out.
        let rises = numbers.windows(2).all(|pair| pair[1] > pair[0]);
        let counts_up = rises && high - low < 1.6 * count as f64;
        if counts_up || (is_named_id(name) && all_differ(numbers)) {
            return Decision::new(Role::Id, "id: a different whole number in every row");
        }
    }
    Decision::new(Role::Number, "numbers")
}

fn all_differ(numbers: &[f64]) -> bool {
    let mut seen = HashSet::with_capacity(numbers.len());
    numbers.iter().all(|number| seen.insert(number.to_bits()))
}

/// Whether a name says that the column identifies rows: `id`, `customer_id`, `rowid`, `index`.
fn is_named_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    let is_camel = name.ends_with("Id") || name.ends_with("ID");
    let words = [
        "id", "index", "rownames", "row", "no", "nr", "uuid", "guid", "key",
    ];
    let last = lower.rsplit(|c: char| !c.is_alphanumeric()).next();
    is_camel || last.is_some_and(|last| words.contains(&last)) || lower.starts_with("unnamed")
}

fn of_words(name: &str, words: &Words, rows: usize, warnings: &mut Vec<String>) -> Decision {
    let present = words.codes.iter().filter(|code| **code != MISSING).count();
    let different = words.words.len();
    match different {
        0 => return Decision::new(Role::Empty, "no values"),
        1 if present == rows => {
            let only = tables::shown(&words.words[0]);
            return Decision::new(Role::Constant, format!("constant: always {only}"));
        }
        _ => {}
    }
    if words.words.iter().all(|word| boolean(word).is_some()) {
        return Decision::new(Role::Boolean, "true or false");
    }
    let are_times = words
        .words
        .iter()
        .all(|word| is_dated(word) || is_nothing(word));
    if are_times && words.words.iter().any(|word| is_dated(word)) {
        match time_format(&words.words) {
            Ok(format) => {
                let because = match &format {
                    None => "dates or times".to_owned(),
                    Some(format) => format!("dates or times, written {format}"),
                };
                return Decision {
                    format,
                    ..Decision::new(Role::Time, because)
                };
            }
            Err(reason) => warnings.push(format!(
                "column `{name}` looks like dates, but {reason}; it is used as a category; write them as YYYY-MM-DD"
            )),
        }
    }
    let spoken: usize = words
        .words
        .iter()
        .map(|word| word.split_whitespace().count())
        .sum();
    let share = different as f64 / present as f64;
    if share > DIFFERENT && spoken as f64 / different as f64 >= TEXT_WORDS {
        return Decision::new(Role::Text, "texts of several words");
    }
    let are_numbers = warn_of_numbers(name, words, warnings);
    if different == present && present >= ID_ROWS && !are_numbers {
        return Decision::new(Role::Id, "id: a different value in every row");
    }
    Decision::new(Role::Category, format!("{different} different values"))
}

/// Whether a word looks like a date or a time, rather than like a number.
fn is_dated(word: &str) -> bool {
    understand(word.as_bytes()).class.is_time()
        || (looks_like_time(word) && !word.chars().all(|c| c.is_ascii_digit()))
}

fn is_nothing(word: &str) -> bool {
    tables::spelling::is_missing_word(word)
}

/// How the times of a column are written: `None` as YYYY-MM-DD, with a time of day or without.
///
/// # Errors
/// Why it is not known: no way reads all, or several do.
pub fn time_format(words: &[String]) -> Result<Option<DateFormat>, String> {
    let times = || words.iter().filter(|word| !is_nothing(word));
    if times().all(|word| understand(word.as_bytes()).class.is_time()) {
        return Ok(None);
    }
    let mut candidates = Candidates::default();
    times().for_each(|word| candidates.add(word));
    let (example, read) = candidates.examples();
    match (candidates.meant().next(), &read[..]) {
        (Some(pattern), [_]) => Ok(Some(DateFormat::Pattern(pattern.clone()))),
        (_, [(first, a), (second, b), ..]) => Err(format!(
            "`{example}` may be {a} (\"{first}\") or {b} (\"{second}\")"
        )),
        _ => Err("no one way to write them reads all".to_owned()),
    }
}

/// Warns about numbers among words: a sign for nothing that nobody named, most likely. Returns whether most of the
/// words are numbers.
fn warn_of_numbers(name: &str, words: &Words, warnings: &mut Vec<String>) -> bool {
    let is_number = |word: &&String| understand(word.as_bytes()).class.is_number();
    let numbers = words.words.iter().filter(is_number).count();
    if numbers * 2 <= words.words.len() {
        return false;
    }
    if let Some(other) = words.words.iter().find(|word| !is_number(word)) {
        let other = tables::shown(other);
        warnings.push(format!(
            "column `{name}` holds numbers and words (such as `{other}`), so it is used as a category; if they \
            stand for missing values, set `missing: ['{other}']` in tabular.data"
        ));
    }
    true
}

/// True or false, as people spell it.
pub fn boolean(word: &str) -> Option<bool> {
    Some(match word.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" => true,
        "false" | "f" | "no" | "n" => false,
        _ => return None,
    })
}

/// Number of cells without a value.
pub fn missing(cells: &Cells) -> usize {
    match cells {
        Cells::Numbers(numbers) => numbers.iter().filter(|number| number.is_nan()).count(),
        Cells::Words(words) => words.codes.iter().filter(|code| **code == MISSING).count(),
    }
}

/// A cell that does not hold what its column should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongCell {
    /// The row, from 0.
    pub row: usize,
    pub column: String,
    pub reason: String,
}

/// The value of a word as a number, a boolean or a time; `None` if it stands for nothing.
///
/// # Errors
/// Why it is neither.
pub fn value_of(
    word: &str,
    kind: ColumnKind,
    format: Option<&DateFormat>,
) -> Result<Option<f64>, String> {
    let value = understand(word.as_bytes());
    let shown = || tables::shown(word);
    match kind {
        _ if is_nothing(word) => Ok(None),
        ColumnKind::Boolean => match (boolean(word), value.number) {
            (Some(boolean), _) => Ok(Some(f64::from(u8::from(boolean)))),
            (None, 0.0 | 1.0) if value.class.is_number() => Ok(Some(value.number)),
            _ => Err(format!("`{}` is neither true nor false", shown())),
        },
        ColumnKind::Time => match (format, value.class.is_time()) {
            (None, true) => Ok(Some(value.number)),
            (None, false) => Err(format!("`{}` is not a date or time", shown())),
            (Some(_), _) => match DateFormat::read(format, word)? {
                (Axis::Date, day) => Ok(Some(day as f64 * DAY)),
                (_, second) => Ok(Some(second as f64)),
            },
        },
        _ if value.class.is_number() => Ok(Some(value.number)),
        _ => Err(format!("`{}` is not a number", shown())),
    }
}

/// Takes the columns of a model out of a table that was read, in the model's order. Cells that do not hold what
/// they should are missing in it, and listed.
///
/// # Errors
/// A column that is not there.
pub fn table(raw: &mut Raw, columns: &[Used]) -> Result<(Table, Vec<WrongCell>)> {
    let mut wrong = Vec::new();
    let rows = raw.rows;
    let column = |used: &Used| {
        let found = raw
            .columns
            .iter_mut()
            .find(|column| column.name == used.name);
        let found = found.ok_or_else(|| {
            exit::data(format!(
                "the table has no column `{}`, which the model predicts from",
                used.name
            ))
        })?;
        Ok(Column {
            name: used.name.clone(),
            kind: used.kind,
            values: values(found, used, &mut wrong),
        })
    };
    let columns: Result<Vec<Column>> = columns.iter().map(column).collect();
    Ok((
        Table {
            rows,
            columns: columns?,
        },
        wrong,
    ))
}

fn values(column: &mut RawColumn, used: &Used, wrong: &mut Vec<WrongCell>) -> Values {
    let kind = used.kind;
    let cells = std::mem::replace(&mut column.cells, Cells::Numbers(Vec::new()));
    match (kind, cells) {
        (ColumnKind::Category, cells) => Values::Words(cells.into_words()),
        (ColumnKind::Text, cells) => {
            let rows = match &cells {
                Cells::Numbers(numbers) => numbers.len(),
                Cells::Words(words) => words.codes.len(),
            };
            Values::Texts((0..rows).map(|row| cells.word(row)).collect())
        }
        (ColumnKind::Boolean | ColumnKind::Time, Cells::Numbers(mut numbers)) => {
            for (row, number) in numbers.iter_mut().enumerate() {
                let is_boolean = kind == ColumnKind::Boolean && [0.0, 1.0].contains(number);
                if is_boolean || number.is_nan() {
                    continue;
                }
                let reason = match kind {
                    ColumnKind::Boolean => format!("`{number}` is neither true nor false"),
                    _ => format!("`{number}` is not a date or time"),
                };
                wrong.push(WrongCell {
                    row,
                    column: column.name.clone(),
                    reason,
                });
                *number = f64::NAN;
            }
            Values::Numbers(numbers)
        }
        (_, Cells::Numbers(numbers)) => Values::Numbers(numbers),
        (_, Cells::Words(words)) => {
            let of_word: Vec<Result<Option<f64>, String>> = words
                .words
                .iter()
                .map(|word| value_of(word, kind, used.format.as_ref()))
                .collect();
            let mut number = |(row, &code): (usize, &u32)| {
                if code == MISSING {
                    return f64::NAN;
                }
                match &of_word[code as usize] {
                    Ok(value) => value.unwrap_or(f64::NAN),
                    Err(reason) => {
                        wrong.push(WrongCell {
                            row,
                            column: column.name.clone(),
                            reason: reason.clone(),
                        });
                        f64::NAN
                    }
                }
            };
            Values::Numbers(words.codes.iter().enumerate().map(&mut number).collect())
        }
    }
}

/// The columns that are predicted from.
pub fn used(columns: &[Decided]) -> Vec<Used> {
    let used = |column: &Decided| {
        Some(Used {
            name: column.name.clone(),
            kind: column.role.kind()?,
            format: column.format.clone(),
        })
    };
    columns.iter().filter_map(used).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(of: &[&str]) -> Cells {
        let mut words: Vec<String> = Vec::new();
        let mut codes = Vec::new();
        for word in of {
            if word.is_empty() {
                codes.push(MISSING);
                continue;
            }
            let place = words.iter().position(|other| other == word);
            let place = place.unwrap_or_else(|| {
                words.push((*word).to_owned());
                words.len() - 1
            });
            codes.push(place as u32);
        }
        Cells::Words(Words { codes, words })
    }

    fn decided(name: &str, cells: Cells) -> (Option<ColumnKind>, String, Vec<String>) {
        let rows = match &cells {
            Cells::Numbers(numbers) => numbers.len(),
            Cells::Words(words) => words.codes.len(),
        };
        let column = RawColumn {
            name: name.to_owned(),
            cells,
        };
        let mut warnings = Vec::new();
        let decision = decide_one(&column, rows, &DataBlock::default(), &mut warnings);
        (decision.role.kind(), decision.because, warnings)
    }

    fn kind(name: &str, cells: Cells) -> Option<ColumnKind> {
        decided(name, cells).0
    }

    #[test]
    fn columns_are_what_their_cells_say() {
        let up_to = |n: usize| Cells::Numbers((0..n).map(|i| i as f64).collect());
        assert_eq!(
            kind("x", Cells::Numbers(vec![1.5, 2.0])),
            Some(ColumnKind::Number)
        );
        assert_eq!(kind("x", Cells::Numbers(vec![1.0, 1.0])), None);
        assert_eq!(
            kind("x", Cells::Numbers(vec![1.0, f64::NAN])),
            Some(ColumnKind::Number)
        );
        assert_eq!(kind("x", Cells::Numbers(vec![f64::NAN; 2])), None);
        assert_eq!(kind("x", up_to(30)), None, "counts up");
        let doubled = |n: usize| Cells::Numbers((0..n).map(|i| 2.0 * i as f64).collect());
        assert_eq!(kind("customer_id", doubled(30)), None);
        assert_eq!(kind("price", doubled(30)), Some(ColumnKind::Number));
        assert_eq!(
            kind("x", words(&["yes", "no", ""])),
            Some(ColumnKind::Boolean)
        );
        assert_eq!(
            kind("x", words(&["2024-01-01", "", "NA"])),
            Some(ColumnKind::Time)
        );
        assert_eq!(
            kind("x", words(&["a", "b", "a"])),
            Some(ColumnKind::Category)
        );
        assert_eq!(kind("x", words(&["a", "a"])), None);
        let texts = [
            "the bill was wrong",
            "please call me back",
            "all is fine now",
        ];
        assert_eq!(kind("x", words(&texts)), Some(ColumnKind::Text));
        let ids: Vec<String> = (0..30).map(|i| format!("u{i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(kind("x", words(&ids)), None);
    }

    #[test]
    fn numbers_among_words_are_said() {
        let (kind, _, warnings) = decided("age", words(&["31", "44", "?", "52"]));
        assert_eq!(kind, Some(ColumnKind::Category));
        assert!(warnings[0].contains("missing: ['?']"), "{warnings:?}");
        let (_, _, warnings) = decided("size", words(&["1", "s", "m", "l"]));
        assert!(warnings.is_empty());
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        let days = ["31/12/2023", "01/02/2024", "NA"];
        let (kind, because, warnings) = decided("day", words(&days));
        assert_eq!(kind, Some(ColumnKind::Time));
        assert!(
            because.contains("%d/%m/%Y") && warnings.is_empty(),
            "{because} {warnings:?}"
        );
        let format = time_format(&days.map(str::to_owned)).unwrap();
        let second = value_of("01/02/2024", ColumnKind::Time, format.as_ref());
        assert_eq!(second, Ok(Some(19_754.0 * DAY)));
        assert!(value_of("2024-02-01", ColumnKind::Time, format.as_ref()).is_err());
        // Whether the day or the month comes first, nothing tells.
        let (kind, _, warnings) =
            decided("day", words(&["01/02/2024", "03/04/2024", "01/02/2024"]));
        assert_eq!(kind, Some(ColumnKind::Category));
        assert!(warnings[0].contains("may be 2024-02-01"), "{warnings:?}");
    }

    #[test]
    fn wrong_cells_are_missing_and_listed() {
        let mut raw = Raw {
            rows: 3,
            columns: vec![RawColumn {
                name: "age".to_owned(),
                cells: words(&["31", "old", "NA"]),
            }],
        };
        let (table, wrong) = table(
            &mut raw,
            &[Used {
                name: "age".to_owned(),
                kind: ColumnKind::Number,
                format: None,
            }],
        )
        .unwrap();
        let Values::Numbers(numbers) = &table.columns[0].values else {
            panic!("expected numbers");
        };
        assert_eq!(numbers[0], 31.0);
        assert!(numbers[1].is_nan() && numbers[2].is_nan());
        assert_eq!(wrong.len(), 1);
        assert_eq!(
            (wrong[0].row, wrong[0].reason.as_str()),
            (1, "`old` is not a number")
        );
    }
}
