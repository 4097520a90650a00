//! Preparation of `cv`: measures raw photos and splits them into a training and a test part.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::photos::{self, Measured, Raw, look_alikes, measure};
use crate::exit;
use crate::pipeline::prepare::{Prepare, data_files, warn_excluded, write_part, write_table};
use crate::pipeline::split::{Groups, hash, stratified};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{TEST, TRAIN};
use crate::tasks::cv::Cv;
use crate::tasks::cv::params::Params;
use models::cv::{Class, NAMES};
use tables::{Column, Kind, PHOTO_COLUMNS, Row};

/// The file of excluded photos with their reasons.
const EXCLUDED: &str = "excluded.csv";
/// The file of pairs of photos that look alike.
const ALIKE: &str = "look_alikes.csv";

/// Which photos are in which part, and what was left out.
pub struct Parts {
    photos: Vec<Measured>,
    /// Scene of each photo: the number of its first photo.
    scenes: Vec<usize>,
    train: Vec<usize>,
    test: Vec<usize>,
    /// Path and reason.
    excluded: Vec<[String; 2]>,
    /// Two paths and the bits in which their hashes differ.
    alike: Vec<(usize, usize, u32)>,
}

/// The result of a split, in numbers.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    train: usize,
    test: usize,
    scenes: usize,
    /// Files that cannot be measured, and copies of others.
    excluded: usize,
    /// Pairs of photos that look alike.
    look_alikes: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} train and {} test photos of {} scenes",
            self.train, self.test, self.scenes
        )?;
        if self.excluded > 0 {
            write!(f, ", {} left out ({EXCLUDED})", self.excluded)?;
        }
        Ok(())
    }
}

impl Prepare for Cv {
    type Summary = Summary;
    type Parts = Parts;

    fn data(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = &params.data;
        data_files(project, &data.source, data.test.as_deref())
    }

    /// For a table, the folder that its paths start from, unless that is the whole project.
    fn other_inputs(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = Self::data(project, params);
        let tables = data.iter().filter(|input| !input.is_dir());
        let folders = tables.map(|table| photos::base(table));
        folders
            .filter(|folder| *folder != project.path(""))
            .collect()
    }

    fn split(project: &Project, params: &Params, talk: &Talk) -> Result<(Parts, Summary)> {
        let mut raw = photos::list(&project.path(&params.data.source), params, talk)?;
        let tested = raw.len();
        if let Some(test) = &params.data.test {
            raw.extend(photos::list(&project.path(test), params, talk)?);
        }
        let (photos, excluded) = measure(&raw, talk);
        let lines = excluded.iter();
        let lines = lines.map(|[path, reason]| format!("{path}: {reason}"));
        warn_excluded(lines, EXCLUDED, talk);
        refuse_one_class(&photos, params)?;

        let mut groups = Groups::new(photos.len());
        groups.join_equal(photos.iter().map(|photo| photo.raw.scene.as_deref()));
        let hashes: Vec<u64> = photos.iter().map(|photo| photo.hash).collect();
        let mut alike = look_alikes(&hashes);
        for &(a, b, _) in &alike {
            groups.join(a, b);
        }
        alike.dedup_by_key(|(photo, ..)| *photo); // the first that each looks like is named
        let in_test = match &params.data.test {
            Some(_) => split_by_source(&photos, &mut groups, tested),
            None => split_by_scene(
                &photos,
                &mut groups,
                params.test_share,
                project.params().seed,
            ),
        };
        let scenes: Vec<usize> = (0..photos.len()).map(|photo| groups.first(photo)).collect();
        let of = |part| {
            (0..photos.len())
                .filter(|&photo| in_test[photo] == Some(part))
                .collect()
        };
        let (train, test): (Vec<usize>, Vec<usize>) = (of(false), of(true));
        let summary = Summary {
            train: train.len(),
            test: test.len(),
            scenes: (0..photos.len())
                .filter(|&photo| scenes[photo] == photo)
                .count(),
            excluded: excluded.len(),
            look_alikes: alike.len(),
        };
        let parts = Parts {
            photos,
            scenes,
            train,
            test,
            excluded,
            alike,
        };
        Ok((parts, summary))
    }

    fn write(parts: &Parts, folder: &Path) -> io::Result<()> {
        parts.write_part(&folder.join(TRAIN), &parts.train)?;
        parts.write_part(&folder.join(TEST), &parts.test)?;
        let excluded = parts.excluded.iter().map(|pair| pair.each_ref());
        write_table(&folder.join(EXCLUDED), ["path", "reason"], excluded)?;
        let path = |photo: usize| parts.photos[photo].raw.path.clone();
        let alike = parts.alike.iter();
        let alike = alike.map(|&(a, b, bits)| [path(a), path(b), bits.to_string()]);
        write_table(
            &folder.join(ALIKE),
            ["path", "looks_like", "differing_bits"],
            alike,
        )
    }
}

fn refuse_one_class(photos: &[Measured], params: &Params) -> Result<()> {
    for class in [Class::Sharp, Class::Blurred] {
        if photos.iter().all(|photo| photo.raw.class != class) {
            return Err(exit::data(format!(
                "{}: no readable photo is {class}; both sharp and blurred ones are needed",
                params.data.source
            )));
        }
    }
    Ok(())
}

/// Splits by scene, stratified by class: whether each photo is in the test part.
fn split_by_scene(
    photos: &[Measured],
    groups: &mut Groups,
    share: f64,
    seed: u64,
) -> Vec<Option<bool>> {
    let paths: Vec<&str> = photos.iter().map(|photo| photo.raw.path.as_str()).collect();
    let strata: Vec<u32> = photos
        .iter()
        .map(|photo| photo.raw.class.index() as u32)
        .collect();
    let hashes: Vec<u64> = paths.iter().map(|path| hash(path, seed)).collect();
    let test = stratified(groups, &hashes, &strata, 2, share);
    test.into_iter().map(Some).collect()
}

/// Uses the photos of the second source as the test part; leaves out photos of the first with a scene of the
/// second (`None`).
fn split_by_source(
    photos: &[Measured],
    groups: &mut Groups,
    first_of_test: usize,
) -> Vec<Option<bool>> {
    let test: Vec<bool> = photos
        .iter()
        .map(|photo| photo.number >= first_of_test)
        .collect();
    let mut tested = vec![false; photos.len()];
    for photo in 0..photos.len() {
        tested[groups.first(photo)] |= test[photo];
    }
    (0..photos.len())
        .map(|photo| match test[photo] {
            true => Some(true),
            false => (!tested[groups.first(photo)]).then_some(false),
        })
        .collect()
}

impl Parts {
    fn write_part(&self, path: &Path, photos: &[usize]) -> io::Result<()> {
        let columns: Vec<Column> = PHOTO_COLUMNS
            .iter()
            .chain(&[images::hash::COLUMN])
            .chain(&NAMES)
            .map(|name| Column::new(*name))
            .collect();
        write_part(path, &columns, photos, |&photo, row| self.push(photo, row))
    }

    fn push(&self, photo: usize, row: &mut Row) {
        let scene = self.scenes[photo];
        let photo = &self.photos[photo];
        let Raw {
            path,
            kind,
            strength,
            source,
            ..
        } = &photo.raw;
        let label = photo.raw.class.as_str();
        for text in [path, label, kind, strength, source] {
            row.push(Kind::Text, text);
        }
        row.push(Kind::Text, &self.photos[scene].raw.path);
        row.push(Kind::Text, photo.format);
        row.push(Kind::Number, &photo.width.to_string());
        row.push(Kind::Number, &photo.height.to_string());
        row.push(Kind::Text, &photo.sha256);
        row.push(Kind::Text, &images::hash::spelled(photo.hash));
        for &feature in &photo.features {
            row.push_number(feature);
        }
    }
}
