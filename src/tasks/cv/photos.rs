//! Raw photos: listed from a table or from folders of classes, read and measured.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;

use crate::exit;
use crate::talk::Talk;
use crate::tasks::cv::features::Measurer;
use crate::tasks::cv::labels::Folders;
use crate::tasks::cv::params::Params;
use images::{Decoder, PhotoError, hash, list};
use models::cv::{Class, FEATURES};
use tables::{ReadErrorKind, Row};

/// A photo and its label in the raw data.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    /// Path relative to the table or the folder, as shown and written.
    pub path: String,
    pub file: PathBuf,
    pub class: Class,
    /// Columns of the table that describe the blur; empty if they are absent.
    pub kind: String,
    pub strength: String,
    pub source: String,
    pub scene: Option<String>,
}

/// A photo that was read and measured.
pub(super) struct Measured {
    pub raw: Raw,
    /// Index of the photo in the raw data.
    pub number: usize,
    pub format: &'static str,
    pub width: usize,
    pub height: usize,
    pub sha256: String,
    pub hash: u64,
    pub features: [f64; FEATURES],
}

/// Lists the photos of `source`.
pub(super) fn list(source: &Path, params: &Params, talk: &Talk) -> Result<Vec<Raw>> {
    let folders = params.data.classes.folders(source)?;
    let mut photos = match folders.classes.is_empty() {
        true => from_table(source, params)?,
        false => from_folders(source, &folders, talk)?,
    };
    if photos.is_empty() {
        return Err(exit::data(format!("{} holds no photos", source.display())));
    }
    if let Some(pattern) = &params.scene_pattern {
        for photo in &mut photos {
            if let Some(found) = pattern.captures(&photo.path) {
                let groups = found.iter().skip(1).flatten().map(|group| group.as_str());
                photo.scene = Some(groups.collect::<Vec<_>>().join("/"));
            }
        }
    }
    Ok(photos)
}

pub(super) fn from_folders(source: &Path, folders: &Folders, talk: &Talk) -> Result<Vec<Raw>> {
    folders.say_left_out(source, talk);
    let mut photos = Vec::new();
    for (name, class) in &folders.classes {
        let folder = source.join(name);
        let listing = list::photos(&folder).with_context(|| folder.display().to_string())?;
        if listing.others > 0 {
            let others = listing.others;
            talk.note(format!(
                "{}: {others} files do not have a file name extension of photos",
                folder.display()
            ));
        }
        photos.extend(listing.photos.into_iter().map(|photo| Raw {
            path: format!("{name}/{}", files::names::spell(&photo)),
            file: folder.join(photo),
            class: *class,
            kind: String::new(),
            strength: String::new(),
            source: String::new(),
            scene: None,
        }));
    }
    Ok(photos)
}

fn from_table(path: &Path, params: &Params) -> Result<Vec<Raw>> {
    let mut source = tables::open_with(path, params.data.reading())?;
    let path_cell = source.column(&params.data.path)?;
    let label_cell = source.column(&params.data.label)?;
    let [kind, strength, from, scene] = ["kind", "strength", "source", params.data.scene.as_str()]
        .map(|name| source.column(name).ok());
    let base = base(path);
    let mut photos = Vec::new();
    let mut row = Row::new();
    while source.read(&mut row)? {
        let place = |cell, kind| source.place(&row, cell).error(kind);
        let name = tables::text_cell(&row, path_cell, source.as_ref())?;
        if name.trim().is_empty() {
            return Err(place(path_cell, ReadErrorKind::MissingText).into());
        }
        let label = tables::label_cell(&row, label_cell, source.as_ref())?;
        let class = { params.data.classes.class_of_cell(&label) }
            .map_err(|kind| place(label_cell, kind))?;
        let cell = |cell: Option<usize>| cell.map_or("", |cell| row.text(cell)).to_owned();
        photos.push(Raw {
            file: files::names::find(&base, name),
            path: name.to_owned(),
            class,
            kind: cell(kind),
            strength: cell(strength),
            source: cell(from),
            scene: match scene {
                Some(scene) => tables::group_cell(&row, scene, source.as_ref())?,
                None => None,
            },
        });
    }
    Ok(photos)
}

/// The folder that paths in a table are relative to.
pub(super) fn base(table: &Path) -> PathBuf {
    let base = if table.is_dir() {
        Some(table)
    } else {
        table.parent()
    };
    base.unwrap_or(Path::new("")).to_owned()
}

/// Reads and measures photos. Also returns those that are left out, with the reasons, in the order of the raw data: files
/// that cannot be read or measured, and copies of an earlier one.
pub(super) fn measure(raw: &[Raw], talk: &Talk) -> (Vec<Measured>, Vec<[String; 2]>) {
    let bar = talk.progress("reading photos", Some(raw.len() as u64));
    let decoder = Decoder::new();
    let read: Vec<Result<Measured, PhotoError>> = raw
        .par_iter()
        .enumerate()
        .map_init(
            || Measurer::new(&decoder),
            |measurer, (number, raw)| {
                bar.inc(1);
                read(raw, number, measurer)
            },
        )
        .collect();
    bar.finish_and_clear();
    let mut first: HashMap<String, usize> = HashMap::new();
    let (mut photos, mut excluded) = (Vec::new(), Vec::new());
    for (raw, read) in raw.iter().zip(read) {
        let reason = match read {
            Err(error) => error.to_string(),
            Ok(photo) => match first.get(&photo.sha256) {
                Some(&earlier) => same_file(&photos, earlier, &photo),
                None => {
                    first.insert(photo.sha256.clone(), photos.len());
                    photos.push(photo);
                    continue;
                }
            },
        };
        excluded.push([raw.path.clone(), reason]);
    }
    (photos, excluded)
}

fn same_file(photos: &[Measured], earlier: usize, photo: &Measured) -> String {
    let earlier = &photos[earlier].raw;
    let but = if earlier.class == photo.raw.class {
        ""
    } else {
        ", which has the other label"
    };
    format!("the same file as {}{but}", earlier.path)
}

fn read(raw: &Raw, number: usize, measurer: &mut Measurer<'_>) -> Result<Measured, PhotoError> {
    let bytes = images::bytes(&raw.file)?;
    let measured = measurer.measure(&bytes)?;
    let photo = &measured.gray;
    Ok(Measured {
        raw: raw.clone(),
        number,
        format: photo.format.as_str(),
        width: photo.width,
        height: photo.height,
        sha256: files::digest::bytes(&bytes),
        hash: hash::difference(photo),
        features: measured.features(),
    })
}

/// Pairs of photos that look alike by their hashes: the later one, the earlier one and the number of bits that
/// differ, in this order. All pairs, since a photo may look like two that do not look like each other.
pub(super) fn look_alikes(hashes: &[u64]) -> Vec<(usize, usize, u32)> {
    let pairs = (0..hashes.len()).into_par_iter().flat_map_iter(|photo| {
        let differing = move |other: usize| (hashes[photo] ^ hashes[other]).count_ones();
        (0..photo)
            .map(move |other| (photo, other, differing(other)))
            .filter(|(_, _, bits)| *bits <= hash::NEAR)
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_may_look_like_two_that_differ() {
        let apart = (1u64 << (hash::NEAR + 2)) - 1; // more bits than two alike may differ in
        let between = (1u64 << hash::NEAR) - 1;
        assert_eq!(look_alikes(&[0, apart]), []);
        assert_eq!(
            look_alikes(&[0, apart, between]),
            [(2, 0, hash::NEAR), (2, 1, 2)]
        );
    }
}
