//! Performance of predicted numbers: direct loss estimation from the other columns.

use anyhow::Result;
use models::trees::{Column, MISSING_CATEGORY};
use monitoring::performance::PerformanceError;
use monitoring::performance::loss::{
    ErrorModel, ErrorModelOptions, Frame, Loss, LossFigure, LossThreshold, measure,
};

use super::super::Request;
use super::super::columns::{Compared, Reference};
use super::super::gather::{As, Rows, gather};
use super::super::windows::Placing;
use super::{
    Asked, Figure, Interval, LEVEL, Performance, RATE, WindowPerformance, about, by_window, sizes,
};
use crate::exit;

/// A feature: its values as trees take them.
enum Feature {
    Numbers(Vec<f64>),
    Codes(Vec<u32>),
}

impl Feature {
    fn column(&self) -> Column<'_> {
        match self {
            Feature::Numbers(values) => Column::F64(values),
            Feature::Codes(codes) => Column::Categories(codes),
        }
    }
}

pub fn run(request: &Request, asked: &Asked, reference: &Reference) -> Result<Performance> {
    let Some(prediction) = &asked.prediction else {
        return Err(exit::usage(
            "--target needs --score, the probability of a class, or --prediction, a number",
        ));
    };
    let path = &request.reference;
    // Every column that is compared is one that errors may depend on.
    let is_feature = |name: &String| *name != asked.target && name != prediction;
    let features: Vec<(String, As)> = { reference.columns.iter() }
        .filter(|column| matches!(column.compared, Compared::Bins(_)) && is_feature(&column.name))
        .map(|column| {
            let read_as = if column.is_number {
                As::Numbers
            } else {
                As::Words
            };
            (column.name.clone(), read_as)
        })
        .collect();
    let mut wanted = vec![
        (asked.target.clone(), As::Numbers),
        (prediction.clone(), As::Numbers),
    ];
    wanted.extend(features.clone());
    let rows = gather(path, request.reading, &wanted, &Placing::Whole)?;
    let words: Vec<Vec<String>> = { rows.columns[2..].iter() }
        .map(|column| column.words.clone())
        .collect();
    let (actual, predicted) = (&rows.columns[0].numbers, &rows.columns[1].numbers);
    let usable: Vec<usize> = (0..actual.len())
        .filter(|&row| actual[row].is_finite() && predicted[row].is_finite())
        .collect();
    if usable.len() * 2 < actual.len() {
        return Err(exit::data(format!(
            "{}: `{}` or `{prediction}` is no number in {} of {} rows; for classes name --score",
            path.display(),
            asked.target,
            actual.len() - usable.len(),
            actual.len()
        )));
    }
    let refuse = |error: PerformanceError| about(path, &error);
    let all = of_table(&rows, 2, &words);
    let frame = Frame {
        columns: all.iter().map(Feature::column).collect(),
        predictions: predicted,
    };
    let picked = frame.select(&usable).map_err(refuse)?;
    let actual: Vec<f64> = usable.iter().map(|&row| actual[row]).collect();
    let options = ErrorModelOptions {
        seed: request.options.seed,
        ..ErrorModelOptions::default()
    };
    let model = options.fit(&picked.frame(), &actual).map_err(refuse)?;
    Ok(Performance {
        of: "numbers",
        reference_left_out: (predicted.len() - usable.len()) as u64,
        classes: Vec::new(),
        windows: windows(
            request,
            asked,
            prediction,
            Learned {
                model: &model,
                features: &features,
                words: &words,
            },
        )?,
    })
}

/// The features of a table, with words numbered as in the reference.
fn of_table(rows: &Rows, before: usize, words: &[Vec<String>]) -> Vec<Feature> {
    let columns = rows.columns[before..].iter().zip(words);
    let feature = |(column, words): (&super::super::gather::Gathered, &Vec<String>)| match column
        .codes
        .is_empty()
    {
        true => Feature::Numbers(column.numbers.clone()),
        false => {
            let code = |code: u32| {
                if code as usize >= words.len() {
                    MISSING_CATEGORY
                } else {
                    code
                }
            };
            Feature::Codes(column.coded_as(words).into_iter().map(code).collect())
        }
    };
    columns.map(feature).collect()
}

/// What was learned from the reference.
#[derive(Clone, Copy)]
struct Learned<'a> {
    model: &'a ErrorModel,
    /// The columns that errors may depend on.
    features: &'a [(String, As)],
    /// The words of each, by their codes.
    words: &'a [Vec<String>],
}

fn windows(
    request: &Request,
    asked: &Asked,
    prediction: &str,
    learned: Learned<'_>,
) -> Result<Vec<WindowPerformance>> {
    let Learned {
        model,
        features,
        words,
    } = learned;
    let path = &request.current;
    let source = tables::open_with(path, request.reading)?;
    let has_target = source
        .columns()
        .iter()
        .any(|column| column.name == asked.target);
    drop(source);
    let mut wanted = vec![(prediction.to_owned(), As::Numbers)];
    wanted.extend(has_target.then(|| (asked.target.clone(), As::Numbers)));
    let before = wanted.len();
    wanted.extend(features.to_vec());
    let rows = gather(path, request.reading, &wanted, &request.placing)?;
    let predicted = &rows.columns[0].numbers;
    let is_usable: Vec<bool> = predicted.iter().map(|value| value.is_finite()).collect();
    let all = of_table(&rows, before, words);
    let frame = Frame {
        columns: all.iter().map(Feature::column).collect(),
        predictions: predicted,
    };
    let refuse = |error: PerformanceError| about(path, &error);
    let names = rows.windows.names();
    let sizes = sizes(&names, &rows.window_of);
    let usable = by_window(&names, &rows.window_of, &is_usable);
    // Where the target is not there at all, nothing is known.
    let actual = has_target.then(|| &*rows.columns[1].numbers);
    let mut found = Vec::with_capacity(names.len());
    for (((name, _), of_window), size) in names.into_iter().zip(usable).zip(sizes) {
        let known = known(&of_window, actual);
        found.push(WindowPerformance {
            window: name,
            rows: of_window.len() as u64,
            left_out: size - of_window.len() as u64,
            labelled: known.len() as u64,
            new_classes: 0,
            figures: match of_window.is_empty() {
                true => Vec::new(),
                false => figures(model, &frame, &of_window, &known).map_err(refuse)?,
            },
        });
    }
    Ok(found)
}

/// The rows whose actual number is known, each with that number.
fn known(rows: &[usize], actual: Option<&[f64]>) -> Vec<(usize, f64)> {
    let of = |&row: &usize| Some((row, *actual?.get(row)?));
    rows.iter()
        .filter_map(of)
        .filter(|(_, actual)| actual.is_finite())
        .collect()
}

/// The losses of a window that has rows: expected, and measured on those that are known.
fn figures(
    model: &ErrorModel,
    frame: &Frame,
    rows: &[usize],
    known: &[(usize, f64)],
) -> Result<Vec<Figure>, PerformanceError> {
    let estimated = model.estimate(&frame.select(rows)?.frame(), LEVEL)?;
    let realised = match known.is_empty() {
        true => None,
        false => {
            let predicted: Vec<f64> = known
                .iter()
                .map(|&(row, _)| frame.predictions[row])
                .collect();
            let actual: Vec<f64> = known.iter().map(|&(_, actual)| actual).collect();
            Some(measure(&predicted, &actual, LEVEL)?)
        }
    };
    let thresholds = model.reference().thresholds(rows.len(), RATE)?;
    let of_known = model.reference().thresholds(known.len().max(1), RATE)?;
    let figure = |(threshold, of_known): (&LossThreshold, &LossThreshold)| {
        let estimate = estimated.get(threshold.loss);
        let measured = realised
            .as_ref()
            .and_then(|realised| realised.get(threshold.loss));
        Figure {
            metric: name_of(threshold.loss).to_owned(),
            class: None,
            reference: Some(threshold.reference),
            estimated: estimate.map(interval),
            realised: measured.map(interval),
            low: Some(threshold.low),
            high: Some(threshold.high),
            alert: estimate.and_then(|figure| threshold.alert(figure.value)),
            realised_alert: measured.and_then(|figure| of_known.alert(figure.value)),
        }
    };
    Ok(thresholds.iter().zip(&of_known).map(figure).collect())
}

fn name_of(loss: Loss) -> &'static str {
    match loss {
        Loss::Mae => "mae",
        Loss::Mape => "mape",
        Loss::Mse => "mse",
        Loss::Rmse => "rmse",
        Loss::Msle => "msle",
        Loss::Rmsle => "rmsle",
    }
}

fn interval(figure: &LossFigure) -> Interval {
    Interval {
        value: figure.value,
        low: figure.low,
        high: figure.high,
    }
}
