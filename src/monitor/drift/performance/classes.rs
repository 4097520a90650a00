//! Performance of predicted classes: confidence-based estimation from scores.

use anyhow::Result;
use monitoring::performance::cbpe::Cbpe;
use monitoring::performance::figures;
use monitoring::performance::scores::{Labelled, Scores, Window};
use monitoring::performance::{PerformanceError, realised};

use super::super::Request;
use super::super::gather::{As, MISSING, Rows, gather};
use super::super::windows::Placing;
use super::{
    Asked, Figure, Interval, LEVEL, Performance, RATE, WindowPerformance, about, by_window, sizes,
};
use crate::exit;
use tables::sorted_classes;

/// The rows of a table as the estimate needs them.
struct Classified {
    /// Probabilities, rows x classes; of unusable rows anything.
    scores: Vec<f64>,
    predictions: Vec<u32>,
    /// [`MISSING`] where it is not known.
    targets: Vec<u32>,
    /// Rows whose actual class is not one of the reference.
    is_new: Vec<bool>,
    is_usable: Vec<bool>,
}

pub fn run(request: &Request, asked: &Asked) -> Result<Performance> {
    let path = &request.reference;
    let columns = columns(asked, true);
    let rows = gather(path, request.reading, &columns, &Placing::Whole)?;
    let names = sorted_classes(rows.columns[0].words.iter().map(String::as_str));
    if names.len() < 2 {
        return Err(exit::data(format!(
            "{}: `{}` has {} classes; an estimate needs at least two",
            path.display(),
            asked.target,
            names.len()
        )));
    }
    let places = places(asked, &names)?;
    let found = classified(&rows, asked, &names, &places, path)?;
    let usable: Vec<usize> = (0..found.is_usable.len())
        .filter(|&row| found.is_usable[row] && found.targets[row] != MISSING)
        .collect();
    let refuse = |error: PerformanceError| about(path, &error);
    let scores = scores(&found, names.len(), &usable).map_err(refuse)?;
    let (predictions, targets) = (
        pick(&found.predictions, &usable),
        pick(&found.targets, &usable),
    );
    let window = Window {
        scores: &scores,
        predictions: &predictions,
    };
    let labelled = Labelled {
        window,
        targets: &targets,
    };
    let cbpe = Cbpe::fit(&labelled, request.options.seed).map_err(refuse)?;
    Ok(Performance {
        of: "classes",
        reference_left_out: (found.is_usable.len() - usable.len()) as u64,
        windows: windows(request, asked, (&cbpe, &names, &places))?,
        classes: names,
    })
}

/// The columns that are read: the target, the prediction if there is one, and the scores.
fn columns(asked: &Asked, with_target: bool) -> Vec<(String, As)> {
    let target = with_target.then(|| (asked.target.clone(), As::Words));
    let prediction = asked
        .prediction
        .iter()
        .map(|name| (name.clone(), As::Words));
    let scores = asked
        .scores
        .iter()
        .map(|(_, name)| (name.clone(), As::Numbers));
    target.into_iter().chain(prediction).chain(scores).collect()
}

/// The class of each column of scores.
fn places(asked: &Asked, names: &[String]) -> Result<Vec<usize>> {
    let place = |(class, column): &(Option<String>, String)| match class {
        Some(class) => names.iter().position(|name| name == class).ok_or_else(|| {
            exit::usage(format!(
                "--score {class}={column}: the classes of the reference are {}",
                names.join(", ")
            ))
        }),
        None if names.len() == 2 => Ok(1),
        None => Err(exit::usage(format!(
            "--score {column}: there are {} classes; name the column of each: --score CLASS=COLUMN",
            names.len()
        ))),
    };
    let places: Vec<usize> = asked.scores.iter().map(place).collect::<Result<_>>()?;
    let missing = names
        .iter()
        .enumerate()
        .find(|(class, _)| !places.contains(class));
    match missing {
        // Of two classes one probability says both.
        Some((_, name)) if names.len() > 2 => Err(exit::usage(format!(
            "--score {name}=COLUMN is missing: every class needs its scores"
        ))),
        _ => Ok(places),
    }
}

fn classified(
    rows: &Rows,
    asked: &Asked,
    names: &[String],
    places: &[usize],
    path: &std::path::Path,
) -> Result<Classified> {
    let find = |name: &String| rows.columns.iter().find(|column| column.name == *name);
    let count = rows.window_of.len();
    let mut found = Classified {
        scores: vec![0.0; count * names.len()],
        predictions: vec![0; count],
        targets: vec![MISSING; count],
        is_new: vec![false; count],
        is_usable: vec![true; count],
    };
    for ((_, name), &class) in asked.scores.iter().zip(places) {
        let Some(column) = find(name) else { continue };
        for (row, &score) in column.numbers.iter().enumerate() {
            found.scores[row * names.len() + class] = score;
            found.is_usable[row] &= score.is_finite();
        }
    }
    if places.len() == 1 {
        for scores in found.scores.chunks_exact_mut(2) {
            scores[1 - places[0]] = 1.0 - scores[places[0]];
        }
    }
    if let Some(column) = asked.prediction.as_ref().and_then(find) {
        let codes = column.coded_as(names);
        let unknown = codes
            .iter()
            .zip(&column.codes)
            .position(|(&code, &word)| code == MISSING && word != MISSING);
        if let Some(row) = unknown {
            let word = &column.words[column.codes[row] as usize];
            return Err(exit::data(format!(
                "{}: the prediction `{}` (`{}`) is none of the classes of the reference: {}",
                path.display(),
                tables::shown(word),
                column.name,
                names.join(", ")
            )));
        }
        for (row, &code) in codes.iter().enumerate() {
            found.is_usable[row] &= code != MISSING;
            found.predictions[row] = if code == MISSING { 0 } else { code };
        }
    } else {
        for (row, scores) in found.scores.chunks_exact(names.len()).enumerate() {
            // The first of equal ones, as a model with two classes says no at a half.
            let best = (0..scores.len())
                .rev()
                .max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
            found.predictions[row] = best.unwrap_or(0) as u32;
        }
    }
    if let Some(column) = find(&asked.target) {
        found.targets = column.coded_as(names);
        let rows = found.targets.iter().zip(&column.codes);
        found.is_new = rows
            .map(|(&class, &word)| class == MISSING && word != MISSING)
            .collect();
    }
    Ok(found)
}

fn pick(values: &[u32], rows: &[usize]) -> Vec<u32> {
    rows.iter().map(|&row| values[row]).collect()
}

fn scores(found: &Classified, classes: usize, rows: &[usize]) -> Result<Scores, PerformanceError> {
    let of = |&row: &usize| found.scores[row * classes..][..classes].iter().copied();
    Scores::new(classes, rows.iter().flat_map(of).collect())
}

fn windows(
    request: &Request,
    asked: &Asked,
    (cbpe, names, places): (&Cbpe, &[String], &[usize]),
) -> Result<Vec<WindowPerformance>> {
    let path = &request.current;
    let has_target = tables::open_with(path, request.reading)?
        .columns()
        .iter()
        .any(|column| column.name == asked.target);
    let rows = gather(
        path,
        request.reading,
        &columns(asked, has_target),
        &request.placing,
    )?;
    let found = classified(&rows, asked, names, places, path)?;
    let windows = rows.windows.names();
    let sizes = sizes(&windows, &rows.window_of);
    let usable = by_window(&windows, &rows.window_of, &found.is_usable);
    let mut all = Vec::with_capacity(windows.len());
    for (((name, _), rows), size) in windows.into_iter().zip(usable).zip(sizes) {
        let mut window = WindowPerformance {
            window: name,
            rows: rows.len() as u64,
            left_out: size - rows.len() as u64,
            labelled: 0,
            new_classes: rows.iter().filter(|&&row| found.is_new[row]).count() as u64,
            figures: Vec::new(),
        };
        if !rows.is_empty() {
            fill(&mut window, &rows, &found, (cbpe, names), request)
                .map_err(|error| about(path, &error))?;
        }
        all.push(window);
    }
    Ok(all)
}

fn fill(
    window: &mut WindowPerformance,
    rows: &[usize],
    found: &Classified,
    (cbpe, names): (&Cbpe, &[String]),
    request: &Request,
) -> Result<(), PerformanceError> {
    let all = scores(found, names.len(), rows)?;
    let predictions = pick(&found.predictions, rows);
    let estimated = cbpe.estimate(
        &Window {
            scores: &all,
            predictions: &predictions,
        },
        LEVEL,
    )?;
    let thresholds = cbpe
        .reference()
        .thresholds(rows.len(), RATE, request.options.seed)?;
    let known: Vec<usize> = rows
        .iter()
        .copied()
        .filter(|&row| found.targets[row] != MISSING)
        .collect();
    window.labelled = known.len() as u64;
    let realised = match known.is_empty() {
        true => None,
        false => {
            let scores = scores(found, names.len(), &known)?;
            let (predictions, targets) = (
                pick(&found.predictions, &known),
                pick(&found.targets, &known),
            );
            let window = Window {
                scores: &scores,
                predictions: &predictions,
            };
            let labelled = Labelled {
                window,
                targets: &targets,
            };
            Some(realised::measure(&labelled, LEVEL)?)
        }
    };
    let of_known = match known.len() == rows.len() || known.is_empty() {
        true => None,
        false => Some(
            cbpe.reference()
                .thresholds(known.len(), RATE, request.options.seed)?,
        ),
    };
    for (index, threshold) in thresholds.iter().enumerate() {
        let (metric, class) = (threshold.metric, threshold.class);
        let estimate = estimated.get(metric, class);
        let realised = realised
            .as_ref()
            .and_then(|realised| realised.get(metric, class));
        let range = of_known.as_ref().map_or(threshold, |known| &known[index]);
        window.figures.push(Figure {
            metric: metric.name().to_owned(),
            class: class.map(|class| names[class as usize].clone()),
            reference: Some(threshold.reference),
            estimated: estimate.map(interval),
            realised: realised.map(interval),
            low: Some(threshold.low),
            high: Some(threshold.high),
            alert: estimate.and_then(|figure| threshold.alert(figure.value)),
            realised_alert: realised.and_then(|figure| range.alert(figure.value)),
        });
    }
    Ok(())
}

fn interval(figure: &figures::Figure) -> Interval {
    Interval {
        value: figure.value,
        low: figure.low,
        high: figure.high,
    }
}
