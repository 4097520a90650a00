//! What models of `nlp` say of rows that they were not trained on, for `validate --labels`.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use models::nlp::{ClassifierOptions, Model, Scratch};
use tables::{label_cell, normalised, sorted_classes, text_cell};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::pipeline::labels::{Judged, Mislabelled, Row};
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::params::Params;

/// The parts into which rows are dealt: each is judged by a model of the others.
const FOLDS: u8 = 5;
/// The part of a row that is never held out.
const NEVER: u8 = u8::MAX;

/// The labelled rows of the raw data.
struct Raw {
    rows: Vec<Row>,
    labels: Vec<u32>,
    classes: Vec<String>,
}

impl Mislabelled for Nlp {
    fn judged(project: &Project, params: &Params, talk: &Talk) -> Result<Judged> {
        let raw = read(project, params)?;
        let seed = project.params().seed;
        let fold_of = deal(&raw, seed);
        let classes = raw.classes.len();
        let mut probabilities = vec![0.0; raw.rows.len() * classes];
        let bar = talk.progress("judging labels", Some(FOLDS.into()));
        for fold in 0..FOLDS {
            let model = fit(&raw, &fold_of, fold, params, seed)?;
            let mut scratch = Scratch::new();
            let held_out = (0..raw.rows.len()).filter(|&row| fold_of[row] == fold);
            for row in held_out {
                let out = &mut probabilities[row * classes..][..classes];
                model.probabilities(&raw.rows[row].text, &mut scratch, out);
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(kept(raw, &fold_of, probabilities))
    }
}

/// Reads the source; rows that break a rule stop it.
fn read(project: &Project, params: &Params) -> Result<Raw> {
    let path = project.path(&params.data.source);
    let files: Vec<PathBuf> = match path.is_dir() {
        true => tables::folder_files(&path)?,
        false => vec![path],
    };
    let (mut rows, mut words) = (Vec::new(), Vec::new());
    for file in files {
        let mut source = tables::open_with(&file, params.data.reading())?;
        let (text, label) = (
            source.column(&params.data.text)?,
            source.column(&params.data.label)?,
        );
        let name = project.shown(&file);
        let mut row = tables::Row::new();
        while source.read(&mut row)? {
            words.push(label_cell(&row, label, source.as_ref())?);
            rows.push(Row {
                file: name.clone(),
                line: row.line(),
                text: text_cell(&row, text, source.as_ref())?.to_owned(),
            });
        }
    }
    let classes = sorted_classes(words.iter().map(String::as_str));
    let number: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    let labels = words.iter().map(|word| number[word.as_str()]).collect();
    Ok(Raw {
        rows,
        labels,
        classes,
    })
}

/// Deals the rows of each class in the order of their texts' hashes; equal texts go together, so that no model has seen
/// the text that it judges. A class that would be in one part only is never held out.
fn deal(raw: &Raw, seed: u64) -> Vec<u8> {
    let mut buffer = String::new();
    let mut key = |text: &str| {
        normalised(text, &mut buffer);
        xxh3_64_with_seed(buffer.as_bytes(), seed)
    };
    let keys: Vec<u64> = raw.rows.iter().map(|row| key(&row.text)).collect();
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&row| (raw.labels[row], keys[row], row));
    let mut fold_of_key: HashMap<u64, u8> = HashMap::new();
    let mut dealt = vec![0_usize; raw.classes.len()];
    let mut folds = vec![NEVER; keys.len()];
    for row in order {
        let next = &mut dealt[raw.labels[row] as usize];
        folds[row] = *fold_of_key.entry(keys[row]).or_insert_with(|| {
            *next += 1;
            (*next % usize::from(FOLDS)) as u8
        });
    }
    let mut parts = vec![[false; FOLDS as usize]; raw.classes.len()];
    for (&label, &fold) in raw.labels.iter().zip(&folds) {
        parts[label as usize][usize::from(fold)] = true;
    }
    let is_alone = |label: u32| parts[label as usize].iter().filter(|has| **has).count() < 2;
    for (fold, &label) in folds.iter_mut().zip(&raw.labels) {
        if is_alone(label) {
            *fold = NEVER;
        }
    }
    folds
}

/// The model of all rows but those of a part.
fn fit(raw: &Raw, fold_of: &[u8], fold: u8, params: &Params, seed: u64) -> Result<Model> {
    let rows: Vec<usize> = (0..raw.rows.len())
        .filter(|&row| fold_of[row] != fold)
        .collect();
    let texts: Vec<&str> = rows.iter().map(|&row| &*raw.rows[row].text).collect();
    let labels: Vec<u32> = rows.iter().map(|&row| raw.labels[row]).collect();
    let options = ClassifierOptions {
        seed,
        ..params.options.clone()
    };
    let fitted = options.fit(texts, &labels, raw.classes.clone(), &|_| {});
    let (model, _) = fitted.context("a model that judges the labels cannot be trained")?;
    Ok(model)
}

/// The rows that were held out.
fn kept(raw: Raw, fold_of: &[u8], probabilities: Vec<f64>) -> Judged {
    let classes = raw.classes.len();
    let mut judged = Judged {
        rows: Vec::new(),
        labels: Vec::new(),
        probabilities: Vec::new(),
        unjudged: 0,
        classes: raw.classes,
    };
    for (row, at) in raw.rows.into_iter().zip(0..) {
        if fold_of[at] == NEVER {
            judged.unjudged += 1;
            continue;
        }
        judged.rows.push(row);
        judged.labels.push(raw.labels[at]);
        judged
            .probabilities
            .extend_from_slice(&probabilities[at * classes..][..classes]);
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_held_out_together_and_lone_classes_never() {
        let texts = ["a b", "A  b", "c", "d", "e", "f", "alone"];
        let rows = texts.iter().map(|text| Row {
            file: String::new(),
            line: 0,
            text: (*text).to_owned(),
        });
        let raw = Raw {
            rows: rows.collect(),
            labels: vec![0, 1, 0, 0, 1, 1, 2],
            classes: ["x", "y", "z"].map(str::to_owned).into(),
        };
        let folds = deal(&raw, 1);
        assert_eq!(folds[0], folds[1]);
        assert_eq!(folds[6], NEVER);
        assert!(folds[..6].iter().all(|fold| *fold < FOLDS));
    }
}
