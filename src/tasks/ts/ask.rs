//! Answers of `ts` on the terminal: a series, and its next steps with their intervals.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::ids;
use super::predict::prepare;
use crate::outcome::number::measure;
use crate::predict::Request;
use crate::predict::ask::{Ask, Input};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::Loaded;
use crate::tasks::ts::Ts;
use scoring::Score;
use tables::shown;

/// The forecast of a series.
#[derive(Serialize)]
pub struct Answer {
    unique_id: String,
    /// Coverage of the intervals, in per cent.
    levels: Vec<f64>,
    steps: Vec<Step>,
    /// Why these are seasonal naive forecasts; absent if they are those of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<String>,
    /// Number of requested steps beyond the last possible time.
    #[serde(skip_serializing_if = "is_zero")]
    beyond: usize,
}

#[derive(Serialize)]
struct Step {
    ds: String,
    mean: f64,
    /// Lower and upper bound for each level.
    bounds: Vec<(f64, f64)>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Ask for Ts {
    const INPUT: Input = Input::Id {
        flag: "--series",
        noun: "series",
    };

    type Answer = Answer;

    fn answer(
        project: Option<&Project>,
        loaded: Loaded<Self>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Vec<Result<Answer, String>>> {
        let (forecasts, records) = prepare(project, loaded.model, &loaded.header, request, talk)?;
        if let Some(bad) = records.bad {
            return Err(bad.into());
        }
        let scorer = &forecasts.scorer;
        let answer = |id: &String| {
            if scorer.number(id).is_none() {
                return Err(ids::describe_unknown(id, scorer.ids()));
            }
            let request = [forecasts.request(id)];
            let answer = scorer.score(&request, &mut ()).remove(0);
            answer
                .map(|answer| Answer::of(answer, &forecasts.levels))
                .map_err(|refusal| refusal.reason)
        };
        Ok(request.asked.iter().map(answer).collect())
    }
}

impl Answer {
    fn of(answer: scoring::ts::Answer<'_>, levels: &[f64]) -> Self {
        let asked = answer.times.len();
        let times = answer.times.into_iter().flatten().enumerate();
        let steps: Vec<Step> = times
            .map(|(step, ds)| Step {
                ds,
                mean: answer.mean[step],
                bounds: { answer.bounds.iter() }
                    .map(|(lower, upper)| (lower[step], upper[step]))
                    .collect(),
            })
            .collect();
        Self {
            unique_id: answer.series.to_owned(),
            levels: levels.to_vec(),
            beyond: asked - steps.len(),
            steps,
            fallback: answer.fallback,
        }
    }

    /// A line per step, under a heading.
    fn table(&self) -> Vec<Vec<String>> {
        let mut heading = vec!["time".to_owned(), "forecast".to_owned()];
        heading.extend(
            self.levels
                .iter()
                .map(|level| format!("{level} % interval")),
        );
        let mut table = vec![heading];
        for step in &self.steps {
            let mut line = vec![step.ds.clone(), measure(step.mean)];
            let bounds = step.bounds.iter();
            line.extend(bounds.map(|(lo, hi)| format!("[{}, {}]", measure(*lo), measure(*hi))));
            table.push(line);
        }
        table
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let id = shown(&self.unique_id);
        writeln!(f, "{id}: the next {} steps", self.steps.len())?;
        let table = self.table();
        let widths: Vec<usize> = (0..table[0].len())
            .map(|column| {
                let widths = table.iter().map(|line| line[column].chars().count());
                widths.max().unwrap_or_default()
            })
            .collect();
        for line in &table {
            let cells = line.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, &width)| format!("{cell:>width$}"))
                .collect();
            writeln!(f, "  {}", cells.join("  "))?;
        }
        if self.beyond > 0 {
            writeln!(
                f,
                "  {} more steps are beyond the last possible time; request fewer with --horizon",
                self.beyond
            )?;
        }
        match &self.fallback {
            Some(reason) => writeln!(f, "  these are seasonal naive forecasts: {reason}"),
            None => Ok(()),
        }
    }
}
