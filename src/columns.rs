//! The columns that a task needs: their usual names, guesses which column of a table is meant, and advice if a
//! column is missing under the expected name.

mod role;

use self::role::normalized;
use crate::exit;
use tables::{ReadError, ReadErrorKind, shown, spelling};

pub use role::Role;

/// A column that a task needs: its role, its expected name, and the key of params.yaml that sets the name.
#[derive(Clone, Debug)]
pub struct Needed {
    role: Role,
    name: String,
    key: &'static str,
}

impl Needed {
    pub(crate) fn new(role: Role, name: &str, key: &'static str) -> Self {
        Self {
            role,
            name: name.to_owned(),
            key,
        }
    }

    /// The expected name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// The key of params.yaml that names it.
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }
}

/// Extends an error about a missing column by all other missing columns, the columns that are likely meant,
/// and the keys to set. In any other error, replaces `TASK.` by the name of the task.
pub(crate) fn explain(error: anyhow::Error, task: &str, needed: &[Needed]) -> anyhow::Error {
    let Some(ReadError { place, kind }) = error.downcast_ref::<ReadError>() else {
        let message = format!("{error:#}");
        return match message.contains("TASK.") {
            true => exit::coded(
                exit::code(&error),
                message.replace("TASK.", &format!("{task}.")),
            ),
            false => error,
        };
    };
    if let ReadErrorKind::FirstLineIsData(cells) = &**kind {
        return exit::data(without_header(&place.file, cells, task, needed));
    }
    let ReadErrorKind::MissingColumn { name, columns, .. } = &**kind else {
        let is_absent = |kind: &ReadErrorKind| match kind {
            ReadErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        };
        let next = match is_absent(kind) {
            true => format!(
                "; set {task}.data.source in params.yaml, or create sample data with `easylife sample {task}`"
            ),
            false => String::new(),
        };
        let message = format!("{error:#}{next}").replace("TASK.", &format!("{task}."));
        return exit::coded(exit::code(&error), message);
    };
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let missing = |column: &&Needed| !names.contains(&column.name.as_str());
    let missing: Vec<&Needed> = needed.iter().filter(missing).collect();
    // A single column suggests another delimiter: the reader says so.
    if !missing.iter().any(|column| column.name == *name) || names.len() == 1 {
        return error;
    }
    let quoted: Vec<String> = missing.iter().map(|c| format!("`{}`", c.name)).collect();
    let found: Vec<String> = names
        .iter()
        .take(COLUMNS_SHOWN)
        .map(|name| shown(name))
        .collect();
    let more = match names.len().checked_sub(COLUMNS_SHOWN) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    exit::data(format!(
        "{}: there {} {}; the table has: {}{more}; {}",
        place.file,
        match missing.len() {
            1 => "is no column",
            _ => "are no columns",
        },
        join_with_and(&quoted),
        found.join(", "),
        advice(&missing, &names, needed),
    ))
}

/// What to set if the first line of a table is a row of data, with the columns that are likely meant.
fn without_header(file: &str, cells: &[String], task: &str, needed: &[Needed]) -> String {
    let names: Vec<String> = cells
        .iter()
        .take(COLUMNS_SHOWN)
        .map(|cell| shown(cell))
        .collect();
    let mut free: Vec<usize> = (0..cells.len()).collect();
    let mut sets = vec![(format!("{task}.data.header"), "false".to_owned())];
    for column in needed {
        let fits = |&&number: &&usize| column.role.may_be(&cells[number]);
        let number = free.iter().find(fits).or(free.first()).copied();
        free.retain(|other| Some(*other) != number);
        let number = number.map_or("NUMBER".to_owned(), |number| (number + 1).to_string());
        sets.push((column.key.to_owned(), number));
    }
    let yaml: Vec<String> = sets
        .iter()
        .map(|(key, value)| format!("`{key}: {value}`"))
        .collect();
    let flags: Vec<String> = sets
        .iter()
        .map(|(key, value)| format!("-S {key}={value}"))
        .collect();
    format!(
        "{file}: the first line looks like data, not like names of columns ({}); if the file has no header line, \
        its columns are named by their numbers: set {} in params.yaml, or pass {}",
        names.join(", "),
        join_with_and(&yaml),
        flags.join(" ")
    )
}

/// What to set if the needed column `name` is missing; `None` if no such column is needed.
pub(crate) fn advice_on(name: &str, columns: &[&str], needed: &[Needed]) -> Option<String> {
    let missing = needed.iter().find(|column| column.name == name)?;
    Some(advice(&[missing], columns, needed))
}

/// Which keys to set, and to which columns as far as can be guessed from their names.
fn advice(missing: &[&Needed], columns: &[&str], needed: &[Needed]) -> String {
    let mut taken: Vec<&str> = needed.iter().map(|column| column.name.as_str()).collect();
    let mut sets = Vec::new();
    for column in missing {
        let near = nearest(&column.name, columns, &taken);
        let guess = near.or_else(|| column.role.guess(columns, &taken));
        taken.extend(guess);
        sets.push((column.key, guess.map_or("NAME".to_owned(), shown)));
    }
    // As YAML reads it back.
    let spelled = |name: &str| match name.trim() == name && !name.contains([':', '#', '"', '\'']) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    };
    let yaml: Vec<String> = sets
        .iter()
        .map(|(key, name)| format!("`{key}: {}`", spelled(name)))
        .collect();
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let flags: Vec<String> = sets
        .iter()
        .map(|(key, name)| match name.chars().all(plain) {
            true => format!("-S {key}={name}"),
            false => format!("-S '{key}={name}'"),
        })
        .collect();
    let is_missing = |role| missing.iter().find(|column| column.role == role);
    let other_shape = match (is_missing(Role::Series), is_missing(Role::Value)) {
        (None, _) => String::new(),
        (Some(id), None) => format!("; if there is only one series, set `{}: null`", id.key),
        (Some(id), Some(_)) => format!(
            "; if each column is a series, set `{}: wide`",
            id.key.replace(".id", ".layout")
        ),
    };
    format!(
        "set {} in params.yaml, or pass {}{other_shape}",
        join_with_and(&yaml),
        flags.join(" ")
    )
}

/// Maximum number of columns named in a message.
const COLUMNS_SHOWN: usize = 20;

fn join_with_and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Columns that may be meant. Excludes names with invisible characters, which cannot be typed.
fn untaken<'c>(columns: &[&'c str], taken: &[&str]) -> impl Iterator<Item = &'c str> {
    let names = columns.iter().copied();
    names.filter(|name| !taken.contains(name) && !name.contains(spelling::is_invisible))
}

/// The column whose name differs by a typing error.
fn nearest<'c>(name: &str, columns: &[&'c str], taken: &[&str]) -> Option<&'c str> {
    let name = normalized(name);
    untaken(columns, taken)
        .map(|column| {
            (
                strsim::damerau_levenshtein(&normalized(column), &name),
                column,
            )
        })
        .filter(|(distance, _)| *distance <= name.len() / 4)
        .min()
        .map(|(_, column)| column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_public_data_sets_are_recognised() {
        type Case<'a> = (&'a [&'a str], &'a [(Role, &'a str)]);
        let cases: [Case<'_>; 6] = [
            (
                &["userId", "movieId", "rating", "timestamp"],
                &[
                    (Role::User, "userId"),
                    (Role::Item, "movieId"),
                    (Role::Time, "timestamp"),
                ],
            ),
            (
                &["Store", "Date", "Weekly_Sales", "Holiday"],
                &[
                    (Role::Series, "Store"),
                    (Role::Time, "Date"),
                    (Role::Value, "Weekly_Sales"),
                ],
            ),
            (
                &["id", "review", "sentiment"],
                &[(Role::Text, "review"), (Role::Label, "sentiment")],
            ),
            (
                &["Review Text", "Rating", "Class Name"],
                &[(Role::Text, "Review Text"), (Role::Label, "Class Name")],
            ),
            (
                &[
                    "InvoiceNo",
                    "StockCode",
                    "Quantity",
                    "InvoiceDate",
                    "CustomerID",
                ],
                &[
                    (Role::User, "CustomerID"),
                    (Role::Item, "StockCode"),
                    (Role::Time, "InvoiceDate"),
                ],
            ),
            (
                &["Month", "#Passengers"],
                &[(Role::Time, "Month"), (Role::Value, "#Passengers")],
            ),
        ];
        for (columns, roles) in cases {
            for (role, expected) in roles {
                assert_eq!(
                    role.guess(columns, &[]),
                    Some(*expected),
                    "{columns:?} {role:?}"
                );
            }
        }
        assert_eq!(Role::Text.guess(&["a", "b"], &[]), None);
        assert_eq!(Role::Text.guess(&["text", "body"], &["text"]), Some("body"));
    }

    #[test]
    fn keys_to_set_are_named_with_a_guess() {
        let needed = [
            Needed::new(Role::Series, "unique_id", "ts.data.id"),
            Needed::new(Role::Time, "ds", "ts.data.time"),
            Needed::new(Role::Value, "y", "ts.data.value"),
        ];
        let columns = ["date", "units sold", "x"];
        assert_eq!(
            advice_on("y", &columns, &needed).unwrap(),
            "set `ts.data.value: units sold` in params.yaml, or pass -S 'ts.data.value=units sold'"
        );
        assert_eq!(
            advice(&needed.iter().collect::<Vec<_>>()[..2], &columns, &needed),
            "set `ts.data.id: NAME` and `ts.data.time: date` in params.yaml, or pass -S ts.data.id=NAME -S \
             ts.data.time=date; if there is only one series, set `ts.data.id: null`"
        );
        assert_eq!(advice_on("other", &columns, &needed), None);
        assert_eq!(
            advice_on("y", &[" y", "\u{feff}units"], &needed).unwrap(),
            "set `ts.data.value: \" y\"` in params.yaml, or pass -S 'ts.data.value= y'"
        );
    }
}
