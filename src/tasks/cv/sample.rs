//! Sample photos: painted ones, or real sharp photos that are blurred.

pub mod photo;

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};

use self::photo::{SamplePhoto, VERSIONS, Version};
use crate::exit;
use crate::pipeline::sample::{Sample, Writer};
use crate::tasks::cv::Cv;
use crate::tasks::cv::params::Params;
use images::{Decoder, list};
use models::cv::Class;

/// The table of labelled photos, and the folders of both kinds.
const TABLE: &str = "photos/labels.csv";
const LABELLED: &str = "photos";
const INCOMING: &str = "incoming";
/// Scenes of the photos to be scored: none of the labelled ones.
const FIRST_INCOMING: u64 = 1 << 32;

impl Sample for Cv {
    const FILES: &'static [&'static str] = &[];

    fn files(params: &Params, from: Option<&Path>) -> Result<Vec<String>> {
        let scenes = match from {
            Some(folder) => photos_of(folder)?,
            None => params.sample.scenes,
        };
        let labelled = (0..scenes)
            .flat_map(|scene| (0..VERSIONS.len()).map(move |version| labelled(scene, version)));
        let incoming = (0..params.sample.incoming).map(incoming);
        Ok(std::iter::once(TABLE.to_owned())
            .chain(labelled)
            .chain(incoming.take_while(|_| from.is_none()))
            .collect())
    }

    fn write(params: &Params, seed: u64, name: &str, out: &mut dyn Write) -> io::Result<()> {
        if name == TABLE {
            return table(seed, params.sample.scenes, out);
        }
        out.write_all(&numbered(name, seed, params.sample.largest)?.painted().jpeg)
    }

    fn writer_from<'a>(params: &'a Params, seed: u64, from: &'a Path) -> Result<Writer<'a>> {
        let photos = list::photos(from)?.photos;
        let decoder = Decoder::new();
        Ok(Box::new(move |name, out| {
            if name == TABLE {
                return table(seed, photos.len(), out);
            }
            let version = numbered(name, seed, params.sample.largest)?;
            let file = from.join(&photos[version.scene as usize]);
            let photo = decoder
                .read(&file)
                .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
            let SamplePhoto { jpeg, .. } = version.of(&photo.pixels, photo.width, photo.height);
            out.write_all(&jpeg)
        }))
    }
}

fn photos_of(folder: &Path) -> Result<usize> {
    let listing = list::photos(folder).with_context(|| folder.display().to_string())?;
    match listing.photos.len() {
        0 => Err(exit::data(format!("{} holds no photos", folder.display()))),
        photos => Ok(photos),
    }
}

fn labelled(scene: usize, version: usize) -> String {
    format!("{LABELLED}/{scene:05}_{}.jpg", VERSIONS[version])
}

fn incoming(number: usize) -> String {
    format!("{INCOMING}/{number:05}.jpg")
}

/// The version of a scene, from the name of its photo.
fn numbered(name: &str, seed: u64, largest: usize) -> io::Result<Version> {
    let wrong = || io::Error::other(format!("{name} is not the name of a sample photo"));
    let (folder, file) = name.split_once('/').ok_or_else(wrong)?;
    let stem = file.strip_suffix(".jpg").ok_or_else(wrong)?;
    if folder == INCOMING {
        let number: u64 = stem.parse().map_err(|_| wrong())?;
        return Ok(Version {
            seed,
            scene: FIRST_INCOMING + number,
            version: number as usize % VERSIONS.len(),
            largest,
        });
    }
    let (scene, version) = stem.split_once('_').ok_or_else(wrong)?;
    Ok(Version {
        seed,
        scene: scene.parse().map_err(|_| wrong())?,
        version: VERSIONS
            .iter()
            .position(|&known| known == version)
            .ok_or_else(wrong)?,
        largest,
    })
}

fn table(seed: u64, scenes: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["path", "label", "kind", "strength", "scene"])?;
    for scene in 0..scenes {
        for version in 0..VERSIONS.len() {
            let drawn = Version {
                seed,
                scene: scene as u64,
                version,
                largest: 0, // which changes nothing in the table
            };
            let (label, kind, strength) = match drawn.blur() {
                Some(blur) => (Class::Blurred, blur.kind(), blur.strength().to_string()),
                None => (Class::Sharp, Class::Sharp.as_str(), String::new()),
            };
            let path = labelled(scene, version);
            let path = path.trim_start_matches(&format!("{LABELLED}/")).to_owned();
            out.write_record([&path, label.as_str(), kind, &strength, &scene.to_string()])?;
        }
    }
    out.flush()
}
