//! Explanation of `ts`: the models of a series, its level, trend and season, and why they were chosen.

mod headline;

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use self::headline::Headline;
use super::ids;
use super::model_clock;
use crate::exit;
use crate::explain::{Explain, Explainer, How};
use crate::outcome::Outcome;
use crate::outcome::number::{fixed, measure};
use crate::project::Project;
use crate::tasks::ts::Ts;
use models::ts::Member;
use models::ts::Saved;
use models::ts::arima::Arima;
use models::ts::ets::{Ets, Part, Trend};
use tables::shown;

#[derive(Serialize)]
struct Explanation {
    unique_id: String,
    #[serde(flatten)]
    headline: Headline,
    /// Why these models were chosen.
    reason: String,
    models: Vec<Model>,
    /// Seasons taken off before the models: the coming cycle of each.
    cycles: Vec<Vec<f64>>,
    /// Whether these seasons are factors; otherwise they are added.
    factors: bool,
    next: Next,
    #[serde(skip)]
    top: usize,
}

#[derive(Serialize)]
struct Next {
    mean: f64,
    lo_95: f64,
    hi_95: f64,
}

#[derive(Serialize)]
struct Model {
    name: String,
    weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<f64>,
    /// The coming steps of the season.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    season: Vec<f64>,
    /// Steps of the season beyond those shown.
    #[serde(skip_serializing_if = "is_zero")]
    more_season: usize,
    /// Names and values.
    parameters: Vec<(String, f64)>,
}

impl Explain for Ts {
    fn explainer<'a>(
        _: Option<&'a Project>,
        model: &'a Saved,
        _: &'a artifact::Header<Self::Details>,
        how: &How,
    ) -> Result<Explainer<'a>> {
        let top = how.top;
        Ok(Box::new(move |input: &str| -> Result<Box<dyn Outcome>> {
            let number = model
                .ids
                .iter()
                .position(|id| id == input)
                .ok_or_else(|| exit::usage(ids::describe_unknown(input, &model.ids)))?;
            let series = model.carried_on(number);
            let (fan, _) = model.model.free_fan(number, &series, 1, &[0.95]);
            let fan = fan.clip(model.is_nonnegative());
            let (steps, period) = headline::steps(model);
            let (ahead, _) = model.model.free_fan(number, &series, steps, &[]);
            let clock = model_clock(model)?;
            let end = model.ends[number];
            let end = clock
                .at(end, model.later.get(number).len() as i64)
                .unwrap_or(end);
            let ahead = ahead.clip(model.is_nonnegative());
            Ok(Box::new(Explanation {
                unique_id: input.to_owned(),
                headline: Headline::new(&clock, end, &ahead.mean, period),
                top,
                reason: series.note,
                models: (series.parts.iter())
                    .map(|(weight, member)| Model::of(member, *weight, top))
                    .collect(),
                cycles: (series.cycles.patterns.iter())
                    .map(|pattern| pattern.to_vec())
                    .collect(),
                factors: series.cycles.factors,
                next: Next {
                    mean: fan.mean[0],
                    lo_95: fan.bounds[0].0[0],
                    hi_95: fan.bounds[0].1[0],
                },
            }))
        }))
    }
}

impl Model {
    fn of(member: &Member, weight: f64, top: usize) -> Model {
        let model = Model {
            name: member.name(),
            weight,
            level: None,
            trend: None,
            season: Vec::new(),
            more_season: 0,
            parameters: Vec::new(),
        };
        match member {
            Member::Ets(ets) | Member::Theta(ets) => model.with_ets(ets, top),
            Member::Arima(arima) => Model {
                parameters: arima_parameters(arima),
                ..model
            },
            Member::Ces(ces) => Model {
                level: Some(ces.state.level),
                parameters: vec![
                    named("alpha 0", ces.smoothing[0]),
                    named("alpha 1", ces.smoothing[1]),
                    named("variance", ces.variance),
                ],
                ..model
            },
            Member::Simple(simple) => Model {
                level: simple.last.last().copied(),
                parameters: vec![named("variance", simple.variance)],
                ..model
            },
        }
    }

    fn with_ets(self, ets: &Ets, top: usize) -> Model {
        let (states, smoothing) = (&ets.states, &ets.smoothing);
        let (trend, season) = (ets.kind.trend, ets.kind.season);
        let period = states.seasons.len();
        let own = [
            (true, "alpha", smoothing.alpha),
            (trend != Trend::None, "beta", smoothing.beta),
            (season != Part::None, "gamma", smoothing.gamma),
            (trend == Trend::Damped, "phi", smoothing.phi),
            (true, "variance", ets.variance),
            (true, "aicc", ets.aicc),
        ];
        let own = own.into_iter().filter(|(has, ..)| *has);
        Model {
            level: Some(states.level),
            trend: (trend != Trend::None).then_some(states.slope),
            season: (0..period.min(top))
                .map(|h| states.seasons[(states.next + h) % period])
                .collect(),
            more_season: period.saturating_sub(top),
            parameters: own.map(|(_, name, value)| named(name, value)).collect(),
            ..self
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The number of steps of a season that `--top` leaves out.
fn more(steps: usize) -> String {
    match steps {
        0 => String::new(),
        steps => format!(" and {steps} more"),
    }
}

fn named(name: &str, value: f64) -> (String, f64) {
    (name.to_owned(), value)
}

fn arima_parameters(arima: &Arima) -> Vec<(String, f64)> {
    let mut parameters = Vec::new();
    let blocks = arima.orders.split(&arima.coefficients);
    for (block, name) in blocks
        .iter()
        .zip(["ar", "ma", "seasonal ar", "seasonal ma"])
    {
        let values = block.iter().zip(1..);
        parameters.extend(values.map(|(value, i)| named(&format!("{name} {i}"), *value)));
    }
    parameters.extend(arima.regression.iter().map(|c| named("constant", *c)));
    parameters.extend([
        named("variance", arima.variance),
        named("log likelihood", arima.log_likelihood),
        named("aicc", arima.aicc),
    ]);
    parameters
}

/// A parameter with six decimals; a very small or large one with a power of ten.
fn parameter(value: f64) -> String {
    match value.abs() {
        size if size > 0.0 && size < 9.5e-6 || size >= 1e15 => format!("{value:.5e}"),
        _ => fixed(value, 6),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Next { mean, lo_95, hi_95 } = self.next;
        let headline = &self.headline;
        let mut first = Vec::from_iter(headline.season_in_words());
        let trend = headline.trend;
        let sign = if trend > 0.0 { "+" } else { "" };
        first.push(match trend == 0.0 {
            true => "no trend".to_owned(),
            false => format!("trend {sign}{} a {}", measure(trend), headline.step),
        });
        let ds = headline
            .ds
            .as_deref()
            .map_or(String::new(), |ds| format!(" ({ds})"));
        writeln!(
            f,
            "{}: {}, next {}{ds} {} [{}, {}] with 95 %",
            shown(&self.unique_id),
            first.join(", "),
            headline.step,
            measure(mean),
            measure(lo_95),
            measure(hi_95)
        )?;
        if !self.reason.is_empty() {
            writeln!(f, "  {}", self.reason)?;
        }
        for model in &self.models {
            writeln!(f, "  {:.2} x {}", model.weight, model.name)?;
            if let Some(level) = model.level {
                writeln!(f, "    level {}", measure(level))?;
            }
            if let Some(trend) = model.trend {
                let sign = if trend > 0.0 { "+" } else { "" };
                writeln!(f, "    trend {sign}{} a step", measure(trend))?;
            }
            if !model.season.is_empty() {
                let season: Vec<String> = model.season.iter().map(|s| measure(*s)).collect();
                writeln!(
                    f,
                    "    season {}{}",
                    season.join(" "),
                    more(model.more_season)
                )?;
            }
            for (name, value) in &model.parameters {
                writeln!(f, "    {name} {}", parameter(*value))?;
            }
        }
        for (index, cycle) in self.cycles.iter().enumerate() {
            let left_out = cycle.len().saturating_sub(self.top);
            let cycle: Vec<String> = cycle.iter().take(self.top).map(|s| measure(*s)).collect();
            let how = if self.factors { " as factors" } else { "" };
            writeln!(
                f,
                "  season {} taken off{how}: {}{}",
                index + 1,
                cycle.join(" "),
                more(left_out)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_six_decimals_or_a_power_of_ten() {
        for (value, text) in [
            (0.25, "0.250000"),
            (-0.0, "0.000000"),
            (9.4e-6, "9.40000e-6"),
            (-9.6e-6, "-0.000010"),
            (1e15, "1.00000e15"),
        ] {
            assert_eq!(parameter(value), text);
        }
    }

    #[test]
    fn what_top_leaves_out_is_counted() {
        let mut explanation = Explanation {
            unique_id: "a".to_owned(),
            headline: Headline {
                ds: Some("2024-01-01".to_owned()),
                season: vec![("Mondays".to_owned(), 0.2)],
                trend: 0.5,
                step: "day",
            },
            reason: String::new(),
            models: Vec::new(),
            cycles: vec![vec![1.0, -1.0, 0.5]],
            factors: false,
            next: Next {
                mean: 10.0,
                lo_95: 8.0,
                hi_95: 12.0,
            },
            top: 2,
        };
        assert_eq!(
            explanation.to_string(),
            "a: Mondays +20 %, trend +0.5000 a day, next day (2024-01-01) 10.0000 [8.0000, 12.0000] with 95 %\n  \
             season 1 taken off: 1.0000 -1.0000 and 1 more\n"
        );
        explanation.headline.season.clear();
        explanation.headline.trend = 0.0;
        explanation.cycles.clear();
        assert!(explanation.to_string().starts_with("a: no trend, next day"));
    }
}
