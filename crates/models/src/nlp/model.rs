//! The fitted model: raw text to margins and probabilities.

use crate::kernels::math::{ln, sigmoid, softmax};
use crate::linear::{Coefficients, outputs};
use crate::nlp::features::quantize::{Precision, round_weights};
use crate::nlp::features::vectorizer::{Row, Vectorizer};
use crate::sparse;

/// A fitted text classifier.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) vectorizer: Vectorizer,
    /// features × outputs; one output for two classes.
    pub(super) weights: Vec<f32>,
    /// The step of each output, if the weights are rounded.
    pub(super) steps: Option<Vec<f32>>,
    /// One per output.
    pub(super) bias: Vec<f64>,
    /// Share of each class in the training split.
    pub(super) prior: Vec<f64>,
    pub(super) classes: Vec<String>,
}

/// Buffers for scoring, reused from text to text, so that no memory is allocated once they have
/// grown.
///
/// Independent of the model; use one per thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(super) row: Row,
    margins: Vec<f64>,
}

impl Scratch {
    /// Empty buffers.
    pub fn new() -> Scratch {
        Scratch::default()
    }
}

impl Model {
    pub(super) fn new(
        vectorizer: Vectorizer,
        coefficients: &Coefficients,
        precision: Precision,
        classes: Vec<String>,
        counts: &[u64],
    ) -> Model {
        let rows: u64 = counts.iter().sum();
        let weights = coefficients.weights().iter();
        let mut weights: Vec<f32> = weights.map(|&weight| weight as f32).collect();
        let steps = match precision {
            Precision::Single => None,
            Precision::Eight => Some(round_weights(&mut weights, coefficients.outputs)),
        };
        let share = |&count: &u64| count as f64 / rows as f64;
        Model {
            vectorizer,
            weights,
            steps,
            bias: coefficients.bias().to_vec(),
            prior: counts.iter().map(share).collect(),
            classes,
        }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.weights.iter().all(|weight| weight.is_finite())
            && self.bias.iter().all(|bias| bias.is_finite())
    }

    /// Names of the classes, in the order of the probabilities.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Share of each class in the training split.
    pub fn prior(&self) -> &[f64] {
        &self.prior
    }

    /// The display form of a feature: words as they are, characters between ‹ and ›.
    pub fn feature(&self, feature: usize) -> String {
        self.vectorizer.name(feature)
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.vectorizer.features()
    }

    /// Number of margins of a text: 1 for two classes (0 if both are equally likely), otherwise one
    /// per class.
    pub fn outputs(&self) -> usize {
        outputs(self.classes.len())
    }

    /// Weight of a feature (see [`Model::feature`]) for a class.
    ///
    /// Log-odds of the class per unit of TF-IDF: against the other of two classes, otherwise
    /// against the mean of all. Positive values are evidence for the class.
    ///
    /// # Panics
    /// If the feature or class does not exist.
    pub fn weight(&self, feature: usize, class: usize) -> f64 {
        let outputs = self.outputs();
        let weights = self.weights[feature * outputs..(feature + 1) * outputs].iter();
        relative(weights.map(|&weight| f64::from(weight)), class)
    }

    /// The features of `text` that the model knows, and their TF-IDF; see [`Model::feature`].
    pub fn features_of<'s>(&self, text: &str, scratch: &'s mut Scratch) -> (&'s [u32], &'s [f32]) {
        self.vectorizer.vectorize(text, &mut scratch.row);
        let Row { bag, values, .. } = &scratch.row;
        (bag.indices(), &values[..bag.len()])
    }

    /// Writes the probability of each class for `text` to `out`, and returns false if no n-gram of
    /// the text is known and the probabilities are the prior.
    ///
    /// # Panics
    /// If the length of `out` is not the number of classes.
    pub fn probabilities(&self, text: &str, scratch: &mut Scratch, out: &mut [f64]) -> bool {
        assert_eq!(
            out.len(),
            self.classes.len(),
            "expected one probability per class"
        );
        let Scratch { row, margins } = scratch;
        margins.resize(self.outputs(), 0.0);
        self.vectorizer.vectorize(text, row);
        if row.bag.len() == 0 {
            out.copy_from_slice(&self.prior);
            return false;
        }
        self.score(row, margins);
        self.to_probabilities(margins, out);
        true
    }

    /// Writes the [`Model::outputs`] margins of `text` to `out`: log-odds of the second of two
    /// classes, otherwise softmax scores. Returns false if no n-gram is known and they are those of
    /// the prior.
    ///
    /// # Panics
    /// If `out` has a different length.
    pub fn margins(&self, text: &str, scratch: &mut Scratch, out: &mut [f64]) -> bool {
        assert_eq!(out.len(), self.outputs(), "expected one margin per output");
        self.vectorizer.vectorize(text, &mut scratch.row);
        let known = scratch.row.bag.len() > 0;
        if known {
            self.score(&scratch.row, out);
        } else {
            out.copy_from_slice(&self.prior_margins());
        }
        known
    }

    /// Margins that give the prior.
    pub(super) fn prior_margins(&self) -> Vec<f64> {
        let logs: Vec<f64> = self.prior.iter().map(|&share| ln(share)).collect();
        if let [first, second] = logs[..] {
            return vec![second - first];
        }
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        logs.iter().map(|log| log - mean).collect()
    }

    pub(super) fn score(&self, row: &Row, margins: &mut [f64]) {
        margins.copy_from_slice(&self.bias);
        if let [margin] = margins {
            let (indices, values) = (row.bag.indices(), &row.values);
            *margin += sparse::dot::<f64, f32, false>(indices, values, &self.weights);
            return;
        }
        let outputs = margins.len();
        for (&index, &value) in row.bag.indices().iter().zip(&row.values) {
            let weights = &self.weights[index as usize * outputs..][..outputs];
            let value = f64::from(value);
            for (margin, &weight) in margins.iter_mut().zip(weights) {
                *margin += value * f64::from(weight);
            }
        }
    }

    pub(super) fn to_probabilities(&self, margins: &[f64], out: &mut [f64]) {
        if let [margin] = margins {
            out[0] = sigmoid(-margin);
            out[1] = sigmoid(*margin);
        } else {
            out.copy_from_slice(margins);
            softmax(out);
        }
    }
}

/// The value for `class` from one value per output: signed for one output, otherwise relative to
/// their mean.
pub(super) fn relative(values: impl ExactSizeIterator<Item = f64> + Clone, class: usize) -> f64 {
    let outputs = values.len();
    if outputs == 1 {
        let value: f64 = values.sum();
        return if class == 1 { value } else { -value };
    }
    let own = values.clone().nth(class).expect("one output per class");
    own - values.sum::<f64>() / outputs as f64
}
