//! Checks the `tabular` block and turns it into [`Params`].

use super::{Block, ColumnUse, DataBlock, LinearBlock, ModelBlock, SampleBlock, TreesBlock};
use crate::params::{Invalid, data, gate, require};
use crate::tasks::tabular::join::Spec;
use models::tabular::calibration::Method;
use models::tabular::linear::DesignOptions;
use models::tabular::{EncodeOptions, Options, Target, TextOptions};
use models::trees;
use tables::Reading;

/// The checked block: every value is usable.
#[derive(Clone, Debug)]
pub struct Params {
    pub sample: SampleBlock,
    pub data: DataBlock,
    /// In [0, 1).
    pub test_share: f64,
    pub model: ModelBlock,
    /// Columns by whose values to measure separately.
    pub slices: Vec<String>,
}

impl Block {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key with a value that cannot be used.
    pub fn check(&self) -> Result<Params, Invalid> {
        self.data.check()?;
        gate::check("tabular", &self.gate)?;
        self.predict.check("tabular")?;
        self.model.check()?;
        Ok(Params {
            sample: self.sample.clone(),
            data: self.data.clone(),
            test_share: data::check_share("tabular", self.split.test)?,
            model: self.model.clone(),
            slices: self.eval.slices.clone(),
        })
    }
}

impl DataBlock {
    /// Takes how files are read from another block. The target and the use of columns are decisions that
    /// other parts would follow from.
    pub fn follow(&mut self, prepared: &DataBlock) {
        let DataBlock {
            delimiter,
            quote,
            escape,
            header,
            encoding,
            decimal,
            target,
            join,
            ..
        } = prepared;
        self.delimiter.clone_from(delimiter);
        self.quote.clone_from(quote);
        self.escape.clone_from(escape);
        self.header = *header;
        self.encoding = *encoding;
        self.decimal = *decimal;
        self.target.clone_from(target);
        self.join.clone_from(join);
    }

    /// How files are read.
    pub fn reading(&self) -> Reading {
        Reading {
            header: self.header,
            encoding: self.encoding,
            decimal: self.decimal,
            ..data::reading(self.delimiter, self.quote, self.escape)
        }
    }

    /// The same without what is said of joined columns.
    pub fn of_source(&self) -> Self {
        let mut block = self.clone();
        if let Some(spec) = Spec::of(self, None) {
            block
                .columns
                .retain(|name, _| spec.table_of(name).is_none());
        }
        block
    }

    /// The columns that have a part of their own and are not predicted from: the target, the weights, the group.
    pub fn apart(&self) -> impl Iterator<Item = &str> {
        let others = [&self.weight, &self.group];
        let others = others.into_iter().filter_map(|name| name.as_deref());
        std::iter::once(self.target.as_str()).chain(others)
    }

    fn check(&self) -> Result<(), Invalid> {
        data::check_source("tabular", &self.source)?;
        data::check_reading("tabular", self.reading())?;
        require(!self.target.is_empty(), "tabular.data.target", || {
            "the name is empty; give the column to predict".to_owned()
        })?;
        let is_level = |level: &f64| *level > 0.0 && *level < 1.0;
        require(
            !self.quantiles.is_empty()
                && self.quantiles.iter().all(is_level)
                && self.quantiles.is_sorted_by(|a, b| a < b),
            "tabular.data.quantiles",
            || "expected levels between 0 and 1, ascending: [0.1, 0.5, 0.9]".to_owned(),
        )?;
        for (key, name) in [("weight", &self.weight), ("group", &self.group)] {
            require(
                name.as_ref() != Some(&self.target),
                &format!("tabular.data.{key}"),
                || format!("`{}` is already the target", self.target),
            )?;
        }
        for (name, block) in &self.join {
            block.check(name, self.time.is_some())?;
        }
        let apart = self.apart().find(|name| self.columns.contains_key(*name));
        match apart {
            None => Ok(()),
            Some(name) if self.columns[name] == ColumnUse::Ignore => Ok(()),
            Some(name) => Err(Invalid::new(
                format!("tabular.data.columns.{name}"),
                "the column is the target, the weight or the group, which are not predicted from",
            )),
        }
    }
}

impl ModelBlock {
    /// What to fit, for a target.
    pub fn options(&self, target: Target, seed: u64) -> Options {
        let start = Options::of(target);
        Options {
            member: self.kind.given().map(super::ModelKind::member),
            rounds: self.trees.rounds.given(),
            trees: self.trees.settings(&start.trees),
            lambdas: self
                .linear
                .lambda
                .given()
                .map_or(start.lambdas, |l| vec![l]),
            design: DesignOptions {
                clip: self.linear.clip,
                ..start.design
            },
            encode: EncodeOptions {
                min_rows: self.min_category,
                most_words: self.max_category,
                text: TextOptions {
                    terms: self.terms,
                    ..start.encode.text
                },
            },
            bins: self.trees.bins,
            // By names of columns, which only the table tells.
            monotone: Vec::new(),
            interactions: Vec::new(),
            folds: self.folds,
            calibrations: match self.calibrate {
                true => Method::ALL.to_vec(),
                false => Vec::new(),
            },
            intervals: self.intervals.clone(),
            seed,
            target: start.target,
            patience: start.patience,
            fold_rows: start.fold_rows,
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        require(
            (2..=100).contains(&self.folds),
            "tabular.model.folds",
            || format!("{} is not a number from 2 to 100", self.folds),
        )?;
        let is_level = |level: &f64| *level > 0.0 && *level < 1.0;
        require(
            self.intervals.iter().all(is_level),
            "tabular.model.intervals",
            || "expected coverages between 0 and 1: [0.8, 0.95]".to_owned(),
        )?;
        require(self.min_category >= 1, "tabular.model.min_category", || {
            "0 is too few; at least 1".to_owned()
        })?;
        for (actual, costs) in &self.cost {
            for (answer, cost) in costs {
                require(
                    *cost >= 0.0 && cost.is_finite(),
                    &format!("tabular.model.cost.{actual}.{answer}"),
                    || format!("{cost} is not a cost of 0 or more"),
                )?;
            }
        }
        self.trees.check()?;
        self.linear.check()
    }
}

impl LinearBlock {
    fn check(&self) -> Result<(), Invalid> {
        let lambda = self.lambda.given().unwrap_or(1.0);
        for (key, value) in [("lambda", lambda), ("clip", self.clip)] {
            let is_positive = value > 0.0 && (key == "clip" || value.is_finite());
            require(is_positive, &format!("tabular.model.linear.{key}"), || {
                format!("{value} is not a number above 0")
            })?;
        }
        Ok(())
    }
}

impl TreesBlock {
    /// The settings to compare: those of the defaults that are not given.
    fn settings(&self, defaults: &[trees::Options]) -> Vec<trees::Options> {
        let with = |default: &trees::Options| trees::Options {
            rate: self.rate,
            leaves: self.leaves.given().unwrap_or(default.leaves),
            depth: match self.leaves.given() {
                Some(_) => self.depth,
                None => self.depth.min(default.depth),
            },
            min_rows: self.min_rows.given().unwrap_or(default.min_rows),
            lambda: self.lambda,
            row_share: self.row_share,
            column_share: self.column_share,
            ..default.clone()
        };
        let mut settings: Vec<trees::Options> = defaults.iter().map(with).collect();
        if self.leaves.given().is_some() {
            // They would differ in nothing else.
            settings.drain(..settings.len() - 1);
        }
        settings
    }

    fn check(&self) -> Result<(), Invalid> {
        let key = |name: &str| format!("tabular.model.trees.{name}");
        let rounds = self.rounds.given().unwrap_or(1);
        require((1..=100_000).contains(&rounds), &key("rounds"), || {
            format!("{rounds} is not a number from 1 to 100000")
        })?;
        require(self.rate > 0.0 && self.rate <= 1.0, &key("rate"), || {
            format!("{} is not a number above 0 and up to 1", self.rate)
        })?;
        let leaves = self.leaves.given().unwrap_or(2);
        require((2..=65_536).contains(&leaves), &key("leaves"), || {
            format!("{leaves} is not a number from 2 to 65536")
        })?;
        require((1..=64).contains(&self.depth), &key("depth"), || {
            format!("{} is not a number from 1 to 64", self.depth)
        })?;
        require(self.min_rows.given() != Some(0), &key("min_rows"), || {
            "0 is too few; at least 1".to_owned()
        })?;
        require(
            self.lambda >= 0.0 && self.lambda.is_finite(),
            &key("lambda"),
            || format!("{} is not a number of 0 or more", self.lambda),
        )?;
        for (name, share) in [
            ("row_share", self.row_share),
            ("column_share", self.column_share),
        ] {
            require(share > 0.0 && share <= 1.0, &key(name), || {
                format!("{share} is not a share above 0 and up to 1")
            })?;
        }
        require((2..=255).contains(&self.bins), &key("bins"), || {
            format!("{} is not a number from 2 to 255", self.bins)
        })?;
        let bad = self
            .monotone
            .iter()
            .find(|(_, sign)| !(-1..=1).contains(*sign));
        match bad {
            None => Ok(()),
            Some((name, sign)) => Err(Invalid::new(
                format!("{}.{name}", key("monotone")),
                format!("{sign} is not 1 (rising), -1 (falling) or 0"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_are_refused() {
        let refused = |text: &str| {
            let block: Block = yaml::from_str(text).unwrap();
            block.check().unwrap_err().key
        };
        assert_eq!(refused("split: {test: 1}"), "tabular.split.test");
        assert_eq!(refused("data: {target: ''}"), "tabular.data.target");
        assert_eq!(
            refused("data: {quantiles: [0.9, 0.1]}"),
            "tabular.data.quantiles"
        );
        assert_eq!(
            refused("data: {target: y, weight: y}"),
            "tabular.data.weight"
        );
        assert_eq!(
            refused("data: {target: y, columns: {y: number}}"),
            "tabular.data.columns.y"
        );
        assert_eq!(refused("model: {folds: 1}"), "tabular.model.folds");
        assert_eq!(
            refused("model: {cost: {a: {b: -1}}}"),
            "tabular.model.cost.a.b"
        );
        assert_eq!(
            refused("model: {trees: {rate: 0}}"),
            "tabular.model.trees.rate"
        );
        assert_eq!(
            refused("model: {trees: {bins: 256}}"),
            "tabular.model.trees.bins"
        );
        assert_eq!(
            refused("model: {trees: {monotone: {age: 2}}}"),
            "tabular.model.trees.monotone.age"
        );
        assert_eq!(
            refused("model: {linear: {clip: 0}}"),
            "tabular.model.linear.clip"
        );
    }

    #[test]
    fn given_leaves_are_the_only_setting() {
        let options = |text: &str| {
            let block: Block = yaml::from_str(text).unwrap();
            block.check().unwrap().model.options(Target::Number, 1)
        };
        assert_eq!(options("").trees.len(), 2);
        let given = options("model: {trees: {leaves: 127, rounds: 100}}");
        assert_eq!((given.trees.len(), given.trees[0].leaves), (1, 127));
        assert_eq!(given.rounds, Some(100));
    }
}
