//! Lists label errors: `label_errors PROBABILITIES LABELS CLASSES [FILTER] [SCORE]`.
//!
//! PROBABILITIES holds little-endian f64, rows × classes; LABELS little-endian u32. Prints the estimated
//! number of errors, then `row given suggested quality` of each row found. With the filter `all` every row
//! is printed, by quality. tools/peers/quality.py compares the output with cleanlab's.

use std::error::Error;
use std::io::Write;

use quality::labels::{Filter, Labelled, Options, Score, quality_scores};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [probabilities, labels, classes, rest @ ..] = &arguments[..] else {
        return Err("usage: label_errors PROBABILITIES LABELS CLASSES [FILTER] [SCORE]".into());
    };
    let probabilities: Vec<f64> = numbers(probabilities, f64::from_le_bytes)?;
    let labels: Vec<u32> = numbers(labels, u32::from_le_bytes)?;
    let data = Labelled::new(&probabilities, &labels, classes.parse()?)?;
    let score = match rest.get(1).map(String::as_str) {
        None => Score::default(),
        Some("relative_confidence") => Score::RelativeConfidence,
        Some("self_confidence") => Score::SelfConfidence,
        Some("normalized_margin") => Score::NormalizedMargin,
        Some("confidence_weighted_entropy") => Score::ConfidenceWeightedEntropy,
        Some(other) => return Err(format!("unknown score {other}").into()),
    };
    let filter = match rest.first().map(String::as_str) {
        Some("all") => return print_all(&quality_scores(&data, score)),
        None | Some("prune_by_noise_rate") => Filter::PruneByNoiseRate,
        Some("prune_by_class") => Filter::PruneByClass,
        Some("both") => Filter::Both,
        Some("confident_learning") => Filter::ConfidentLearning,
        Some("predicted_neq_given") => Filter::PredictedNeqGiven,
        Some(other) => return Err(format!("unknown filter {other}").into()),
    };
    let found = Options { filter, score }.find(&data);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "estimated {}", found.estimated)?;
    for row in &found.rows {
        writeln!(
            out,
            "{} {} {} {}",
            row.row, row.given, row.suggested, row.quality
        )?;
    }
    Ok(out.flush()?)
}

fn print_all(scores: &[f64]) -> Result<(), Box<dyn Error>> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(a.cmp(&b)));
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for row in order {
        writeln!(out, "{row} {}", scores[row])?;
    }
    Ok(out.flush()?)
}

/// The numbers of a file.
fn numbers<T, const N: usize>(
    path: &str,
    read: fn([u8; N]) -> T,
) -> Result<Vec<T>, Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let (numbers, rest) = bytes.as_chunks();
    match rest {
        [] => Ok(numbers.iter().map(|&bytes| read(bytes)).collect()),
        _ => Err(format!(
            "{path}: {} bytes are not whole numbers of {N} bytes",
            bytes.len()
        )
        .into()),
    }
}
