//! A prepared part in memory, and what its target is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use xxhash_rust::xxh3::xxh3_64;

use super::columns::{time_format, value_of};
use super::params::{DataBlock, Params, TargetKind};
use super::read::{self, Cells, Raw, RawColumn, Rules};
use crate::exit;
use crate::params::choice::Choice;
use models::tabular::{ColumnKind, MISSING, Target};
use tables::Reading;
use tables::clock::DateFormat;

/// Maximum number of different whole numbers of a target of classes that is not said to be one.
const CLASSES: usize = 10;
/// Maximum number of classes: each has trees of its own.
const MOST_CLASSES: usize = 1000;

/// A prepared part.
pub struct Data {
    /// The file, for messages.
    pub path: PathBuf,
    pub raw: Raw,
    /// What the verbs need of the parameters.
    pub data: DataBlock,
    pub slices: Vec<String>,
}

impl Data {
    /// Reads a part.
    pub fn load(path: &Path, params: &Params) -> Result<Self> {
        let rules = Rules::of(&params.data);
        // Prepared parts are plain CSV files whatever the source was.
        let raw = read::read(path, Reading::default(), &rules)?;
        Ok(Self {
            path: path.to_owned(),
            raw,
            data: params.data.clone(),
            slices: params.slices.clone(),
        })
    }

    /// The column of a name.
    ///
    /// # Errors
    /// If it is absent: names the key that wants it.
    pub fn column(&self, name: &str, key: &str) -> Result<&RawColumn> {
        self.raw.find(name).ok_or_else(|| {
            exit::data(format!(
                "{}: there is no column `{name}`; set {key} in params.yaml and prepare again",
                self.path.display()
            ))
        })
    }

    /// What the target is.
    ///
    /// # Errors
    /// A target with one value, with too many classes, or a count that is negative.
    pub fn target(&self) -> Result<Target> {
        let column = self.column(&self.data.target, "tabular.data.target")?;
        target(&column.cells, &self.data).map_err(|reason| read::refuse(&self.path, reason))
    }

    /// The target of each row: the index of its class among those of `target`, or a number. `None` for a class
    /// that is not among them.
    ///
    /// # Errors
    /// A cell that is not a number, or missing.
    pub fn actual(&self, target: &Target) -> Result<Vec<Option<f64>>> {
        let column = self.column(&self.data.target, "tabular.data.target")?;
        if let Target::Classes(names) = target {
            return self.classes(&column.cells, names);
        }
        let name = &column.name;
        let cell = |row: usize| match number(&column.cells, row) {
            Ok(Some(number)) if number.is_finite() => Ok(Some(number)),
            Ok(Some(_)) => Err(self.refuse_cell(row, name, "is not finite")),
            Ok(None) => Err(self.refuse_cell(row, name, "is missing")),
            Err(reason) => Err(self.refuse_cell(row, name, &reason)),
        };
        (0..self.raw.rows).map(cell).collect()
    }

    /// The class of each row; every different word is looked up once.
    fn classes(&self, cells: &Cells, names: &[String]) -> Result<Vec<Option<f64>>> {
        let index: HashMap<&str, f64> = { names.iter().enumerate() }
            .map(|(class, name)| (name.as_str(), class as f64))
            .collect();
        let words = cells.clone().into_words();
        let of_word: Vec<Option<f64>> = { words.words.iter() }
            .map(|word| index.get(word.as_str()).copied())
            .collect();
        let class = |(row, &code): (usize, &u32)| match code {
            MISSING => Err(self.refuse_cell(row, &self.data.target, "is missing")),
            code => Ok(of_word[code as usize]),
        };
        words.codes.iter().enumerate().map(class).collect()
    }

    /// The weight of each row, if the parameters name a column.
    ///
    /// # Errors
    /// A weight that is missing, negative or not a number.
    pub fn weights(&self) -> Result<Option<Vec<f64>>> {
        let Some(name) = &self.data.weight else {
            return Ok(None);
        };
        let column = self.column(name, "tabular.data.weight")?;
        let weight = |row: usize| match number(&column.cells, row) {
            Ok(Some(weight)) if weight >= 0.0 && weight.is_finite() => Ok(weight),
            Ok(Some(_)) => Err(self.refuse_cell(row, name, "is not a weight of 0 or more")),
            Ok(None) => Err(self.refuse_cell(row, name, "is missing")),
            Err(reason) => Err(self.refuse_cell(row, name, &reason)),
        };
        let weights: Result<Vec<f64>> = (0..self.raw.rows).map(weight).collect();
        weights.map(Some)
    }

    /// Keys of rows that are held out together: those of a group; otherwise a row is alone.
    ///
    /// # Errors
    /// If the column of the groups is absent.
    pub fn keys(&self) -> Result<Vec<u64>> {
        let alone = |row: usize| xxh3_64(&(row as u64).to_le_bytes());
        let Some(name) = &self.data.group else {
            return Ok((0..self.raw.rows).map(alone).collect());
        };
        let column = self.column(name, "tabular.data.group")?;
        let key = |row: usize| match column.cells.word(row) {
            Some(word) => xxh3_64(word.as_bytes()),
            None => alone(row),
        };
        Ok((0..self.raw.rows).map(key).collect())
    }

    /// The time of each row, if the table is split by it; NaN is missing.
    ///
    /// # Errors
    /// If the column is absent, or holds something else.
    pub fn times(&self) -> Result<Option<Vec<f64>>> {
        let Some(name) = &self.data.time else {
            return Ok(None);
        };
        let column = self.column(name, "tabular.data.time")?;
        let format = self.time_format();
        let time = |row: usize| match &column.cells {
            Cells::Numbers(numbers) => Ok(numbers[row]),
            Cells::Words(words) => match words.codes[row] {
                MISSING => Ok(f64::NAN),
                code => value_of(
                    &words.words[code as usize],
                    ColumnKind::Time,
                    format.as_ref(),
                )
                .map(|time| time.unwrap_or(f64::NAN))
                .map_err(|reason| self.refuse_cell(row, name, &reason)),
            },
        };
        let times: Result<Vec<f64>> = (0..self.raw.rows).map(time).collect();
        times.map(Some)
    }

    /// How the times by which the table is split are written, if not as YYYY-MM-DD.
    pub fn time_format(&self) -> Option<DateFormat> {
        let column = self.raw.find(self.data.time.as_ref()?)?;
        match &column.cells {
            Cells::Words(words) => time_format(&words.words).ok().flatten(),
            Cells::Numbers(_) => None,
        }
    }

    fn refuse_cell(&self, row: usize, column: &str, reason: &str) -> anyhow::Error {
        let line = row + 2; // after the header
        exit::data(format!(
            "{}:{line}, column `{column}`: {reason}",
            self.path.display()
        ))
    }
}

fn number(cells: &Cells, row: usize) -> Result<Option<f64>, String> {
    match cells {
        Cells::Numbers(numbers) => Ok(Some(numbers[row]).filter(|number| !number.is_nan())),
        Cells::Words(words) => match words.codes[row] {
            MISSING => Ok(None),
            code => value_of(&words.words[code as usize], ColumnKind::Number, None),
        },
    }
}

/// What a column of targets is, by the parameters or by its values.
///
/// # Errors
/// Why nothing can be learned from it.
pub fn target(cells: &Cells, params: &DataBlock) -> Result<Target, String> {
    let name = &params.target;
    let kind = match params.kind {
        Choice::Given(kind) => kind,
        Choice::Auto => guess(cells),
    };
    match kind {
        TargetKind::Classes => classes(cells, name),
        TargetKind::Number | TargetKind::Quantiles | TargetKind::Count => {
            let numbers = numbers(cells, name)?;
            let first = numbers.first().copied().unwrap_or(0.0);
            if numbers.iter().all(|&number| number == first) {
                return Err(format!(
                    "the target `{name}` is {first} in every row; there is nothing to learn"
                ));
            }
            let negative = numbers.iter().find(|number| **number < 0.0);
            match (kind, negative) {
                (TargetKind::Count, Some(number)) => Err(format!(
                    "the target `{name}` has the value {number}, but a count is never negative; set \
                    tabular.data.kind to number"
                )),
                (TargetKind::Count, None) => Ok(Target::Count),
                (TargetKind::Quantiles, _) => Ok(Target::Quantiles(params.quantiles.clone())),
                _ => Ok(Target::Number),
            }
        }
    }
}

/// Classes for words, and for few different whole numbers.
fn guess(cells: &Cells) -> TargetKind {
    let Cells::Numbers(numbers) = cells else {
        return TargetKind::Classes;
    };
    let mut different: Vec<f64> = Vec::new();
    for &number in numbers.iter().filter(|number| !number.is_nan()) {
        if number.fract() != 0.0 {
            return TargetKind::Number;
        }
        if !different.contains(&number) {
            different.push(number);
        }
        if different.len() > CLASSES {
            return TargetKind::Number;
        }
    }
    TargetKind::Classes
}

fn classes(cells: &Cells, name: &str) -> Result<Target, String> {
    let all = match cells {
        Cells::Words(words) => words.words.clone(),
        Cells::Numbers(numbers) => {
            let mut different = numbers.clone();
            different.retain(|number| !number.is_nan());
            different.sort_unstable_by(f64::total_cmp);
            different.dedup();
            let words = different.iter().map(|number| format!("{number}"));
            words.collect()
        }
    };
    let classes = tables::sorted_classes(all.iter().map(String::as_str));
    match classes.len() {
        0 => Err(format!("the target `{name}` has no values")),
        1 => Err(format!(
            "every row has the value `{}` in the target `{name}`; a classifier needs at least two classes",
            classes[0]
        )),
        many if many > MOST_CLASSES => Err(format!(
            "the target `{name}` has {many} different values, more than the {MOST_CLASSES} classes that can be \
            told apart; for a number set tabular.data.kind to number"
        )),
        _ => Ok(Target::Classes(classes)),
    }
}

fn numbers(cells: &Cells, name: &str) -> Result<Vec<f64>, String> {
    let rows = match cells {
        Cells::Numbers(numbers) => numbers.len(),
        Cells::Words(words) => words.codes.len(),
    };
    let mut numbers = Vec::with_capacity(rows);
    for row in 0..rows {
        let number = number(cells, row)
            .map_err(|reason| format!("row {} of the target `{name}`: {reason}", row + 1))?;
        numbers.extend(number);
    }
    match numbers.is_empty() {
        true => Err(format!("the target `{name}` has no values")),
        false => Ok(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::tabular::Words;

    fn kind_of(cells: &Cells, text: &str) -> Result<Target, String> {
        let params: DataBlock = yaml::from_str(text).unwrap();
        target(cells, &params)
    }

    fn words(of: &[&str]) -> Cells {
        Cells::Words(Words {
            codes: (0..of.len() as u32).collect(),
            words: of.iter().map(|word| (*word).to_owned()).collect(),
        })
    }

    #[test]
    fn targets_are_guessed_and_said() {
        let few = Cells::Numbers(vec![1.0, 0.0, 1.0]);
        let names =
            |names: &[&str]| Target::Classes(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(kind_of(&few, "").unwrap(), names(&["0", "1"]));
        assert_eq!(kind_of(&few, "kind: count").unwrap(), Target::Count);
        assert_eq!(
            kind_of(&words(&["b", "a"]), "").unwrap(),
            names(&["a", "b"])
        );
        let many = Cells::Numbers((0..20).map(f64::from).collect());
        assert_eq!(kind_of(&many, "").unwrap(), Target::Number);
        let fractions = Cells::Numbers(vec![0.5, 1.0]);
        assert_eq!(kind_of(&fractions, "").unwrap(), Target::Number);
        let quantiles = kind_of(&many, "{kind: quantiles, quantiles: [0.5]}").unwrap();
        assert_eq!(quantiles, Target::Quantiles(vec![0.5]));
    }

    #[test]
    fn targets_that_say_nothing_are_refused() {
        let refused = |cells: &Cells, text: &str| kind_of(cells, text).unwrap_err();
        let one = refused(&words(&["a"]), "target: y");
        assert!(
            one.contains("every row has the value `a` in the target `y`"),
            "{one}"
        );
        let same = refused(&Cells::Numbers(vec![2.5; 3]), "target: y");
        assert!(same.contains("is 2.5 in every row"), "{same}");
        let negative = refused(&Cells::Numbers(vec![-1.0, 2.0]), "kind: count");
        assert!(negative.contains("a count is never negative"), "{negative}");
        let many: Vec<String> = (0..2000).map(|i| format!("w{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(refused(&words(&many), "").contains("2000 different values"));
        assert!(refused(&words(&["a", "b"]), "kind: number").contains("`a` is not a number"));
    }
}
