//! What lists depend on besides the model: interactions to fold in, pairs of users and items, tables of items. The
//! digest of all of these must be the same in a resumed run.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::predict::Unknown;
use crate::talk::Talk;
use crate::task::Task;
use crate::tasks::recsys::Recsys;
use crate::tasks::recsys::details::Columns;
use tables::{Ratings, ReadError, Reading, Row, Source, id_cell, read_ratings};

/// Ids and their numbers.
pub(super) struct Ids(HashMap<String, u32>);

impl Ids {
    pub fn new(ids: &[String]) -> Self {
        Ids(ids.iter().cloned().zip(0..).collect())
    }

    pub fn number(&self, id: &str) -> Option<u32> {
        self.0.get(id).copied()
    }
}

/// A digest of everything that was read; whether it is not empty; and how files are read.
pub(super) struct Context(Sha256, bool, Reading);

impl Context {
    pub fn new(reading: Reading) -> Self {
        Self(Sha256::default(), false, reading)
    }

    fn add(&mut self, parts: &[&str]) {
        self.1 = true;
        for part in parts {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// The digest; empty if nothing was read.
    pub fn digest(self) -> String {
        match self.1 {
            true => self
                .0
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            false => String::new(),
        }
    }
}

/// Users and interactions to fold in.
#[derive(Default)]
pub(super) struct Folded {
    /// In the order of their first row.
    pub users: Vec<String>,
    /// Items of each user that are known to the model, the oldest first.
    items: HashMap<String, Vec<u32>>,
}

impl Folded {
    pub fn read(
        source: &mut dyn Source,
        columns: &Columns,
        items: &Ids,
        context: &mut Context,
        talk: &Talk,
    ) -> Result<Self> {
        let file = source.file().to_owned();
        let ratings = read_ratings(source, columns.reader(), &mut Err)
            .map_err(|error| crate::columns::explain(error.into(), Recsys::NAME, &[]))?;
        let mut folded = Folded::default();
        let mut first = vec![true; ratings.users.len()];
        for row in &ratings.rows {
            let (user, item) = (
                &ratings.users[row.user as usize],
                &ratings.items[row.item as usize],
            );
            context.add(&[user, item, &row.time.to_bits().to_string()]);
            if std::mem::take(&mut first[row.user as usize]) {
                folded.users.push(user.clone());
            }
        }
        let mut sorted = ratings;
        sorted.sort();
        let unknown = Unknown::ignored(format!("interactions of {file} with items"));
        let number = |item: &str| items.number(item);
        folded.items = taken(&sorted, number, |at, item| unknown.add(at, item));
        (unknown.warning().into_iter()).for_each(|warning| talk.warn(warning));
        Ok(folded)
    }

    pub fn of(&self, user: &str) -> &[u32] {
        self.items.get(user).map_or(&[], Vec::as_slice)
    }

    /// `users`, then the folded users that are not among them.
    pub fn and<'a>(&self, users: impl Iterator<Item = &'a String>) -> Vec<String> {
        let mut all: Vec<String> = users.cloned().collect();
        let known: std::collections::HashSet<&String> = all.iter().collect();
        let new = self.users.iter().filter(|user| !known.contains(user));
        let new: Vec<String> = new.cloned().collect();
        all.extend(new);
        all
    }
}

/// The items that each user took, the oldest first, of sorted interactions; those without a number are told to
/// `unknown`, with their place.
pub(in crate::tasks::recsys) fn taken(
    sorted: &Ratings,
    number: impl Fn(&str) -> Option<u32>,
    mut unknown: impl FnMut(u64, &str),
) -> HashMap<String, Vec<u32>> {
    let mut items: HashMap<String, Vec<u32>> = HashMap::new();
    for (at, row) in (0..).zip(&sorted.rows) {
        let user = &sorted.users[row.user as usize];
        let taken = items.entry(user.clone()).or_default();
        let item = &sorted.items[row.item as usize];
        match number(item) {
            // The latest of several rows counts.
            Some(item) => {
                taken.retain(|&other| other != item);
                taken.push(item);
            }
            None => unknown(at, item),
        }
    }
    items
}

/// Items of users.
#[derive(Default)]
pub(super) struct Pairs(HashMap<String, Vec<u32>>);

impl Pairs {
    pub fn read(
        path: &Path,
        columns: &Columns,
        items: &Ids,
        context: &mut Context,
        talk: &Talk,
    ) -> Result<Self> {
        let unknown = unknown_items(path);
        let mut pairs: HashMap<String, Vec<u32>> = HashMap::new();
        let reading = context.2;
        each(
            (path, reading),
            &[&columns.user, &columns.item],
            |line, cells| {
                context.add(cells);
                let item = items.number(cells[1]);
                if item.is_none() {
                    unknown.add(line, cells[1]);
                }
                // An item unknown to the model cannot be listed anyway, but the user is in the table.
                pairs.entry(cells[0].to_owned()).or_default().extend(item);
            },
        )?;
        (unknown.warning().into_iter()).for_each(|warning| talk.warn(warning));
        for items in pairs.values_mut() {
            items.sort_unstable();
            items.dedup();
        }
        Ok(Pairs(pairs))
    }

    pub fn of(&self, user: &str) -> Option<&[u32]> {
        self.0.get(user).map(Vec::as_slice)
    }
}

/// All known items that are not in the table, in ascending order.
pub(super) fn all_but(
    items: &Ids,
    column: &str,
    path: &Path,
    context: &mut Context,
    talk: &Talk,
) -> Result<Vec<u32>> {
    let unknown = unknown_items(path);
    let mut listed = vec![false; items.0.len()];
    let reading = context.2;
    each((path, reading), &[column], |line, cells| {
        context.add(cells);
        match items.number(cells[0]) {
            Some(item) => listed[item as usize] = true,
            None => unknown.add(line, cells[0]),
        }
    })?;
    (unknown.warning().into_iter()).for_each(|warning| talk.warn(warning));
    let others = (0..listed.len()).filter(|&item| !listed[item]);
    Ok(others.map(|item| item as u32).collect())
}

fn unknown_items(table: &Path) -> Unknown {
    Unknown::ignored(format!("rows of {} with items", table.display()))
}

/// Calls `take` with the line and these cells of every row of a table; none of the cells is empty.
fn each(
    (path, reading): (&Path, Reading),
    names: &[&str],
    mut take: impl FnMut(u64, &[&str]),
) -> Result<(), ReadError> {
    let mut source = tables::open_with(path, reading)?;
    let cells = names
        .iter()
        .map(|name| source.column(name))
        .collect::<Result<Vec<usize>, ReadError>>()?;
    let mut row = Row::new();
    while source.read(&mut row)? {
        let ids = cells
            .iter()
            .map(|&cell| id_cell(&row, cell, source.as_ref()))
            .collect::<Result<Vec<_>, ReadError>>()?;
        take(
            row.line(),
            &ids.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        );
    }
    Ok(())
}

/// Records from ids in memory.
pub(super) fn from_ids(column: &str, ids: Vec<String>) -> Box<dyn Source> {
    tables::from_values("the model", column, ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use tables::{Compression, Format};

    const QUIET: Talk = Talk {
        verbosity: -1,
        color: false,
    };

    fn columns() -> Columns {
        Columns {
            user: "user_id".to_owned(),
            item: "item_id".to_owned(),
            rating: "rating".to_owned(),
            time: "timestamp".to_owned(),
            date_format: None,
            decimal: None,
        }
    }

    fn items() -> Ids {
        Ids::new(&["a", "b", "c", "d"].map(str::to_owned))
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn folded(text: &str) -> Folded {
        let input = Box::new(Cursor::new(text.to_owned()));
        let mut source = tables::open_as(input, "new.csv", Format::Csv, Compression::None).unwrap();
        let mut context = Context::new(Reading::default());
        Folded::read(source.as_mut(), &columns(), &items(), &mut context, &QUIET).unwrap()
    }

    #[test]
    fn the_latest_of_several_rows_of_an_item_counts() {
        let folded = folded("user_id,item_id,timestamp\nv,a,3\nu,c,1\nu,a,2\nu,x,3\nu,c,4\n");
        assert_eq!(folded.users, ["v", "u"], "in the order of their first row");
        assert_eq!(
            folded.of("u"),
            [0, 2],
            "the oldest first, none that is unknown"
        );
        assert_eq!(folded.of("v"), [0]);
        assert_eq!(folded.of("w"), [0u32; 0]);
        let known = ["u", "w"].map(str::to_owned);
        assert_eq!(folded.and(known.iter()), ["u", "w", "v"]);
    }

    #[test]
    fn pairs_are_sorted_and_a_user_of_unknown_items_is_in_the_table() {
        let table = file("user_id,item_id\nu,c\nu,a\nu,c\nv,x\n");
        let mut context = Context::new(Reading::default());
        let pairs = Pairs::read(table.path(), &columns(), &items(), &mut context, &QUIET).unwrap();
        assert_eq!(pairs.of("u"), Some(&[0, 2][..]));
        assert_eq!(
            pairs.of("v"),
            Some(&[][..]),
            "may have nothing, not everything"
        );
        assert_eq!(pairs.of("w"), None);
    }

    #[test]
    fn other_items_than_those_of_the_table_are_hidden() {
        let table = file("item_id\nb\nx\nd\nb\n");
        let mut context = Context::new(Reading::default());
        let hidden = all_but(&items(), "item_id", table.path(), &mut context, &QUIET).unwrap();
        assert_eq!(hidden, [0, 2]);
    }

    #[test]
    fn the_digest_tells_cells_apart() {
        let digest = |rows: &[&[&str]]| {
            let mut context = Context::new(Reading::default());
            rows.iter().for_each(|row| context.add(row));
            context.digest()
        };
        assert_eq!(digest(&[]), "", "nothing was read");
        assert_eq!(digest(&[&["a", "b"]]).len(), 64);
        assert_ne!(digest(&[&["ab", "c"]]), digest(&[&["a", "bc"]]));
        assert_ne!(digest(&[&["a"], &["b"]]), digest(&[&["b"], &["a"]]));
    }

    #[test]
    fn an_empty_id_or_a_missing_column_is_named_with_its_place() {
        let read = |text: &str| {
            let table = file(text);
            let mut context = Context::new(Reading::default());
            let error = all_but(&items(), "item_id", table.path(), &mut context, &QUIET);
            format!("{:#}", error.unwrap_err())
        };
        assert!(read("id\na\n").contains("`item_id`"));
        let empty = read("item_id,n\na,1\n,2\n");
        assert!(empty.contains(".csv:3"), "{empty}");
    }
}
