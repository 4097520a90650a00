//! Describes a `ts` model for `inspect`: frequency, seasons, horizon, and the last known values.

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
                format!("{} steps by default (--horizon)", details.horizon),
            ),
            Line::new(
                "chosen",
                "a model for each series, by its own past (`easylife explain ts SERIES` shows which and why)",
            ),
        ];
        if let Some(later) = &details.later {
            lines.push(Line::new(
                "updated",
                format!(
                    "by {} steps of the test part, up to {}",
                    later.rows, later.last
                ),
            ));
        }
        lines
    }
}
