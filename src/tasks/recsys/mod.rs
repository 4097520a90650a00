//! `recsys`: recommendation.

mod evaluate;
mod explain;
pub mod params;
mod predict;
mod prepare;
pub mod report;
pub mod sample;
mod split;
mod train;
mod validate;

use std::collections::HashMap;

use tables::{RATING_COLUMNS, Ratings, ReadError, Source, read_ratings};

use crate::params::gate::Gate;
use crate::params::{Invalid, Params};
use crate::task::Task;

/// Names of items, a prepared file.
pub const ITEMS: &str = "items.csv";

/// Recommendation.
pub struct Recsys;

impl Task for Recsys {
    const NAME: &'static str = "recsys";
    type Params = params::Params;
    type Data = Interactions;
    type Model = models::recsys::Model;

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.recsys.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.recsys.gate
    }

    fn read(source: &mut dyn Source, params: &Self::Params) -> Result<Self::Data, ReadError> {
        Ok(Interactions {
            ratings: read_ratings(source, RATING_COLUMNS, &mut Err)?,
            relevant: params.relevant,
            ..Interactions::default()
        })
    }
}

/// A prepared part of `recsys`.
#[derive(Clone, Debug, Default)]
pub struct Interactions {
    pub ratings: Ratings,
    /// The least rating that is relevant.
    pub relevant: f64,
    /// Names of items by their ids.
    pub titles: HashMap<String, String>,
}
