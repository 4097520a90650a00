//! Explanation of `ts`: the models of a series, its level, trend and season, and why they were chosen.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::Explain;
use crate::exit;
use crate::models::ts::Member;
use crate::models::ts::ets::{Part, Trend};
use crate::models::ts::{Forecaster, Saved};
use crate::outcome::Outcome;
use crate::task::Ts;

#[derive(Serialize)]
struct Why {
    unique_id: String,
    /// Why these models.
    reason: String,
    models: Vec<Model>,
    /// Seasons taken off before the models: the coming cycle of each.
    cycles: Vec<Vec<f64>>,
    next: Next,
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
    /// Names and values.
    parameters: Vec<(String, f64)>,
}

impl Explain for Ts {
    fn explain(model: &Saved, input: &str, top: usize) -> Result<Box<dyn Outcome>> {
        let number = model.ids.iter().position(|id| id == input).ok_or_else(|| {
            let near = model
                .ids
                .iter()
                .min_by_key(|id| strsim::levenshtein(id, input));
            let near = near.map_or(String::new(), |id| format!("; did you mean `{id}`?"));
            exit::usage(format!(
                "the model has no series `{input}`, but {} others{near}",
                model.ids.len()
            ))
        })?;
        let series: &Forecaster = &model.model.series[number];
        let (fan, _) = model.model.fan(series, 1, &[0.95]);
        Ok(Box::new(Why {
            unique_id: input.to_owned(),
            reason: series.note.clone(),
            models: (series.parts.iter())
                .map(|(weight, member)| Model::of(member, *weight, top))
                .collect(),
            cycles: (series.cycles.patterns.iter())
                .map(|pattern| pattern.iter().take(top).copied().collect())
                .collect(),
            next: Next {
                mean: fan.mean[0],
                lo_95: fan.bounds[0].0[0],
                hi_95: fan.bounds[0].1[0],
            },
        }))
    }
}

impl Model {
    fn of(member: &Member, weight: f64, top: usize) -> Model {
        let mut model = Model {
            name: member.name(),
            weight,
            level: None,
            trend: None,
            season: Vec::new(),
            parameters: Vec::new(),
        };
        let named = |name: &str, value: f64| (name.to_owned(), value);
        match member {
            Member::Ets(ets) | Member::Theta(ets) => {
                let states = &ets.states;
                model.level = Some(states.level);
                model.trend = (ets.kind.trend != Trend::None).then_some(states.slope);
                let period = states.seasons.len();
                model.season = (0..period.min(top))
                    .map(|h| states.seasons[(states.next + h) % period])
                    .collect();
                let (trend, season) = (ets.kind.trend, ets.kind.season);
                let own = [
                    (true, "alpha", ets.smoothing.alpha),
                    (trend != Trend::None, "beta", ets.smoothing.beta),
                    (season != Part::None, "gamma", ets.smoothing.gamma),
                    (trend == Trend::Damped, "phi", ets.smoothing.phi),
                    (true, "variance", ets.variance),
                    (true, "aicc", ets.aicc),
                ];
                model.parameters = (own.into_iter())
                    .filter(|(has, ..)| *has)
                    .map(|(_, name, value)| named(name, value))
                    .collect();
            }
            Member::Arima(arima) => {
                let blocks = arima.orders.split(&arima.coefficients);
                let names = ["ar", "ma", "seasonal ar", "seasonal ma"];
                for (block, name) in blocks.iter().zip(names) {
                    let values = block.iter().enumerate();
                    let values =
                        values.map(|(i, &value)| named(&format!("{name} {}", i + 1), value));
                    model.parameters.extend(values);
                }
                let constants = arima
                    .regression
                    .iter()
                    .map(|&value| named("constant", value));
                model.parameters.extend(constants);
                model.parameters.extend([
                    named("variance", arima.variance),
                    named("log likelihood", arima.log_likelihood),
                    named("aicc", arima.aicc),
                ]);
            }
            Member::Simple(simple) => {
                model.level = simple.last.last().copied();
                model.parameters = vec![named("variance", simple.variance)];
            }
        }
        model
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Next { mean, lo_95, hi_95 } = self.next;
        writeln!(
            f,
            "{}: next {mean:.4}  [{lo_95:.4}, {hi_95:.4}] in 95%",
            self.unique_id
        )?;
        if !self.reason.is_empty() {
            writeln!(f, "  {}", self.reason)?;
        }
        for model in &self.models {
            writeln!(f, "  {:.2} x {}", model.weight, model.name)?;
            if let Some(level) = model.level {
                writeln!(f, "    level {level:.4}")?;
            }
            if let Some(trend) = model.trend {
                writeln!(f, "    trend {trend:+.4} a step")?;
            }
            if !model.season.is_empty() {
                let season: Vec<String> = model.season.iter().map(|s| format!("{s:.4}")).collect();
                writeln!(f, "    season {}", season.join(" "))?;
            }
            for (name, value) in &model.parameters {
                writeln!(f, "    {name} {value:.6}")?;
            }
        }
        for (index, cycle) in self.cycles.iter().enumerate() {
            let cycle: Vec<String> = cycle.iter().map(|s| format!("{s:.4}")).collect();
            writeln!(f, "  season {} taken off: {}", index + 1, cycle.join(" "))?;
        }
        Ok(())
    }
}
