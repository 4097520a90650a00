//! `cv`: blurred-photo detection.

mod evaluate;
mod explain;
mod features;
pub mod params;
mod photos;
mod predict;
mod prepare;
pub mod report;
pub mod sample;
mod train;
mod validate;

use tables::{Photos, ReadError, Source, read_photos};

use crate::params::gate::Gate;
use crate::params::{Invalid, Params};
use crate::task::Task;
use models::cv::Class;

/// Blurred-photo detection.
pub struct Cv;

impl Task for Cv {
    const NAME: &'static str = "cv";
    type Params = params::Params;
    type Data = Photos<Class>;
    type Model = models::cv::Model;

    const EMBEDDED: Option<&'static [u8]> = Some(include_bytes!("cv.safetensors"));

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.cv.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.cv.gate
    }

    fn read(source: &mut dyn Source, _: &Self::Params) -> Result<Self::Data, ReadError> {
        read_photos(source, &models::cv::NAMES)
    }
}
