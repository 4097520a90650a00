//! `ts`: demand forecasting.

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

use tables::{Panel, ReadError, Source, read_prepared};

use crate::params::gate::Gate;
use crate::params::{Invalid, Params};
use crate::task::Task;

/// Demand forecasting.
pub struct Ts;

impl Task for Ts {
    const NAME: &'static str = "ts";
    type Params = params::Params;
    type Data = Panel;
    type Model = models::ts::Saved;

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.ts.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.ts.gate
    }

    fn read(source: &mut dyn Source, _: &Self::Params) -> Result<Self::Data, ReadError> {
        read_prepared(source)
    }
}
