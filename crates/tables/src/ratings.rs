//! Interactions of users with items, the input of `recsys`.

mod times;

use std::borrow::Cow;
use std::collections::HashMap;

use super::clock::DateFormat;
use super::{Kind, NotNumber, ReadError, ReadErrorKind, Row, Source, class_order, spelling};

use times::TimeReader;
pub use times::Times;

/// Names of the columns of interactions, and how their times are written.
#[derive(Clone, Copy, Debug)]
pub struct RatingColumns<'a> {
    /// Column of user ids.
    pub user: &'a str,
    /// Column of item ids.
    pub item: &'a str,
    /// Column of ratings, which may be absent.
    pub rating: &'a str,
    /// Column of times, which may be absent.
    pub time: &'a str,
    /// How times are written, where it was said.
    pub format: Option<&'a DateFormat>,
}

/// The columns of prepared splits.
pub const RATING_COLUMNS: RatingColumns<'static> = RatingColumns {
    user: "user_id",
    item: "item_id",
    rating: "rating",
    time: "timestamp",
    format: None,
};

/// One interaction, with user and item as numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// The user's index in [`Ratings::users`].
    pub user: u32,
    /// The item's index in [`Ratings::items`].
    pub item: u32,
    /// `None` if the cell is empty or the column does not exist.
    pub rating: Option<f64>,
    /// Seconds, or whatever unit the data use; minus infinity if unknown, so that unknown times
    /// sort first.
    pub time: f64,
}

/// Interactions in memory, in the order they were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ratings {
    /// User ids by number, sorted by value if all are numbers, otherwise by bytes.
    pub users: Vec<String>,
    /// Item ids, sorted likewise.
    pub items: Vec<String>,
    /// The interactions.
    pub rows: Vec<Rating>,
    /// Whether the data have a column of ratings.
    pub rated: bool,
    /// Whether the data have a column of times.
    pub timed: bool,
    /// The kind of times; `None` if there are none.
    pub times: Option<Times>,
}

/// Reads interactions; stops at the first bad record, unless `bad` accepts it.
///
/// # Errors
/// A missing column, the first bad record that `bad` does not accept, a source that cannot be
/// read to its end, or times none of which is read without a format.
pub fn read_ratings(
    source: &mut dyn Source,
    columns: RatingColumns<'_>,
    bad: &mut dyn FnMut(ReadError) -> Result<(), ReadError>,
) -> Result<Ratings, ReadError> {
    let mut cells = Cells::find(source, columns)?;
    let (mut users, mut items) = (Ids::default(), Ids::default());
    let mut rows = Vec::new();
    let mut row = Row::new();
    loop {
        let read = source.read(&mut row).and_then(|more| match more {
            true => cells.rating(&row, source, &mut users, &mut items).map(Some),
            false => Ok(None),
        });
        match read {
            Ok(Some(rating)) => rows.push(rating),
            Ok(None) => break,
            Err(error) => {
                let ends = !error.is_record();
                bad(error)?;
                if ends {
                    break;
                }
            }
        }
    }
    cells.times.refuse_unread()?;
    if let Some(error) = cells.times.mixed() {
        bad(error)?;
    }
    let (users, user_numbers) = users.sorted();
    let (items, item_numbers) = items.sorted();
    for row in &mut rows {
        row.user = user_numbers[row.user as usize];
        row.item = item_numbers[row.item as usize];
    }
    Ok(Ratings {
        users,
        items,
        rows,
        rated: cells.rating.is_some(),
        timed: cells.time.is_some(),
        times: cells.times.kind(),
    })
}

/// The columns in use.
struct Cells<'a> {
    user: usize,
    item: usize,
    rating: Option<usize>,
    time: Option<usize>,
    times: TimeReader<'a>,
}

impl<'a> Cells<'a> {
    fn find(source: &dyn Source, names: RatingColumns<'a>) -> Result<Self, ReadError> {
        // A column of the default name may be absent; one that was named must exist.
        let optional = |name: &str, usual: &str| match source.column(name) {
            Ok(cell) => Ok(Some(cell)),
            Err(_) if name == usual => Ok(None),
            Err(error) => Err(error),
        };
        let time = optional(names.time, RATING_COLUMNS.time)?;
        let format = time.and_then(|time| source.columns()[time].date_format(names.format));
        Ok(Self {
            user: source.column(names.user)?,
            item: source.column(names.item)?,
            rating: optional(names.rating, RATING_COLUMNS.rating)?,
            time,
            times: TimeReader::new(format),
        })
    }

    fn rating(
        &mut self,
        row: &Row,
        source: &dyn Source,
        users: &mut Ids,
        items: &mut Ids,
    ) -> Result<Rating, ReadError> {
        let (user, item) = (
            id_cell(row, self.user, source)?,
            id_cell(row, self.item, source)?,
        );
        let rating = match self.rating {
            Some(cell) => number(row, cell, source)?,
            None => None,
        };
        let time = match self.time {
            Some(cell) => self.times.read(row, cell, source)?,
            None => f64::NEG_INFINITY,
        };
        Ok(Rating {
            user: users.number(&user),
            item: items.number(&item),
            rating,
            time,
        })
    }
}

/// The id in a cell, without surrounding white space; a whole number in its canonical spelling
/// ([`spelling::plain`]), anything else unchanged.
///
/// # Errors
/// If it is missing, or an object or a list.
pub fn id_of(kind: Kind, text: &str) -> Result<Cow<'_, str>, ReadErrorKind> {
    match kind {
        _ if spelling::is_absent(kind, text) => Err(ReadErrorKind::EmptyId),
        Kind::Json => Err(ReadErrorKind::Nested {
            what: "id",
            found: text.to_owned(),
        }),
        _ => Ok(spelling::plain_cell(kind, text.trim())),
    }
}

/// [`id_of`] for a cell of the last row.
///
/// # Errors
/// Those of [`id_of`], with the cell's position.
pub fn id_cell<'a>(
    row: &'a Row,
    cell: usize,
    source: &dyn Source,
) -> Result<Cow<'a, str>, ReadError> {
    id_of(row.kind(cell), row.text(cell)).map_err(|kind| source.place(row, cell).error(kind))
}

fn number(row: &Row, cell: usize, source: &dyn Source) -> Result<Option<f64>, ReadError> {
    let text = row.text(cell).trim();
    if spelling::is_missing_number(row.kind(cell), text) {
        return Ok(None);
    }
    let decimal = source.decimal().filter(|_| row.kind(cell) == Kind::Text);
    let kind = match super::number(text, decimal) {
        Ok(value) if value.is_finite() => return Ok(Some(value)),
        Err(NotNumber::Marked(reason)) => ReadErrorKind::Marked(reason),
        _ => ReadErrorKind::Rating(text.to_owned()),
    };
    Err(source.place(row, cell).error(kind))
}

/// Numbers ids in order of appearance. Small whole numbers, the usual ids, are looked up in an
/// array, other short ones as one integer, without an indirection to their bytes.
#[derive(Default)]
struct Ids {
    /// By value; [`NONE`] if absent.
    small: Vec<u32>,
    short: HashMap<u128, u32>,
    long: HashMap<String, u32>,
    count: u32,
}

const NONE: u32 = u32::MAX;

/// The value of a whole number below a million in canonical spelling.
fn small(id: &str) -> Option<usize> {
    let bytes = id.as_bytes();
    let usual = matches!(bytes.len(), 1..=6) && (bytes[0] != b'0' || bytes.len() == 1);
    let digits = bytes.iter().all(u8::is_ascii_digit);
    let value = |sum, &byte: &u8| sum * 10 + usize::from(byte - b'0');
    (usual && digits).then(|| bytes.iter().fold(0, value))
}

/// The bytes and length of a short id in one integer.
fn packed(id: &str) -> Option<u128> {
    let mut bytes = [0; 16];
    let (last, rest) = bytes.split_last_mut().expect("16");
    rest.get_mut(..id.len())?.copy_from_slice(id.as_bytes());
    *last = id.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

fn unpacked(packed: u128) -> String {
    let bytes = packed.to_le_bytes();
    String::from_utf8(bytes[..bytes[15].into()].to_vec()).expect("the bytes of an id")
}

impl Ids {
    fn number(&mut self, id: &str) -> u32 {
        let next = self.count;
        let number = if let Some(value) = small(id) {
            if value >= self.small.len() {
                self.small.resize(value + 1, NONE);
            }
            let number = &mut self.small[value];
            *number = if *number == NONE { next } else { *number };
            *number
        } else if let Some(id) = packed(id) {
            *self.short.entry(id).or_insert(next)
        } else if let Some(&number) = self.long.get(id) {
            number
        } else {
            self.long.insert(id.to_owned(), next);
            next
        };
        self.count += u32::from(number == next);
        number
    }

    /// The sorted ids, and the new index of each former number.
    fn sorted(self) -> (Vec<String>, Vec<u32>) {
        let mut ids = vec![String::new(); self.count as usize];
        for (value, &number) in self.small.iter().enumerate() {
            if number != NONE {
                ids[number as usize] = value.to_string();
            }
        }
        for (id, number) in self.short {
            ids[number as usize] = unpacked(id);
        }
        for (id, number) in self.long {
            ids[number as usize] = id;
        }
        let mut places = vec![0; ids.len()];
        let in_order = class_order(&ids).into_iter().enumerate();
        let sorted = in_order.map(|(place, number)| {
            places[number] = place as u32;
            std::mem::take(&mut ids[number])
        });
        (sorted.collect(), places)
    }
}

impl Ratings {
    /// Whether times order each user's rows, which must be sorted. A column of times may be empty,
    /// or have one date for all.
    ///
    /// If not, "the last interactions of a user" has no meaning, and a split has to draw them.
    pub fn are_ordered(&self) -> bool {
        let pairs = self.rows.windows(2);
        self.timed && { pairs }
            .any(|pair| pair[0].user == pair[1].user && pair[0].time != pair[1].time)
    }

    /// Sorts the rows by user, time, and item; rows equal in all three keep their order.
    pub fn sort(&mut self) {
        self.rows.sort_by(|a, b| {
            a.user
                .cmp(&b.user)
                .then(a.time.total_cmp(&b.time))
                .then(a.item.cmp(&b.item))
        });
    }
}

/// Reads item names by id from a table.
///
/// # Errors
/// A missing column, or the first bad record.
pub fn read_titles(
    source: &mut dyn Source,
    item: &str,
    title: &str,
) -> Result<HashMap<String, String>, ReadError> {
    let (item, title) = (source.column(item)?, source.column(title)?);
    let mut titles = HashMap::new();
    let mut row = Row::new();
    while source.read(&mut row)? {
        let id = id_cell(&row, item, source)?;
        titles.insert(id.into_owned(), row.text(title).trim().to_owned());
    }
    Ok(titles)
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, Format, open_as};
    use super::*;

    fn read(text: &str) -> Result<Ratings, ReadError> {
        let input = Box::new(std::io::Cursor::new(text.to_owned()));
        let mut source = open_as(input, "r.csv", Format::Csv, Compression::None)?;
        read_ratings(source.as_mut(), RATING_COLUMNS, &mut Err)
    }

    #[test]
    fn ids_are_ordered_as_numbers_where_all_are() {
        let ratings = read("user_id,item_id\n10,b\n9,a\n10,10\n").unwrap();
        assert_eq!(ratings.users, ["9", "10"]);
        assert_eq!(ratings.items, ["10", "a", "b"]);
        assert_eq!((ratings.rows[0].user, ratings.rows[0].item), (1, 2));
        assert!(!ratings.rated && !ratings.timed);
    }

    #[test]
    fn ids_of_all_kinds_keep_their_spelling() {
        let long = "a name of more than fifteen bytes";
        let names = [
            "7", "0", "07", "00", "+7", "7.0", "999999", "1000000", "é", long,
        ];
        let mut ids = Ids::default();
        for _ in 0..2 {
            let numbers: Vec<u32> = names.iter().map(|id| ids.number(id)).collect();
            assert!(numbers.iter().copied().eq(0..names.len() as u32));
        }
        let (sorted, places) = ids.sorted();
        for (id, place) in names.iter().zip(places) {
            assert_eq!(sorted[place as usize], *id);
        }
    }

    #[test]
    fn times_are_numbers_dates_or_instants_of_one_kind() {
        let times = |times: [&str; 3]| {
            let rows = times.map(|time| format!("a,x{time},1,{time}\n")).concat();
            let ratings = read(&format!("user_id,item_id,rating,timestamp\n{rows}"))?;
            Ok::<_, ReadError>(
                ratings
                    .rows
                    .iter()
                    .map(|row| row.time)
                    .collect::<Vec<f64>>(),
            )
        };
        assert_eq!(
            times(["7", "-1.5", ""]).unwrap(),
            [7.0, -1.5, f64::NEG_INFINITY]
        );
        assert_eq!(
            times(["1970-01-02", "NaT", "1970-01-01T01:00:00"]).unwrap(),
            [86400.0, f64::NEG_INFINITY, 3600.0]
        );
        assert_eq!(
            times(["1970-01-01T00:00:01.5Z", "", "1970-01-01T01:00:00+01:00"]).unwrap(),
            [1.5, f64::NEG_INFINITY, 0.0]
        );
        for mixed in [
            ["7", "1970-01-02", "8"],
            ["1970-01-02", "1970-01-02T00:00:00Z", ""],
            ["1970-01-02T00:00:00Z", "", "9"],
        ] {
            let message = times(mixed).unwrap_err().to_string();
            assert!(message.contains("but earlier rows have"), "{message}");
        }
    }

    #[test]
    fn ratings_may_be_missing_and_ids_not() {
        let ratings = read("user_id,item_id,rating\na,x,-1.5\na,y,\na,z,NaN\n").unwrap();
        let found: Vec<Option<f64>> = ratings.rows.iter().map(|row| row.rating).collect();
        assert_eq!(found, [Some(-1.5), None, None]);
        assert!(read("user_id,item_id\na, \n").is_err());
    }

    #[test]
    fn a_whole_number_is_one_id() {
        let ratings = read("user_id,item_id\n1,7\n1.0,007\n2,1.10\n2,1.1\n").unwrap();
        assert_eq!(ratings.users, ["1", "2"]);
        assert_eq!(ratings.items, ["1.1", "1.10", "007", "7"]);
    }

    #[test]
    fn bad_cells_are_placed() {
        let message = |row: &str| {
            let text = format!("user_id,item_id,rating,timestamp\na,b,1,1\n{row}\n");
            read(&text).unwrap_err().to_string()
        };
        assert!(message(",b,1,1").starts_with("r.csv:3: column 1 (user_id): the id is empty"));
        assert!(message("a,b,good,1").starts_with("r.csv:3: column 3 (rating): `good`"));
        assert!(message("a,b,inf,1").contains("column 3 (rating): `inf`"));
        assert!(message("a,b,1,soon").starts_with("r.csv:3: column 4 (timestamp): `soon`"));
        let missing = read("user_id,items\n").unwrap_err().to_string();
        assert!(missing.contains("no column `item_id`"), "{missing}");
    }
}
