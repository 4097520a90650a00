//! Texts as columns: their length, and the TF-IDF of the n-grams that tell the target best.
//!
//! Which these are, says a text classifier of the task `nlp` that is fitted to the texts alone and
//! keeps its largest weights.

use rayon::prelude::*;

use super::encode::Supervision;
use crate::nlp::{Choices, ClassifierOptions, Features, Model, Scratch};

/// Texts that are weighed by one task.
const CHUNK: usize = 256;

/// Which n-grams of a text become columns.
#[derive(Clone, Debug, PartialEq)]
pub struct TextOptions {
    /// Number of n-grams; 0: only the length of texts is used.
    pub terms: usize,
    /// Number of training rows that an n-gram must occur in.
    pub min_rows: usize,
}

impl Default for TextOptions {
    fn default() -> TextOptions {
        TextOptions {
            terms: 50,
            min_rows: 5,
        }
    }
}

/// The n-grams of a text column that tell the target best.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub model: Model,
}

impl Terms {
    /// Chooses them by the listed rows; none if no n-gram is in enough rows, or these have one class.
    pub fn fit(
        texts: &[Option<String>],
        rows: &[u32],
        supervision: &Supervision,
        options: &TextOptions,
    ) -> Option<Terms> {
        let present = rows.iter().map(|&row| row as usize);
        let present: Vec<usize> = present.filter(|&row| texts[row].is_some()).collect();
        let labels = present.iter().map(|&row| supervision.labels[row]);
        let (labels, classes) = dense(labels, supervision.classes);
        if options.terms == 0 || classes < 2 {
            return None;
        }
        let texts: Vec<&str> = present
            .iter()
            .filter_map(|&row| texts[row].as_deref())
            .collect();
        let fitter = ClassifierOptions {
            features: Features {
                min_df: options.min_rows,
                ..Features::default()
            },
            choices: Choices::default(),
            calibrate: false,
            keep: Some(options.terms),
            ..ClassifierOptions::default()
        };
        let names = (0..classes).map(|class| class.to_string()).collect();
        let (model, _) = fitter.fit(texts, &labels, names, &|_| ()).ok()?;
        Some(Terms { model })
    }

    /// The n-grams.
    pub fn names(&self) -> impl Iterator<Item = String> {
        (0..self.model.features()).map(|feature| format!("`{}`", self.model.feature(feature)))
    }

    /// The TF-IDF of every n-gram in each text, a column per n-gram; NaN where the text is missing.
    pub fn weigh(&self, texts: &[Option<String>]) -> Vec<Vec<f64>> {
        let width = self.model.features();
        let rows: Vec<Vec<f64>> = texts
            .par_chunks(CHUNK)
            .map_init(Scratch::new, |scratch, texts| {
                let mut rows = vec![0.0; texts.len() * width];
                for (row, text) in rows.chunks_exact_mut(width).zip(texts) {
                    let Some(text) = text else {
                        row.fill(f64::NAN);
                        continue;
                    };
                    let (features, values) = self.model.features_of(text, scratch);
                    for (&feature, &value) in features.iter().zip(values) {
                        row[feature as usize] = f64::from(value);
                    }
                }
                rows
            })
            .collect();
        let column = |feature: usize| {
            let rows = rows.iter().flat_map(|rows| rows.chunks_exact(width));
            rows.map(|row| row[feature]).collect()
        };
        (0..width).into_par_iter().map(column).collect()
    }
}

/// The number of words of each text, separated by white space; NaN where the text is missing.
pub(super) fn lengths(texts: &[Option<String>]) -> Vec<f64> {
    let count = |text: &Option<String>| match text {
        Some(text) => text.split_whitespace().count() as f64,
        None => f64::NAN,
    };
    texts.par_iter().map(count).collect()
}

/// Classes renumbered to those that occur, in their order; and how many occur.
fn dense(labels: impl Iterator<Item = u32> + Clone, classes: usize) -> (Vec<u32>, usize) {
    let mut number = vec![u32::MAX; classes];
    labels.clone().for_each(|label| number[label as usize] = 0);
    let mut next = 0;
    for number in number.iter_mut().filter(|number| **number == 0) {
        *number = next;
        next += 1;
    }
    (
        labels.map(|label| number[label as usize]).collect(),
        next as usize,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<Option<String>> {
        of.iter().map(|text| Some((*text).to_owned())).collect()
    }

    #[test]
    fn the_words_that_tell_the_target_are_found() {
        let mut all: Vec<&str> = vec!["the bill was wrong again"; 20];
        all.extend(["the line was fine today"; 20]);
        let labels: Vec<u32> = (0..40).map(|row| u32::from(row < 20)).collect();
        let rows: Vec<u32> = (0..40).collect();
        let of = Supervision {
            labels: labels.clone(),
            classes: 2,
            ..Supervision::default()
        };
        let options = TextOptions {
            terms: 4,
            min_rows: 5,
        };
        let terms = Terms::fit(&texts(&all), &rows, &of, &options).unwrap();
        let names: Vec<String> = terms.names().collect();
        assert_eq!(names.len(), 4);
        assert!(
            names.iter().all(|name| name != "`the`" && name != "`was`"),
            "{names:?}"
        );
        let weighed = terms.weigh(&[Some("bill wrong".to_owned()), None, Some("?".to_owned())]);
        assert!(weighed.iter().any(|column| column[0] > 0.0));
        assert!(
            weighed
                .iter()
                .all(|column| column[1].is_nan() && column[2] == 0.0)
        );
    }

    #[test]
    fn texts_without_frequent_words_or_of_one_class_have_no_terms() {
        let few = texts(&["a b", "c d", "e f"]);
        let two = Supervision {
            labels: vec![0, 1, 0],
            classes: 2,
            ..Supervision::default()
        };
        assert!(Terms::fit(&few, &[0, 1, 2], &two, &TextOptions::default()).is_none());
        let one = Supervision {
            labels: vec![1, 1, 1],
            classes: 2,
            ..Supervision::default()
        };
        assert!(
            Terms::fit(
                &few,
                &[0, 1, 2],
                &one,
                &TextOptions {
                    terms: 3,
                    min_rows: 1
                }
            )
            .is_none()
        );
    }

    #[test]
    fn absent_classes_are_skipped() {
        assert_eq!(dense([3, 1, 3].into_iter(), 5), (vec![1, 0, 1], 2));
    }

    #[test]
    fn lengths_count_words() {
        let lengths = lengths(&[Some("two  words".to_owned()), Some(String::new()), None]);
        assert_eq!(lengths[..2], [2.0, 0.0]);
        assert!(lengths[2].is_nan());
    }
}
