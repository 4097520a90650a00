//! The test part in a model: nothing is fitted to it, but forecasts start after it.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;

use crate::exit;
use crate::tasks::ts::details;
use models::ts::panel::per_series::PerSeries;
use tables::clock::Clock;
use tables::{Gaps, LONGEST_SERIES, each_prepared, shown};

/// The test part by the series of the training part.
pub(super) struct Later {
    /// Values of each series, one per step; empty if the test part has none.
    pub values: PerSeries<f64>,
    /// Number of steps of the longest series.
    pub longest: usize,
    /// Series that are not in the training part: the id of the first, and their number.
    pub unknown: Option<(String, usize)>,
    /// For the header of the model; `None` without values.
    pub details: Option<details::Later>,
}

impl Later {
    /// Reads the test part; `ids` and `ends`, the last times, are those of the series of the training part.
    ///
    /// # Errors
    /// A file that cannot be read, a series that does not continue where it ends in the training part.
    pub fn read(path: &Path, clock: &Clock, ids: &[String], ends: &[i64]) -> Result<Self> {
        let numbers: HashMap<&str, usize> = ids.iter().map(String::as_str).zip(0..).collect();
        let mut found: Vec<Vec<f64>> = vec![Vec::new(); ids.len()];
        let mut unknown: Option<(String, usize)> = None;
        let mut last = None;
        each_prepared(tables::open(path)?.as_mut(), clock.axis, |series| {
            let Some(&number) = numbers.get(series.id.as_str()) else {
                unknown.get_or_insert((series.id, 0)).1 += 1;
                return Ok(());
            };
            let refused = |reason: &str| {
                exit::data(format!(
                    "{}: series `{}`: {reason}; run `easylife prepare ts` again",
                    path.display(),
                    shown(&series.id)
                ))
            };
            let first = series.times.first().copied();
            let begins = first.is_some_and(|t| clock.steps(ends[number], t).is_some_and(|s| s > 0));
            if !begins || !found[number].is_empty() {
                return Err(refused("it does not continue where the training part ends"));
            }
            let values = series.regular_after(ends[number], clock, Gaps::Missing, LONGEST_SERIES);
            found[number] = values.map_err(|problem| refused(&problem.reason))?;
            last = last.max(series.times.last().copied());
            Ok(())
        })?;
        let longest = found.iter().map(Vec::len).max().unwrap_or(0);
        let mut values = PerSeries::default();
        for series in found {
            values.push(series);
        }
        let details = match last {
            None => None,
            Some(last) => Some(details::Later {
                sha256: files::digest::file(path)?,
                rows: values.values().len() as u64,
                last: clock.text(last),
            }),
        };
        Ok(Self {
            values,
            longest,
            unknown,
            details,
        })
    }
}
