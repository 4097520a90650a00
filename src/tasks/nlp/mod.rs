//! `nlp`: text classification.

mod ask;
pub mod details;
mod evaluate;
mod explain;
mod inspect;
mod mislabelled;
pub mod params;
mod predict;
mod prepare;
pub mod report;
pub mod sample;
pub mod scoring;
#[cfg(feature = "serve")]
mod serve;
mod train;
mod validate;

use anyhow::Result;
use tables::{Texts, read_texts};

use crate::columns::{Needed, Role};
use crate::params::Invalid;
use crate::params::batch::Batch;
use crate::params::gate::Gate;
use crate::project::Project;
use crate::task::{self, Part, RawData, Subject, Task, Tracked};

/// Text classification.
pub struct Nlp;

impl Task for Nlp {
    const NAME: &'static str = "nlp";
    const TRACKED: Tracked = Tracked {
        experiment: "nlp_sentiment",
        run: "baseline-tfidf-logreg",
    };
    const TARGET: Role = Role::Label;
    type Block = params::Block;
    type Params = params::Params;
    type Details = details::Details;
    type Data = Texts;
    type Model = models::nlp::Model;

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
            Needed::new(Role::Text, &data.text, "nlp.data.text"),
            Needed::new(Role::Label, &data.label, "nlp.data.label"),
        ]
    }

    fn subject(params: &Self::Params) -> Option<Subject> {
        Some(Subject {
            columns: vec![params.data.group.clone()?],
            key: "nlp.data.group",
            written: None,
        })
    }

    fn follow(block: &mut Self::Block, prepared: &Self::Block) {
        block.data.follow(&prepared.data);
    }

    fn load(project: &Project, part: Part, params: &Self::Params) -> Result<Self::Data> {
        let mut source = task::open_part::<Self>(project, part)?;
        let data = &params.data;
        let texts = read_texts(source.as_mut(), &data.text, &data.label, &params.slices);
        Ok(texts?)
    }
}

/// There is no other format for it.
impl crate::export::Export for Nlp {}
