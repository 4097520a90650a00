//! Preparation of `tabular`: checks the raw table and splits it into a training and a test part.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::columns::value_of;
use super::data;
use super::details::kind_of;
use super::params::{DataBlock, Params};
use super::read::{Cells, word_cell};
use crate::exit;
use crate::pipeline::prepare::{BadRows, Prepare, data_files, write_part};
use crate::pipeline::split::{Groups, stratified};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{TEST, TRAIN};
use crate::tasks::tabular::Tabular;
use models::tabular::{ColumnKind, MISSING, Target, Words};
use tables::{Column, ReadError, Row, Rows, Source};

/// Rows with all their columns, and the values that the split is based on.
struct Table {
    columns: Vec<Column>,
    rows: Rows,
    /// The target, as words.
    target: Words,
    /// A hash of the cells of each row.
    hashes: Vec<u64>,
    /// The group of each row, if the parameters name a column.
    groups: Vec<Option<u64>>,
    /// The time of each row, likewise; NaN is missing.
    times: Vec<f64>,
}

/// The rows of both parts.
pub struct Parts {
    source: Table,
    train: Vec<usize>,
    /// Rows of `separate`, if there is a separate test file, otherwise of `source`.
    test: Vec<usize>,
    separate: Option<Table>,
}

/// The result of a split, in numbers.
#[derive(Debug, Serialize)]
pub struct Summary {
    train: usize,
    test: usize,
    columns: usize,
    /// What the target is.
    kind: &'static str,
    /// Number of classes, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<usize>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} train and {} test rows, {} columns, target: {}",
            self.train, self.test, self.columns, self.kind
        )?;
        match self.classes {
            Some(classes) => write!(f, " ({classes})"),
            None => Ok(()),
        }
    }
}

impl Prepare for Tabular {
    type Summary = Summary;
    type Parts = Parts;

    fn data(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = &params.data;
        data_files(project, &data.source, data.test.as_deref())
    }

    fn split(project: &Project, params: &Params, talk: &Talk) -> Result<(Parts, Summary)> {
        let data = &params.data;
        let source = read(&project.path(&data.source), params)?;
        let separate = { data.test.as_ref() }
            .map(|path| read(&project.path(path), params))
            .transpose()?;
        if source.columns.len() < 2 {
            return Err(exit::data(format!(
                "{}: the table has only the target `{}`; there is no column to predict from",
                data.source, data.target
            )));
        }
        let cells = Cells::Words(source.target.clone());
        let target = target_of(cells, data)
            .map_err(|reason| exit::data(format!("{}: {reason}", data.source)))?;
        warn_of_rare(&target, &source.target, talk);
        let parts = match separate {
            Some(test) => Parts {
                train: (0..source.rows.len()).collect(),
                test: (0..test.rows.len()).collect(),
                source,
                separate: Some(test),
            },
            None => split(source, &target, params, talk),
        };
        let classes = target.classes().len();
        let summary = Summary {
            train: parts.train.len(),
            test: parts.test.len(),
            columns: parts.source.columns.len(),
            kind: kind_of(&target),
            classes: (classes > 0).then_some(classes),
        };
        Ok((parts, summary))
    }

    fn write(parts: &Parts, folder: &Path) -> io::Result<()> {
        let test = parts.separate.as_ref().unwrap_or(&parts.source);
        let (train, test) = rayon::join(
            || parts.source.write(&folder.join(TRAIN), &parts.train),
            || test.write(&folder.join(TEST), &parts.test),
        );
        train.and(test)
    }
}

/// What the target is; numbers that were read as words are numbers again.
fn target_of(cells: Cells, params: &DataBlock) -> Result<Target, String> {
    let Cells::Words(words) = &cells else {
        return data::target(&cells, params);
    };
    let number = |word: &String| match value_of(word, ColumnKind::Number) {
        Ok(Some(number)) => Some(number),
        _ => None,
    };
    let numbers: Option<Vec<f64>> = words.words.iter().map(number).collect();
    match numbers {
        Some(numbers) => data::target(&Cells::Numbers(numbers), params),
        None => data::target(&cells, params),
    }
}

/// Warns about classes of a single row, which nothing can be learned from.
fn warn_of_rare(target: &Target, words: &Words, talk: &Talk) {
    let mut counts = vec![0_usize; words.words.len()];
    let present = words.codes.iter().filter(|code| **code != MISSING);
    present.for_each(|&code| counts[code as usize] += 1);
    let is_rare = |name: &&String| {
        let place = words.words.iter().position(|word| word == *name);
        place.is_some_and(|place| counts[place] == 1)
    };
    let rare: Vec<&str> = target
        .classes()
        .iter()
        .filter(is_rare)
        .map(String::as_str)
        .collect();
    if !rare.is_empty() {
        talk.warn(format!(
            "classes with a single row, which cannot be both learned and tested: {}",
            rare.join(", ")
        ));
    }
}

/// Indices of the cells that are used.
struct Places {
    target: usize,
    group: Option<usize>,
    time: Option<usize>,
}

impl Places {
    fn find(source: &dyn Source, params: &DataBlock) -> Result<Self, ReadError> {
        let find = |name: &Option<String>| name.as_deref().map(|name| source.column(name));
        Ok(Self {
            target: source.column(&params.target)?,
            group: find(&params.group).transpose()?,
            time: find(&params.time).transpose()?,
        })
    }
}

/// Reads a whole source.
///
/// # Errors
/// If there are bad rows: names the first and counts all.
fn read(path: &Path, params: &Params) -> Result<Table> {
    let data = &params.data;
    let mut source = tables::open_with(path, data.reading())?;
    let places = Places::find(source.as_ref(), data)?;
    let mut table = Table {
        columns: source.columns().to_vec(),
        rows: Rows::default(),
        target: Words::default(),
        hashes: Vec::new(),
        groups: Vec::new(),
        times: Vec::new(),
    };
    let mut index = std::collections::HashMap::new();
    let mut bad = BadRows::default();
    let mut row = Row::new();
    loop {
        match source.read(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let ends = !error.is_record();
                bad.add(error);
                if ends {
                    break;
                }
                continue;
            }
        }
        if let Err(error) = table.add(&row, source.as_ref(), &places, data, &mut index) {
            bad.add(error);
        }
    }
    bad.refuse()?;
    if table.rows.is_empty() {
        return Err(exit::data(format!("{} holds no rows", path.display())));
    }
    Ok(table)
}

impl Table {
    /// Adds the last row of a source.
    fn add(
        &mut self,
        row: &Row,
        source: &dyn Source,
        places: &Places,
        params: &DataBlock,
        index: &mut std::collections::HashMap<String, u32>,
    ) -> Result<(), ReadError> {
        let label = tables::label_cell(row, places.target, source)?;
        let label = word_cell(&label, &params.missing).map(std::borrow::Cow::into_owned);
        let Some(label) = label else {
            let place = source.place(row, places.target);
            return Err(place.error(tables::ReadErrorKind::EmptyLabel));
        };
        self.groups.push(match places.group {
            Some(group) => tables::group_cell(row, group, source)?.map(|g| xxh3_64(g.as_bytes())),
            None => None,
        });
        if let Some(time) = places.time {
            let cell = row.text(time).trim();
            let value = match cell.is_empty() {
                true => None,
                false => value_of(cell, ColumnKind::Time).ok().flatten(),
            };
            self.times.push(value.unwrap_or(f64::NAN));
        }
        let next = self.target.words.len() as u32;
        let code = *index.entry(label).or_insert_with_key(|label| {
            self.target.words.push(label.clone());
            next
        });
        self.target.codes.push(code);
        let mut hash = Xxh3::new();
        for (_, text) in row.cells() {
            hash.update(text.as_bytes());
            hash.update(&[0]);
        }
        self.hashes.push(hash.digest());
        self.rows.push(row);
        Ok(())
    }

    /// Writes some of the rows as a part.
    fn write(&self, path: &Path, rows: &[usize]) -> io::Result<()> {
        let fill = |&number: &usize, row: &mut Row| self.rows.get(number, row);
        write_part(path, &self.columns, rows, fill)
    }
}

/// Splits the source: by time, or at random with each class and each group in mind.
fn split(source: Table, target: &Target, params: &Params, talk: &Talk) -> Parts {
    let rows = source.rows.len();
    let in_test = match source.times.is_empty() {
        false => latest(&source.times, params.test_share, talk),
        true => {
            let mut groups = Groups::new(rows);
            groups.join_equal(source.groups.iter().map(Option::as_ref));
            let strata: Vec<u32> = match target {
                Target::Classes(_) => source.target.codes.clone(),
                _ => vec![0; rows],
            };
            let classes = match target {
                Target::Classes(_) => source.target.words.len(),
                _ => 1,
            };
            stratified(
                &mut groups,
                &source.hashes,
                &strata,
                classes,
                params.test_share,
            )
        }
    };
    let (test, train) = (0..rows).partition(|&row| in_test[row]);
    Parts {
        source,
        train,
        test,
        separate: None,
    }
}

/// Which rows are the latest: at most `share` of all, so that no time is in both parts.
fn latest(times: &[f64], share: f64, talk: &Talk) -> Vec<bool> {
    let missing = times.iter().filter(|time| time.is_nan()).count();
    if missing > 0 {
        talk.warn(format!(
            "rows without a valid time in tabular.data.time: {missing} (they are in the training part)"
        ));
    }
    let mut sorted: Vec<f64> = times
        .iter()
        .copied()
        .filter(|time| !time.is_nan())
        .collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let wanted = (times.len() as f64 * share).round() as usize;
    let first = sorted.len().saturating_sub(wanted);
    // From the first time on that is later than the last one before.
    let border = match (wanted, first) {
        (0, _) => None,
        (_, 0) => sorted.iter().copied().find(|&time| time > sorted[0]),
        _ => sorted[first..]
            .iter()
            .copied()
            .find(|&time| time > sorted[first - 1]),
    };
    times
        .iter()
        .map(|&time| border.is_some_and(|border| time >= border))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_rows_are_tested_and_no_time_is_divided() {
        let talk = Talk {
            verbosity: -1,
            color: false,
        };
        let times = [3.0, 1.0, 2.0, 2.0, 5.0, 4.0];
        let test = latest(&times, 0.34, &talk);
        assert_eq!(test, [false, false, false, false, true, true]);
        // Both rows of time 2 would be half of the test part: they stay in training.
        let test = latest(&[1.0, 2.0, 2.0, 3.0], 0.5, &talk);
        assert_eq!(test, [false, false, false, true]);
        assert_eq!(latest(&[1.0, 1.0], 0.5, &talk), [false, false]);
        assert_eq!(latest(&[1.0, f64::NAN], 0.0, &talk), [false, false]);
    }
}
