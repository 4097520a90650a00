//! `tabular`: classes, numbers, counts or quantiles out of the columns of a table.

mod ask;
mod cells;
mod columns;
mod data;
pub mod details;
mod evaluate;
mod explain;
mod export;
mod inspect;
mod join;
pub mod params;
mod predict;
mod prepare;
mod read;
pub mod report;
mod sample;
pub mod scoring;
#[cfg(feature = "serve")]
mod serve;
mod source;
mod train;
mod validate;

use anyhow::Result;

pub use self::data::Data;

use crate::columns::{Needed, Role};
use crate::params::Invalid;
use crate::params::batch::Batch;
use crate::params::gate::Gate;
use crate::project::Project;
use crate::task::{self, Part, RawData, Subject, Task, Tracked};

/// Tables.
pub struct Tabular;

impl Task for Tabular {
    const NAME: &'static str = "tabular";
    const TRACKED: Tracked = Tracked {
        experiment: "tabular",
        run: "trees-and-linear",
    };
    const TARGET: Role = Role::Target;
    type Block = params::Block;
    type Params = params::Params;
    type Details = details::Details;
    type Data = Data;
    type Model = models::tabular::Model;

    fn check(block: &Self::Block) -> Result<Self::Params, Invalid> {
        block.check()
    }

    fn gate(block: &Self::Block) -> &Gate {
        &block.gate
    }

    fn batch(block: &Self::Block) -> &Batch {
        &block.predict
    }

    fn raw_data(params: &Self::Params) -> RawData<'_> {
        RawData {
            source: &params.data.source,
            test: params.data.test.as_deref(),
            reading: params.data.reading(),
            of_tables: true,
        }
    }

    fn needed(params: &Self::Params) -> Vec<Needed> {
        let target = &params.data.target;
        vec![Needed::new(Role::Target, target, "tabular.data.target")]
    }

    fn subject(params: &Self::Params) -> Option<Subject> {
        Some(Subject {
            columns: vec![params.data.group.clone()?],
            key: "tabular.data.group",
            written: None,
        })
    }

    fn follow(block: &mut Self::Block, prepared: &Self::Block) {
        block.data.follow(&prepared.data);
    }

    fn load(project: &Project, part: Part, params: &Self::Params) -> Result<Self::Data> {
        Data::load(&task::part_path::<Self>(project, part)?, params)
    }
}

/// Its labels are not looked at.
impl crate::pipeline::labels::Mislabelled for Tabular {}
