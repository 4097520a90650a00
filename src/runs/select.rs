//! Which runs are meant, and in which order.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use registry::runs::{Outcome, Run, Value};

/// Which runs, in which order.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Runs of this task.
    pub task: Option<String>,
    /// Runs of this verb.
    pub verb: Option<String>,
    /// Runs that meet all of these.
    pub filters: Vec<Filter>,
    /// By this metric or parameter, the greatest first; absent: by time, the newest first.
    pub sort: Option<String>,
    /// In the opposite order.
    pub reverse: bool,
    /// The first so many.
    pub limit: Option<usize>,
}

/// A condition on a metric, a parameter or a field of a run: `accuracy>=0.9`, `nlp.model.kind=linear`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    key: String,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Operator {
    /// Longer spellings before those that they begin with.
    const ALL: [(&'static str, Operator); 6] = [
        ("!=", Operator::Unequal),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("=", Operator::Equal),
        ("<", Operator::Below),
        (">", Operator::Above),
    ];

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Below => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Above => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = text.find(['!', '<', '>', '=']);
        let parts = place.and_then(|place| {
            let (key, rest) = text.split_at(place);
            let operators = Operator::ALL.iter();
            let mut found = operators.filter_map(|(sign, operator)| {
                let value = rest.strip_prefix(sign)?;
                Some((key.trim(), *operator, value.trim()))
            });
            found.next()
        });
        match parts {
            Some((key, operator, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                operator,
                value: value.to_owned(),
            }),
            _ => Err(format!(
                "`{text}` is not a condition, such as accuracy>=0.9 or nlp.model.kind=linear"
            )),
        }
    }
}

impl Filter {
    /// Whether a run meets it; one without the metric or parameter does not.
    fn meets(&self, run: &Run) -> bool {
        let Some(cell) = Cell::of(run, &self.key) else {
            return false;
        };
        let ordering = match (cell, self.value.parse::<f64>()) {
            (Cell::Number(number), Ok(value)) => number.partial_cmp(&value),
            (cell, _) => Some(cell.to_string().as_str().cmp(&self.value)),
        };
        ordering.is_some_and(|ordering| self.operator.holds(ordering))
    }
}

/// A value of a run by its name.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Number(f64),
    Text(String),
}

impl Cell {
    /// A metric, a parameter, or a field of the record.
    pub fn of(run: &Run, key: &str) -> Option<Cell> {
        if let Some(metric) = run.metrics.iter().find(|metric| metric.name == key) {
            return Some(Cell::Number(metric.value));
        }
        if let Some(value) = run.params.get(key) {
            return Some(Cell::of_value(value));
        }
        let text = |text: &str| Some(Cell::Text(text.to_owned()));
        match key {
            "id" => text(&run.id),
            "task" => text(&run.task),
            "verb" => text(&run.verb),
            "version" => text(&run.version),
            "commit" => text(&run.git.as_ref()?.commit),
            "branch" => text(run.git.as_ref()?.branch.as_deref()?),
            "outcome" => text(outcome(&run.outcome)),
            "model" => text(&run.digests.model.as_ref()?.sha256),
            "started" => text(&run.started.to_string()),
            "seconds" => Some(Cell::Number(run.seconds)),
            "cpu_seconds" => Some(Cell::Number(run.cpu_seconds?)),
            "peak_memory" => Some(Cell::Number(run.peak_memory? as f64)),
            _ => None,
        }
    }

    /// A parameter.
    pub fn of_value(value: &Value) -> Cell {
        match value {
            Value::Null => Cell::Text("null".to_owned()),
            Value::Bool(value) => Cell::Text(value.to_string()),
            Value::Int(number) => Cell::Number(*number as f64),
            Value::Big(number) => Cell::Number(*number as f64),
            Value::Float(number) => Cell::Number(*number),
            Value::Text(text) => Cell::Text(text.clone()),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// How a run ended, in a word.
pub fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Finished => "finished",
        Outcome::Failed { .. } => "failed",
    }
}

impl Selection {
    /// Selects of some runs, which are in the order of time.
    pub fn of(&self, runs: Vec<Run>) -> Vec<Run> {
        let is = |wanted: &Option<String>, word: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == word)
        };
        let mut runs: Vec<Run> = { runs.into_iter().rev() }
            .filter(|run| is(&self.task, &run.task) && is(&self.verb, &run.verb))
            .filter(|run| self.filters.iter().all(|filter| filter.meets(run)))
            .collect();
        if let Some(key) = &self.sort {
            // What has no such value has no place in the order.
            runs.retain(|run| Cell::of(run, key).is_some());
            runs.sort_by(|a, b| compare(Cell::of(b, key), Cell::of(a, key)));
        }
        if self.reverse {
            runs.reverse();
        }
        runs.truncate(self.limit.unwrap_or(usize::MAX));
        runs
    }
}

/// Numbers before texts; NaN is below every number.
fn compare(a: Option<Cell>, b: Option<Cell>) -> Ordering {
    match (a, b) {
        (Some(Cell::Number(a)), Some(Cell::Number(b))) => match (a.is_nan(), b.is_nan()) {
            (false, false) => a.total_cmp(&b),
            (a, b) => b.cmp(&a),
        },
        (Some(Cell::Text(a)), Some(Cell::Text(b))) => a.cmp(&b),
        (Some(Cell::Number(_)), _) => Ordering::Greater,
        (_, Some(Cell::Number(_))) => Ordering::Less,
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry::lineage::Metric;

    fn run(task: &str, accuracy: Option<f64>, kind: &str) -> Run {
        let mut run = Run::new("evaluate", task, "0.1.0", jiff::Timestamp::UNIX_EPOCH).unwrap();
        run.metrics.extend(accuracy.map(|value| Metric {
            name: "accuracy".to_owned(),
            value,
            low: None,
            high: None,
        }));
        let key = "nlp.model.kind".to_owned();
        run.params.insert(key, Value::from(kind));
        run
    }

    fn accuracies(selection: &Selection) -> Vec<f64> {
        let runs = vec![
            run("nlp", Some(0.8), "linear"),
            run("nlp", Some(f64::NAN), "linear"),
            run("cv", Some(0.9), "forest"),
            run("nlp", None, "linear"),
            run("nlp", Some(0.7), "bayes"),
        ];
        let selected = selection.of(runs);
        let values = selected.iter().filter_map(|run| run.metrics.first());
        values.map(|metric| metric.value).collect()
    }

    #[test]
    fn runs_are_sorted_and_limited() {
        let by = |reverse, limit| Selection {
            sort: Some("accuracy".to_owned()),
            reverse,
            limit,
            ..Selection::default()
        };
        let sorted = accuracies(&by(false, None));
        assert_eq!(sorted[..3], [0.9, 0.8, 0.7]);
        assert!(sorted[3].is_nan());
        assert_eq!(accuracies(&by(true, None))[1..], [0.7, 0.8, 0.9]);
        assert_eq!(accuracies(&by(false, Some(1))), [0.9]);
        assert_eq!(accuracies(&Selection::default())[0], 0.7);
    }

    #[test]
    fn conditions_compare_numbers_as_numbers_and_words_as_words() {
        let by = |filters: &[&str]| Selection {
            filters: filters.iter().map(|text| text.parse().unwrap()).collect(),
            ..Selection::default()
        };
        assert_eq!(accuracies(&by(&["accuracy>=0.80"])), [0.9, 0.8]);
        assert_eq!(accuracies(&by(&["accuracy < 0.8"])), [0.7]);
        assert_eq!(accuracies(&by(&["accuracy=0.9"])), [0.9]);
        assert_eq!(accuracies(&by(&["nlp.model.kind=bayes"])), [0.7]);
        assert_eq!(
            accuracies(&by(&["nlp.model.kind!=linear", "task=cv"])),
            [0.9]
        );
        assert!(accuracies(&by(&["recall>0"])).is_empty());
        for text in ["accuracy", "", "=3", "a!3"] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
    }
}
