//! Explanation of `tabular`: what each column contributed to the margin of a row, exactly, or to the answer itself,
//! approximately; together with a base they are the margin or the answer.

mod approximate;
mod background;

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::ask::{Because, Given, write_reasons};
use super::columns::Used;
use super::details::Details;
use super::join::Lookup;
use super::scoring::{Scorer, margin_of, reasons_of};
use crate::exit;
use crate::explain::{Explain, Explainer, How, Method};
use crate::outcome::Outcome;
use crate::outcome::number::{figure, signed};
use crate::project::Project;
use crate::tasks::tabular::Tabular;
use approximate::{Approximation, Asked};
use artifact::Header;
use models::tabular::{Against, Model, Table, Target};
use scoring::Score;
use scoring::tabular::Prediction;

#[derive(Serialize)]
struct Explanation {
    /// The class, or the number.
    prediction: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    method: Method,
    /// What margins are: log-odds, a logarithm, or the number itself.
    scale: &'static str,
    /// The margin of an average row, or the mean margin of the background; with the contributions it gives the margin.
    base: f64,
    /// Background rows, if the base is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    background_rows: Option<usize>,
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
    const OPTIONS: &'static [&'static str] = &["--method", "--background", "--background-rows"];

    fn explainer<'a>(
        project: Option<&'a Project>,
        model: &'a Model,
        header: &'a Header<Details>,
        how: &How,
    ) -> Result<Explainer<'a>> {
        let details = &header.details;
        let scorer = Scorer::new(model, details)?;
        let lookup = Lookup::new(details, project);
        let (seed, top) = (header.provenance.seed, how.top);
        let base = Base::of(how, project, model, scorer.columns(), header)?;
        Ok(Box::new(move |input: &str| -> Result<Box<dyn Outcome>> {
            let mut given =
                Given::read(input, scorer.columns(), lookup.spec()).map_err(exit::data)?;
            given.join(&lookup)?;
            let request = given.request(scorer.columns());
            let (row, _) = scorer.table(std::slice::from_ref(&request));
            let answer = scorer.score(&[request], &mut ()).into_iter().next();
            let answer = answer.ok_or_else(|| exit::data("no answer"))?;
            let answer = answer.map_err(|refusal| exit::data(refusal.reason))?;
            let prediction = &answer.prediction;
            Ok(match &base {
                Base::Mixed(method, background) => {
                    let asked = asked(prediction);
                    let settings = (seed, top);
                    let found =
                        Approximation::of(model, *method, &row, background, asked, settings);
                    Box::new(found?)
                }
                Base::Average => Box::new(Explanation::of(model, None, &row, prediction, top)?),
                Base::Rows(against, rows) => {
                    let against = Some((against, *rows));
                    Box::new(Explanation::of(model, against, &row, prediction, top)?)
                }
            })
        }))
    }
}

/// What contributions are added to, by the method.
enum Base<'a> {
    /// The margin of an average row.
    Average,
    /// The mean margin of so many rows.
    Rows(Against<'a>, usize),
    /// What a surrogate finds from answers to rows mixed with these.
    Mixed(Method, Table),
}

impl<'a> Base<'a> {
    fn of(
        how: &How,
        project: Option<&Project>,
        model: &'a Model,
        used: &[Used],
        header: &Header<Details>,
    ) -> Result<Self> {
        let method = how.method.unwrap_or(Method::Exact);
        if method == Method::Exact {
            let given = how.background.is_some() || how.background_rows.is_some();
            return match given {
                false => Ok(Self::Average),
                true => Err(exit::usage(
                    "background rows are for --method interventional, kernel or lime; add one of them, or remove \
                     --background",
                )),
            };
        }
        let (spelling, seed) = (&header.details.spelling, header.provenance.seed);
        let rows = background::draw(how, project, used, spelling, seed)?;
        Ok(match method {
            Method::Interventional => {
                let against = model.against(&rows);
                Self::Rows(
                    against.map_err(|error| exit::data(error.to_string()))?,
                    rows.rows,
                )
            }
            method => Self::Mixed(method, rows),
        })
    }
}

/// The value that a prediction shows, and its place among those of the model.
fn asked(prediction: &Prediction<'_>) -> Asked {
    match prediction {
        Prediction::Class { class, label, .. } => Asked {
            prediction: (*label).to_owned(),
            place: *class,
        },
        Prediction::Number { value, .. } => Asked {
            prediction: figure(*value),
            place: 0,
        },
        Prediction::Quantiles(values) => {
            let place = values.len() / 2;
            Asked {
                prediction: figure(values[place]),
                place,
            }
        }
    }
}

impl Explanation {
    /// Explains the margin of a row, a table with one row.
    fn of(
        model: &Model,
        against: Option<(&Against<'_>, usize)>,
        row: &Table,
        prediction: &Prediction<'_>,
        top: usize,
    ) -> Result<Self> {
        let explained = match against {
            None => model.explain(row)?,
            Some((against, _)) => against.explain(row)?,
        };
        let (output, sign) = margin_of(prediction, explained.base.len());
        let reasons = reasons_of(row, 0, explained.row(0, output), sign, usize::MAX);
        let base = sign * explained.base[output];
        let sum: f64 = reasons.iter().map(|reason| reason.contribution).sum();
        let (shown, rest) = reasons.split_at(top.min(reasons.len()));
        Ok(Self {
            prediction: asked(prediction).prediction,
            probability: match prediction {
                Prediction::Class { probability, .. } => Some(*probability),
                _ => None,
            },
            method: match against {
                None => Method::Exact,
                Some(_) => Method::Interventional,
            },
            scale: match model.target() {
                Target::Classes(_) => "log-odds",
                Target::Count => "logarithm of the count",
                Target::Number | Target::Quantiles(_) => "units of the target",
            },
            base,
            background_rows: against.map(|(_, rows)| rows),
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
        let base = match self.background_rows {
            None => "an average row".to_owned(),
            Some(rows) => format!("the mean of {rows} background rows"),
        };
        writeln!(f, "  {:>9}  ({base})", signed(self.base, 4))?;
        writeln!(
            f,
            "  {:>9}  = margin, in {}",
            signed(self.margin, 4),
            self.scale
        )
    }
}
