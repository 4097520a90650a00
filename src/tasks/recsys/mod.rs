//! `recsys`: recommendation.

mod ask;
pub mod details;
mod evaluate;
mod explain;
mod inspect;
pub mod params;
mod predict;
mod prepare;
pub mod report;
pub mod sample;
pub mod scoring;
#[cfg(feature = "serve")]
mod serve;
mod split;
mod train;
mod validate;

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Result;
use tables::{RATING_COLUMNS, Ratings, read_ratings};

use crate::columns::{Needed, Role};
use crate::params::Invalid;
use crate::params::batch::Batch;
use crate::params::gate::Gate;
use crate::project::Project;
use crate::task::{self, Part, RawData, Subject, Task, Tracked};

/// The prepared file with the names of items.
pub const ITEMS: &str = "items.csv";

/// Recommendation.
pub struct Recsys;

impl Task for Recsys {
    const NAME: &'static str = "recsys";
    const TRACKED: Tracked = Tracked {
        experiment: "recsys_collaborative_filtering",
        run: "cf-truncated-svd",
    };
    const TARGET: Role = Role::Item;
    type Block = params::Block;
    type Params = params::Params;
    type Details = details::Details;
    type Data = Interactions;
    type Model = models::recsys::Model;

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
        vec![
            Needed::new(Role::User, &data.user, "recsys.data.user"),
            Needed::new(Role::Item, &data.item, "recsys.data.item"),
        ]
    }

    fn optional(params: &Self::Params) -> Vec<Needed> {
        let data = &params.data;
        vec![
            Needed::new(Role::Rating, &data.rating, "recsys.data.rating"),
            Needed::new(Role::Time, &data.time, "recsys.data.time"),
        ]
    }

    fn subject(params: &Self::Params) -> Option<Subject> {
        Some(Subject {
            columns: vec![params.data.user.clone()],
            key: "recsys.data.user",
            written: Some("user_id"),
        })
    }

    fn follow(block: &mut Self::Block, prepared: &Self::Block) {
        block.data.follow(&prepared.data);
    }

    fn load(project: &Project, part: Part, params: &Self::Params) -> Result<Self::Data> {
        let mut source = task::open_part::<Self>(project, part)?;
        let titles = match part {
            Part::Train => titles(project)?,
            Part::Test => HashMap::new(),
        };
        Ok(Interactions {
            later: match part {
                Part::Train => task::part_path::<Self>(project, Part::Test).ok(),
                Part::Test => None,
            },
            ratings: read_ratings(source.as_mut(), RATING_COLUMNS, &mut Err)?,
            relevant: params.relevant,
            titles,
        })
    }
}

/// The names of items by id, if there are any.
fn titles(project: &Project) -> Result<HashMap<String, String>> {
    let path = project.processed(Recsys::NAME).join(ITEMS);
    match path.is_file() {
        true => Ok(tables::read_titles(
            tables::open(&path)?.as_mut(),
            "item_id",
            "title",
        )?),
        false => Ok(HashMap::new()),
    }
}

/// A prepared part of `recsys`.
#[derive(Clone, Debug, Default)]
pub struct Interactions {
    pub ratings: Ratings,
    /// The lowest relevant rating.
    pub relevant: f64,
    /// For a training part: the test part, which is what happened since.
    pub later: Option<PathBuf>,
    /// Names of items by id; empty for the test part.
    pub titles: HashMap<String, String>,
}

/// There is no other format for it.
impl crate::export::Export for Recsys {}

/// Its labels are not looked at.
impl crate::pipeline::labels::Mislabelled for Recsys {}
