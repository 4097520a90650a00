//! Answers of `cv` from memory: the bytes of a photo in, sharp or blurred out.

use super::features::Measurer;
use images::{Decoder, Gray, PhotoError};
use models::cv::{Class, Model, Scratch};
use scoring::cv::{Answer, Request};
use scoring::{Refusal, Score};

/// A blur detector that answers requests.
pub struct Scorer {
    model: Model,
    /// Bounds the memory of large photos decoded at the same time.
    decoder: Decoder,
}

impl Scorer {
    /// A scorer for a loaded model.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            decoder: Decoder::new(),
        }
    }

    /// The model.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    fn answer_photo(&self, photo: &[u8], measurer: &mut Measurer<'_>) -> Result<Answer, Refusal> {
        let measurement = measurer.measure(photo).map_err(|error| match error {
            PhotoError::TooSmall { .. } | PhotoError::Uniform(_) => {
                Refusal::undecidable(error.to_string())
            }
            _ => Refusal::invalid(error.to_string()),
        })?;
        let features = measurement.features();
        let sharp = self.model.probability(&features);
        let class = Class::from_probability(sharp);
        Ok(Answer {
            class: class as usize,
            label: class.as_str(),
            probability: match class {
                Class::Sharp => sharp,
                Class::Blurred => 1.0 - sharp,
            },
            score: self.model.log_odds(&features),
            warning: warning(&self.model, &measurement.gray),
        })
    }
}

/// Why the answer about a photo of this size may be wrong.
pub(super) fn warning(model: &Model, photo: &Gray) -> Option<String> {
    let unfamiliar = model.sizes().unfamiliar(photo.width, photo.height);
    unfamiliar.map(|unfamiliar| unfamiliar.to_string())
}

impl Score for Scorer {
    type Request<'a> = Request<'a>;
    type Answer<'m> = Answer;
    type Scratch = Scratch;

    fn score(
        &self,
        requests: &[Request<'_>],
        scratch: &mut Scratch,
    ) -> Vec<Result<Answer, Refusal>> {
        let mut measurer = Measurer::reusing(&self.decoder, std::mem::take(scratch));
        let answers = requests
            .iter()
            .map(|request| self.answer_photo(request.photo, &mut measurer))
            .collect();
        *scratch = measurer.into_scratch();
        answers
    }
}
