//! A task for tests of the verbs: it learns the mean of a column and answers with it.

use std::path::Path;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Part, RawData, Task};
use crate::columns::{Needed, Role};
use crate::params::batch::Batch;
use crate::params::gate::Gate;
use crate::params::{Invalid, TaskBlock};
use crate::project::{Project, Selection};
use models::state::{State, StateError, Stateful};
use tables::Row;

/// The task.
#[derive(Debug)]
pub struct Toy;

/// `toy` in params.yaml.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Block {
    /// The raw data.
    data: Data,
    /// The parts.
    split: Split,
    /// The bounds.
    gate: Gate,
    /// The batch.
    predict: Batch,
}

/// `toy.data`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Data {
    source: String,
    value: String,
}

/// `toy.split`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Split {
    test: f64,
}

/// The mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean(pub f64);

impl Stateful for Mean {
    fn to_state(&self) -> State {
        let mut state = State::default();
        state.insert_strings("mean", vec![self.0.to_string()]);
        state
    }

    fn from_state(state: &State) -> Result<Self, StateError> {
        let mean = state.strings("mean")?[0].parse();
        Ok(Self(mean.expect("a number")))
    }
}

impl Task for Toy {
    const NAME: &'static str = "toy";
    const TARGET: Role = Role::Value;
    type Block = Block;
    type Params = Block;
    type Details = String;
    type Data = Vec<f64>;
    type Model = Mean;

    fn check(block: &Block) -> Result<Block, Invalid> {
        match block.split.test < 1.0 {
            true => Ok(block.clone()),
            false => Err(Invalid::new("toy.split.test", "must be below 1")),
        }
    }

    fn gate(block: &Block) -> &Gate {
        &block.gate
    }

    fn batch(block: &Block) -> &Batch {
        &block.predict
    }

    fn raw_data(params: &Block) -> RawData<'_> {
        RawData {
            source: &params.data.source,
            test: None,
            reading: Default::default(),
            of_tables: true,
        }
    }

    fn needed(params: &Block) -> Vec<Needed> {
        vec![Needed::new(
            Role::Value,
            &params.data.value,
            "toy.data.value",
        )]
    }

    fn follow(block: &mut Block, prepared: &Block) {
        block.data.value.clone_from(&prepared.data.value);
    }

    fn load(project: &Project, part: Part, params: &Block) -> Result<Vec<f64>> {
        let mut source = super::open_part::<Self>(project, part)?;
        let column = source.column(&params.data.value)?;
        let (mut values, mut row) = (Vec::new(), Row::new());
        while source.read(&mut row)? {
            values.push(row.text(column).parse()?);
        }
        Ok(values)
    }
}

/// A project of the task in a folder; gone when dropped.
pub struct ToyProject {
    folder: tempfile::TempDir,
    pub project: Project,
}

impl ToyProject {
    /// With this block in params.yaml, and files by name.
    pub fn of(block: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "params.yaml",
            &format!("easylife: \"0.1\"\nseed: 7\ntoy: {block}\n"),
        );
        files.iter().for_each(|(name, text)| write(name, text));
        let project = Project::open(&Selection {
            folder: Some(folder.path().to_owned()),
            sets: Vec::new(),
            blocks: vec![TaskBlock::of::<Block>("toy")],
        });
        Self {
            project: project.unwrap(),
            folder,
        }
    }

    /// With a prepared training part.
    pub fn prepared() -> Self {
        let train = ("data/processed/toy/train.csv", "y\n1\n2\n6\n");
        Self::of("{data: {value: y}}", &[train])
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// The text of an error without the project's folder.
    pub fn message(&self, error: &anyhow::Error) -> String {
        let folder = format!("{}/", self.path().display());
        format!("{error:#}").replace(&folder, "")
    }
}
