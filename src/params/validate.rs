//! The `validate` block of `params.yaml`: settings for the checks of all tasks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tables::profile::Columns;

/// Settings for the checks of all tasks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The day from which rules on age count back, `YYYY-MM-DD`. The clock is not used, so that the outputs are
    /// the same every day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<String>,
    /// Number of offending rows shown for each finding.
    pub rows: usize,
    /// Which columns of a table are profiled.
    pub profile: Profile,
}

/// Which columns of a table are profiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// All columns.
    #[default]
    All,
    /// Only columns that a rule needs, which is faster.
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
