//! `nlp`: text classification.

mod evaluate;
mod explain;
pub mod params;
mod predict;
mod prepare;
pub mod report;
pub mod sample;
mod train;
mod validate;

use tables::{ReadError, Source, Texts, read_texts};

use crate::params::gate::Gate;
use crate::params::{Invalid, Params};
use crate::task::Task;

/// Text classification.
pub struct Nlp;

impl Task for Nlp {
    const NAME: &'static str = "nlp";
    type Params = params::Params;
    type Data = Texts;
    type Model = models::nlp::Model;

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.nlp.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.nlp.gate
    }

    fn read(source: &mut dyn Source, params: &Self::Params) -> Result<Self::Data, ReadError> {
        let data = &params.data;
        read_texts(source, &data.text, &data.label, &params.slices)
    }
}
