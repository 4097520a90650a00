//! Answers of `nlp` on the terminal: a text, its class, and the other classes.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::scoring::Scorer;
use crate::outcome::number::figure;
use crate::predict::Request;
use crate::predict::ask::{Ask, Input};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::Loaded;
use crate::tasks::nlp::Nlp;
use models::nlp::Scratch;
use scoring::{Score, nlp};
use tables::shown;

/// Maximum number of classes shown by default.
const CLASSES_SHOWN: usize = 5;
/// Maximum number of letters of a text to show.
const LETTERS: usize = 70;

/// A classified text.
#[derive(Serialize)]
pub struct Answer {
    text: String,
    prediction: String,
    probability: f64,
    /// False if no word of the text is in the vocabulary, so that the answer is the share of each class in
    /// training.
    known: bool,
    /// Every class, the most probable first.
    classes: Vec<Class>,
    /// Number of classes to show.
    #[serde(skip)]
    shown: usize,
}

#[derive(Serialize)]
struct Class {
    name: String,
    probability: f64,
}

impl Ask for Nlp {
    const INPUT: Input = Input::Text;

    type Answer = Answer;

    fn answer(
        _: Option<&Project>,
        loaded: Loaded<Self>,
        request: &Request,
        _: &Talk,
    ) -> Result<Vec<Result<Answer, String>>> {
        let scorer = Scorer::new(loaded.model);
        let text = |text| nlp::Request { text: Some(text) };
        let requests: Vec<nlp::Request<'_>> = request.asked.iter().map(|t| text(t)).collect();
        let shown = match request.options.all_classes {
            true => usize::MAX,
            false => CLASSES_SHOWN,
        };
        let answers = scorer.score(&requests, &mut Scratch::default());
        let answer = |(text, answer): (&String, Result<nlp::Answer<'_>, scoring::Refusal>)| {
            let answer = answer.map_err(|refusal| refusal.reason)?;
            let known = scorer.knows(text);
            Ok(Answer {
                known,
                ..Answer::of(text, &answer, scorer.classes(), shown)
            })
        };
        Ok(request.asked.iter().zip(answers).map(answer).collect())
    }
}

impl Answer {
    fn of(text: &str, answer: &nlp::Answer<'_>, names: &[String], shown: usize) -> Self {
        let mut classes: Vec<Class> = { names.iter().zip(&answer.probabilities) }
            .map(|(name, &probability)| Class {
                name: name.clone(),
                probability,
            })
            .collect();
        // A stable sort: equally probable classes keep the order of the model, as in its answer.
        classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Self {
            text: text.to_owned(),
            prediction: answer.label.to_owned(),
            probability: answer.probability,
            known: true,
            classes,
            shown,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut text: String = shown(&self.text).chars().take(LETTERS + 1).collect();
        if text.chars().count() > LETTERS {
            text = text.chars().take(LETTERS).chain(['…']).collect();
        }
        writeln!(f, "{text}")?;
        if !self.known {
            writeln!(
                f,
                "  no known word, so this is the share of each class in training"
            )?;
        }
        let (listed, others) = self.classes.split_at(self.shown.min(self.classes.len()));
        let width = listed.iter().map(|c| shown(&c.name).chars().count()).max();
        let width = width.unwrap_or_default();
        for class in listed {
            let probability = figure(class.probability);
            writeln!(f, "  {:<width$}  {probability}", shown(&class.name))?;
        }
        match others {
            [] => Ok(()),
            others => {
                let sum: f64 = others.iter().map(|class| class.probability).sum();
                let (count, sum) = (others.len(), figure(sum));
                writeln!(
                    f,
                    "  and {count} more, together {sum} (--all-classes shows them)"
                )
            }
        }
    }
}
