//! `TASK.gate`: bounds on the metrics, for example `{accuracy: {min: 0.8}}`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Invalid, require};

/// Bounds by metric; a dotted name refers to a nested metric.
pub type Gate = BTreeMap<String, Bounds>;

/// The allowed range of a metric, ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Bounds {
    /// Whether `value` is within the bounds; NaN never is.
    pub fn hold(&self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// Refuses bounds that are empty or that no value can meet.
pub(crate) fn check(task: &str, gate: &Gate) -> Result<(), Invalid> {
    for (metric, bounds) in gate {
        let key = format!("{task}.gate.{metric}");
        require(bounds.min.is_some() || bounds.max.is_some(), &key, || {
            "no bound is given; set `min`, `max` or both".to_owned()
        })?;
        if let (Some(min), Some(max)) = (bounds.min, bounds.max) {
            require(min <= max, &key, || format!("min {min} is above max {max}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(min: Option<f64>, max: Option<f64>) -> Gate {
        Gate::from([("accuracy".to_owned(), Bounds { min, max })])
    }

    #[test]
    fn bounds_include_their_ends_and_no_nan() {
        let bounds = gate(Some(0.8), Some(0.9))["accuracy"];
        assert!(bounds.hold(0.8) && bounds.hold(0.9));
        assert!(!bounds.hold(0.79) && !bounds.hold(0.91) && !bounds.hold(f64::NAN));
    }

    #[test]
    fn bounds_that_cannot_hold_are_refused() {
        assert!(check("nlp", &gate(Some(0.9), Some(0.8))).is_err());
        assert!(check("nlp", &gate(None, None)).is_err());
        assert!(check("nlp", &gate(Some(0.8), None)).is_ok());
    }
}
