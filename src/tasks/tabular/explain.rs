//! Explanation of `tabular`: what each column contributed to the margin of a row; together they are the margin.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::ask::{Because, Given, write_reasons};
use super::details::Details;
use super::join::Lookup;
use super::scoring::Scorer;
use crate::exit;
use crate::explain::{Explain, Explainer};
use crate::outcome::Outcome;
use crate::outcome::number::{figure, signed};
use crate::project::Project;
use crate::tasks::tabular::Tabular;
use artifact::Header;
use models::tabular::{Model, Target};
use scoring::Score;
use scoring::tabular::{Answer, Prediction};

#[derive(Serialize)]
struct Explanation {
    /// The class, or the number.
    prediction: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// What margins are: log-odds, a logarithm, or the number itself.
    scale: &'static str,
    /// The margin of an average row; with the contributions it gives the margin.
    base: f64,
    margin: f64,
    reasons: Vec<Because>,
    /// The remaining columns, and their total contribution.
    others: Others,
}

#[derive(Serialize)]
struct Others {
    columns: usize,
    contribution: f64,
}

impl Explain for Tabular {
    fn explainer<'a>(
        project: Option<&'a Project>,
        model: &'a Model,
        header: &'a Header<Details>,
        top: usize,
    ) -> Result<Explainer<'a>> {
        let details = &header.details;
        let scorer = Scorer::new(model, details)?.explaining(usize::MAX);
        let lookup = Lookup::new(details, project);
        Ok(Box::new(move |input: &str| -> Result<Box<dyn Outcome>> {
            let mut given =
                Given::read(input, scorer.columns(), lookup.spec()).map_err(exit::data)?;
            given.join(&lookup)?;
            let request = given.request(scorer.columns());
            let answer = scorer.score(&[request], &mut ()).into_iter().next();
            let answer = answer.ok_or_else(|| exit::data("no answer"))?;
            let answer = answer.map_err(|refusal| exit::data(refusal.reason))?;
            let explanation = Explanation::of(model, &scorer, &given, &answer, top)?;
            Ok(Box::new(explanation))
        }))
    }
}

impl Explanation {
    fn of(
        model: &Model,
        scorer: &Scorer<&Model>,
        given: &Given,
        answer: &Answer<'_>,
        top: usize,
    ) -> Result<Self> {
        let (table, _) = scorer.table(&[given.request(scorer.columns())]);
        let base = model.explain(&table)?.base;
        let (prediction, probability, output, sign) = match &answer.prediction {
            Prediction::Class {
                class,
                label,
                probability,
                ..
            } => {
                let (output, sign) = match (base.len(), class) {
                    (1, 0) => (0, -1.0),
                    (1, _) => (0, 1.0),
                    _ => (*class, 1.0),
                };
                ((*label).to_owned(), Some(*probability), output, sign)
            }
            Prediction::Number { value, .. } => (figure(*value), None, 0, 1.0),
            Prediction::Quantiles(values) => {
                let middle = values.len() / 2;
                (figure(values[middle]), None, middle, 1.0)
            }
        };
        let base = sign * base[output];
        let (shown, rest) = answer.reasons.split_at(top.min(answer.reasons.len()));
        let sum: f64 = answer
            .reasons
            .iter()
            .map(|reason| reason.contribution)
            .sum();
        Ok(Self {
            prediction,
            probability,
            scale: match model.target() {
                Target::Classes(_) => "log-odds",
                Target::Count => "logarithm of the count",
                Target::Number | Target::Quantiles(_) => "units of the target",
            },
            base,
            margin: base + sum,
            reasons: shown.iter().map(Because::from).collect(),
            others: Others {
                columns: rest.len(),
                contribution: rest.iter().map(|reason| reason.contribution).sum(),
            },
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.probability {
            Some(probability) => writeln!(f, "{}  ({probability:.4})", self.prediction)?,
            None => writeln!(f, "{}", self.prediction)?,
        }
        write_reasons(f, &self.reasons)?;
        let Others {
            columns,
            contribution,
        } = self.others;
        if columns > 0 {
            let contribution = signed(contribution, 4);
            writeln!(f, "  {contribution:>9}  and {columns} more, together")?;
        }
        writeln!(f, "  {:>9}  (an average row)", signed(self.base, 4))?;
        writeln!(
            f,
            "  {:>9}  = margin, in {}",
            signed(self.margin, 4),
            self.scale
        )
    }
}
