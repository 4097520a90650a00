//! `ts`: demand forecasting.

pub mod details;
mod evaluate;
mod explain;
mod ids;
pub mod params;
mod predict;
mod prepare;
pub mod report;
pub mod sample;
mod train;
mod validate;

use std::path::PathBuf;

use anyhow::Result;
use tables::{Panel, read_prepared};

use crate::params::gate::Gate;
use crate::params::{Invalid, Params};
use crate::project::Project;
use crate::task::{self, Part, TRAIN, Task};

/// Demand forecasting.
pub struct Ts;

impl Task for Ts {
    const NAME: &'static str = "ts";
    type Params = params::Params;
    type Details = details::Details;
    type Data = Prepared;
    type Model = models::ts::Saved;

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.ts.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.ts.gate
    }

    fn load(project: &Project, part: Part, params: &Self::Params) -> Result<Self::Data> {
        let mut source = task::open_part::<Self>(project, part)?;
        Ok(Prepared {
            panel: read_prepared(source.as_mut())?,
            backtest: BacktestSpec {
                training: project.processed(Ts::NAME).join(TRAIN),
                origins: params.origins,
                horizon: params.horizon,
            },
        })
    }
}

/// A prepared part of `ts`.
pub struct Prepared {
    panel: Panel,
    backtest: BacktestSpec,
}

/// How forecasts of the test part are made and scored.
struct BacktestSpec {
    /// The file of the training part.
    training: PathBuf,
    /// From how many steps of the test part forecasts start.
    origins: usize,
    /// Steps of each forecast, where there are several origins.
    horizon: usize,
}
