//! Preparation of `recsys`: checks and merges raw interactions, and splits them into a training and a test part.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::split::{self, HoldOut, split_train_test};
use crate::exit;
use crate::pipeline::prepare::{BadRows, Prepare, data_files, write_part, write_table};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{TEST, TRAIN};
use crate::tasks::recsys::params::{DataBlock, Params};
use crate::tasks::recsys::{ITEMS, Recsys};
use tables::{Column, Kind, RATING_COLUMNS, Rating, RatingColumns, Ratings, Row};

/// Both parts with their own ids, and the names of items.
pub struct Parts {
    train: Ratings,
    test: Ratings,
    titles: Vec<[String; 2]>,
}

/// The result of a split, in numbers.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    train: usize,
    test: usize,
    /// Number of users of the training part.
    users: usize,
    items: usize,
    /// Rows that were merged into a later row of the same user and item.
    merged: usize,
    /// Rows of users or items with too few rows.
    rare: usize,
    /// Users that are only in the test part.
    new_users: usize,
    /// Items that are only in the test part.
    new_items: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} train and {} test interactions of {} users and {} items",
            self.train, self.test, self.users, self.items
        )?;
        for (count, what) in [
            (self.merged, "repeated rows merged"),
            (self.rare, "rows of rare users or items left out"),
            (self.new_users, "users only in the test part"),
            (self.new_items, "items only in the test part"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// The default table of items, in the folder of the source.
const DEFAULT_ITEMS: &str = "items.csv";

impl Prepare for Recsys {
    type Summary = Summary;
    type Parts = Parts;

    fn data(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = &params.data;
        data_files(project, &data.source, data.test.as_deref())
    }

    fn other_inputs(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = &params.data;
        let default = project.path(&data.source).with_file_name(DEFAULT_ITEMS);
        match &data.items {
            Some(items) => vec![project.path(items)],
            None if default.is_file() => vec![default],
            None => Vec::new(),
        }
    }

    fn split(project: &Project, params: &Params, talk: &Talk) -> Result<(Parts, Summary)> {
        let path = project.path(&params.data.source);
        let mut source = read(&path, &params.data)?;
        let mut summary = Summary {
            merged: merge(&mut source),
            ..Summary::default()
        };
        let before = source.rows.len();
        let (train, test) = match &params.data.test {
            Some(test) => {
                let mut test = read(&project.path(test), &params.data)?;
                refuse_mixed_times(&source, &test, params)?;
                merge(&mut test);
                split::keep_frequent(&mut source, params.data.min_user, params.data.min_item);
                summary.rare = before - source.rows.len();
                warn_of_repeated_pairs(&source, &test, talk);
                (source, test)
            }
            None => {
                split::keep_frequent(&mut source, params.data.min_user, params.data.min_item);
                summary.rare = before - source.rows.len();
                if params.test_share > 0.0 && !source.are_ordered() {
                    let why = match (source.timed, source.times) {
                        (true, Some(_)) => "the times of each user are all the same",
                        (true, None) => "no time is known",
                        (false, _) => "there are no times",
                    };
                    talk.note(format!(
                        "recsys: {why}, so the test part is a random sample of each user's interactions; set a \
                        column of times with recsys.data.time"
                    ));
                }
                let rule = HoldOut {
                    share: params.test_share,
                    by: params.by,
                    seed: project.params().seed,
                };
                split_train_test(source, rule)?
            }
        };
        if train.rows.is_empty() {
            return Err(exit::data(format!(
                "{}: no interactions are left to train on",
                path.display()
            )));
        }
        let known = |train: &[String], ids: &[String], used: &dyn Fn(&Rating) -> u32| {
            let train: std::collections::HashSet<&String> = train.iter().collect();
            let mut seen = vec![false; ids.len()];
            test.rows
                .iter()
                .for_each(|row| seen[used(row) as usize] = true);
            let new = ids
                .iter()
                .zip(seen)
                .filter(|(id, seen)| *seen && !train.contains(id));
            new.count()
        };
        let (users, items) = (
            split::used_ids(&train, true),
            split::used_ids(&train, false),
        );
        summary.new_users = known(&users, &test.users, &|row| row.user);
        summary.new_items = known(&items, &test.items, &|row| row.item);
        (summary.users, summary.items) = (users.len(), items.len());
        (summary.train, summary.test) = (train.rows.len(), test.rows.len());
        let titles = titles(project, &params.data, &path, talk)?;
        Ok((
            Parts {
                train,
                test,
                titles,
            },
            summary,
        ))
    }

    fn write(parts: &Parts, folder: &Path) -> io::Result<()> {
        write_ratings(&folder.join(TRAIN), &parts.train)?;
        write_ratings(&folder.join(TEST), &parts.test)?;
        let titles = parts.titles.iter().map(|title| title.each_ref());
        write_table(&folder.join(ITEMS), ["item_id", "title"], titles)
    }
}

/// Reads a whole source.
///
/// # Errors
/// If there are bad rows: names the first and counts all.
fn read(path: &Path, params: &DataBlock) -> Result<Ratings> {
    let mut source = tables::open_with(path, params.reading())?;
    let format = params.date_format.given();
    let columns = RatingColumns {
        user: &params.user,
        item: &params.item,
        rating: &params.rating,
        time: &params.time,
        format: format.as_ref(),
    };
    let mut bad = BadRows::default();
    let ratings = tables::read_ratings(source.as_mut(), columns, &mut |error| {
        bad.add(error);
        Ok(())
    })?;
    bad.refuse()?;
    if ratings.rows.is_empty() {
        return Err(exit::data(format!("{} holds no rows", path.display())));
    }
    Ok(ratings)
}

/// Refuses times of two kinds, which cannot be ordered, even if each file has only one kind.
fn refuse_mixed_times(source: &Ratings, test: &Ratings, params: &Params) -> Result<()> {
    match (source.times, test.times, &params.data.test) {
        (Some(source), Some(found), Some(file)) if source != found => Err(exit::data(format!(
            "{file}: column `{}` holds {}, but that of {} holds {}; write all times in the same way",
            params.data.time,
            found.described(),
            params.data.source,
            source.described()
        ))),
        _ => Ok(()),
    }
}

/// Keeps the latest row of each user and item (the last one of those at the same time), sorts the rows by user, time
/// and item, and returns how many were removed.
fn merge(ratings: &mut Ratings) -> usize {
    let before = ratings.rows.len();
    let pair = |row: &Rating| (row.user, row.item);
    // A stable sort: rows at the same time stay in the order of the file, so that the last one wins.
    ratings
        .rows
        .sort_by(|a, b| pair(a).cmp(&pair(b)).then(b.time.total_cmp(&a.time)));
    let mut kept: Vec<Rating> = Vec::with_capacity(before);
    for row in &ratings.rows {
        match kept.last_mut() {
            Some(last) if pair(last) == pair(row) => {
                if last.time == row.time {
                    *last = *row;
                }
            }
            _ => kept.push(*row),
        }
    }
    ratings.rows = kept;
    ratings.sort();
    before - ratings.rows.len()
}

/// Warns about pairs of the test file that are also in the training part, which can never be hits.
fn warn_of_repeated_pairs(train: &Ratings, test: &Ratings, talk: &Talk) {
    let pair = |ratings: &Ratings, row: &Rating| {
        let (user, item) = (row.user as usize, row.item as usize);
        (ratings.users[user].clone(), ratings.items[item].clone())
    };
    let seen: std::collections::HashSet<_> =
        train.rows.iter().map(|row| pair(train, row)).collect();
    let both = test
        .rows
        .iter()
        .filter(|row| seen.contains(&pair(test, row)))
        .count();
    if both > 0 {
        talk.warn(format!(
            "{both} pairs of user and item are in the test file and in the training data; items that \
            were taken are never recommended again, so these pairs count as missed"
        ));
    }
}

/// Names of items, by id.
fn titles(
    project: &Project,
    params: &DataBlock,
    source: &Path,
    talk: &Talk,
) -> Result<Vec<[String; 2]>> {
    let read = |path: &Path| {
        let mut source = tables::open_with(path, params.reading())?;
        tables::read_titles(source.as_mut(), &params.item, &params.title)
    };
    let default: PathBuf = source.with_file_name(DEFAULT_ITEMS);
    let titles: HashMap<String, String> = match &params.items {
        Some(items) => read(&project.path(items))?,
        None if default.is_file() && default != source => match read(&default) {
            Ok(titles) => titles,
            Err(error) => {
                talk.note(format!("items have no names: {error}"));
                HashMap::new()
            }
        },
        None => HashMap::new(),
    };
    let mut titles: Vec<[String; 2]> = titles.into_iter().map(|(id, name)| [id, name]).collect();
    titles.sort();
    Ok(titles)
}

/// Writes a part with those columns that the data have.
fn write_ratings(path: &Path, part: &Ratings) -> io::Result<()> {
    let names = RATING_COLUMNS;
    let mut columns = vec![Column::new(names.user), Column::new(names.item)];
    if part.rated {
        columns.push(Column::new(names.rating));
    }
    if part.timed {
        columns.push(Column::new(names.time));
    }
    write_part(path, &columns, &part.rows, |rating: &Rating, row| {
        row.push(Kind::Text, &part.users[rating.user as usize]);
        row.push(Kind::Text, &part.items[rating.item as usize]);
        if part.rated {
            push_number(row, rating.rating);
        }
        if part.timed {
            push_number(row, Some(rating.time).filter(|time| time.is_finite()));
        }
    })
}

/// Appends a number in its shortest form, whole ones without a fraction; an empty cell for none.
fn push_number(row: &mut Row, value: Option<f64>) {
    match value {
        Some(value) => row.push(Kind::Number, &format!("{value}")),
        None => row.push(Kind::Null, ""),
    }
}
