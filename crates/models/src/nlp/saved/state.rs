//! Converts the model to named tensors and string tables, and back with all properties checked that
//! scoring relies on.
//!
//! | entry | type | shape |
//! |---|---|---|
//! | `ngrams`: words in an n-gram, from - to | u32 | 2 |
//! | `lowercase`, `negation`, `sublinear`: 0 or 1 | u8 | 1 |
//! | `stop_words` | strings | any |
//! | `vocabulary`: n-grams of words, ascending by bytes (see [`super::packed`]) | | |
//! | `idf` | f32 | n-grams |
//! | `characters.ngrams`, `.share`, `.vocabulary`, `.idf`: the same of characters, where they count | | |
//! | `weights` | f32 | features × outputs |
//! | `bias` | f64 | outputs |
//! | `prior` | f64 | classes |
//! | `classes` | strings | classes |
//!
//! A model with 8-bit precision has `idf` as u8 and `weights` as i8, with `idf.step` (f32, 1) and
//! `weights.step` (f32, outputs), see [`crate::nlp::features::quantize`].

use super::packed;
use crate::linear::outputs;
use crate::nlp::features::characters::Characters;
use crate::nlp::features::quantize;
use crate::nlp::features::tfidf::Tfidf;
use crate::nlp::features::vectorizer::{CharacterBlock, Vectorizer};
use crate::nlp::features::vocabulary::Vocabulary;
use crate::nlp::model::Model;
use crate::nlp::text::strings::Strings;
use crate::nlp::text::tokenize::Tokenizer;
use crate::state::{State, StateError, Stateful};

impl Stateful for Model {
    fn to_state(&self) -> State {
        let vectorizer = &self.vectorizer;
        let mut state = State::default();
        insert_range(&mut state, "ngrams", vectorizer.vocabulary.range());
        insert_flag(&mut state, "lowercase", vectorizer.tokenizer.lowercase());
        insert_flag(&mut state, "negation", vectorizer.tokenizer.negation());
        insert_flag(&mut state, "sublinear", vectorizer.tfidf.sublinear());
        let stops = vectorizer
            .vocabulary
            .stop_words()
            .map(str::to_owned)
            .collect();
        state.insert_strings("stop_words", stops);
        packed::insert_ngrams(&mut state, "vocabulary", vectorizer.vocabulary.strings());
        insert_idf(&mut state, "idf", &vectorizer.tfidf);
        if let Some(block) = &vectorizer.characters {
            insert_range(&mut state, "characters.ngrams", block.ngrams.range());
            state.insert_f64("characters.share", &[1], vec![block.share]);
            packed::insert(&mut state, "characters.vocabulary", block.ngrams.strings());
            insert_idf(&mut state, "characters.idf", &block.tfidf);
        }
        self.insert_weights(&mut state);
        state.insert_f64("bias", &[self.outputs()], self.bias.clone());
        state.insert_f64("prior", &[self.classes.len()], self.prior.clone());
        state.insert_strings("classes", self.classes.clone());
        state
    }

    fn from_state(state: &State) -> Result<Model, StateError> {
        let classes = state.strings("classes")?.to_vec();
        if classes.len() < 2 {
            return Err(StateError::invalid("classes", "fewer than two classes"));
        }
        let outputs = outputs(classes.len());
        let vectorizer = vectorizer(state)?;
        let features = vectorizer.features();
        if features == 0 {
            return Err(StateError::invalid("vocabulary", "no n-grams"));
        }
        let prior = state.f64s("prior", &[Some(classes.len())])?.to_vec();
        if !prior.iter().all(|&share| share > 0.0 && share < 1.0) {
            return Err(StateError::invalid(
                "prior",
                "a share is not between 0 and 1",
            ));
        }
        let (weights, steps) = weights(state, &[Some(features), Some(outputs)])?;
        let bias = state.f64s("bias", &[Some(outputs)])?.to_vec();
        Ok(Model {
            vectorizer,
            weights,
            steps,
            bias,
            prior,
            classes,
        })
    }
}

impl Model {
    fn insert_weights(&self, state: &mut State) {
        let shape = [self.features(), self.outputs()];
        match &self.steps {
            None => state.insert_f32("weights", &shape, self.weights.clone()),
            Some(steps) => {
                state.insert_i8(
                    "weights",
                    &shape,
                    quantize::weight_codes(&self.weights, steps),
                );
                state.insert_f32("weights.step", &[steps.len()], steps.clone());
            }
        }
    }
}

type Weights = (Vec<f32>, Option<Vec<f32>>);

fn weights(state: &State, shape: &[Option<usize>]) -> Result<Weights, StateError> {
    if !state.tensors.contains_key("weights.step") {
        return Ok((state.f32s("weights", shape)?.to_vec(), None));
    }
    let steps = steps(state, "weights.step", shape[1])?;
    let codes = state.i8s("weights", shape)?;
    if codes.contains(&i8::MIN) {
        return Err(StateError::invalid(
            "weights",
            "contains the invalid code -128",
        ));
    }
    Ok((quantize::weights(codes, &steps), Some(steps)))
}

fn steps(state: &State, name: &str, len: Option<usize>) -> Result<Vec<f32>, StateError> {
    let steps = state.f32s(name, &[len])?;
    match steps.iter().all(|step| (0.0..1e30).contains(step)) {
        true => Ok(steps.to_vec()),
        false => Err(StateError::invalid(name, "a step is negative or too large")),
    }
}

fn insert_flag(state: &mut State, name: &str, flag: bool) {
    state.insert_u8(name, &[1], vec![u8::from(flag)]);
}

fn flag(state: &State, name: &str) -> Result<bool, StateError> {
    match state.u8s(name, &[Some(1)])? {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(StateError::invalid(name, "neither 0 nor 1")),
    }
}

fn insert_range(state: &mut State, name: &str, range: (usize, usize)) {
    let range = [range.0, range.1].map(|end| u32::try_from(end).unwrap_or(u32::MAX));
    state.insert_u32(name, &[2], range.to_vec());
}

fn range(state: &State, name: &str, most: u32) -> Result<(usize, usize), StateError> {
    match state.u32s(name, &[Some(2)])? {
        &[from, to] if 1 <= from && from <= to && to <= most => Ok((from as usize, to as usize)),
        _ => Err(StateError::invalid(
            name,
            format!("not a range between 1 and {most}"),
        )),
    }
}

fn insert_idf(state: &mut State, name: &str, tfidf: &Tfidf) {
    let idf = tfidf.idf();
    match tfidf.step() {
        None => state.insert_f32(name, &[idf.len()], idf.to_vec()),
        Some(step) => {
            state.insert_u8(name, &[idf.len()], quantize::idf_codes(idf, step));
            state.insert_f32(&format!("{name}.step"), &[1], vec![step]);
        }
    }
}

fn tfidf(state: &State, name: &str, len: usize, sublinear: bool) -> Result<Tfidf, StateError> {
    let step = format!("{name}.step");
    if state.tensors.contains_key(&step) {
        let step = steps(state, &step, Some(1))?[0];
        let idf = quantize::idf(state.u8s(name, &[Some(len)])?, step);
        return Ok(Tfidf::from_idf(idf, Some(step), sublinear));
    }
    let idf = state.f32s(name, &[Some(len)])?;
    if !idf.iter().all(|&idf| idf >= 1.0) {
        return Err(StateError::invalid(name, "a weight is below 1"));
    }
    Ok(Tfidf::from_idf(idf.to_vec(), None, sublinear))
}

fn vectorizer(state: &State) -> Result<Vectorizer, StateError> {
    let sublinear = flag(state, "sublinear")?;
    let ngrams = packed::ngrams(state, "vocabulary")?;
    let tfidf = tfidf(state, "idf", ngrams.len(), sublinear)?;
    let range = range(state, "ngrams", packed::MAX_WORDS)?;
    let vocabulary = Vocabulary::from_sorted(ngrams, range, state.strings("stop_words")?)
        .map_err(|error| StateError::invalid("vocabulary", error.to_string()))?;
    let characters = match state.tensors.contains_key("characters.ngrams") {
        true => Some(characters(state, sublinear, &vocabulary)?),
        false => None,
    };
    let tokenizer = Tokenizer::new(flag(state, "lowercase")?, flag(state, "negation")?);
    Ok(Vectorizer {
        tokenizer,
        vocabulary,
        tfidf,
        characters,
    })
}

fn characters(
    state: &State,
    sublinear: bool,
    vocabulary: &Vocabulary,
) -> Result<CharacterBlock, StateError> {
    let ngrams: Strings = packed::strings(state, "characters.vocabulary")?;
    let tfidf = tfidf(state, "characters.idf", ngrams.len(), sublinear)?;
    let range = range(state, "characters.ngrams", 64)?;
    let ngrams = Characters::from_sorted(ngrams, range)
        .map_err(|error| StateError::invalid("characters.vocabulary", error.to_string()))?;
    match state.f64s("characters.share", &[Some(1)])? {
        &[share] if share > 0.0 && share < 1.0 => {
            Ok(CharacterBlock::new(ngrams, tfidf, share, vocabulary))
        }
        _ => Err(StateError::invalid(
            "characters.share",
            "not between 0 and 1",
        )),
    }
}
