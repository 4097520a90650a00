//! When a window's performance differs from the reference by more than chance.
//!
//! A threshold holds a stated rate of false alarms: of windows drawn from the same population as the
//! reference, this share has a *realised* figure outside, for each metric by itself. Its width follows
//! the window's size and that of the reference, so no constant has to be set. (NannyML takes the mean
//! and three standard deviations of reference chunks, which is a rate of .27 % if figures are normal;
//! [`NANNYML_RATE`] is that.) Estimated figures vary less than realised ones, because they are free of
//! the chance of labels: their false alarms are fewer.
//!
//! For windows of up to [`REDRAWN_ROWS`] rows, metrics of the confusion matrix are redrawn from that of
//! the reference, because they are far from normal there; areas and losses are normal in their log-odds
//! and logarithms, which keeps them in range. In larger windows everything is normal.

use models::kernels::normal::normal_quantile;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::PerformanceError;
use super::confusion::Margins;
use super::error::{check_rows, check_share};
use super::figures::{Figure, Metric, Performance, of_population};

/// The share of a normal distribution beyond three standard deviations: NannyML's default.
pub const NANNYML_RATE: f64 = 0.0027;
/// The default rate of false alarms of each metric.
pub const DEFAULT_RATE: f64 = 0.01;
/// Windows of up to this number of rows are redrawn.
pub const REDRAWN_ROWS: usize = 1000;
/// Number of windows that are redrawn.
const REDRAWS: u64 = 4000;

/// Performance on the reference, and how it varies from row to row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    rows: u64,
    /// A line per actual class.
    confusion: Vec<Vec<u64>>,
    figures: Vec<ReferenceFigure>,
}

/// A figure on the reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceFigure {
    metric: Metric,
    class: Option<u32>,
    value: f64,
    /// Standard error of a window, times the root of its number of rows.
    deviation: f64,
}

/// The range of a metric in windows like the reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The metric.
    pub metric: Metric,
    /// The class it is of; `None` if it is of all.
    pub class: Option<u32>,
    /// Its value on the reference.
    pub reference: f64,
    /// Figures below alarm.
    pub low: f64,
    /// Figures above alarm.
    pub high: f64,
}

/// What a figure outside its range means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alert {
    /// Performance is worse than on the reference.
    Worse,
    /// Performance is better than on the reference, which also says that something has changed.
    Better,
}

impl Threshold {
    /// Whether a value of the metric is outside.
    pub fn alert(&self, value: f64) -> Option<Alert> {
        match (value < self.low, value > self.high) {
            (false, false) => None,
            (below, _) if below == self.metric.is_gain() => Some(Alert::Worse),
            _ => Some(Alert::Better),
        }
    }
}

impl Reference {
    /// Of realised performance on the reference.
    pub fn of(performance: &Performance) -> Reference {
        let root = (performance.rows as f64).sqrt();
        let figure = |figure: &Figure| ReferenceFigure {
            metric: figure.metric,
            class: figure.class,
            value: figure.value,
            deviation: figure.standard_error * root,
        };
        let counts = |line: &Vec<f64>| line.iter().map(|&count| count as u64).collect();
        Reference {
            rows: performance.rows,
            confusion: performance.confusion.iter().map(counts).collect(),
            figures: performance.figures.iter().map(figure).collect(),
        }
    }

    /// A figure of the reference.
    pub fn value(&self, metric: Metric, class: Option<u32>) -> Option<f64> {
        let mut figures = self.figures.iter();
        let figure = figures.find(|figure| figure.metric == metric && figure.class == class);
        figure.map(|figure| figure.value)
    }

    /// Whether the parts fit each other, for what was read from a file.
    pub(super) fn is_valid(&self, classes: usize) -> bool {
        let lines = &self.confusion;
        let sum = lines
            .iter()
            .flatten()
            .try_fold(0u64, |sum, &count| sum.checked_add(count));
        let is_known = |figure: &ReferenceFigure| {
            let is_class = figure.class.is_none_or(|class| (class as usize) < classes);
            is_class && figure.value.is_finite() && figure.deviation >= 0.0
        };
        lines.len() == classes
            && lines.iter().all(|line| line.len() == classes)
            && (self.rows > 0 && sum == Some(self.rows))
            && self.figures.iter().all(is_known)
    }

    /// Thresholds for windows of `rows` rows; `rate` is the share of false alarms of each metric.
    ///
    /// # Errors
    /// No rows, or a rate outside 0 to 1.
    pub fn thresholds(
        &self,
        rows: usize,
        rate: f64,
        seed: u64,
    ) -> Result<Vec<Threshold>, PerformanceError> {
        check_rows("the window", rows, 1)?;
        check_share("rate", rate)?;
        let redrawn = match rows <= REDRAWN_ROWS {
            true => self.redraw(rows, rate, seed),
            false => Vec::new(),
        };
        let threshold = |(index, figure): (usize, &ReferenceFigure)| {
            let range = redrawn.get(index).copied().flatten();
            let (low, high) = range.unwrap_or_else(|| self.normal(figure, rows, rate));
            Threshold {
                metric: figure.metric,
                class: figure.class,
                reference: figure.value,
                low,
                high,
            }
        };
        Ok(self.figures.iter().enumerate().map(threshold).collect())
    }

    /// The range by the normal distribution: of the difference between a window and the reference,
    /// both of which vary.
    fn normal(&self, figure: &ReferenceFigure, rows: usize, rate: f64) -> (f64, f64) {
        let both = 1.0 / rows as f64 + 1.0 / self.rows as f64;
        let standard_error = figure.deviation * both.sqrt();
        let level = 1.0 - rate;
        let (metric, value) = (figure.metric, figure.value);
        match metric {
            Metric::RocAuc | Metric::LogLoss | Metric::Brier if rows <= REDRAWN_ROWS => {
                of_population(metric, value, standard_error, level, rows as f64)
            }
            _ => {
                let half = normal_quantile(0.5 + level / 2.0) * standard_error;
                (value - half, value + half)
            }
        }
    }

    /// Ranges of the metrics of the confusion matrix, by redrawing windows out of that of the
    /// reference; `None` for other metrics.
    fn redraw(&self, rows: usize, rate: f64, seed: u64) -> Vec<Option<(f64, f64)>> {
        let ends: Vec<u64> = { self.confusion.iter().flatten() }
            .scan(0, |sum, &count| {
                *sum += count;
                Some(*sum)
            })
            .collect();
        let draws: Vec<Vec<Option<f64>>> = (0..REDRAWS)
            .into_par_iter()
            .map(|draw| {
                let margins = self.draw(&ends, rows, seed, draw);
                let value = |figure: &ReferenceFigure| figure.of(&margins);
                self.figures.iter().map(value).collect()
            })
            .collect();
        // The reference itself is one draw of many.
        let widen = (1.0 + rows as f64 / self.rows as f64).sqrt();
        let range = |(index, figure): (usize, &ReferenceFigure)| {
            let values = draws.iter().filter_map(|draw| draw[index]);
            let (low, high) = tails(values.collect(), rate)?;
            let away = |end: f64| figure.value + widen * (end - figure.value);
            Some((away(low), away(high)))
        };
        self.figures.iter().enumerate().map(range).collect()
    }

    /// The margins of a window drawn out of the reference with replacement.
    fn draw(&self, ends: &[u64], rows: usize, seed: u64, draw: u64) -> Margins {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(draw);
        let classes = self.confusion.len();
        let mut counts = vec![vec![0.0; classes]; classes];
        for _ in 0..rows {
            let row = (u128::from(random.next_u64()) * u128::from(self.rows)) >> 64;
            let cell = ends.partition_point(|&end| u128::from(end) <= row);
            counts[cell / classes][cell % classes] += 1.0;
        }
        Margins::of(&counts, false)
    }
}

impl ReferenceFigure {
    /// The metric of a confusion matrix; `None` for other metrics, and where it is not defined.
    fn of(&self, margins: &Margins) -> Option<f64> {
        match (self.metric, self.class) {
            (Metric::Accuracy, _) => Some(margins.accuracy()),
            (Metric::BalancedAccuracy, _) => margins.balanced_accuracy().map(|slope| slope.value),
            (Metric::F1Macro, _) => margins.f1_macro().map(|slope| slope.value),
            (metric, Some(class)) => {
                let slope = margins.of_class(metric, class as usize);
                slope.map(|slope| slope.value)
            }
            _ => None,
        }
    }
}

/// The values below and above which at most half of `rate` of all values are.
fn tails(mut values: Vec<f64>, rate: f64) -> Option<(f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let beyond = ((rate / 2.0 * values.len() as f64) as usize).min(last / 2);
    Some((values[beyond], values[last - beyond]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 rows, of which 900 are right.
    fn reference() -> Reference {
        let figure = |metric, value, deviation| ReferenceFigure {
            metric,
            class: None,
            value,
            deviation,
        };
        Reference {
            rows: 1000,
            confusion: vec![vec![450, 50], vec![50, 450]],
            figures: vec![
                figure(Metric::Accuracy, 0.9, 0.3),
                figure(Metric::LogLoss, 0.2, 0.4),
            ],
        }
    }

    #[test]
    fn ranges_are_those_of_the_binomial_distribution() {
        // scipy 1.17: binom.ppf([.005, .995], 50, .9) is 39 and 50; widened by sqrt(1.05).
        let small = reference().thresholds(50, 0.01, 7).unwrap()[0];
        let widen = 1.05f64.sqrt();
        assert!(
            (small.low - (0.9 + widen * (39.0 / 50.0 - 0.9))).abs() < 1e-12,
            "{small:?}"
        );
        assert!(
            (small.high - (0.9 + widen * 0.1)).abs() < 1e-12,
            "{small:?}"
        );
        // Normal: 2.576 · .3 · sqrt(1/4000 + 1/1000).
        let large = reference().thresholds(4000, 0.01, 7).unwrap()[0];
        assert!((large.low - (0.9 - 2.5758 * 0.3 * 0.00125f64.sqrt())).abs() < 1e-5);
    }

    #[test]
    fn sides_follow_the_metric() {
        let [accuracy, loss] = reference().thresholds(2000, 0.01, 7).unwrap()[..] else {
            panic!("two metrics");
        };
        assert_eq!(accuracy.alert(0.5), Some(Alert::Worse));
        assert_eq!(accuracy.alert(0.999), Some(Alert::Better));
        assert_eq!(accuracy.alert(0.9), None);
        assert_eq!(loss.alert(0.5), Some(Alert::Worse));
        assert_eq!(loss.alert(0.01), Some(Alert::Better));
    }

    #[test]
    fn bad_parameters_are_refused() {
        assert!(reference().thresholds(0, 0.01, 7).is_err());
        assert!(reference().thresholds(10, 1.0, 7).is_err());
        assert!(reference().is_valid(2) && !reference().is_valid(3));
    }
}
