//! Metrics of classes.

use anyhow::Result;
use serde_json::json;

use super::{Measured, Part, rows_table};
use crate::eval::figures;
use crate::eval::plots::{self, table};
use crate::tasks::tabular::predict::spell;
use crate::tasks::tabular::report::{ClassesPart, CostPart, GainPoint, Miss, TabularReport, Worst};
use crate::tasks::tabular::scoring::reasons_of;
use models::kernels::math::ln;
use models::metrics::bootstrap::intervals;
use models::metrics::calibration::{calibration, expected_calibration_error};
use models::metrics::classification::{
    confidence, majority, measure as classify, most_probable, most_wrong, roc_curve,
};
use models::metrics::gain::gain_curve;
use models::metrics::precision_recall::{answer_curve, pr_curve};

/// Points of a curve in a file and on the page.
const CURVE_POINTS: usize = 500;
const GAIN_POINTS: usize = 100;
const CONFIDENCE_BINS: usize = 20;
const CALIBRATION_BINS: usize = 15;
/// Rows that are listed as most wrong, with their reasons.
const WORST: usize = 20;
const REASONS: usize = 3;
/// Lower bound of probabilities, so that a loss is finite.
const PROBABILITY_FLOOR: f64 = 1e-15;

/// Measures the model on the test part.
pub(super) fn measure(part: &Part, report: &mut TabularReport, seed: u64) -> Result<Measured> {
    let width = part.model.target().answers();
    let actual: Vec<u32> = part.actual.iter().map(|&class| class as u32).collect();
    let probabilities = &part.answers.values;
    let result = classify(&part.names, &actual, probabilities);
    let baseline = majority(&part.names, &part.details.prior, &actual);
    let bins = calibration(&actual, probabilities, CALIBRATION_BINS);
    let intervals = intervals(part.names.len(), &actual, probabilities, seed);
    let binary = binary(part, &actual);
    let decided = decided(part);
    let cost = cost(part, &actual, &decided);

    let mut metrics = figures::classification(&result);
    metrics["ece"] = json!(expected_calibration_error(&bins));
    if result.unseen > 0 {
        metrics["unseen"] = json!(result.unseen);
    }
    if let Some(cost) = &cost {
        metrics["cost"] = json!(cost.realised);
    }
    if let Some(intervals) = &intervals {
        metrics["intervals"] = json!(intervals);
    }
    metrics["baseline"] = figures::classification(&baseline);

    let name = |class: usize| part.names[class].as_str();
    let answers = actual.iter().zip(&decided);
    let confusion = answers.map(|(&actual, &answer)| (name(actual as usize), name(answer)));
    let losses = probabilities.chunks_exact(width).zip(&actual);
    let losses: Vec<f64> = losses
        .map(|(row, &class)| {
            let own = row.get(class as usize).copied().unwrap_or(0.0);
            -ln(own.max(PROBABILITY_FLOOR))
        })
        .collect();
    let right = probabilities.chunks_exact(width).zip(&actual);
    let right: Vec<f64> = right
        .map(|(row, &class)| f64::from(u8::from(most_probable(row) == class as usize)))
        .collect();
    let figures = [("accuracy", right), ("log_loss", losses)];
    let mut files = vec![
        ("confusion.csv", plots::confusion(confusion)?),
        ("classes.csv", table(&result.classes)?),
        ("calibration.csv", plots::calibration(&bins)?),
        (
            "rows.csv",
            rows_table(
                actual
                    .iter()
                    .map(|&class| part.names[class as usize].clone()),
                &figures,
            )?,
        ),
    ];
    let mut roc = Vec::new();
    let mut gain = Vec::new();
    if let Some((positive, scores)) = &binary {
        roc = roc_curve(positive, scores, CURVE_POINTS);
        let points = gain_curve(positive, scores, GAIN_POINTS);
        files.push(("roc.csv", table(&roc)?));
        files.push(("pr.csv", table(pr_curve(positive, scores, CURVE_POINTS))?));
        files.push(("gain.csv", table(&points)?));
        gain = points
            .iter()
            .filter(|point| point.share > 0.0)
            .map(|point| GainPoint {
                share: point.share,
                gain: point.gain,
                lift: point.lift,
            })
            .collect();
    }
    report.worst = worst(part, &actual)?;
    report.classes = Some(ClassesPart {
        precision_recall: match &binary {
            Some((positive, scores)) => pr_curve(positive, scores, CURVE_POINTS),
            None => answer_curve(&actual, probabilities, width, CURVE_POINTS),
        },
        confidence: Some(confidence(&actual, probabilities, CONFIDENCE_BINS)),
        result,
        baseline: Some(baseline),
        intervals,
        roc,
        calibration: bins,
        gain,
        cost,
    });
    Ok(Measured {
        metrics,
        plots: files,
    })
}

/// The class that is answered for each row: with costs not always the most probable one.
fn decided(part: &Part) -> Vec<usize> {
    let width = part.model.target().answers();
    let rows = part.answers.values.chunks_exact(width);
    rows.map(|row| match &part.cost {
        Some(cost) => cost.decide(row),
        None => most_probable(row),
    })
    .collect()
}

/// For two classes: whether each row is of the second, and its probability.
fn binary(part: &Part, actual: &[u32]) -> Option<(Vec<bool>, Vec<f64>)> {
    (part.model.target().answers() == 2).then(|| {
        let positive = actual.iter().map(|&class| class == 1).collect();
        let scores = part
            .answers
            .values
            .chunks_exact(2)
            .map(|row| row[1])
            .collect();
        (positive, scores)
    })
}

/// What the answers cost, and what the most probable classes would.
fn cost(part: &Part, actual: &[u32], decided: &[usize]) -> Option<CostPart> {
    let cost = part.cost.as_ref()?;
    let width = part.model.target().answers();
    let probable: Vec<usize> = { part.answers.values.chunks_exact(width) }
        .map(most_probable)
        .collect();
    let mean = |answers: &[usize]| {
        let known = actual
            .iter()
            .zip(answers)
            .filter(|(class, _)| (**class as usize) < width);
        let (mut sum, mut rows) = (0.0, 0.0);
        for (&class, &answer) in known {
            sum += cost.cost(class as usize, answer).unwrap_or(0.0);
            rows += 1.0;
        }
        sum / f64::max(rows, 1.0)
    };
    Some(CostPart {
        realised: mean(decided),
        of_most_probable: mean(&probable),
        threshold: cost.threshold(),
    })
}

/// The rows that are most confidently wrong, with their reasons.
fn worst(part: &Part, actual: &[u32]) -> Result<Vec<Worst>> {
    let width = part.model.target().answers();
    let rows = most_wrong(actual, &part.answers.values, WORST);
    let rows: Vec<u32> = rows.into_iter().map(|row| row as u32).collect();
    let table = part.table.select(&rows);
    let explanation = part.model.explain(&table)?;
    let outputs = part.model.target().outputs();
    let worst = |(place, &row): (usize, &u32)| {
        let probabilities = &part.answers.values[row as usize * width..][..width];
        let class = most_probable(probabilities);
        let (output, sign) = match (outputs, class) {
            (1, 0) => (0, -1.0),
            (1, _) => (0, 1.0),
            _ => (class, 1.0),
        };
        let contributions = explanation.row(place, output);
        let reasons = reasons_of(&table, place, contributions, sign, REASONS);
        Worst {
            row: u64::from(row) + 1,
            actual: part.names[actual[row as usize] as usize].clone(),
            predicted: part.names[class].clone(),
            miss: Miss::Probability(probabilities[class]),
            reasons: reasons.iter().map(spell).collect(),
        }
    };
    Ok(rows.iter().enumerate().map(worst).collect())
}
