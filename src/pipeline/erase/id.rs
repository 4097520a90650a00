//! The id that is erased, and how it is recognised: in the cell of a table, in JSON, in a text.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use memchr::memmem::Finder;
use serde_json::Value;
use tables::{Column, Kind, Row, id_of, series_name};

use crate::exit;
use crate::task::Subject;

/// Bytes before an id in a text in which the name of its column may stand.
const KEY_BEFORE: usize = 120;
/// The shortest id that is told from other words of a text by its length alone.
const LONG: usize = 8;

/// An id, whose it is, and where it stands.
pub struct Id {
    /// As ids are compared: a whole number in its canonical spelling.
    text: String,
    /// The columns that name it together in raw data.
    columns: Vec<String>,
    /// Every column that has it by itself.
    names: Vec<String>,
    /// Whether it cannot be taken for another word or number.
    is_telling: bool,
    /// Its spellings in texts: as it is, and in HTML, JSON and addresses.
    spellings: Vec<Finder<'static>>,
    task: &'static str,
    /// The model of the task that is trained now.
    model: PathBuf,
    /// Whether models of the task list the ids that they know.
    is_listed: bool,
}

/// How often an id stands in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub certain: u64,
    /// The same characters, which may mean something else.
    pub possible: u64,
}

impl Id {
    /// The id `text` of a task's subject.
    ///
    /// # Errors
    /// An id that no row can have (exit 2).
    pub fn new(text: &str, subject: &Subject, task: &'static str, model: PathBuf) -> Result<Self> {
        let canonical = id_of(Kind::Text, text)
            .map_err(|_| exit::usage("the id is empty; name the user, series or group to erase"))?;
        let text = canonical.into_owned();
        let single = subject
            .columns
            .iter()
            .filter(|_| subject.columns.len() == 1);
        let mut names: Vec<String> = single.cloned().collect();
        names.extend(subject.written.map(str::to_owned));
        names.dedup();
        let mut spellings = vec![
            text.clone(),
            in_html(&text),
            in_json(&text),
            in_address(&text),
        ];
        spellings.sort();
        spellings.dedup();
        let spellings = spellings.iter();
        Ok(Self {
            is_telling: is_telling(&text),
            spellings: spellings
                .map(|text| Finder::new(text.as_bytes()).into_owned())
                .collect(),
            columns: subject.columns.clone(),
            text,
            names,
            task,
            model,
            is_listed: subject.written.is_some(),
        })
    }

    pub fn task(&self) -> &'static str {
        self.task
    }

    pub fn model(&self) -> &Path {
        &self.model
    }

    pub fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Whether a string is the id.
    pub fn is(&self, text: &str) -> bool {
        self.is_cell(Kind::Text, text)
    }

    fn is_cell(&self, kind: Kind, text: &str) -> bool {
        id_of(kind, text).is_ok_and(|id| id == self.text)
    }

    /// The cells of a table that name somebody; `None` if it has no such columns.
    pub fn cells(&self, columns: &[Column]) -> Option<Cells> {
        let find = |name: &String| columns.iter().position(|column| column.name == *name);
        let together: Option<Vec<usize>> = self.columns.iter().map(find).collect();
        let together = together.filter(|cells| cells.len() > 1);
        let alone: Vec<usize> = self.names.iter().filter_map(find).collect();
        let cells = Cells { together, alone };
        (!cells.alone.is_empty() || cells.together.is_some()).then_some(cells)
    }

    /// Whether a row is of the id.
    pub fn has(&self, cells: &Cells, row: &Row) -> bool {
        let is = |&cell: &usize| cell < row.len() && self.is_cell(row.kind(cell), row.text(cell));
        if cells.alone.iter().any(is) {
            return true;
        }
        let part = |&cell: &usize| {
            let known = (cell < row.len()).then(|| id_of(row.kind(cell), row.text(cell)));
            known.and_then(Result::ok)
        };
        let parts = cells.together.as_ref();
        let parts = parts.map(|cells| cells.iter().map(part).collect::<Option<Vec<Cow<str>>>>());
        parts
            .flatten()
            .is_some_and(|parts| series_name(&parts) == self.text)
    }

    /// How often it stands in a text.
    pub fn count(&self, text: &[u8]) -> Count {
        let mut count = Count::default();
        for spelling in &self.spellings {
            let length = spelling.needle().len();
            for at in spelling.find_iter(text) {
                match self.stands_at(text, at, length) {
                    Some(true) => count.certain += 1,
                    Some(false) => count.possible += 1,
                    None => {}
                }
            }
        }
        count
    }

    /// Whether what stands at a place is the id for certain (`true`) or possibly; `None`: a part of another word.
    fn stands_at(&self, text: &[u8], at: usize, length: usize) -> Option<bool> {
        let (before, after) = (&text[..at], &text[at + length..]);
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let (first, last) = (text.get(at), text.get(at + length - 1));
        let goes_on = |end: Option<&u8>, next: Option<&u8>| {
            end.is_some_and(is_word) && next.is_some_and(is_word)
        };
        if goes_on(first, before.last()) || goes_on(last, after.first()) {
            return None;
        }
        if self.is_telling {
            return Some(true);
        }
        let near = &before[before.len().saturating_sub(KEY_BEFORE)..];
        let is_named = |near: &[u8]| {
            let quoted = |name: &String| format!("\"{name}\"");
            { self.names.iter() }
                .any(|name| memchr::memmem::find(near, quoted(name).as_bytes()).is_some())
        };
        let is_quoted = matches!(
            (before.last(), after.first()),
            (Some(b'"'), Some(b'"'))
                | (Some(b'\''), Some(b'\''))
                | (Some(b'`'), Some(b'`'))
                | (Some(b'>'), Some(b'<'))
        );
        match is_quoted {
            true => Some(is_named(near)),
            false => None,
        }
    }

    /// Whether it stands in a value of JSON.
    pub fn is_in(&self, value: &Value) -> bool {
        self.is_within(value, false)
    }

    /// `is_named`: the value belongs to a key or a tensor with the name of a column.
    fn is_within(&self, value: &Value, is_named: bool) -> bool {
        match value {
            Value::Object(fields) => {
                let is_name = |text: &str| self.names.iter().any(|name| name == text);
                let is_tensor = fields
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(is_name);
                let mut fields = fields.iter();
                fields.any(|(key, value)| {
                    self.is_telling && self.is(key)
                        || self.is_within(value, is_named || is_tensor || is_name(key))
                })
            }
            Value::Array(values) => values.iter().any(|value| self.is_within(value, is_named)),
            Value::String(text) => {
                (is_named || self.is_telling) && self.is(text)
                    || self.is_telling && self.count(text.as_bytes()).certain > 0
                    || self.is_in_table(text)
            }
            Value::Number(number) => is_named && self.is_cell(Kind::Number, &number.to_string()),
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// Whether a text is a table in CSV, as clients send it, with a row of the id.
    fn is_in_table(&self, text: &str) -> bool {
        let Some((first, _)) = text.split_once('\n') else {
            return false;
        };
        if !self.names.iter().any(|name| first.contains(name.as_str())) {
            return false;
        }
        let bytes = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let (format, compression) = (tables::Format::Csv, tables::Compression::None);
        let Ok(mut source) = tables::open_as(bytes, "", format, compression) else {
            return false;
        };
        let Some(cells) = self.cells(source.columns()) else {
            return false;
        };
        let mut row = Row::new();
        while let Ok(true) = source.read(&mut row) {
            if self.has(&cells, &row) {
                return true;
            }
        }
        false
    }

    /// Where rows belong to somebody, for messages.
    pub fn column(&self) -> String {
        self.columns.join(", ")
    }

    /// Refuses a table without the columns of the id.
    pub fn missing(&self, file: &str, key: &str) -> anyhow::Error {
        let columns = self.column();
        anyhow!(
            "{file}: there is no column `{columns}` ({key}); name the one that holds the id with --column"
        )
    }
}

/// Where the ids of a table stand.
pub struct Cells {
    /// Cells that name somebody together.
    together: Option<Vec<usize>>,
    /// Cells that do so alone.
    alone: Vec<usize>,
}

/// Whether a word cannot be taken for another one: it has letters and digits, or other characters, or is long.
fn is_telling(text: &str) -> bool {
    let has = |is: fn(&char) -> bool| text.chars().any(|c| is(&c));
    let is_number = text.parse::<f64>().is_ok();
    let is_mixed = has(|c| c.is_numeric()) && has(|c| c.is_alphabetic());
    let is_marked = text.chars().count() > 2 && has(|c| !c.is_alphanumeric());
    !is_number && (is_mixed || is_marked || text.chars().count() >= LONG)
}

fn in_html(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".into(),
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '"' => "&quot;".into(),
        '\'' => "&#39;".into(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn in_address(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        let subject = Subject {
            columns: vec!["customer".to_owned()],
            key: "recsys.data.user",
            written: Some("user_id"),
        };
        Id::new(text, &subject, "recsys", PathBuf::new()).unwrap()
    }

    fn count(of: &str, text: &str) -> (u64, u64) {
        let count = id(of).count(text.as_bytes());
        (count.certain, count.possible)
    }

    #[test]
    fn an_id_is_a_word_of_its_own() {
        assert_eq!(count("u17", "u17, u171 xu17 \"u17\" u17_a"), (2, 0));
        assert_eq!(
            count("a&b@c.de", "a&amp;b@c.de a&b@c.de a%26b%40c.de"),
            (3, 0)
        );
        // A short word or a number may be anything, unless its column is named.
        assert_eq!(count("17", "17 rows, `17`, >17<"), (0, 2));
        assert_eq!(count("17", "{\"user_id\": \"17\"}"), (1, 0));
        assert_eq!(count("ann", "ann said"), (0, 0));
    }

    #[test]
    fn json_names_ids_by_keys_and_tensors() {
        let holds = |of: &str, text: &str| id(of).is_in(&serde_json::from_str(text).unwrap());
        assert!(holds("17", r#"{"user_id": 17}"#));
        assert!(holds("17", r#"{"rows": [{"customer": "17.0"}]}"#));
        assert!(holds(
            "17",
            r#"{"inputs": [{"name": "user_id", "data": ["3", "17"]}]}"#
        ));
        assert!(holds("17", r#"{"content": "customer,item_id\n17,4\n"}"#));
        assert!(holds("u17", r#"{"note": "asked for u17."}"#));
        for other in [
            r#"{"rows": 17}"#,
            r#"{"user_id": 170}"#,
            r#"{"item_id": "17"}"#,
        ] {
            assert!(!holds("17", other), "{other}");
        }
    }

    #[test]
    fn cells_are_compared_as_ids_are() {
        let columns = ["item", "customer"].map(Column::new);
        let id = id(" 17 ");
        let cells = id.cells(&columns).unwrap();
        for (cell, is) in [
            ("17", true),
            ("17.0", true),
            (" 17", true),
            ("017", false),
            ("71", false),
        ] {
            let mut row = Row::new();
            row.push(Kind::Text, "17");
            row.push(Kind::Text, cell);
            assert_eq!(id.has(&cells, &row), is, "{cell}");
        }
        assert!(id.cells(&columns[..1]).is_none());
    }
}
