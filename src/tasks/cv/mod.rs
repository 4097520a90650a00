//! `cv`: blurred-photo detection.

mod ask;
pub mod details;
mod evaluate;
mod explain;
mod features;
mod inspect;
pub(crate) mod labels;
pub mod params;
mod photos;
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
use tables::{Photos, read_photos};

use crate::classes::ClassWords;
use crate::columns::{Needed, Role};
use crate::params::Invalid;
use crate::params::batch::Batch;
use crate::params::gate::Gate;
use crate::project::Project;
use crate::task::{self, Part, RawData, Task, Tracked};
use models::cv::Class;

/// Blurred-photo detection.
pub struct Cv;

impl Task for Cv {
    const NAME: &'static str = "cv";
    const TRACKED: Tracked = Tracked {
        experiment: "cv_blur_detection",
        run: "baseline-laplacian-threshold",
    };
    const TARGET: Role = Role::Label;
    type Block = params::Block;
    type Params = params::Params;
    type Details = details::Details;
    type Data = Photos<Class>;
    type Model = models::cv::Model;

    const EMBEDDED: Option<&'static [u8]> = Some(include_bytes!("cv.safetensors"));
    const CLASSES: Option<&'static ClassWords> = Some(&labels::WORDS);

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
            of_tables: false,
        }
    }

    fn needed(params: &Self::Params) -> Vec<Needed> {
        let data = &params.data;
        vec![
            Needed::new(Role::Path, &data.path, "cv.data.path"),
            Needed::new(Role::Label, &data.label, "cv.data.label"),
        ]
    }

    fn follow(block: &mut Self::Block, prepared: &Self::Block) {
        block.data.follow(&prepared.data);
    }

    fn load(project: &Project, part: Part, params: &Self::Params) -> Result<Self::Data> {
        let mut source = task::open_part::<Self>(project, part)?;
        let raw = match part {
            Part::Train => &params.data.source,
            Part::Test => params.data.test.as_ref().unwrap_or(&params.data.source),
        };
        let raw = project.path(raw);
        let folder = match raw.is_dir() {
            true => Some(raw),
            false => raw.parent().map(|folder| folder.to_owned()),
        };
        Ok(Photos {
            folder,
            ..read_photos(source.as_mut(), &models::cv::NAMES)?
        })
    }
}

/// There is no other format for it.
impl crate::export::Export for Cv {}

/// Its labels are not looked at.
impl crate::pipeline::labels::Mislabelled for Cv {}
