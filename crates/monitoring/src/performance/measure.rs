//! All metrics of rows, where labels are certain or only probable: values, and how each depends on the
//! rows, from which the caller gets a standard error.

use models::kernels::math::ln;
use models::metrics::classification::SMALLEST_PROBABILITY;

use super::areas::{Area, area};
use super::confusion::{Margins, MeanSlope, Slope, confusion};
use super::figures::{Covers, Figure, Metric, Performance, of_outcome, of_population};
use super::scores::Window;

/// How a metric depends on the label of each row.
pub(super) struct Influence<'a> {
    /// Effect on the metric of a row being of a class, up to a constant by row.
    pub label: &'a dyn Fn(usize, usize) -> f64,
    /// What a row adds to the metric's deviation from that of the population, up to a constant; asked
    /// for only if labels are certain.
    pub row: &'a dyn Fn(usize) -> f64,
}

/// As [`Influence`], for a metric to which only one class matters.
pub(super) struct ClassInfluence<'a> {
    pub class: usize,
    /// Effect on the metric of a row being of the class, rather than of another.
    pub label: &'a dyn Fn(usize) -> f64,
    /// As [`Influence::row`].
    pub row: &'a dyn Fn(usize) -> f64,
}

/// Makes standard errors of influences.
pub(super) trait Spread {
    /// What the intervals are for.
    const COVERS: Covers;
    /// The variance of a metric of all classes.
    fn of_all(&self, influence: &Influence) -> f64;
    /// The variance of a metric of one class.
    fn of_class(&self, influence: &ClassInfluence) -> f64;
}

/// Rows whose labels are probabilities.
pub(super) struct Rows<'a> {
    pub window: Window<'a>,
    /// The probability of each class, rows × classes; 0 or 1 if labels are certain.
    pub p: &'a [f64],
}

impl Rows<'_> {
    fn classes(&self) -> usize {
        self.window.scores.classes()
    }

    fn label(&self, row: usize) -> usize {
        let classes = self.classes();
        let p = &self.p[row * classes..][..classes];
        p.iter().position(|&p| p == 1.0).unwrap_or(0)
    }

    fn predicted(&self, row: usize) -> usize {
        self.window.predictions[row] as usize
    }

    /// All metrics that are defined.
    pub fn measure<S: Spread>(&self, spread: &S, level: f64) -> Performance {
        let confusion = confusion(&self.window, self.p);
        let margins = Margins::of(&confusion, S::COVERS == Covers::Outcome);
        let areas: Vec<Option<Area>> = (0..self.classes())
            .map(|class| self.area_of(class))
            .collect();
        let mut figures = Vec::new();
        let mut add = |metric, class: Option<usize>, (value, variance): (f64, f64)| {
            let standard_error = variance.max(0.0).sqrt();
            let rows = margins.whole(metric, class);
            let (low, high) = match S::COVERS {
                Covers::Outcome => of_outcome(metric, value, standard_error, level),
                Covers::Population => of_population(metric, value, standard_error, level, rows),
            };
            figures.push(Figure {
                metric,
                class: class.map(|class| class as u32),
                value,
                low,
                high,
                standard_error,
            });
        };
        add(Metric::Accuracy, None, self.accuracy(&margins, spread));
        if let Some(slope) = margins.balanced_accuracy() {
            add(Metric::BalancedAccuracy, None, self.mean(&slope, spread));
        }
        if let Some(slope) = margins.f1_macro() {
            add(Metric::F1Macro, None, self.mean(&slope, spread));
        }
        if let Some(found) = self.area(&areas, spread) {
            add(Metric::RocAuc, None, found);
        }
        add(Metric::LogLoss, None, self.log_loss(spread));
        add(Metric::Brier, None, self.brier(spread));
        for (class, area) in areas.iter().enumerate() {
            for metric in [
                Metric::Precision,
                Metric::Recall,
                Metric::Specificity,
                Metric::F1,
            ] {
                if let Some(slope) = margins.of_class(metric, class) {
                    add(metric, Some(class), self.of_class(class, slope, spread));
                }
            }
            if let Some(area) = area {
                add(
                    Metric::RocAuc,
                    Some(class),
                    self.class_area(class, area, spread),
                );
            }
        }
        Performance {
            rows: self.window.scores.rows() as u64,
            level,
            confusion,
            figures,
        }
    }

    fn accuracy(&self, margins: &Margins, spread: &impl Spread) -> (f64, f64) {
        let label = |row: usize, class: usize| match class == self.predicted(row) {
            true => 1.0 / margins.rows,
            false => 0.0,
        };
        (margins.accuracy(), self.spread(&label, spread))
    }

    /// A variance where a row adds nothing beside the effect of its label.
    fn spread(&self, label: &dyn Fn(usize, usize) -> f64, spread: &impl Spread) -> f64 {
        let row = |row: usize| label(row, self.label(row));
        spread.of_all(&Influence { label, row: &row })
    }

    fn mean(&self, slope: &MeanSlope, spread: &impl Spread) -> (f64, f64) {
        let label =
            |row: usize, class: usize| slope.of_class[class].label(class == self.predicted(row));
        let row = |row: usize| {
            label(row, self.label(row)) + slope.of_class[self.predicted(row)].predicted
        };
        let influence = Influence {
            label: &label,
            row: &row,
        };
        (slope.value, spread.of_all(&influence))
    }

    fn of_class(&self, class: usize, slope: Slope, spread: &impl Spread) -> (f64, f64) {
        let label = |row: usize| slope.label(self.predicted(row) == class);
        let row = |row: usize| {
            let actual = match self.label(row) == class {
                true => label(row),
                false => 0.0,
            };
            let predicted = match self.predicted(row) == class {
                true => slope.predicted,
                false => 0.0,
            };
            actual + predicted
        };
        let influence = ClassInfluence {
            class,
            label: &label,
            row: &row,
        };
        (slope.value, spread.of_class(&influence))
    }

    fn area_of(&self, class: usize) -> Option<Area> {
        let classes = self.classes();
        let scores: Vec<f64> = self.window.scores.of_class(class).collect();
        let p: Vec<f64> = self
            .p
            .iter()
            .skip(class)
            .step_by(classes)
            .copied()
            .collect();
        area(&scores, &p)
    }

    fn class_area(&self, class: usize, area: &Area, spread: &impl Spread) -> (f64, f64) {
        let influence = ClassInfluence {
            class,
            label: &|row| area.by_label[row],
            row: &|row| area.by_row[row],
        };
        (area.value, spread.of_class(&influence))
    }

    /// The area of the second of two classes, or the mean over classes.
    fn area(&self, areas: &[Option<Area>], spread: &impl Spread) -> Option<(f64, f64)> {
        if let [_, second] = areas {
            return Some(self.class_area(1, second.as_ref()?, spread));
        }
        let known: Vec<&Area> = areas.iter().flatten().collect();
        let share = 1.0 / known.len() as f64;
        let influence = Influence {
            label: &|row, class| {
                let area = areas[class].as_ref();
                area.map_or(0.0, |area| share * area.by_label[row])
            },
            row: &|row| share * known.iter().map(|area| area.by_row[row]).sum::<f64>(),
        };
        let value = share * known.iter().map(|area| area.value).sum::<f64>();
        (!known.is_empty()).then(|| (value, spread.of_all(&influence)))
    }

    /// The mean over rows of a loss by row and class.
    fn mean_loss(&self, loss: &[f64], spread: &impl Spread) -> (f64, f64) {
        let classes = self.classes();
        let rows = self.window.scores.rows() as f64;
        let value = loss.iter().zip(self.p).map(|(loss, p)| loss * p);
        let value = value.sum::<f64>() / rows;
        let label = |row: usize, class: usize| loss[row * classes + class] / rows;
        (value, self.spread(&label, spread))
    }

    fn log_loss(&self, spread: &impl Spread) -> (f64, f64) {
        let scores = self.window.scores.values();
        let loss = |&score: &f64| -ln(score.max(SMALLEST_PROBABILITY));
        self.mean_loss(&scores.iter().map(loss).collect::<Vec<f64>>(), spread)
    }

    fn brier(&self, spread: &impl Spread) -> (f64, f64) {
        let classes = self.classes();
        let half = if classes == 2 { 0.5 } else { 1.0 };
        let mut loss = Vec::with_capacity(self.p.len());
        for scores in self.window.scores.values().chunks_exact(classes) {
            let squares: f64 = scores.iter().map(|score| score * score).sum();
            // Σ (score - [class])²
            loss.extend(
                scores
                    .iter()
                    .map(|score| half * (squares + 1.0 - 2.0 * score)),
            );
        }
        self.mean_loss(&loss, spread)
    }
}
