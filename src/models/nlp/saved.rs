//! The model as named tensors and string tables, and back with all that scoring relies on checked.
//!
//! | entry | type | shape |
//! |---|---|---|
//! | `ngrams`: words in an n-gram, from - to | u32 | 2 |
//! | `lowercase`, `sublinear`: 0 or 1 | u8 | 1 |
//! | `vocabulary`: n-grams, ascending by bytes | strings | features |
//! | `idf` | f32 | features |
//! | `weights` | f32 | features × outputs |
//! | `bias` | f64 | outputs |
//! | `prior` | f64 | classes |
//! | `classes` | strings | classes |

use super::model::Model;
use super::tfidf::Tfidf;
use super::vectorizer::Vectorizer;
use super::vocabulary::Vocabulary;
use crate::models::linear::outputs;
use crate::models::state::{State, StateError, Stateful};

impl Stateful for Model {
    fn to_state(&self) -> State {
        let vectorizer = &self.vectorizer;
        let (features, outputs) = (self.features(), self.outputs());
        let ngrams = [vectorizer.ngrams.0, vectorizer.ngrams.1];
        let ngrams = ngrams.map(|words| u32::try_from(words).unwrap_or(u32::MAX));
        let mut state = State::default();
        state.insert_u32("ngrams", &[2], ngrams.to_vec());
        state.insert_u8("lowercase", &[1], vec![u8::from(vectorizer.lowercase)]);
        state.insert_u8(
            "sublinear",
            &[1],
            vec![u8::from(vectorizer.tfidf.sublinear())],
        );
        state.insert_strings("vocabulary", self.ngrams().map(str::to_owned).collect());
        state.insert_f32("idf", &[features], vectorizer.tfidf.idf().to_vec());
        state.insert_f32("weights", &[features, outputs], self.weights.clone());
        state.insert_f64("bias", &[outputs], self.bias.clone());
        state.insert_f64("prior", &[self.classes.len()], self.prior.clone());
        state.insert_strings("classes", self.classes.clone());
        state
    }

    fn from_state(state: &State) -> Result<Model, StateError> {
        let classes = state.strings("classes")?.to_vec();
        if classes.len() < 2 {
            return Err(invalid("classes", "fewer than two classes"));
        }
        let outputs = outputs(classes.len());
        let vectorizer = vectorizer(state)?;
        let features = vectorizer.vocabulary.len();
        let prior = finite_f64(state, "prior", classes.len())?;
        if !prior.iter().all(|&share| share > 0.0 && share < 1.0) {
            return Err(invalid("prior", "a share that is not between 0 and 1"));
        }
        let weights = state.f32s("weights", &[Some(features), Some(outputs)])?;
        all_finite("weights", weights.iter().map(|&weight| f64::from(weight)))?;
        let bias = finite_f64(state, "bias", outputs)?;
        Ok(Model {
            vectorizer,
            weights: weights.to_vec(),
            bias,
            prior,
            classes,
        })
    }
}

fn vectorizer(state: &State) -> Result<Vectorizer, StateError> {
    let vocabulary = Vocabulary::from_sorted(state.strings("vocabulary")?)
        .ok_or_else(|| invalid("vocabulary", "n-grams that do not ascend"))?;
    if vocabulary.is_empty() {
        return Err(invalid("vocabulary", "no n-grams"));
    }
    let idf = state.f32s("idf", &[Some(vocabulary.len())])?;
    all_finite("idf", idf.iter().map(|&idf| f64::from(idf)))?;
    if !idf.iter().all(|&idf| idf >= 1.0) {
        return Err(invalid("idf", "a weight below 1"));
    }
    let ngrams = match state.u32s("ngrams", &[Some(2)])? {
        &[from, to] if 1 <= from && from <= to => (from as usize, to as usize),
        _ => return Err(invalid("ngrams", "not a range of one or more words")),
    };
    let tfidf = Tfidf::from_idf(idf.to_vec(), flag(state, "sublinear")?);
    Ok(Vectorizer::new(
        ngrams,
        flag(state, "lowercase")?,
        vocabulary,
        tfidf,
    ))
}

fn flag(state: &State, name: &str) -> Result<bool, StateError> {
    match state.u8s(name, &[Some(1)])? {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(invalid(name, "neither 0 nor 1")),
    }
}

fn finite_f64(state: &State, name: &str, len: usize) -> Result<Vec<f64>, StateError> {
    let values = state.f64s(name, &[Some(len)])?;
    all_finite(name, values.iter().copied())?;
    Ok(values.to_vec())
}

fn all_finite(name: &str, mut values: impl Iterator<Item = f64>) -> Result<(), StateError> {
    match values.position(|value| !value.is_finite()) {
        Some(index) => Err(StateError::NotFinite {
            name: name.to_owned(),
            index,
        }),
        None => Ok(()),
    }
}

fn invalid(name: &str, reason: &str) -> StateError {
    StateError::Invalid {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}
