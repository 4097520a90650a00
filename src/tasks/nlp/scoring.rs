//! Answers of `nlp` from memory: a text in, the most probable class out.

use models::metrics::classification::most_probable;
use models::nlp::{Model, Scratch};
use scoring::nlp::{Answer, Request};
use scoring::{Refusal, Score};

/// A text classifier that answers requests.
pub struct Scorer {
    model: Model,
}

impl Scorer {
    /// A scorer for a loaded model.
    pub fn new(model: Model) -> Self {
        Self { model }
    }

    /// Names of the classes, in the model's order.
    pub fn classes(&self) -> &[String] {
        self.model.classes()
    }

    /// The n-grams of a text that speak for its class, with how much, at most `top`, the strongest first.
    pub fn reasons(&self, text: &str, top: usize) -> Vec<(String, f64)> {
        let terms = self.model.explain(text).terms.into_iter();
        let speaking = terms.filter(|term| term.contribution > 0.0).take(top);
        speaking
            .map(|term| (term.ngram, term.contribution))
            .collect()
    }

    /// Whether any n-gram of a text is in the vocabulary; otherwise the answer is the class prior.
    pub fn knows(&self, text: &str) -> bool {
        self.model.explain(text).known
    }
}

impl Score for Scorer {
    type Request<'a> = Request<'a>;
    type Answer<'m> = Answer<'m>;
    type Scratch = Scratch;

    fn score<'m>(
        &'m self,
        requests: &[Request<'_>],
        scratch: &mut Scratch,
    ) -> Vec<Result<Answer<'m>, Refusal>> {
        let mut answer = |request: &Request<'_>| {
            let text = request
                .text
                .ok_or_else(|| Refusal::missing("the text is missing"))?;
            let mut probabilities = vec![0.0; self.model.classes().len()];
            self.model.probabilities(text, scratch, &mut probabilities);
            let class = most_probable(&probabilities);
            Ok(Answer {
                class,
                label: &self.model.classes()[class],
                probability: probabilities[class],
                probabilities,
            })
        };
        requests.iter().map(&mut answer).collect()
    }
}
