//! Explanation of `nlp`: the n-grams of a text, with contributions that sum to the margin.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::explain::{Explain, Explainer, How};
use crate::outcome::Outcome;
use crate::outcome::number::signed;
use crate::project::Project;
use crate::tasks::nlp::Nlp;
use models::nlp::{Model, Term};

#[derive(Serialize)]
struct Explanation {
    text: String,
    prediction: String,
    probability: f64,
    /// The sum of the contributions and the bias.
    margin: f64,
    bias: f64,
    /// False if no n-gram of the text is in the vocabulary, so that the answer is the class prior.
    known: bool,
    terms: Vec<Reason>,
    /// The remaining terms, and their total contribution.
    others: Others,
}

#[derive(Serialize)]
struct Reason {
    ngram: String,
    count: u32,
    value: f64,
    weight: f64,
    contribution: f64,
}

#[derive(Serialize)]
struct Others {
    terms: usize,
    contribution: f64,
}

impl From<&Term> for Reason {
    fn from(term: &Term) -> Self {
        Self {
            ngram: term.ngram.clone(),
            count: term.count,
            value: term.value,
            weight: term.weight,
            contribution: term.contribution,
        }
    }
}

impl Explain for Nlp {
    fn explainer<'a>(
        _: Option<&'a Project>,
        model: &'a Model,
        _: &'a artifact::Header<Self::Details>,
        how: &How,
    ) -> Result<Explainer<'a>> {
        let top = how.top;
        Ok(Box::new(move |input: &str| -> Result<Box<dyn Outcome>> {
            let explanation = model.explain(input);
            let (shown, rest) = explanation.terms.split_at(top.min(explanation.terms.len()));
            Ok(Box::new(Explanation {
                text: input.to_owned(),
                prediction: model.classes()[explanation.class].clone(),
                probability: explanation.probabilities[explanation.class],
                margin: explanation.margin,
                bias: explanation.bias,
                known: explanation.known,
                terms: shown.iter().map(Reason::from).collect(),
                others: Others {
                    terms: rest.len(),
                    contribution: rest.iter().map(|term| term.contribution).sum(),
                },
            }))
        }))
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}  ({:.4})", self.prediction, self.probability)?;
        if !self.known {
            return writeln!(f, "  no known word: the share of the class in training");
        }
        for reason in &self.terms {
            let contribution = signed(reason.contribution, 4);
            writeln!(f, "  {contribution:>9}  {}", reason.ngram)?;
        }
        if self.others.terms > 0 {
            let Others {
                terms,
                contribution,
            } = self.others;
            writeln!(
                f,
                "  {:>9}  and {terms} more, together",
                signed(contribution, 4)
            )?;
        }
        writeln!(f, "  {:>9}  (bias)", signed(self.bias, 4))?;
        writeln!(f, "  {:>9}  = margin", signed(self.margin, 4))
    }
}
