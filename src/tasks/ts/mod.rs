//! `ts`: demand forecasting.

mod ask;
mod clock;
pub mod details;
mod evaluate;
mod explain;
mod freshness;
mod ids;
mod inspect;
mod later;
pub mod params;
mod predict;
mod prepare;
pub mod report;
pub mod sample;
pub mod scoring;
#[cfg(feature = "serve")]
mod serve;
pub mod shape;
mod train;
mod validate;

use std::path::PathBuf;

use anyhow::{Context, Result};
use tables::clock::Clock;
use tables::{Panel, read_prepared};

use crate::columns::{Needed, Role};
use crate::params::Invalid;
use crate::params::batch::Batch;
use crate::params::gate::Gate;
use crate::project::Project;
use crate::task::{self, Part, RawData, Subject, TRAIN, Task, Tracked};
use crate::tasks::ts::shape::Names;

/// Demand forecasting.
pub struct Ts;

impl Task for Ts {
    const NAME: &'static str = "ts";
    const TRACKED: Tracked = Tracked {
        experiment: "ts_forecasting",
        run: "holt-winters-additive",
    };
    const TARGET: Role = Role::Value;
    type Block = params::Block;
    type Params = params::Params;
    type Details = details::Details;
    type Data = Prepared;
    type Model = models::ts::Saved;

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
        let data = &params.data;
        let named = |role, name: &str, key| Needed::new(role, name, key);
        let ids = data.id.iter().flat_map(Names::all);
        let values = data.value.all().iter();
        ids.map(|id| named(Role::Series, id, "ts.data.id"))
            .chain([named(Role::Time, &data.time, "ts.data.time")])
            .chain(values.map(|value| named(Role::Value, value, "ts.data.value")))
            .collect()
    }

    fn subject(params: &Self::Params) -> Option<Subject> {
        let names = params.data.id.as_ref()?.all();
        Some(Subject {
            columns: names.to_vec(),
            key: "ts.data.id",
            written: Some(shape::ID),
        })
    }

    fn follow(block: &mut Self::Block, prepared: &Self::Block) {
        block.data.follow(&prepared.data);
    }

    fn load(project: &Project, part: Part, params: &Self::Params) -> Result<Self::Data> {
        let mut source = task::open_part::<Self>(project, part)?;
        let clock = clock::read(project)?;
        Ok(Prepared {
            panel: read_prepared(source.as_mut(), clock.axis)?,
            clock,
            test: task::part_path::<Self>(project, Part::Test)?,
            backtest: BacktestSpec {
                training: project.processed(Ts::NAME).join(TRAIN),
                origins: params.origins,
            },
        })
    }
}

/// A prepared part of `ts`.
pub struct Prepared {
    panel: Panel,
    /// That of both parts.
    clock: Clock,
    /// The file of the test part.
    test: PathBuf,
    backtest: BacktestSpec,
}

/// The clock of a model.
fn model_clock(model: &models::ts::Saved) -> Result<Clock> {
    Clock::from_numbers(&model.clock)
        .context("the model file has no valid frequency; retrain it with `easylife train ts`")
}

/// How forecasts of the test part are made and scored.
struct BacktestSpec {
    /// The file of the training part.
    training: PathBuf,
    /// From how many steps of the test part forecasts start.
    origins: usize,
}

/// There is no other format for it.
impl crate::export::Export for Ts {}

/// Its labels are not looked at.
impl crate::pipeline::labels::Mislabelled for Ts {}
