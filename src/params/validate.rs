//! The `validate` block of `params.yaml`: what the checks of all tasks share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tables::profile::Columns;

/// What the checks of all tasks share.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The day that rules on age count back from, `YYYY-MM-DD`. No clock is asked: the same bytes
    /// come out every day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<String>,
    /// How many of the offending rows are shown for each finding.
    pub rows: usize,
    /// Which columns of a table are profiled.
    pub profile: Profile,
}

/// Which columns of a table are profiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Every one.
    #[default]
    All,
    /// Those that a rule needs, which is faster.
    Needed,
}

impl From<Profile> for Columns {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::All => Columns::All,
            Profile::Needed => Columns::Needed,
        }
    }
}

impl Default for Block {
    fn default() -> Self {
        Self {
            today: None,
            rows: 20,
            profile: Profile::All,
        }
    }
}
