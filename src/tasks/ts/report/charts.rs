//! The pictures of the page: forecasts as fans, errors by steps ahead, autocorrelations of residuals.

use super::{Shown, TsReport};
use crate::report::format::{count, fixed, label as short, percent};
use crate::report::html::text;
use crate::report::svg::{self, Axis, Key, Picture, Plot, Sign};

/// Heights of the areas between the axes.
const FAN: f64 = 190.0;
const STEPS: f64 = 220.0;
const LAGS: f64 = 100.0;
/// Ticks of an axis of steps.
const TICKS: usize = 7;

/// Forecasts with the actual values.
pub(super) fn fans(report: &TsReport) -> String {
    let legend = [
        Key::new(Sign::Line, "past", "actual"),
        Key::new(Sign::Line, "line", "forecast"),
        Key::new(Sign::Area, "fill-good l5", "80 % band"),
        Key::new(Sign::Area, "fill-good l2", "95 % band"),
    ];
    let drawn = report.shown.iter().zip(1..).map(|(shown, number)| {
        let note = format!(
            "{}, MASE {}",
            text(&short(&shown.model, 60)),
            fixed(shown.mase, 2)
        );
        let picture = fan(shown, &report.value, number);
        svg::figure(&text(&short(&shown.id, 40)), &note, &legend, &picture)
    });
    svg::side_by_side(&drawn.collect::<String>())
}

fn fan(shown: &Shown, value: &str, number: usize) -> Picture {
    let (mean, bounds) = &shown.fan;
    let past = shown.past.len();
    let values = (shown.past.iter().chain(&shown.actual).chain(mean))
        .chain(bounds.iter().flat_map(|(low, high)| low.iter().chain(high)))
        .filter(|value| value.is_finite());
    let low = values.clone().copied().fold(f64::INFINITY, f64::min);
    let high = values.copied().fold(f64::NEG_INFINITY, f64::max);
    let last = (past + mean.len()).max(2) - 1;
    let (name, times) = in_few_letters(&shown.ticks);
    let plot = Plot {
        x: Axis::ticked(&name, 0.0, last as f64, times),
        y: Axis::round(&short(value, 40), low, high),
        height: FAN,
    };
    let mut body = plot.axes();
    for ((low, high), class) in bounds.iter().rev().zip(["fill-good l2", "fill-good l4"]) {
        let points = low.iter().zip(high).enumerate();
        let points: Vec<(f64, f64, f64)> = points
            .map(|(step, (low, high))| ((past + step) as f64, *low, *high))
            .collect();
        body += &plot.band(&points, class);
    }
    let steps = |first: usize, values: &[f64]| -> Vec<(f64, f64)> {
        let places = (first..).map(|step| step as f64);
        places.zip(values.iter().copied()).collect()
    };
    let whole: Vec<f64> = shown.past.iter().chain(&shown.actual).copied().collect();
    body += &plot.path(steps(0, &whole), "past");
    body += &plot.path(steps(past, mean), "line");
    body += &plot.down(past as f64 - 0.5, "dash");
    plot.picture(
        &format!("fan-{number}"),
        &format!("Forecast of {}", short(&shown.id, 32)),
        format!("{} steps with the actual values", mean.len()),
        body,
    )
}

/// The name of the axis of times, and the times, short enough to fit: for times with hours the year is in the name,
/// or the hours are left out if the year changes.
fn in_few_letters(ticks: &[(usize, String)]) -> (String, Vec<(f64, String)>) {
    let dated = |time: &str| {
        time.get(10..11)
            .is_some_and(|sign| sign == "T" || sign == " ")
    };
    let year = ticks
        .first()
        .and_then(|(_, time)| time.get(..4))
        .unwrap_or_default();
    let hours = !ticks.is_empty() && ticks.iter().all(|(_, time)| dated(time));
    let one_year = ticks.iter().all(|(_, time)| time.starts_with(year));
    let name = match hours && one_year {
        true => format!("time, {year}"),
        false => "time".to_owned(),
    };
    let shorter = |time: &str| match (hours, one_year) {
        (true, true) => time.get(5..16).unwrap_or(time).replace('T', " "),
        (true, false) => time.get(..10).unwrap_or(time).to_owned(),
        (false, _) => short(time, 12),
    };
    let ticks = ticks
        .iter()
        .map(|(step, time)| (*step as f64, shorter(time)));
    (name, ticks.collect())
}

/// Mean errors by steps ahead, of the model and of the seasonal naive forecast.
pub(super) fn by_step(report: &TsReport) -> String {
    let errors = &report.by_step;
    let finite = errors.iter().flat_map(|&(model, naive)| [model, naive]);
    let most = finite.filter(|error| error.is_finite()).fold(0.0, f64::max);
    let plot = Plot {
        x: steps_axis("steps ahead", errors.len()),
        y: Axis::round("mean absolute error over the mean value", 0.0, most * 100.0)
            .with_unit(" %"),
        height: STEPS,
    };
    let line = |of: fn(&(f64, f64)) -> f64| -> Vec<(f64, f64)> {
        let places = (1..).map(f64::from);
        places
            .zip(errors.iter().map(|error| of(error) * 100.0))
            .collect()
    };
    let mut body = plot.axes();
    body += &plot.path(line(|error| error.1), "dash");
    body += &plot.path(line(|error| error.0), "line");
    for ((step, error), (_, naive)) in line(|error| error.0).into_iter().zip(line(|error| error.1))
    {
        if errors.len() <= 60 && error.is_finite() {
            let says = format!(
                "{step} ahead: model {}, seasonal naive {}",
                percent(error / 100.0, 1),
                percent(naive / 100.0, 1)
            );
            body += &plot.dot(step, error, 2.5, "fill-good", &says);
        }
    }
    let ends = errors.first().zip(errors.last());
    let description = ends.map_or_else(String::new, |(first, last)| {
        format!(
            "{} of the mean value one step ahead, {} at {} steps.",
            percent(first.0, 1),
            percent(last.0, 1),
            count(errors.len() as u64)
        )
    });
    let picture = plot.picture("by-step", "Error by steps ahead", description, body);
    let legend = [
        Key::new(Sign::Line, "line", "model"),
        Key::new(Sign::Line, "dash", "seasonal naive"),
    ];
    svg::side_by_side(&svg::figure("Error by steps ahead", "", &legend, &picture))
}

/// Steps from 1 to `last` with round ticks.
fn steps_axis(name: &str, last: usize) -> Axis {
    let last = last.max(1);
    let every = [1, 2, 5, 7, 10, 14, 20, 28, 50, 100, 200, 500]
        .into_iter()
        .find(|every| last / every < TICKS)
        .unwrap_or(last);
    let mut ticks: Vec<usize> = (1..=last).filter(|step| step % every == 0).collect();
    if ticks.first() != Some(&1) {
        ticks.insert(0, 1);
    }
    let ticks = ticks
        .into_iter()
        .map(|step| (step as f64, count(step as u64)));
    Axis::ticked(name, 1.0, last as f64, ticks.collect())
}

/// Autocorrelations of the residuals.
pub(super) fn correlograms(report: &TsReport) -> String {
    let legend = [
        Key::new(Sign::Area, "fill-good", "may be chance"),
        Key::new(Sign::Area, "fill-bad", "more than chance"),
    ];
    let drawn = report
        .shown
        .iter()
        .zip(1..)
        .filter(|(shown, _)| !shown.autocorrelations.is_empty());
    let drawn = drawn.map(|(shown, number)| {
        let note = format!("{} residuals", count(shown.residuals as u64));
        svg::figure(
            &text(&short(&shown.id, 40)),
            &note,
            &legend,
            &correlogram(shown, number),
        )
    });
    svg::side_by_side(&drawn.collect::<String>())
}

fn correlogram(shown: &Shown, number: usize) -> Picture {
    let limit = 1.96 / (shown.residuals.max(1) as f64).sqrt();
    let all = &shown.autocorrelations;
    let (low, high) = all
        .iter()
        .fold((-limit, limit), |(low, high), &r| (r.min(low), r.max(high)));
    let last = all.len();
    let every = (last / TICKS + 1).max(1);
    let ticks = (1..=last).filter(|lag| lag % every == 0 || *lag == 1);
    let plot = Plot {
        x: Axis::ticked(
            "lag, in steps",
            0.5,
            last as f64 + 0.5,
            ticks.map(|lag| (lag as f64, count(lag as u64))).collect(),
        ),
        y: Axis::round("autocorrelation", low, high),
        height: LAGS,
    };
    let mut body = plot.axes();
    for (lag, &r) in (1..).map(f64::from).zip(all) {
        let class = if r.abs() > limit {
            "fill-bad"
        } else {
            "fill-good"
        };
        body += &plot.bar((lag - 0.35, lag + 0.35), r, class);
    }
    body += &plot.across(limit, "dash");
    body += &plot.across(-limit, "dash");
    plot.picture(
        &format!("lags-{number}"),
        &format!("Residuals of {}", short(&shown.id, 30)),
        format!(
            "Autocorrelations of {} residuals; beyond {} they are more than chance",
            shown.residuals,
            fixed(limit, 2)
        ),
        body,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(times: &[&str]) -> (String, Vec<String>) {
        let ticks: Vec<(usize, String)> =
            (0..).zip(times.iter().map(|t| (*t).to_owned())).collect();
        let (name, ticks) = in_few_letters(&ticks);
        (name, ticks.into_iter().map(|tick| tick.1).collect())
    }

    #[test]
    fn times_are_short_enough_to_fit() {
        let (name, ticks) = shortened(&["2025-02-12 13:00:00", "2025-02-13 01:00:00"]);
        assert_eq!(
            (name.as_str(), ticks[0].as_str()),
            ("time, 2025", "02-12 13:00")
        );
        let (name, ticks) = shortened(&["2024-12-31T13:00:00Z", "2025-01-01T01:00:00Z"]);
        assert_eq!((name.as_str(), ticks[1].as_str()), ("time", "2025-01-01"));
        assert_eq!(shortened(&["2025-02-12", "2025-03-12"]).1[1], "2025-03-12");
        assert_eq!(shortened(&["17", "40"]).1, ["17", "40"]);
    }
}
