//! Training of `tabular`.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::cells::Spelling;
use super::columns::{self, Decided};
use super::data::Data;
use super::details::{Chosen, Details, Search, kind_of, prior};
use super::join::Spec;
use super::params::{ModelKind, Params, TargetKind};
use crate::exit;
use crate::talk::Talk;
use crate::tasks::tabular::Tabular;
use crate::train::{Fitted, Train};
use artifact::{Field, FieldType, Signature};
use models::tabular::{self as maths, ColumnKind, FitError, Progress, Table, Target};

/// Columns that are listed as not used; more are counted.
const DROPPED_SHOWN: usize = 5;

/// A summary of a fitted model.
#[derive(Serialize)]
pub struct Fit {
    target: TargetKind,
    columns: usize,
    dropped: Vec<String>,
    chosen: Chosen,
    search: Search,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} of {} columns, ", self.target.as_str(), self.columns)?;
        f.write_str(&describe(&self.chosen))?;
        let tried = self
            .search
            .members
            .iter()
            .find(|tried| tried.member == self.chosen.member);
        match tried {
            Some(tried) => write!(
                f,
                ", {} {:.4} on held-out rows",
                self.search.loss, tried.loss
            ),
            None => Ok(()),
        }
    }
}

/// The model in use, in words.
pub(super) fn describe(chosen: &Chosen) -> String {
    let trees = || {
        let rounds: Vec<String> = chosen.rounds.iter().map(usize::to_string).collect();
        format!(
            "{} rounds of trees of {} leaves",
            rounds.join(", "),
            chosen.leaves
        )
    };
    let linear = || format!("linear model with lambda {}", chosen.lambda);
    match chosen.member {
        ModelKind::Linear => linear(),
        ModelKind::Trees => trees(),
        ModelKind::Average => format!(
            "average of {} ({:.0} %) and {}",
            trees(),
            100.0 * chosen.share,
            linear()
        ),
    }
}

impl Train for Tabular {
    type Fit = Fit;

    fn fit(params: &Params, seed: u64, mut data: Data, talk: &Talk) -> Result<Fitted<Self>> {
        let (decided, warnings) = columns::decide(&data.raw, &data.data)?;
        warnings.iter().for_each(|warning| talk.warn(warning));
        let dropped = note_dropped(&decided, talk);
        let target = data.target()?;
        let actual = known(data.actual(&target)?);
        let (weights, keys, times) = (data.weights()?, data.keys()?, data.times()?);
        let join = Spec::of(&data.data, data.time_format());
        let (table, wrong) = columns::table(&mut data.raw, &columns::used(&decided))?;
        refuse_wrong(&data, &wrong)?;
        let mut options = params.model.options(target, seed);
        options.monotone = monotone(params, &table)?;
        options.interactions = interactions(params, &table)?;
        // Checked before the work: a class that does not exist.
        super::scoring::cost_matrix(&params.model.cost, options.target.classes())?;
        let given = maths::Data {
            table: &table,
            target: &actual,
            weights: weights.as_deref(),
            keys: &keys,
            times: times.as_deref(),
        };
        let (model, fit) = fit_with_progress(&options, &given, talk)?;
        let calibration = model.calibration().method().name();
        let leaves = options.trees[fit.setting].leaves;
        let chosen = Chosen::of(&fit, leaves, calibration);
        let search = Search::of(&fit, &options.target);
        let details = Details {
            target: data.data.target.clone(),
            kind: kind_of(&options.target),
            spelling: Spelling::of(&data.data),
            columns: decided,
            join,
            model: params.model.clone(),
            chosen: chosen.clone(),
            search: search.clone(),
            prior: prior(&options.target, &actual),
        };
        Ok(Fitted {
            rows: table.rows as u64,
            signature: signature(&table, &options.target, &params.model.intervals),
            fit: Fit {
                target: kind_of(&options.target),
                columns: table.columns.len(),
                dropped,
                chosen,
                search,
            },
            details,
            model,
        })
    }
}

/// The targets of training rows, whose classes are all known.
fn known(actual: Vec<Option<f64>>) -> Vec<f64> {
    actual
        .into_iter()
        .map(|value| value.unwrap_or(0.0))
        .collect()
}

/// Says which columns are not used, and why.
fn note_dropped(decided: &[Decided], talk: &Talk) -> Vec<String> {
    let is_dropped = |column: &&Decided| column.role.kind().is_none() && !column.role.is_of_rows();
    let dropped: Vec<&Decided> = decided.iter().filter(is_dropped).collect();
    for column in dropped.iter().take(DROPPED_SHOWN) {
        talk.note(format!(
            "column `{}` is not used: {}",
            column.name, column.because
        ));
    }
    if dropped.len() > DROPPED_SHOWN {
        talk.note(format!(
            "{} more columns are not used; `easylife inspect` lists them",
            dropped.len() - DROPPED_SHOWN
        ));
    }
    dropped.iter().map(|column| column.name.clone()).collect()
}

/// Refuses a table with cells that do not hold what the parameters say of their column.
fn refuse_wrong(data: &Data, wrong: &[columns::WrongCell]) -> Result<()> {
    let Some(first) = wrong.first() else {
        return Ok(());
    };
    let more = match wrong.len() {
        1 => String::new(),
        all => format!(" ({all} such cells in all)"),
    };
    Err(exit::data(format!(
        "{}:{}, column `{}`: {}{more}; if it stands for a missing value, name it in tabular.data.missing, or \
         change what tabular.data.columns says of the column",
        data.path.display(),
        first.row + 2,
        first.column,
        first.reason
    )))
}

/// The constraints by column of the table.
fn monotone(params: &Params, table: &Table) -> Result<Vec<i8>> {
    let given = &params.model.trees.monotone;
    let kind_of = |name: &str| {
        table
            .columns
            .iter()
            .find(|c| c.name == name)
            .map(|c| c.kind)
    };
    for name in given.keys() {
        let reason = match kind_of(name) {
            Some(ColumnKind::Number | ColumnKind::Boolean) => continue,
            Some(kind) => format!(
                "the column is a {}; only numbers have a direction",
                kind.as_str()
            ),
            None => "no such column is predicted from".to_owned(),
        };
        let key = format!("tabular.model.trees.monotone.{name}");
        return Err(exit::usage(format!("{key}: {reason}")));
    }
    let sign = |column: &maths::Column| given.get(&column.name).copied().unwrap_or(0);
    Ok(table.columns.iter().map(sign).collect())
}

/// The sets of columns that may be used together, by column of the table.
fn interactions(params: &Params, table: &Table) -> Result<Vec<Vec<usize>>> {
    let place = |name: &String| {
        let place = table.columns.iter().position(|column| column.name == *name);
        place.ok_or_else(|| {
            exit::usage(format!(
                "tabular.model.trees.interactions: no column `{name}` is predicted from"
            ))
        })
    };
    let sets = params.model.trees.interactions.iter();
    sets.map(|set| set.iter().map(place).collect()).collect()
}

fn fit_with_progress(
    options: &maths::Options,
    data: &maths::Data,
    talk: &Talk,
) -> Result<(maths::Model, maths::Fit)> {
    let bar = talk.progress("training tabular", None);
    let watch = |progress: Progress| {
        bar.set_message(match progress {
            Progress::Fold { number, of } => format!("fold {} of {of}", number + 1),
            Progress::All => "all rows".to_owned(),
        });
    };
    let fitted = options.fit(data, &watch).map_err(explain_failure);
    bar.finish_and_clear();
    fitted
}

/// Errors of a fit are errors in the data (exit 4), or of the parameters.
fn explain_failure(error: FitError) -> anyhow::Error {
    match error {
        FitError::Quantiles => exit::usage(format!(
            "tabular.model.kind: {error}; set it to trees or auto, or tabular.data.kind to number"
        )),
        FitError::NoFolds { .. } => exit::data(format!(
            "tabular: {error}; give more rows, or fix the settings: tabular.model.kind, trees.rounds, \
             trees.leaves, linear.lambda, calibrate: false, intervals: []"
        )),
        FitError::NoColumns => exit::data(format!(
            "tabular: {error}: all are ids, constant or left out; tabular.data.columns says otherwise"
        )),
        error => exit::data(format!("tabular: {error}")),
    }
}

/// The columns in, the answer out.
fn signature(table: &Table, target: &Target, intervals: &[f64]) -> Signature {
    let input = |column: &maths::Column| Field {
        optional: false,
        ..Field::new(
            column.name.clone(),
            match column.kind {
                ColumnKind::Number => FieldType::Float,
                ColumnKind::Time => FieldType::Time,
                ColumnKind::Boolean | ColumnKind::Category | ColumnKind::Text => FieldType::Text,
            },
        )
    };
    let outputs = super::scoring::outputs(target, intervals);
    let classes = target.classes();
    let output = |name: String| match (name.as_str(), classes.is_empty()) {
        ("prediction", false) => Field::new(name, FieldType::Text),
        _ => Field::new(name, FieldType::Float),
    };
    Signature {
        inputs: table.columns.iter().map(input).collect(),
        outputs: outputs.into_iter().map(output).collect(),
        classes: classes.to_vec(),
    }
}
