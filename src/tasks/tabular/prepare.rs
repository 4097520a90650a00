//! Preparation of `tabular`: checks the raw table and splits it into a training and a test part.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;

use super::cells::Spelling;
use super::columns::value_of;
use super::data;
use super::details::kind_of;
use super::join::{Added, Joiner, Spec};
use super::params::{DataBlock, Params, TargetKind};
use super::read::Cells;
use super::source::{self, Table};
use crate::exit;
use crate::params::choice::Choice;
use crate::pipeline::prepare::{Prepare, data_files};
use crate::pipeline::split::{Groups, stratified};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{TEST, TRAIN};
use crate::tasks::tabular::Tabular;
use models::tabular::{ColumnKind, MISSING, Target, Words};

/// Classes that a warning lists; more are counted.
const RARE_SHOWN: usize = 10;

/// The rows of both parts.
pub struct Parts {
    source: Table,
    train: Vec<usize>,
    /// Rows of `separate`, if there is a separate test file, otherwise of `source`.
    test: Vec<usize>,
    separate: Option<Table>,
    /// What other tables add to the rows of `source`, and of `separate`.
    added: Option<Added>,
    added_to_separate: Option<Added>,
}

/// The result of a split, in numbers.
#[derive(Debug, Serialize)]
pub struct Summary {
    train: usize,
    test: usize,
    columns: usize,
    /// Training rows left out because the test part has later rows of their group.
    left_out: usize,
    /// What the target is.
    kind: TargetKind,
    /// Number of classes, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<usize>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} train and {} test rows, {} columns, target: {}",
            self.train,
            self.test,
            self.columns,
            self.kind.as_str()
        )?;
        if let Some(classes) = self.classes {
            write!(f, " ({classes})")?;
        }
        match self.left_out {
            0 => Ok(()),
            rows => write!(
                f,
                ", {rows} train rows left out: the test part has later rows of their group"
            ),
        }
    }
}

impl Prepare for Tabular {
    type Summary = Summary;
    type Parts = Parts;

    fn data(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = &params.data;
        let mut files = data_files(project, &data.source, data.test.as_deref());
        files.extend(Self::beside_input(project, params));
        files
    }

    fn beside_input(project: &Project, params: &Params) -> Vec<PathBuf> {
        let joined = params.data.join.values();
        joined.map(|block| project.path(&block.source)).collect()
    }

    fn split(project: &Project, params: &Params, talk: &Talk) -> Result<(Parts, Summary)> {
        let data = &params.data;
        let source = source::read(&project.path(&data.source), params)?;
        let separate = { data.test.as_ref() }
            .map(|path| source::read(&project.path(path), params))
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
        let mut parts = match separate {
            Some(test) => Parts {
                train: (0..source.rows.len()).collect(),
                test: (0..test.rows.len()).collect(),
                source,
                separate: Some(test),
                added: None,
                added_to_separate: None,
            },
            None => split(source, &target, params, talk)?,
        };
        parts.join(project, data, talk)?;
        let classes = target.classes().len();
        let rows = parts.source.rows.len()
            - if parts.separate.is_none() {
                parts.test.len()
            } else {
                0
            };
        let summary = Summary {
            left_out: rows - parts.train.len(),
            train: parts.train.len(),
            test: parts.test.len(),
            columns: parts.columns(),
            kind: kind_of(&target),
            classes: (classes > 0).then_some(classes),
        };
        Ok((parts, summary))
    }

    fn write(parts: &Parts, folder: &Path) -> io::Result<()> {
        let added = parts.added.as_ref();
        let (test, added_to_test) = match &parts.separate {
            Some(test) => (test, parts.added_to_separate.as_ref()),
            None => (&parts.source, added),
        };
        let (train, test) = rayon::join(
            || parts.source.write(&folder.join(TRAIN), &parts.train, added),
            || test.write(&folder.join(TEST), &parts.test, added_to_test),
        );
        train.and(test)
    }
}

impl Parts {
    /// Adds the columns of other tables.
    fn join(&mut self, project: &Project, data: &DataBlock, talk: &Talk) -> Result<()> {
        let Some(spec) = Spec::of(data, None) else {
            return Ok(());
        };
        let joiner = Arc::new(Joiner::open(spec, Some(project), &Spelling::of(data))?);
        let join = |table: &Table, path: &str| {
            let added = table.join(&joiner, &project.path(path))?;
            added
                .warnings()
                .iter()
                .for_each(|warning| talk.warn(warning));
            Ok::<_, anyhow::Error>(added)
        };
        joiner
            .warnings()
            .iter()
            .for_each(|warning| talk.warn(warning));
        self.added = Some(join(&self.source, &data.source)?);
        if let (Some(table), Some(path)) = (&self.separate, &data.test) {
            self.added_to_separate = Some(join(table, path)?);
        }
        Ok(())
    }

    /// Number of columns of the parts.
    fn columns(&self) -> usize {
        let added = self.added.as_ref().map_or(0, |added| added.columns().len());
        self.source.columns.len() + added
    }
}

/// What the target is; numbers that were read as words are numbers again.
fn target_of(cells: Cells, params: &DataBlock) -> Result<Target, String> {
    let is_class = params.kind == Choice::Given(TargetKind::Classes);
    let words = match &cells {
        Cells::Words(words) if !is_class => words,
        // Classes are words, whatever they look like.
        _ => return data::target(&cells, params),
    };
    let number = |word: &String| match value_of(word, ColumnKind::Number, None) {
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
            "classes with a single row, which cannot be both learned and tested: {}{}",
            rare.iter()
                .take(RARE_SHOWN)
                .copied()
                .collect::<Vec<_>>()
                .join(", "),
            match rare.len().checked_sub(RARE_SHOWN) {
                Some(more @ 1..) => format!(" and {more} more"),
                _ => String::new(),
            }
        ));
    }
}

/// Splits the source: by time, or at random with each class and each group in mind.
fn split(source: Table, target: &Target, params: &Params, talk: &Talk) -> Result<Parts> {
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
    let (test, mut train): (Vec<usize>, Vec<usize>) = (0..rows).partition(|&row| in_test[row]);
    let tested: HashSet<u64> = test.iter().filter_map(|&row| source.groups[row]).collect();
    let is_apart = |row: &usize| source.groups[*row].is_none_or(|group| !tested.contains(&group));
    // Only a split by time divides groups.
    train.retain(is_apart);
    if train.is_empty() {
        return Err(exit::data(
            "every group of tabular.data.group has rows in the latest part by tabular.data.time, so nothing is left \
             to train on",
        ));
    }
    Ok(Parts {
        source,
        train,
        test,
        separate: None,
        added: None,
        added_to_separate: None,
    })
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
