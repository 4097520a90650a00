//! The part of the page on predicted quantiles: their losses, and how many actual values lie below each.

use super::{TabularReport, named};
use crate::report::format::{amount, coordinate, counted, percent};
use crate::report::headline::Headline;
use crate::report::html::{Table, columns};
use crate::report::page::{Figure, Section};
use crate::report::svg;

/// The metrics of a quantile on the test part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QuantilePart {
    /// From 0 to 1.
    pub level: f64,
    /// The mean pinball loss, and that of the training part's quantile for every row.
    pub pinball: f64,
    pub baseline: Option<f64>,
    /// Share of the actual values below the predicted quantile.
    pub below: f64,
}

/// A level as a percentage with the decimals it needs: `97.5 %`.
fn level(share: f64) -> String {
    format!("{} %", coordinate(share * 100.0))
}

/// The lowest and the highest of at least two.
fn outermost(quantiles: &[QuantilePart]) -> Option<(&QuantilePart, &QuantilePart)> {
    match quantiles {
        [first, .., last] if first.level < last.level => Some((first, last)),
        _ => None,
    }
}

pub(super) fn summary(report: &TabularReport) -> Option<String> {
    let rows = report.test_rows.map_or_else(
        || "the test rows".to_owned(),
        |rows| counted(rows, "test row", "test rows"),
    );
    let target = named(&report.target);
    if let Some((low, high)) = outermost(&report.quantiles) {
        return Some(format!(
            "On {rows}, {} of the actual values of {target} lie between the predicted {} and {} quantiles; it should be {}.",
            percent(high.below - low.below, 1),
            level(low.level),
            level(high.level),
            level(high.level - low.level),
        ));
    }
    let only = report.quantiles.first()?;
    Some(format!(
        "On {rows}, {} of the actual values of {target} lie below the predicted {} quantile.",
        percent(only.below, 1),
        level(only.level)
    ))
}

/// The mean loss of all quantiles.
pub(super) fn figure(quantiles: &[QuantilePart]) -> Option<Figure> {
    let number = quantiles.len() as f64;
    let mean = |of: &dyn Fn(&QuantilePart) -> Option<f64>| {
        let losses: Option<Vec<f64>> = quantiles.iter().map(of).collect();
        losses.map(|losses| losses.iter().sum::<f64>() / number)
    };
    if quantiles.is_empty() {
        return None;
    }
    let value = mean(&|quantile| Some(quantile.pinball))?;
    let baseline = mean(&|quantile| quantile.baseline);
    let headline = Headline {
        name: "Pinball loss, lower is better",
        value,
        baseline,
        against: "the same quantiles for every row",
        interval: None,
        scale: Headline::lower_is_better(value, baseline),
        spell: &amount,
        meaning: "Mean over the quantiles, in the unit of the target: values beyond a quantile count by how rare they \
                  should be.",
    };
    Some(headline.figure())
}

pub(super) fn section(report: &TabularReport) -> Option<Section> {
    if report.quantiles.is_empty() {
        return None;
    }
    let axis = "<span class=\"axis\"><span>0</span><span>\u{2502} level \u{25CF} below it</span><span>1</span></span>";
    let row = |quantile: &QuantilePart| {
        let near = is_near(quantile, report.test_rows);
        vec![
            level(quantile.level),
            percent(quantile.below, 1),
            amount(quantile.pinball),
            amount(quantile.baseline.unwrap_or(f64::NAN)),
            svg::versus(quantile.below, Some(quantile.level), near),
        ]
    };
    let table = Table {
        caption: "Quantiles, ascending".to_owned(),
        columns: columns(&[
            ("Quantile", "name"),
            ("Actual values below", "n"),
            ("Pinball loss", "n"),
            ("Baseline", "n"),
            (axis, "wide"),
        ]),
        rows: report.quantiles.iter().map(row).collect(),
        class: "pairs",
    };
    let chance = match report.test_rows {
        Some(_) => {
            " <span class=\"bad\">Orange</span>: further away than chance explains (1.96 standard errors)."
        }
        None => "",
    };
    Some(Section {
        title: "Quantiles".to_owned(),
        note: format!(
            "Of the actual values, as many as its level says should be below a quantile.{chance} The baseline predicts the \
             quantile of the training part for every row."
        ),
        body: table.render(),
    })
}

/// Whether the share below a quantile differs from its level by no more than chance, by the binomial distribution's
/// normal approximation. Without a number of rows it is.
fn is_near(quantile: &QuantilePart, rows: Option<u64>) -> bool {
    let Some(rows) = rows else { return true };
    let variance = quantile.level * (1.0 - quantile.level) / rows.max(1) as f64;
    (quantile.below - quantile.level).abs() <= 1.96 * variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_near_its_level_within_chance() {
        let quantile = |below| QuantilePart {
            level: 0.5,
            below,
            ..QuantilePart::default()
        };
        // Of 100 rows the standard error is 5 %.
        assert!(is_near(&quantile(0.59), Some(100)) && !is_near(&quantile(0.6), Some(100)));
        assert!(!is_near(&quantile(0.59), Some(1000)));
        assert!(is_near(&quantile(0.9), None));
    }

    #[test]
    fn levels_have_the_decimals_they_need() {
        assert_eq!([0.1, 0.975, 0.5].map(level), ["10 %", "97.5 %", "50 %"]);
        let quantiles = [0.1, 0.9].map(|level| QuantilePart {
            level,
            ..QuantilePart::default()
        });
        assert!(outermost(&quantiles).is_some());
        assert!(outermost(&quantiles[..1]).is_none() && outermost(&[]).is_none());
    }

    #[test]
    fn the_headline_is_the_mean_loss_and_its_baseline_only_if_all_have_one() {
        let quantile = |pinball, baseline| QuantilePart {
            pinball,
            baseline,
            ..QuantilePart::default()
        };
        let two = figure(&[quantile(1.0, Some(4.0)), quantile(2.0, Some(8.0))]).unwrap();
        assert_eq!(two.value, "1.500");
        assert_eq!(two.comparisons, ["the same quantiles for every row 6.000"]);
        let some = figure(&[quantile(1.0, Some(4.0)), quantile(2.0, None)]).unwrap();
        assert_eq!(some.comparisons, ["no baseline"]);
        assert!(figure(&[]).is_none());
    }
}
