//! A headline figure beside its baseline: the value, a small picture of both, the interval, and what it means.

use super::format::percent;
use super::page::Figure;
use super::svg;
use models::metrics::bootstrap::{Interval, LEVEL};

/// What a headline figure is made of.
pub struct Headline<'a> {
    /// Plain text.
    pub name: &'a str,
    pub value: f64,
    pub baseline: Option<f64>,
    /// What the baseline is: `majority baseline`.
    pub against: &'a str,
    pub interval: Option<Interval>,
    /// The value at the right end of the picture; negative if lower is better.
    pub scale: f64,
    pub spell: &'a dyn Fn(f64) -> String,
    pub meaning: &'a str,
}

impl Headline<'_> {
    /// The scale of a figure that is better the lower it is: as long as the larger of value and baseline.
    pub fn lower_is_better(value: f64, baseline: Option<f64>) -> f64 {
        -baseline.map_or(value, |b| b.max(value)).max(1e-9)
    }

    pub fn figure(&self) -> Figure {
        let spell = self.spell;
        let length = self.scale.abs();
        let better = self
            .baseline
            .is_none_or(|baseline| (self.value - baseline) * self.scale >= 0.0);
        let against = match self.baseline {
            Some(baseline) => format!("{} {}", self.against, spell(baseline)),
            None => "no baseline".to_owned(),
        };
        let interval = self.interval.map(|Interval { low, high }| {
            let level = percent(LEVEL, 0);
            format!("{level} interval {} to {}", spell(low), spell(high))
        });
        let picture = match self.value.is_finite() {
            true => svg::versus(
                self.value / length,
                self.baseline.map(|baseline| baseline / length),
                better,
            ),
            false => String::new(),
        };
        Figure {
            name: self.name.to_owned(),
            value: spell(self.value),
            picture,
            comparisons: [Some(against), interval].into_iter().flatten().collect(),
            meaning: self.meaning.to_owned(),
            class: "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::format::fixed;

    fn loss(value: f64, baseline: Option<f64>) -> Figure {
        let two = |value: f64| fixed(value, 2);
        Headline {
            name: "Loss",
            value,
            baseline,
            against: "mean",
            interval: None,
            scale: Headline::lower_is_better(value, baseline),
            spell: &two,
            meaning: "",
        }
        .figure()
    }

    #[test]
    fn of_losses_the_lower_is_better_on_a_line_as_long_as_the_larger() {
        let better = loss(1.0, Some(4.0));
        assert!(better.picture.contains("fill-good") && better.picture.contains("cx=\"25%\""));
        assert_eq!(better.comparisons, ["mean 4.00"]);
        let worse = loss(4.0, Some(1.0));
        assert!(worse.picture.contains("fill-bad") && worse.picture.contains("cx=\"100%\""));
        assert_eq!(loss(0.0, None).comparisons, ["no baseline"]);
    }

    #[test]
    fn a_value_that_is_no_number_has_no_picture() {
        let figure = loss(f64::NAN, Some(1.0));
        assert_eq!(
            (figure.value.as_str(), figure.picture.as_str()),
            ("\u{2013}", "")
        );
    }
}
