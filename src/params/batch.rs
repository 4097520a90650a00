//! `TASK.predict`: the default input and output of `easylife predict TASK`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Invalid, require};

/// Input and output of the project's batch; relative paths start at the project's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// File or folder to score.
    pub input: Option<String>,
    /// File to write the answers to.
    pub output: Option<String>,
}

impl Batch {
    /// Refuses empty names.
    pub(crate) fn check(&self, task: &str) -> Result<(), Invalid> {
        for (key, path) in [("input", &self.input), ("output", &self.output)] {
            let key = format!("{task}.predict.{key}");
            require(path.as_deref() != Some(""), &key, || {
                "the path is empty; give a path, or null for none".to_owned()
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_refused() {
        let batch = Batch {
            output: Some(String::new()),
            ..Batch::default()
        };
        assert_eq!(batch.check("nlp").unwrap_err().key, "nlp.predict.output");
        assert!(Batch::default().check("nlp").is_ok());
    }
}
