//! The tasks, each in a folder with all that it implements, and the table of tasks with the only `match`
//! over them.

pub mod cv;
mod draw;
pub mod nlp;
pub mod recsys;
pub mod tabular;
pub mod ts;

use std::fmt;
use std::str::FromStr;

use crate::params::TaskBlock;
use crate::task::Task;

/// The name of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Nlp,
    Cv,
    Recsys,
    Ts,
    Tabular,
}

/// Every task, in the order in which `all` runs them.
pub const ALL: &[Name] = &[Name::Nlp, Name::Cv, Name::Recsys, Name::Ts, Name::Tabular];

/// Runs `$body` with the type `$T` standing for the task named `$name`.
#[macro_export]
macro_rules! for_task {
    ($name:expr, $T:ident => $body:expr) => {
        match $name {
            $crate::tasks::Name::Nlp => {
                type $T = $crate::tasks::nlp::Nlp;
                $body
            }
            $crate::tasks::Name::Cv => {
                type $T = $crate::tasks::cv::Cv;
                $body
            }
            $crate::tasks::Name::Recsys => {
                type $T = $crate::tasks::recsys::Recsys;
                $body
            }
            $crate::tasks::Name::Ts => {
                type $T = $crate::tasks::ts::Ts;
                $body
            }
            $crate::tasks::Name::Tabular => {
                type $T = $crate::tasks::tabular::Tabular;
                $body
            }
        }
    };
}

/// The block of each task in `params.yaml`.
pub fn blocks() -> Vec<TaskBlock> {
    let block = |name: &Name| for_task!(*name, T => TaskBlock::of::<<T as Task>::Block>(T::NAME));
    ALL.iter().map(block).collect()
}

impl Name {
    pub fn as_str(self) -> &'static str {
        for_task!(self, T => T::NAME)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ALL.iter()
            .copied()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| format!("unknown task `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use yaml::Node;

    use super::*;

    /// The block of a task in a file, with the defaults of what is not given.
    fn block<B: serde::de::DeserializeOwned + serde::Serialize + Default>(
        file: &Node,
        key: &str,
    ) -> Value {
        let block: B = file
            .get(key)
            .map_or_else(B::default, |node| yaml::from_node(node).unwrap());
        serde_json::to_value(block).unwrap()
    }

    /// Apart from what suits the sample data: the gates, what is scored, and that demand is never negative.
    #[test]
    fn the_file_that_init_writes_says_the_defaults() {
        let read = |text: &str| {
            let file = yaml::parse(text).unwrap();
            let blocks = ALL.iter().map(|&name| {
                let mut block = for_task!(name, T => block::<<T as Task>::Block>(&file, T::NAME));
                block["gate"].take();
                block["predict"].take();
                if name == Name::Ts {
                    block["model"]["nonnegative"].take();
                }
                block
            });
            blocks.collect::<Vec<Value>>()
        };
        assert_eq!(read(include_str!("../../params.yaml")), read(""));
    }
}
