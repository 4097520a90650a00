//! Finds photos of the test part that look like one of the training part, although they are listed as different scenes.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;

use crate::pipeline::validate::Job;
use crate::pipeline::validate::keys::Repeats;
use images::hash;
use tables::Row;
use tables::blocks::Spot;

/// A photo of a part.
struct Photo {
    line: u64,
    hash: u64,
    scene: String,
}

/// Test photos, each with the first photo of the training part that looks like it and is listed as another
/// scene. Empty if a part was written without hashes.
pub(super) fn across_parts<P>(job: &Job<P>, parts: &[PathBuf; 2]) -> Result<Repeats> {
    let (train, test) = (photos(&parts[0])?, photos(&parts[1])?);
    let near = |photo: &Photo| {
        let like = train.iter().find(|other| {
            (photo.hash ^ other.hash).count_ones() <= hash::NEAR && photo.scene != other.scene
        })?;
        Some((Spot::new(1, photo.line), Spot::new(0, like.line)))
    };
    let rows: Vec<(Spot, Spot)> = test.par_iter().filter_map(near).collect();
    let mut found = Repeats {
        count: rows.len() as u64,
        rows,
    };
    found.keep_first(job.shown);
    Ok(found)
}

fn photos(part: &Path) -> Result<Vec<Photo>> {
    let mut source = tables::open(part)?;
    let find = |name| source.column(name).ok();
    let (Some(looks), Some(scene)) = (find(hash::COLUMN), find("scene")) else {
        return Ok(Vec::new());
    };
    let (mut photos, mut row) = (Vec::new(), Row::new());
    while source.read(&mut row)? {
        if let Some(hash) = hash::read(row.text(looks)) {
            photos.push(Photo {
                line: row.line(),
                hash,
                scene: row.text(scene).to_owned(),
            });
        }
    }
    Ok(photos)
}
