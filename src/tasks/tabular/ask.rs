//! Answers of `tabular` on the terminal: a row given as an object or as `column=value` pairs, its answer, and why.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use super::columns::Used;
use super::join::{Lookup, Spec};
use super::scoring::{Scorer, outputs};
use crate::outcome::number::{figure, signed};
use crate::predict::Request;
use crate::predict::ask::{Ask, Input};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::Loaded;
use crate::tasks::tabular::Tabular;
use scoring::tabular::{self, Cell, Prediction, Reason};
use scoring::{Refusal, Score};

/// Classes shown by default.
const CLASSES_SHOWN: usize = 5;
/// Reasons shown.
const REASONS: usize = 5;

/// An answered row.
#[derive(Serialize)]
pub struct Answer {
    /// What was given, and looked up in joined tables.
    row: BTreeMap<String, Value>,
    /// Columns that were not given, and so are missing values.
    absent: Vec<String>,
    /// The answer by the columns of the output.
    #[serde(flatten)]
    values: serde_json::Map<String, Value>,
    /// Every class, the most probable first; none for numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<Class>,
    reasons: Vec<Because>,
    #[serde(skip)]
    shown: usize,
}

#[derive(Serialize)]
struct Class {
    name: String,
    probability: f64,
}

/// What a column contributed.
#[derive(Serialize)]
pub(super) struct Because {
    pub column: String,
    pub value: String,
    pub contribution: f64,
}

impl From<&Reason<'_>> for Because {
    fn from(reason: &Reason<'_>) -> Self {
        Self {
            column: reason.column.to_owned(),
            value: reason.value.clone(),
            contribution: reason.contribution,
        }
    }
}

impl Ask for Tabular {
    const INPUT: Input = Input::Row;

    type Answer = Answer;

    fn answer(
        project: Option<&Project>,
        loaded: Loaded<Self>,
        request: &Request,
        _: &Talk,
    ) -> Result<Vec<Result<Answer, String>>> {
        let details = &loaded.header.details;
        let names = outputs(loaded.model.target(), &details.model.intervals);
        let scorer = Scorer::new(loaded.model, details)?.reading(request.reading.decimal);
        let scorer = scorer.explaining(request.options.reasons.unwrap_or(REASONS));
        let shown = match request.options.all_classes {
            true => usize::MAX,
            false => CLASSES_SHOWN,
        };
        let lookup = Lookup::new(details, project);
        let answer = |text: &String| {
            let mut row = Given::read(text, scorer.columns(), lookup.spec())?;
            row.join(&lookup).map_err(|error| format!("{error:#}"))?;
            let answers: Vec<Result<tabular::Answer<'_>, Refusal>> =
                scorer.score(&[row.request(scorer.columns())], &mut ());
            let answer = answers.into_iter().next().ok_or("no answer")?;
            let answer = answer.map_err(|refusal| refusal.reason)?;
            Ok(Answer::of(
                row,
                &answer,
                &names,
                scorer.model().target().classes(),
                shown,
            ))
        };
        Ok(request.asked.iter().map(answer).collect())
    }
}

/// A row as given.
pub(super) struct Given {
    pub row: BTreeMap<String, Value>,
    /// Columns of the model that were not given.
    pub absent: Vec<String>,
}

impl Given {
    /// Reads an object of JSON, or pairs: `age=41, plan=basic`.
    ///
    /// # Errors
    /// Why it is neither, or a column that the model does not know.
    pub fn read(text: &str, columns: &[Used], join: Option<&Spec>) -> Result<Self, String> {
        let row = match text.trim_start().starts_with('{') {
            true => {
                serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?
            }
            false => pairs(text)?,
        };
        let names: Vec<&str> = columns.iter().map(|used| used.name.as_str()).collect();
        let is_known = |name: &&String| {
            names.contains(&name.as_str()) || join.is_some_and(|join| join.is_key(name))
        };
        if !row.keys().any(|name| is_known(&name)) {
            return Err(format!(
                "none of the model's columns is given; it predicts from {}",
                names.join(", ")
            ));
        }
        let nested = |value: &Value| value.is_array() || value.is_object();
        if let Some((name, _)) = row.iter().find(|(_, value)| nested(value)) {
            return Err(format!(
                "column `{name}`: expected a value, not a list or an object"
            ));
        }
        let absent = names.iter().filter(|name| !row.contains_key(**name));
        Ok(Self {
            absent: absent.map(|name| (*name).to_owned()).collect(),
            row,
        })
    }

    /// Adds the columns of joined tables that it does not bring itself.
    ///
    /// # Errors
    /// See [`Lookup::look_up`].
    pub fn join(&mut self, lookup: &Lookup<'_>) -> Result<()> {
        let has = |name: &str| self.row.contains_key(name);
        let text = |name: &str| match self.row.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        };
        for (name, cell) in lookup.look_up(has, text)? {
            let value = match cell {
                Cell::Missing => Value::Null,
                Cell::Number(number) => Value::from(number),
                Cell::Text(text) => Value::from(text),
            };
            self.row.insert(name.to_owned(), value);
            self.absent.retain(|absent| absent != name);
        }
        Ok(())
    }

    /// The request of the row.
    pub fn request(&self, columns: &[Used]) -> tabular::Request<'_> {
        let cell = |used: &Used| match self.row.get(&used.name) {
            None | Some(Value::Null) => Cell::Missing,
            Some(Value::String(text)) => Cell::Text(text),
            Some(Value::Bool(true)) => Cell::Text("true"),
            Some(Value::Bool(false)) => Cell::Text("false"),
            Some(value) => value.as_f64().map_or(Cell::Missing, Cell::Number),
        };
        tabular::Request {
            cells: columns.iter().map(cell).collect(),
        }
    }
}

/// `column=value` pairs, separated by commas.
fn pairs(text: &str) -> Result<BTreeMap<String, Value>, String> {
    let mut row = BTreeMap::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(format!(
                "`{}` is not a column and its value; write {{\"column\": value, ...}} or column=value,...",
                tables::shown(pair.trim())
            ));
        };
        let value = match value.trim() {
            "" => Value::Null,
            value => Value::String(value.to_owned()),
        };
        row.insert(name.trim().to_owned(), value);
    }
    Ok(row)
}

impl Answer {
    fn of(
        given: Given,
        answer: &tabular::Answer<'_>,
        names: &[String],
        class_names: &[String],
        shown: usize,
    ) -> Self {
        let mut values: Vec<Value> = Vec::new();
        let mut classes = Vec::new();
        match &answer.prediction {
            Prediction::Class {
                label,
                probability,
                probabilities,
                ..
            } => {
                values = vec![Value::from(*label), Value::from(*probability)];
                classes = { class_names.iter().zip(probabilities) }
                    .map(|(name, &probability)| Class {
                        name: name.clone(),
                        probability,
                    })
                    .collect();
                classes.sort_by(|a: &Class, b| b.probability.total_cmp(&a.probability));
            }
            Prediction::Number { value, intervals } => {
                values.push(Value::from(*value));
                values.extend(intervals.iter().flatten().map(|&end| Value::from(end)));
            }
            Prediction::Quantiles(quantiles) => {
                values.extend(quantiles.iter().map(|&value| Value::from(value)));
            }
        }
        Self {
            row: given.row,
            absent: given.absent,
            values: names.iter().cloned().zip(values).collect(),
            classes,
            reasons: answer.reasons.iter().map(Because::from).collect(),
            shown,
        }
    }

    fn headline(&self) -> String {
        let value = |(name, value): (&String, &Value)| match value.as_f64() {
            Some(number) => format!("{name} {}", figure(number)),
            None => format!("{name} {}", value.as_str().unwrap_or("")),
        };
        let values: Vec<String> = self.values.iter().map(value).collect();
        values.join("   ")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        let listed = self.classes.iter().take(self.shown);
        let width = listed
            .clone()
            .map(|class| tables::shown(&class.name).chars().count())
            .max();
        let width = width.unwrap_or_default();
        for class in listed {
            let name = tables::shown(&class.name);
            writeln!(f, "  {name:<width$}  {}", figure(class.probability))?;
        }
        if self.classes.len() > self.shown {
            let more = self.classes.len() - self.shown;
            writeln!(f, "  and {more} more (--all-classes shows them)")?;
        }
        write_reasons(f, &self.reasons)?;
        if !self.absent.is_empty() {
            writeln!(f, "  not given, so missing: {}", self.absent.join(", "))?;
        }
        Ok(())
    }
}

/// Contributions, one a line.
pub(super) fn write_reasons(f: &mut fmt::Formatter, reasons: &[Because]) -> fmt::Result {
    for Because {
        column,
        value,
        contribution,
    } in reasons
    {
        let contribution: Cow<'_, str> = signed(*contribution, 4).into();
        writeln!(f, "  {contribution:>9}  {column} = {value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::tabular::ColumnKind;

    fn columns() -> Vec<Used> {
        let used = |name: &str, kind| Used {
            name: name.to_owned(),
            kind,
            format: None,
        };
        vec![
            used("age", ColumnKind::Number),
            used("plan", ColumnKind::Category),
        ]
    }

    fn cells(text: &str) -> Result<Vec<String>, String> {
        let given = Given::read(text, &columns(), None)?;
        let request = given.request(&columns());
        Ok(request
            .cells
            .iter()
            .map(|cell| format!("{cell:?}"))
            .collect())
    }

    #[test]
    fn rows_are_objects_or_pairs() {
        let expected = ["Number(41.0)".to_owned(), "Text(\"basic\")".to_owned()];
        assert_eq!(
            cells(r#"{"age": 41, "plan": "basic", "id": 7}"#).unwrap(),
            expected
        );
        let pairs = cells("age=41, plan=basic").unwrap();
        assert_eq!(pairs, ["Text(\"41\")", "Text(\"basic\")"]);
        assert_eq!(cells("plan=x").unwrap()[0], "Missing");
        assert_eq!(
            cells(r#"{"age": null, "plan": true}"#).unwrap()[1],
            "Text(\"true\")"
        );
    }

    #[test]
    fn rows_that_say_nothing_are_refused() {
        assert!(cells("{").unwrap_err().starts_with("not valid JSON"));
        assert!(
            cells("hello")
                .unwrap_err()
                .contains("is not a column and its value")
        );
        assert!(
            cells("agee=3")
                .unwrap_err()
                .contains("predicts from age, plan")
        );
        assert!(
            cells(r#"{"age": [1]}"#)
                .unwrap_err()
                .contains("expected a value")
        );
    }
}
