//! Explains a prediction: the n-grams that decided a text's class.
//!
//! A model is linear in TF-IDF, so its margin is a sum of the bias and value × weight of every
//! known n-gram. All terms are signed for the predicted class: positive ones are evidence for it.
//! With two classes the margin is the log-odds of the predicted class; with more it is its softmax
//! score minus the mean score, ln p - mean ln p.

use std::collections::{BTreeMap, HashMap};

use super::model::{Model, Scratch, relative};

/// A prediction and its terms. `margin` = `bias` + Σ `contribution`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The probability of each class.
    pub probabilities: Vec<f64>,
    /// The most probable class; the first of ties.
    pub class: usize,
    /// Log-odds of `class`: against the other of two classes, otherwise against the mean of all.
    pub margin: f64,
    /// The margin of the class before any n-gram.
    pub bias: f64,
    /// Known n-grams of the text, with character n-grams grouped by word; largest absolute
    /// contribution first, ties by n-gram.
    pub terms: Vec<Term>,
    /// False if no n-gram is known: the probabilities are then the prior, and `bias` is its
    /// log-odds.
    pub known: bool,
}

/// The contribution of one word n-gram, or of all character n-grams of one word.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The words; a word between ‹ and › stands for its character n-grams.
    pub ngram: String,
    /// Number of occurrences in the text.
    pub count: u32,
    /// TF-IDF in a row of norm one; the sum for character n-grams.
    pub value: f64,
    /// Weight for the predicted class, see [`Model::weight`]; the mean for character n-grams.
    pub weight: f64,
    /// value × weight.
    pub contribution: f64,
}

impl Model {
    /// Predicts the class of `text` and explains it by n-gram.
    pub fn explain(&self, text: &str) -> Explanation {
        let mut scratch = Scratch::new();
        let mut probabilities = vec![0.0; self.classes.len()];
        let known = self.probabilities(text, &mut scratch, &mut probabilities);
        let class = most_probable(&probabilities);
        let start = if known {
            self.bias.clone()
        } else {
            self.prior_margins()
        };
        let bias = relative(start.iter().copied(), class);
        let mut terms = self.terms(&scratch, class);
        let margin = terms.iter().fold(bias, |sum, term| sum + term.contribution);
        terms.sort_by(|a, b| {
            let size = b.contribution.abs().total_cmp(&a.contribution.abs());
            size.then_with(|| a.ngram.cmp(&b.ngram))
        });
        Explanation {
            probabilities,
            class,
            margin,
            bias,
            terms,
            known,
        }
    }

    fn terms(&self, scratch: &Scratch, class: usize) -> Vec<Term> {
        let row = &scratch.row;
        let features = row
            .bag
            .indices()
            .iter()
            .zip(row.bag.counts())
            .zip(&row.values);
        let (mut terms, mut of_characters) = (Vec::new(), HashMap::new());
        for ((&index, &count), &value) in features {
            let (value, weight) = (f64::from(value), self.weight(index as usize, class));
            if self.vectorizer.is_word(index) {
                terms.push(Term {
                    ngram: self.vectorizer.name(index as usize),
                    count,
                    value,
                    weight,
                    contribution: value * weight,
                });
            } else {
                of_characters.insert(index, (value / f64::from(count), weight));
            }
        }
        terms.extend(self.folded(scratch, &of_characters));
        terms
    }

    /// One term per distinct word, from the value and weight per occurrence of its character
    /// n-grams.
    fn folded(&self, scratch: &Scratch, of_characters: &HashMap<u32, (f64, f64)>) -> Vec<Term> {
        let mut words: BTreeMap<&[u8], Term> = BTreeMap::new();
        for word in scratch.row.words() {
            let features = self.vectorizer.character_features(word);
            let known = features.iter().filter_map(|f| of_characters.get(f));
            let parts: Vec<&(f64, f64)> = known.collect();
            if parts.is_empty() {
                continue;
            }
            let term = words.entry(word).or_insert_with(|| Term {
                ngram: format!("‹{}›", String::from_utf8_lossy(word)),
                count: 0,
                value: 0.0,
                weight: 0.0,
                contribution: 0.0,
            });
            term.count += 1;
            for (value, weight) in parts {
                term.value += value;
                term.contribution += value * weight;
            }
        }
        let mut terms: Vec<Term> = words.into_values().collect();
        terms
            .iter_mut()
            .for_each(|term| term.weight = term.contribution / term.value);
        terms
    }
}

/// Index of the largest probability; the first of ties.
fn most_probable(probabilities: &[f64]) -> usize {
    let better = |best: usize, (class, p): (usize, &f64)| {
        if *p > probabilities[best] {
            class
        } else {
            best
        }
    };
    probabilities.iter().enumerate().fold(0, better)
}
