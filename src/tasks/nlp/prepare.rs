//! Preparation of `nlp`: checks raw texts and splits them into a training and a test part.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::exit;
use crate::pipeline::prepare::{BadRows, Prepare, data_files, write_part};
use crate::pipeline::split::{Groups, hash, stratified};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{TEST, TRAIN};
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::params::{DataBlock, Params};
use tables::{Column, Place, ReadError, Row, Rows, Source, normalised, spelling};

/// Rows with all their columns, and the values that the split is based on.
struct Table {
    columns: Vec<Column>,
    rows: Rows,
    labels: Vec<String>,
    /// The first place of each label.
    places: HashMap<String, Place>,
    /// Column of the text.
    text: usize,
    /// 128-bit hashes of the [`normalised`] texts.
    texts: Vec<u128>,
    /// Values of the column `data.group`, if there is one.
    groups: Vec<Option<String>>,
}

/// The rows of both parts.
pub struct Parts {
    source: Table,
    /// Rows of `source` in the training part; the others are the test part or left out.
    train: Vec<usize>,
    test: Vec<usize>,
    /// The separate test file, if there is one; `test` then refers to its rows.
    separate: Option<Table>,
}

/// The result of a split, in numbers.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    train: usize,
    test: usize,
    classes: usize,
    /// Rows with the same normalised text as an earlier row.
    repeated: usize,
    /// Texts with more than one label.
    conflicting: usize,
    /// Training rows left out because the separate test file has the same text.
    left_out: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} train and {} test rows, {} classes",
            self.train, self.test, self.classes
        )?;
        if self.repeated > 0 {
            write!(f, ", {} repeated texts kept on one side", self.repeated)?;
        }
        if self.left_out > 0 {
            write!(
                f,
                ", {} train rows left out: their text is in the test file",
                self.left_out
            )?;
        }
        Ok(())
    }
}

impl Prepare for Nlp {
    type Summary = Summary;
    type Parts = Parts;

    fn data(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = &params.data;
        data_files(project, &data.source, data.test.as_deref())
    }

    fn split(project: &Project, params: &Params, talk: &Talk) -> Result<(Parts, Summary)> {
        let data = &params.data;
        let (source, separate) = rayon::join(
            || read(&project.path(&data.source), data),
            || {
                let path = data.test.as_ref();
                path.map(|path| read(&project.path(path), data)).transpose()
            },
        );
        let source = source?;
        let classes = classes(&source.labels);
        refuse_one_class(&classes, &params.data)?;
        source.warn_of_labels(&classes, talk);
        let mut groups = Groups::new(source.rows.len());
        groups.join_equal(source.texts.iter().map(Some));
        let repeated = (0..source.rows.len())
            .filter(|&row| groups.first(row) != row)
            .count();
        groups.join_equal(source.groups.iter().map(Option::as_ref));

        let mut summary = Summary {
            classes: classes.len(),
            repeated,
            conflicting: count_conflicts(&source),
            ..Summary::default()
        };
        let parts = match separate? {
            Some(test) => with_test_file(source, test, &classes, talk)?,
            None => {
                let seed = project.params().seed;
                split_source(source, &mut groups, &classes, params.test_share, seed, talk)
            }
        };
        summary.train = parts.train.len();
        summary.test = parts.test.len();
        if parts.separate.is_some() {
            summary.left_out = parts.source.rows.len() - parts.train.len();
        }
        if summary.conflicting > 0 {
            talk.warn(format!(
                "texts with more than one label: {} (they are kept as they are)",
                summary.conflicting
            ));
        }
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

/// Indices of the cells that are used.
struct Cells {
    text: usize,
    label: usize,
    group: Option<usize>,
}

impl Cells {
    fn find(source: &dyn Source, params: &DataBlock) -> Result<Self, ReadError> {
        let group = params.group.as_deref().map(|name| source.column(name));
        Ok(Self {
            text: source.column(&params.text)?,
            label: source.column(&params.label)?,
            group: group.transpose()?,
        })
    }
}

/// Reads a whole source.
///
/// # Errors
/// If there are bad rows: names the first and counts all.
fn read(path: &Path, params: &DataBlock) -> Result<Table> {
    let mut source = tables::open_with(path, params.reading())?;
    let cells = Cells::find(source.as_ref(), params)?;
    let mut table = Table::new(source.columns(), cells.text);
    let mut bad = BadRows::default();
    let mut row = Row::new();
    loop {
        match table.read_row(source.as_mut(), &cells, &mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let ends = !error.is_record();
                bad.add(error);
                if ends {
                    break;
                }
            }
        }
    }
    bad.refuse()?;
    if table.rows.is_empty() {
        return Err(exit::data(format!("{} holds no rows", path.display())));
    }
    table.texts = table.each_text(|text| xxh3_128(text.as_bytes()));
    Ok(table)
}

impl Table {
    fn new(columns: &[Column], text: usize) -> Self {
        Self {
            columns: columns.to_vec(),
            text,
            rows: Rows::default(),
            labels: Vec::new(),
            places: HashMap::new(),
            texts: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The value of `of` for each normalised text.
    fn each_text<T: Send>(&self, of: impl Fn(&str) -> T + Sync) -> Vec<T> {
        let each = |buffer: &mut String, row: usize| {
            normalised(self.rows.text(row, self.text), buffer);
            of(buffer)
        };
        let rows = (0..self.rows.len()).into_par_iter();
        rows.map_init(String::new, each).collect()
    }

    /// Reads and checks one row, with `row` as its buffer; false at the end.
    fn read_row(
        &mut self,
        source: &mut dyn Source,
        cells: &Cells,
        row: &mut Row,
    ) -> Result<bool, ReadError> {
        if !source.read(row)? {
            return Ok(false);
        }
        tables::text_cell(row, cells.text, source)?;
        let label = tables::label_cell(row, cells.label, source)?;
        self.groups.push(match cells.group {
            Some(group) => tables::group_cell(row, group, source)?,
            None => None,
        });
        if !self.places.contains_key(&label) {
            let place = source.place(row, cells.label);
            self.places.insert(label.clone(), place);
        }
        // One spelling per class: `1.0` in one file and `1` in the next are the same.
        match row.text(cells.label) == label {
            true => self.rows.push(row),
            false => self.rows.push(&row.with(cells.label, &label)),
        }
        self.labels.push(label);
        Ok(true)
    }

    /// Warns about labels that look like another one, or like a missing one, with their first place.
    fn warn_of_labels(&self, classes: &[String], talk: &Talk) {
        const LABELS_SHOWN: usize = 5;
        let place = |label: &str| match self.places.get(label) {
            Some(Place {
                file,
                line: Some(line),
                ..
            }) => format!("{file}:{line}"),
            _ => String::new(),
        };
        let alike = spelling::look_alikes(classes.iter().map(String::as_str));
        for pair in alike.iter().take(LABELS_SHOWN) {
            let [a, b] = spelling::distinguished(*pair);
            talk.warn(format!(
                "the labels `{a}` (first {}) and `{b}` (first {}) look alike but are two classes; use one \
                spelling if they mean the same",
                place(pair[0]),
                place(pair[1])
            ));
        }
        if alike.len() > LABELS_SHOWN {
            let others = alike.len() - LABELS_SHOWN;
            talk.warn(format!("{others} more labels look like another one"));
        }
        for label in classes
            .iter()
            .filter(|label| spelling::is_missing_word(label))
        {
            talk.warn(format!(
                "`{label}` is a class (first {}); if it stands for a missing label, remove its rows",
                place(label)
            ));
        }
    }

    /// Writes some of the rows as a part.
    fn write(&self, path: &Path, rows: &[usize]) -> io::Result<()> {
        let fill = |&number: &usize, row: &mut Row| self.rows.get(number, row);
        write_part(path, &self.columns, rows, fill)
    }
}

/// The different labels, in the order of the class numbers.
fn classes(labels: &[String]) -> Vec<String> {
    tables::sorted_classes(labels.iter().map(String::as_str))
}

fn refuse_one_class(classes: &[String], params: &DataBlock) -> Result<()> {
    if let [only] = classes {
        return Err(exit::data(format!(
            "{}: every row has the label `{only}` in column `{}`; a classifier needs at least two \
             classes",
            params.source, params.label
        )));
    }
    Ok(())
}

fn count_conflicts(table: &Table) -> usize {
    let texts = table.texts.iter().zip(&table.labels);
    let mut pairs: Vec<(u128, &str)> = texts.map(|(&text, label)| (text, label.as_str())).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|labels| labels.len() > 1)
        .count()
}

/// Splits the source, stratified by class and with each group on one side.
fn split_source(
    source: Table,
    groups: &mut Groups,
    classes: &[String],
    share: f64,
    seed: u64,
    talk: &Talk,
) -> Parts {
    let hashes = source.each_text(|text| hash(text, seed));
    let strata: Vec<u32> = source.labels.iter().map(|l| position(classes, l)).collect();
    let in_test = stratified(groups, &hashes, &strata, classes.len(), share);
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..source.rows.len()).partition(|&row| in_test[row]);
    if !test.is_empty() {
        let tested: HashSet<u32> = test.iter().map(|&row| strata[row]).collect();
        let untested: Vec<&str> = (0..classes.len())
            .filter(|&class| !tested.contains(&(class as u32)))
            .map(|class| classes[class].as_str())
            .collect();
        if !untested.is_empty() {
            talk.warn(format!(
                "classes with too few rows for the test part, all in the training part: {}",
                untested.join(", ")
            ));
        }
    }
    Parts {
        source,
        train,
        test,
        separate: None,
    }
}

fn position(classes: &[String], label: &str) -> u32 {
    classes
        .iter()
        .position(|class| class == label)
        .unwrap_or_default() as u32
}

/// Uses the test file as it is; leaves out training rows with a text of the test file.
fn with_test_file(source: Table, test: Table, classes: &[String], talk: &Talk) -> Result<Parts> {
    let tested: HashSet<u128> = test.texts.iter().copied().collect();
    let train: Vec<usize> = (0..source.rows.len())
        .filter(|&row| !tested.contains(&source.texts[row]))
        .collect();
    if train.is_empty() {
        return Err(exit::data(
            "every training text is also in the test file, so nothing is left to train on",
        ));
    }
    let left: HashSet<&str> = train
        .iter()
        .map(|&row| source.labels[row].as_str())
        .collect();
    if left.len() < classes.len() {
        let lost: Vec<&str> = classes
            .iter()
            .map(String::as_str)
            .filter(|c| !left.contains(c))
            .collect();
        talk.warn(format!(
            "classes without training rows, since all are also in the test file: {}",
            lost.join(", ")
        ));
    }
    let unknown: Vec<String> = self::classes(&test.labels)
        .into_iter()
        .filter(|label| !left.contains(label.as_str()))
        .collect();
    if !unknown.is_empty() {
        talk.warn(format!(
            "labels that are only in the test file: {}",
            unknown.join(", ")
        ));
    }
    Ok(Parts {
        train,
        test: (0..test.rows.len()).collect(),
        source,
        separate: Some(test),
    })
}
