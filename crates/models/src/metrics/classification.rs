//! Classification metrics: confusion counts, accuracy, F1, ROC AUC, log loss, and the baseline that
//! always predicts the training shares. Definitions follow scikit-learn; cases it refuses (labels
//! unknown to the model) are described at [`measure`].

use super::precision_recall::average_precision;
pub use super::roc::{RocPoint, roc_auc, roc_curve};
use serde::Serialize;

/// Lower bound of probabilities in the log loss, so that one row contributes at most 34.5 (`-ln
/// 1e-15`).
pub const SMALLEST_PROBABILITY: f64 = 1e-15;

/// Metrics of a classifier on rows with known labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classification {
    /// Number of rows, including those with unseen labels.
    pub rows: u64,
    /// Number of rows with a label unknown to the model: wrong whatever it predicts.
    pub unseen: u64,
    /// Share of rows whose most probable class is the actual one.
    pub accuracy: f64,
    /// Mean F1 over the classes that are actual or predicted at least once (scikit-learn's default
    /// labels).
    pub f1_macro: f64,
    /// Two classes: ROC AUC of the second. More classes: mean one-vs-rest AUC over the classes with
    /// rows on both sides; `None` if there are none.
    pub roc_auc: Option<f64>,
    /// Average precision, averaged over classes like `roc_auc`.
    pub pr_auc: Option<f64>,
    /// Mean of `-ln p(actual)`, with p bounded below by [`SMALLEST_PROBABILITY`].
    pub log_loss: f64,
    /// One entry per class: the model's, in its order, then labels unknown to it.
    pub classes: Vec<PerClass>,
    /// Row counts by actual class (one line each, as `classes`) and predicted class (the model's).
    pub confusion: Vec<Vec<u64>>,
}

/// Metrics of one class; a rate over nothing is 0 (scikit-learn's `zero_division=0`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PerClass {
    /// The class's name, as in the data.
    pub name: String,
    /// Correct predictions over all predictions of this class.
    pub precision: f64,
    /// Correct predictions over all rows of this class.
    pub recall: f64,
    /// 2 precision recall / (precision + recall).
    pub f1: f64,
    /// Number of rows of this class.
    pub support: u64,
}

/// Histogram of the confidence of correct and wrong predictions: rows counted by the predicted
/// class's probability, in equal bins from 0 to 1 (a probability of 1 falls into the last).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confidence {
    /// Number of correct predictions in each bin.
    pub right: Vec<u64>,
    /// Number of wrong predictions in each bin.
    pub wrong: Vec<u64>,
}

/// Measures predicted probabilities against actual labels.
///
/// - `classes`: names of the model's classes, in its order, followed by labels in the test data
///   that the model does not know.
/// - `actual`: for each row an index into `classes`.
/// - `probabilities`: row-major, rows x classes of the model (which may be fewer than `classes`).
///
/// A row with a label unknown to the model counts as wrong, contributes the largest log loss, gives
/// its label a line in the tables (F1 0, included in the macro mean), and is excluded from ROC AUC.
/// Without rows every figure is 0 and `roc_auc` is `None`. Sums run in row order and in class
/// order.
///
/// # Examples
/// ```
/// use easylife_models::metrics::classification::measure;
///
/// let classes = ["neg", "pos"].map(str::to_owned);
/// // Three rows of two classes, row by row.
/// let probabilities = [0.9, 0.1, 0.4, 0.6, 0.7, 0.3];
/// let measured = measure(&classes, &[0, 1, 1], &probabilities);
/// assert_eq!(measured.accuracy, 2.0 / 3.0);
/// assert_eq!(measured.roc_auc, Some(1.0));
/// assert_eq!(measured.confusion, [[1, 0], [1, 1]]);
/// ```
pub fn measure(classes: &[String], actual: &[u32], probabilities: &[f64]) -> Classification {
    Scored::new(classes.len(), actual, probabilities).measure(classes)
}

/// The baseline: the same `prior` (share of each of the model's classes in the training split) for
/// every row, so always the most frequent class. `classes` and `actual` as in [`measure`].
///
/// # Examples
/// ```
/// use easylife_models::metrics::classification::majority;
///
/// let classes = ["neg", "pos"].map(str::to_owned);
/// // Two thirds of the training rows were positive, three of four test rows are.
/// let baseline = majority(&classes, &[1.0 / 3.0, 2.0 / 3.0], &[1, 1, 0, 1]);
/// assert_eq!(baseline.accuracy, 0.75);
/// assert_eq!(baseline.roc_auc, Some(0.5)); // all rows have the same score
/// ```
pub fn majority(classes: &[String], prior: &[f64], actual: &[u32]) -> Classification {
    Scored {
        actual,
        probabilities: prior,
        width: prior.len(),
        stride: 0,
    }
    .measure(classes)
}

/// The most probable class; the first of ties, as in numpy's `argmax`.
///
/// # Examples
/// ```
/// use easylife_models::metrics::classification::most_probable;
///
/// assert_eq!(most_probable(&[0.2, 0.5, 0.3]), 1);
/// assert_eq!(most_probable(&[0.5, 0.5]), 0);
/// ```
pub fn most_probable(probabilities: &[f64]) -> usize {
    let better = |best: usize, class: usize| {
        if probabilities[class] > probabilities[best] {
            class
        } else {
            best
        }
    };
    (1..probabilities.len()).fold(0, better)
}

/// Counts predictions by probability and correctness; arguments as in [`measure`].
///
/// Both histograms have `bins` entries; `wrong` includes rows with a label unknown to the model.
///
/// # Examples
/// ```
/// use easylife_models::metrics::classification::confidence;
///
/// let counts = confidence(&[0, 1], &[0.9, 0.1, 0.6, 0.4], 2);
/// assert_eq!((counts.right, counts.wrong), (vec![0, 1], vec![0, 1]));
/// ```
pub fn confidence(actual: &[u32], probabilities: &[f64], bins: usize) -> Confidence {
    let scored = Scored::new(0, actual, probabilities);
    let mut counts = Confidence {
        right: vec![0; bins],
        wrong: vec![0; bins],
    };
    for (row, &actual) in actual.iter().enumerate() {
        let (class, probability) = scored.answer(row);
        let bin = ((probability * bins as f64) as usize).min(bins.saturating_sub(1));
        let side = if class == actual as usize {
            &mut counts.right
        } else {
            &mut counts.wrong
        };
        if let Some(count) = side.get_mut(bin) {
            *count += 1;
        }
    }
    counts
}

/// The wrongly predicted rows with the highest confidence (ties by row), at most `limit`; arguments
/// as in [`measure`].
///
/// # Examples
/// ```
/// use easylife_models::metrics::classification::most_wrong;
///
/// // Rows 0 and 2 are wrong, the last with more confidence.
/// let probabilities = [0.6, 0.4, 0.2, 0.8, 0.9, 0.1];
/// assert_eq!(most_wrong(&[1, 1, 1], &probabilities, 10), [2, 0]);
/// assert_eq!(most_wrong(&[1, 1, 1], &probabilities, 1), [2]);
/// ```
pub fn most_wrong(actual: &[u32], probabilities: &[f64], limit: usize) -> Vec<usize> {
    let scored = Scored::new(0, actual, probabilities);
    let wrong = (0..actual.len()).map(|row| (row, scored.answer(row)));
    let mut rows: Vec<(usize, f64)> = wrong
        .filter(|&(row, (class, _))| class != actual[row] as usize)
        .map(|(row, (_, p))| (row, p))
        .collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    rows.truncate(limit);
    rows.into_iter().map(|(row, _)| row).collect()
}

/// Rows with their labels and the model's probabilities, `width` columns, `stride` values apart (0
/// if all rows share one).
struct Scored<'a> {
    actual: &'a [u32],
    probabilities: &'a [f64],
    width: usize,
    stride: usize,
}

impl<'a> Scored<'a> {
    fn new(width_without_rows: usize, actual: &'a [u32], probabilities: &'a [f64]) -> Self {
        let width = probabilities
            .len()
            .checked_div(actual.len())
            .unwrap_or(width_without_rows);
        Scored {
            actual,
            probabilities,
            width,
            stride: width,
        }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.probabilities[row * self.stride..][..self.width]
    }

    /// The predicted class and its probability.
    fn answer(&self, row: usize) -> (usize, f64) {
        let probabilities = self.row(row);
        let class = most_probable(probabilities);
        (class, probabilities.get(class).copied().unwrap_or(0.0))
    }

    fn measure(&self, names: &[String]) -> Classification {
        let confusion = self.confusion(names.len());
        let classes: Vec<PerClass> = names
            .iter()
            .enumerate()
            .map(|(class, name)| per_class(name, class, &confusion))
            .collect();
        let rows = self.actual.len() as u64;
        let right: u64 = confusion
            .iter()
            .enumerate()
            .filter_map(|(class, line)| line.get(class))
            .sum();
        Classification {
            rows,
            unseen: confusion.iter().skip(self.width).flatten().sum(),
            accuracy: ratio(right, rows),
            f1_macro: f1_macro(&classes, &confusion),
            roc_auc: self.one_against_rest(roc_auc),
            pr_auc: self.one_against_rest(average_precision),
            log_loss: self.log_loss(),
            classes,
            confusion,
        }
    }

    fn confusion(&self, lines: usize) -> Vec<Vec<u64>> {
        let mut confusion = vec![vec![0; self.width]; lines];
        if self.width > 0 {
            for (row, &actual) in self.actual.iter().enumerate() {
                confusion[actual as usize][most_probable(self.row(row))] += 1;
            }
        }
        confusion
    }

    fn log_loss(&self) -> f64 {
        let mut sum = 0.0;
        for (row, &actual) in self.actual.iter().enumerate() {
            let probability = self.row(row).get(actual as usize).copied().unwrap_or(0.0);
            sum -= libm::log(probability.max(SMALLEST_PROBABILITY));
        }
        if self.actual.is_empty() {
            0.0
        } else {
            sum / self.actual.len() as f64
        }
    }

    /// An area for the second of two classes, or its mean over many classes.
    fn one_against_rest(&self, area: fn(&[bool], &[f64]) -> Option<f64>) -> Option<f64> {
        let seen: Vec<usize> = (0..self.actual.len())
            .filter(|&row| (self.actual[row] as usize) < self.width)
            .collect();
        let one = |class: usize| {
            let positive: Vec<bool> = seen
                .iter()
                .map(|&row| self.actual[row] as usize == class)
                .collect();
            let scores: Vec<f64> = seen.iter().map(|&row| self.row(row)[class]).collect();
            area(&positive, &scores)
        };
        if self.width == 2 {
            return one(1);
        }
        let areas: Vec<f64> = (0..self.width).filter_map(one).collect();
        (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
    }
}

fn per_class(name: &str, class: usize, confusion: &[Vec<u64>]) -> PerClass {
    let right = confusion[class].get(class).copied().unwrap_or(0);
    let support = confusion[class].iter().sum();
    let predicted = times_predicted(class, confusion);
    PerClass {
        name: name.to_owned(),
        precision: ratio(right, predicted),
        recall: ratio(right, support),
        f1: ratio(2 * right, predicted + support),
        support,
    }
}

fn times_predicted(class: usize, confusion: &[Vec<u64>]) -> u64 {
    confusion.iter().filter_map(|line| line.get(class)).sum()
}

fn f1_macro(classes: &[PerClass], confusion: &[Vec<u64>]) -> f64 {
    let occurs = |&(class, scores): &(usize, &PerClass)| {
        scores.support > 0 || times_predicted(class, confusion) > 0
    };
    let present: Vec<f64> = classes
        .iter()
        .enumerate()
        .filter(occurs)
        .map(|(_, scores)| scores.f1)
        .collect();
    if present.is_empty() {
        0.0
    } else {
        present.iter().sum::<f64>() / present.len() as f64
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| name.to_string()).collect()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    /// One-hot probabilities of the named classes.
    fn certain(predicted: &[usize], width: usize) -> Vec<f64> {
        predicted
            .iter()
            .flat_map(|&p| (0..width).map(move |class| f64::from(u8::from(class == p))))
            .collect()
    }

    #[test]
    fn four_rows_by_hand() {
        let result = measure(
            &names(&["no", "yes"]),
            &[0, 0, 1, 1],
            &[0.9, 0.1, 0.4, 0.6, 0.3, 0.7, 0.8, 0.2],
        );
        assert_eq!(result.confusion, [[1, 1], [1, 1]]);
        assert_eq!(
            (result.rows, result.unseen, result.accuracy, result.f1_macro),
            (4, 0, 0.5, 0.5)
        );
        // Pairs of yes over no: 0.7 beats 0.1 and 0.6, 0.2 beats 0.1 only.
        assert_eq!(result.roc_auc, Some(0.75));
        close(result.log_loss, -(0.9 * 0.4 * 0.7 * 0.2f64).ln() / 4.0);
        assert_eq!(result.classes[1].support, 2);
    }

    #[test]
    fn macro_f1_runs_over_what_occurs() {
        // scikit-learn 1.7.2: f1_score([0,0,1,1,2], [0,1,1,1,0], average="macro", zero_division=0);
        // the model's fourth class occurs on neither side.
        let abcd = names(&["a", "b", "c", "d"]);
        let result = measure(&abcd, &[0, 0, 1, 1, 2], &certain(&[0, 1, 1, 1, 0], 4));
        close(result.f1_macro, 0.43333333333333335);
        assert_eq!(result.classes[3].support, 0);
        assert_eq!(result.classes[3].f1, 0.0);
        // f1_score([0,0,1,1], [0,3,1,1], average="macro", zero_division=0): a class that is only
        // predicted counts.
        let result = measure(&abcd, &[0, 0, 1, 1], &certain(&[0, 3, 1, 1], 4));
        close(result.f1_macro, 0.5555555555555555);
    }

    /// 500 rows of four classes from a linear congruential generator, so that another tool can make
    /// the same: multiplier 6364136223846793005, increment 1442695040888963407, upper 31 bits.
    fn generated() -> (Vec<u32>, Vec<f64>) {
        let mut state = 1u64;
        let mut next = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            state >> 33
        };
        let (mut actual, mut probabilities) = (Vec::new(), Vec::new());
        for _ in 0..500 {
            let mut weights: Vec<u64> = (0..4).map(|_| 1 + next() % 20).collect();
            let class = (next() % 4) as usize;
            weights[class] += next() % 15;
            let total: u64 = weights.iter().sum();
            actual.push(class as u32);
            probabilities.extend(weights.iter().map(|&w| w as f64 / total as f64));
        }
        (actual, probabilities)
    }

    #[test]
    fn agrees_with_scikit_learn() {
        // scikit-learn 1.7.2 (numpy): accuracy_score, f1_score(average="macro"),
        // roc_auc_score(multi_class="ovr", average="macro"), log_loss, confusion_matrix,
        // precision_recall_fscore_support.
        let (actual, probabilities) = generated();
        let result = measure(&names(&["a", "b", "c", "d"]), &actual, &probabilities);
        close(result.accuracy, 0.594);
        close(result.f1_macro, 0.5937356272189444);
        close(result.roc_auc.unwrap(), 0.797796021661088);
        close(result.log_loss, 1.1148278368794908);
        assert_eq!(
            result.confusion,
            [
                [67, 20, 13, 10],
                [18, 78, 18, 9],
                [21, 17, 76, 21],
                [17, 21, 18, 76]
            ]
        );
        for (class, (precision, recall, f1)) in [
            (0.54471545, 0.60909091, 0.5751073),
            (0.57352941, 0.63414634, 0.6023166),
        ]
        .into_iter()
        .enumerate()
        {
            let scores = &result.classes[class];
            assert!((scores.precision - precision).abs() < 1e-8);
            assert!((scores.recall - recall).abs() < 1e-8);
            assert!((scores.f1 - f1).abs() < 1e-8);
        }
    }

    #[test]
    fn ties_agree_with_scikit_learn() {
        // scikit-learn 1.7.2: roc_auc_score and roc_curve(drop_intermediate=False) on scores 0 to 6.
        let (actual, probabilities) = generated();
        let positive: Vec<bool> = actual.iter().map(|&class| class == 0).collect();
        let scores: Vec<f64> = probabilities
            .chunks(4)
            .map(|row| (row[0] * 10.0).round_ties_even())
            .collect();
        close(roc_auc(&positive, &scores).unwrap(), 0.7844289044289044);
        let curve = roc_curve(&positive, &scores, 100);
        let expected = [
            (0.0, 0.0),
            (0.0, 0.045454545454545456),
            (0.005128205128205128, 0.16363636363636364),
            (0.08717948717948718, 0.4727272727272727),
            (0.36666666666666664, 0.7818181818181819),
            (0.6666666666666666, 0.9454545454545454),
            (0.9205128205128205, 0.9818181818181818),
            (1.0, 1.0),
        ];
        assert_eq!(
            curve.iter().map(|p| (p.fpr, p.tpr)).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(curve[1].threshold, Some(6.0));
    }

    #[test]
    fn labels_never_seen_are_wrong_and_counted() {
        // The model knows two classes; the third name comes from the test data.
        let result = measure(
            &names(&["a", "b", "new"]),
            &[0, 1, 2],
            &[0.8, 0.2, 0.4, 0.6, 0.9, 0.1],
        );
        assert_eq!((result.rows, result.unseen), (3, 1));
        close(result.accuracy, 2.0 / 3.0);
        assert_eq!(result.confusion, [[1, 0], [0, 1], [1, 0]]);
        close(result.f1_macro, (2.0 / 3.0 + 1.0 + 0.0) / 3.0);
        assert_eq!(
            result.roc_auc,
            Some(1.0),
            "computed on the two rows with known labels"
        );
        close(
            result.log_loss,
            -(0.8f64.ln() + 0.6f64.ln() + 1e-15f64.ln()) / 3.0,
        );
        assert_eq!(
            result.classes[2],
            PerClass {
                name: "new".into(),
                precision: 0.0,
                recall: 0.0,
                f1: 0.0,
                support: 1
            }
        );
    }

    #[test]
    fn baseline_answers_the_training_majority() {
        let result = majority(&names(&["a", "b"]), &[0.25, 0.75], &[0, 1, 1, 0, 1]);
        close(result.accuracy, 0.6);
        assert_eq!(result.confusion, [[0, 2], [0, 3]]);
        assert_eq!(result.roc_auc, Some(0.5));
        close(
            result.log_loss,
            -(2.0 * 0.25f64.ln() + 3.0 * 0.75f64.ln()) / 5.0,
        );
        let tied = majority(&names(&["a", "b"]), &[0.5, 0.5], &[0]);
        assert_eq!(tied.accuracy, 1.0, "the first of ties");
    }

    #[test]
    fn nothing_to_measure() {
        let result = measure(&names(&["a", "b"]), &[], &[]);
        assert_eq!(
            (
                result.rows,
                result.accuracy,
                result.f1_macro,
                result.log_loss
            ),
            (0, 0.0, 0.0, 0.0)
        );
        assert_eq!(result.roc_auc, None);
        assert_eq!(result.confusion, [[0, 0], [0, 0]]);
        let one_sided = measure(&names(&["a", "b"]), &[1], &[0.0, 1.0]);
        assert_eq!(one_sided.roc_auc, None);
    }

    #[test]
    fn confidence_and_the_surest_errors() {
        let actual = [0, 0, 1, 2, 1];
        let probabilities = [0.95, 0.05, 0.2, 0.8, 0.5, 0.5, 0.2, 0.8, 0.0, 1.0];
        assert_eq!(
            most_wrong(&actual, &probabilities, 9),
            [1, 3, 2],
            "0.8, 0.8 and 0.5"
        );
        assert_eq!(most_wrong(&actual, &probabilities, 1), [1]);
        let counts = confidence(&actual, &probabilities, 10);
        assert_eq!(counts.right, [0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(counts.wrong, [0, 0, 0, 0, 0, 1, 0, 0, 2, 0]);
    }

    #[test]
    fn json_keys_keep_their_order() {
        let json = serde_json::to_string(&measure(&names(&["a", "b"]), &[0], &[1.0, 0.0])).unwrap();
        assert!(json.starts_with(
            r#"{"rows":1,"unseen":0,"accuracy":1.0,"f1_macro":1.0,"roc_auc":null,"pr_auc":null,"log_loss":0.0,"#
        ));
    }

    proptest! {
        #[test]
        fn confusion_adds_up(rows in prop::collection::vec((0u32..6, prop::collection::vec(0.0f64..1.0, 4)), 1..60)) {
            // Classes 4 and 5 are unknown to the model.
            let (actual, probabilities): (Vec<u32>, Vec<Vec<f64>>) = rows.into_iter().unzip();
            let result = measure(&names(&["a", "b", "c", "d", "e", "f"]), &actual, &probabilities.concat());
            prop_assert_eq!(result.confusion.iter().flatten().sum::<u64>(), actual.len() as u64);
            prop_assert_eq!(result.classes.iter().map(|class| class.support).sum::<u64>(), result.rows);
            for (class, line) in result.confusion.iter().enumerate() {
                prop_assert_eq!(line.iter().sum::<u64>(), result.classes[class].support);
            }
            prop_assert_eq!(result.unseen, actual.iter().filter(|&&class| class >= 4).count() as u64);
            let counts = confidence(&actual, &probabilities.concat(), 20);
            prop_assert_eq!(counts.right.iter().sum::<u64>() as f64 / result.rows as f64, result.accuracy);
            prop_assert!((0.0..=1.0).contains(&result.f1_macro) && result.log_loss >= 0.0);
        }
    }
}
