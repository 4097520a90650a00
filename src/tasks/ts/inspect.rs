//! What `inspect` says of a `ts` model: frequency, seasons, horizon, and up to when it knows its series.

use super::details::Details;
use crate::inspect::{Inspect, Line};
use crate::tasks::ts::Ts;
use artifact::Header;

impl Inspect for Ts {
    fn describe(header: &Header<Details>) -> Vec<Line> {
        let details = &header.details;
        let seasons: Vec<String> = details.seasons.iter().map(usize::to_string).collect();
        let seasons = match seasons.is_empty() {
            true => "no season".to_owned(),
            false => format!("seasons of {} steps", seasons.join(" and ")),
        };
        let mut lines = vec![
            Line::new("times", format!("{}, {seasons}", details.frequency)),
            Line::new(
                "forecasts",
                format!("{} steps unless --horizon says otherwise", details.horizon),
            ),
            Line::new(
                "chosen",
                "a model for each series, by its own past (`easylife explain ts SERIES` says which and why)",
            ),
        ];
        if let Some(later) = &details.later {
            lines.push(Line::new(
                "carried on",
                format!(
                    "by {} steps of the test part, up to {}",
                    later.rows, later.last
                ),
            ));
        }
        lines
    }
}
