//! Answers of `tabular` from memory: the cells of a row in, a class, a number or quantiles out.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use anyhow::Result;

use super::cells::{NumberCell, Spelling};
use super::columns::{self, Used, value_of};
use super::details::Details;
use crate::exit;
use models::metrics::classification::most_probable;
use models::tabular::cost::CostMatrix;
use models::tabular::{Column, ColumnKind, MISSING, Model, Table, Target, Values, Words};
use scoring::tabular::{Answer, Cell, Prediction, Reason, Request};
use scoring::{Refusal, Score};
use tables::Decimal;

/// A model of a table that answers requests.
pub struct Scorer<M = Model> {
    model: M,
    columns: Vec<Used>,
    spelling: Spelling,
    /// What errors cost, if the parameters say.
    cost: Option<CostMatrix>,
    /// Number of reasons of an answer.
    reasons: usize,
}

impl<M: Borrow<Model>> Scorer<M> {
    /// A scorer for a loaded model with these details.
    ///
    /// # Errors
    /// Details of another model: other columns, or costs of classes that the model does not have.
    pub fn new(model: M, details: &Details) -> Result<Self> {
        let of = model.borrow();
        let columns = columns::used(&details.columns);
        let named = columns.iter().map(|used| (used.name.as_str(), used.kind));
        if !named.eq(of.columns()) {
            return Err(exit::data(
                "the header of the model names other columns than its tensors; train it again with `easylife train \
                 tabular`",
            ));
        }
        Ok(Self {
            columns,
            spelling: details.spelling.clone(),
            cost: cost_matrix(&details.model.cost, of.target().classes())?,
            reasons: 0,
            model,
        })
    }

    /// With another decimal mark than that of training, if one is given.
    pub fn reading(mut self, decimal: Option<Decimal>) -> Self {
        self.spelling.decimal = decimal.or(self.spelling.decimal);
        self
    }

    /// With this number of reasons beside each answer.
    pub fn explaining(self, reasons: usize) -> Self {
        Self { reasons, ..self }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        self.model.borrow()
    }

    /// The columns that are predicted from.
    pub fn columns(&self) -> &[Used] {
        &self.columns
    }

    /// The class that is answered for these probabilities.
    pub fn decide(&self, probabilities: &[f64]) -> usize {
        match &self.cost {
            Some(cost) => cost.decide(probabilities),
            None => most_probable(probabilities),
        }
    }

    /// The class of each probability row, and what errors cost.
    pub fn cost(&self) -> Option<&CostMatrix> {
        self.cost.as_ref()
    }

    /// The cells of rows as a table, and the rows that it does not hold, with the reason.
    pub fn table(&self, requests: &[Request<'_>]) -> (Table, Vec<Option<Refusal>>) {
        let mut refusals: Vec<Option<Refusal>> = requests.iter().map(|_| None).collect();
        let column = |(place, used): (usize, &Used)| {
            let mut growing = Growing::of(used, requests.len());
            for (request, refusal) in requests.iter().zip(&mut refusals) {
                let cell = request.cells.get(place).copied().unwrap_or(Cell::Missing);
                if let Err(reason) = growing.push(cell, &self.spelling) {
                    let reason = format!("column `{}`: {reason}", used.name);
                    refusal.get_or_insert_with(|| Refusal::invalid(reason));
                }
            }
            Column {
                name: used.name.clone(),
                kind: used.kind,
                values: growing.finish(),
            }
        };
        let columns = self.columns.iter().enumerate().map(column).collect();
        let table = Table {
            rows: requests.len(),
            columns,
        };
        (table, refusals)
    }

    /// Answers requests, each with at most so many reasons.
    pub fn score_with(
        &self,
        requests: &[Request<'_>],
        most: usize,
    ) -> Vec<Result<Answer<'_>, Refusal>> {
        let (table, refusals) = self.table(requests);
        // The table has the columns of the model.
        let answers = match self.model().answer(&table) {
            Ok(answers) => answers.values,
            Err(error) => {
                let refusal = Refusal::invalid(error.to_string());
                return requests.iter().map(|_| Err(refusal.clone())).collect();
            }
        };
        let width = self.model().target().answers();
        let predictions: Vec<Prediction<'_>> = { answers.chunks_exact(width) }
            .map(|values| self.prediction(values))
            .collect();
        let reasons = match most {
            0 => vec![Vec::new(); predictions.len()],
            _ => self.explain(&table, &predictions, most),
        };
        let answered = predictions.into_iter().zip(reasons).zip(refusals);
        answered
            .map(|((prediction, reasons), refusal)| match refusal {
                Some(refusal) => Err(refusal),
                None => Ok(Answer {
                    prediction,
                    reasons,
                }),
            })
            .collect()
    }

    fn prediction(&self, values: &[f64]) -> Prediction<'_> {
        match self.model().target() {
            Target::Classes(names) => {
                let class = self.decide(values);
                Prediction::Class {
                    class,
                    label: &names[class],
                    probability: values[class],
                    probabilities: values.to_vec(),
                }
            }
            Target::Quantiles(_) => Prediction::Quantiles(values.to_vec()),
            Target::Number | Target::Count => {
                let intervals = self.model().conformal().map_or_else(Vec::new, |conformal| {
                    let levels = conformal.levels().iter();
                    let of = |&level: &f64| conformal.interval(values[0], level);
                    levels.filter_map(of).collect()
                });
                Prediction::Number {
                    value: values[0],
                    intervals,
                }
            }
        }
    }

    /// The strongest reasons of every row of a table for the class that is answered.
    fn explain(
        &self,
        table: &Table,
        predictions: &[Prediction<'_>],
        most: usize,
    ) -> Vec<Vec<Reason<'_>>> {
        // The table has the columns of the model.
        let Ok(explanation) = self.model().explain(table) else {
            return vec![Vec::new(); table.rows];
        };
        let outputs = self.model().target().outputs();
        let of_row = |(row, prediction): (usize, &Prediction<'_>)| {
            let (output, sign) = margin_of(prediction, outputs);
            let contributions = explanation.row(row, output);
            let named = reasons_of(table, row, contributions, sign, most);
            let own = |reason: Reason<'_>| {
                let mut columns = self.columns.iter().map(|used| used.name.as_str());
                Reason {
                    column: columns.find(|name| *name == reason.column).unwrap_or(""),
                    value: reason.value,
                    contribution: reason.contribution,
                }
            };
            named.into_iter().map(own).collect()
        };
        predictions.iter().enumerate().map(of_row).collect()
    }
}

/// Which of so many margins speaks for a prediction, and with which sign.
pub(super) fn margin_of(prediction: &Prediction<'_>, outputs: usize) -> (usize, f64) {
    match prediction {
        Prediction::Class { class, .. } if outputs > 1 => (*class, 1.0),
        // The one margin speaks for the second class.
        Prediction::Class { class: 0, .. } => (0, -1.0),
        Prediction::Class { .. } | Prediction::Number { .. } => (0, 1.0),
        Prediction::Quantiles(_) => (outputs / 2, 1.0),
    }
}

/// The strongest of the contributions to a row of a table, times `sign`.
pub(super) fn reasons_of<'t>(
    table: &'t Table,
    row: usize,
    contributions: &[f64],
    sign: f64,
    most: usize,
) -> Vec<Reason<'t>> {
    let mut order: Vec<usize> = (0..contributions.len()).collect();
    order.retain(|&column| contributions[column] != 0.0);
    let strength = |&column: &usize| contributions[column].abs();
    order.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    order.truncate(most);
    let reason = |place: usize| {
        let column = &table.columns[place];
        Reason {
            column: column.name.as_str(),
            value: shown(&column.values, column.kind, row),
            contribution: sign * contributions[place],
        }
    };
    order.into_iter().map(reason).collect()
}

/// What errors cost, for the classes of a model; `None` if nothing is said.
///
/// # Errors
/// A class that the model does not have.
pub fn cost_matrix(
    cost: &BTreeMap<String, BTreeMap<String, f64>>,
    classes: &[String],
) -> Result<Option<CostMatrix>> {
    if cost.is_empty() {
        return Ok(None);
    }
    let find = |name: &String, key: &str| {
        classes
            .iter()
            .position(|class| class == name)
            .ok_or_else(|| {
                exit::usage(format!(
                    "{key}: no such class; the target has: {}",
                    match classes.is_empty() {
                        true => "no classes".to_owned(),
                        false => classes.join(", "),
                    }
                ))
            })
    };
    let mut costs = vec![0.0; classes.len() * classes.len()];
    for (actual, answers) in cost {
        let key = format!("tabular.model.cost.{actual}");
        let row = find(actual, &key)?;
        for (answer, cost) in answers {
            let column = find(answer, &format!("{key}.{answer}"))?;
            costs[row * classes.len() + column] = *cost;
        }
    }
    let matrix = CostMatrix::new(classes.len(), costs);
    let matrix = matrix.map_err(|error| exit::usage(format!("tabular.model.cost: {error}")))?;
    Ok(Some(matrix))
}

/// Names of the columns of an answer.
pub fn outputs(target: &Target, intervals: &[f64]) -> Vec<String> {
    let mut names = Vec::new();
    match target {
        Target::Classes(_) => {
            names.extend(["prediction", "probability"].map(str::to_owned));
        }
        Target::Number | Target::Count => {
            names.push("prediction".to_owned());
            let mut levels = intervals.to_vec();
            levels.sort_unstable_by(f64::total_cmp);
            levels.dedup();
            for level in levels {
                let percent = percent(level);
                names.extend([format!("lo-{percent}"), format!("hi-{percent}")]);
            }
        }
        Target::Quantiles(levels) => {
            names.extend(levels.iter().map(|level| format!("q-{}", percent(*level))));
        }
    }
    names
}

/// A share in per cent, without digits that are not there: 95, 99.5.
fn percent(share: f64) -> String {
    let percent = (share * 1e8).round() / 1e6;
    format!("{percent}")
}

/// A value of a column, as a person reads it.
pub(super) fn value_shown(column: &Column, row: usize) -> String {
    shown(&column.values, column.kind, row)
}

/// A value of a table, as a person reads it.
fn shown(values: &Values, kind: ColumnKind, row: usize) -> String {
    if values.is_missing(row) {
        return "missing".to_owned();
    }
    match values {
        Values::Numbers(numbers) => match kind {
            ColumnKind::Boolean if numbers[row] == 1.0 => "true".to_owned(),
            ColumnKind::Boolean if numbers[row] == 0.0 => "false".to_owned(),
            ColumnKind::Time => {
                let is_day = numbers[row] % 86_400.0 == 0.0;
                tables::profile::spell_time(numbers[row], !is_day)
            }
            _ => format!("{}", numbers[row]),
        },
        Values::Words(words) => tables::shown(&words.words[words.codes[row] as usize]),
        Values::Texts(texts) => {
            const LETTERS: usize = 40;
            let text = tables::shown(texts[row].as_deref().unwrap_or(""));
            match text.chars().count() > LETTERS {
                true => text.chars().take(LETTERS).chain(['…']).collect(),
                false => text,
            }
        }
    }
}

/// A column of a batch.
enum Growing<'u> {
    Numbers(&'u Used, Vec<f64>),
    Words(Words, std::collections::HashMap<String, u32>),
    Texts(Vec<Option<String>>),
}

impl<'u> Growing<'u> {
    fn of(used: &'u Used, rows: usize) -> Self {
        match used.kind {
            ColumnKind::Category => Self::Words(Words::default(), Default::default()),
            ColumnKind::Text => Self::Texts(Vec::with_capacity(rows)),
            _ => Self::Numbers(used, Vec::with_capacity(rows)),
        }
    }

    /// Adds a cell; one that does not hold what it should is missing, and the reason is returned.
    fn push(&mut self, cell: Cell<'_>, spelling: &Spelling) -> Result<(), String> {
        match self {
            Self::Numbers(used, numbers) => {
                let (number, fault) = match number(cell, used, spelling) {
                    Ok(number) => (number, Ok(())),
                    Err(reason) => (f64::NAN, Err(reason)),
                };
                numbers.push(number);
                fault
            }
            Self::Words(words, index) => {
                let spelled;
                let word = match cell {
                    Cell::Missing => None,
                    Cell::Number(number) if number.is_nan() => None,
                    Cell::Number(number) => {
                        spelled = format!("{number}");
                        Some(spelled.as_str().into())
                    }
                    Cell::Text(text) => spelling.word(text),
                };
                words.codes.push(match word {
                    None => MISSING,
                    Some(word) => {
                        let next = words.words.len() as u32;
                        *index.entry(word.into_owned()).or_insert_with_key(|word| {
                            words.words.push(word.clone());
                            next
                        })
                    }
                });
                Ok(())
            }
            Self::Texts(texts) => {
                texts.push(match cell {
                    Cell::Missing => None,
                    Cell::Number(number) if number.is_nan() => None,
                    Cell::Number(number) => Some(format!("{number}")),
                    Cell::Text(text) => spelling.word(text).map(std::borrow::Cow::into_owned),
                });
                Ok(())
            }
        }
    }

    fn finish(self) -> Values {
        match self {
            Self::Numbers(_, numbers) => Values::Numbers(numbers),
            Self::Words(words, _) => Values::Words(words),
            Self::Texts(texts) => Values::Texts(texts),
        }
    }
}

/// A cell as a number, a boolean or a time; NaN is missing.
fn number(cell: Cell<'_>, used: &Used, spelling: &Spelling) -> Result<f64, String> {
    let kind = used.kind;
    let value = |text: &str| value_of(text, kind, used.format.as_ref());
    let text = match cell {
        Cell::Missing => return Ok(f64::NAN),
        Cell::Number(number) if kind == ColumnKind::Number || number.is_nan() => return Ok(number),
        Cell::Number(number) => {
            return Ok(value(&format!("{number}"))?.unwrap_or(f64::NAN));
        }
        Cell::Text(text) => text.trim(),
    };
    match spelling.number(text) {
        NumberCell::Missing => Ok(f64::NAN),
        NumberCell::Number(number) if kind == ColumnKind::Number => Ok(number),
        _ => Ok(value(text)?.unwrap_or(f64::NAN)),
    }
}

impl<M: Borrow<Model> + Send + Sync> Score for Scorer<M> {
    type Request<'a> = Request<'a>;
    type Answer<'m>
        = Answer<'m>
    where
        Self: 'm;
    type Scratch = ();

    fn score<'m>(
        &'m self,
        requests: &[Request<'_>],
        _: &mut (),
    ) -> Vec<Result<Answer<'m>, Refusal>> {
        self.score_with(requests, self.reasons)
    }
}
