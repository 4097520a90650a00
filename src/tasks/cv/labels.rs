//! Which class a label or a folder of photos stands for: the class's own word, or one that `cv.data.classes`
//! names.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::classes::{ClassWords, sub_folders};
use crate::exit;
use crate::talk::Talk;
use images::list;
use models::cv::Class;
use tables::{ReadErrorKind, shown};

/// What labels commonly are instead of `blurred` and `sharp`.
pub(crate) const WORDS: ClassWords = ClassWords {
    key: "cv.data.classes",
    is_known: |label| label.parse::<Class>().is_ok(),
    classes: &[
        (
            "blurred",
            &[
                "0",
                "blur",
                "blurry",
                "blurredimages",
                "blurryimages",
                "unsharp",
                "notsharp",
                "soft",
                "outoffocus",
                "defocused",
                "defocusedblurred",
                "motionblurred",
                "bad",
                "nok",
                "notok",
                "poor",
                "reject",
                "rejected",
            ],
        ),
        (
            "sharp",
            &[
                "1",
                "ok",
                "okay",
                "good",
                "clear",
                "clean",
                "crisp",
                "infocus",
                "focused",
                "sharpimages",
                "notblurred",
                "notblurry",
                "unblurred",
                "undistorted",
                "accept",
                "accepted",
            ],
        ),
    ],
};

/// The map of labels to classes; without an entry the classes' own words (and 1 and 0) are labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, Class>);

/// The sub-folders of a folder of photos.
pub(super) struct Folders {
    /// Those that are a class, by name.
    pub classes: Vec<(String, Class)>,
    /// Those that are none but hold photos, by name.
    pub others: Vec<String>,
}

impl Labels {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The class of a label.
    ///
    /// # Errors
    /// Why it has none, and how to name one.
    pub(super) fn class(&self, label: &str) -> Result<Class, String> {
        if let Some(class) = self.0.get(label).or_else(|| self.0.get(label.trim())) {
            return Ok(*class);
        }
        label.parse().map_err(|unknown| match self.is_empty() {
            true => format!(
                "{unknown}; to use labels of your own, set cv.data.classes, for example {}",
                WORDS.example(&[label.to_owned()])
            ),
            false => {
                let known: Vec<String> = self.0.keys().map(|label| shown(label)).collect();
                let label = shown(label);
                format!(
                    "unknown label `{label}`; cv.data.classes has {}",
                    known.join(", ")
                )
            }
        })
    }

    /// The class of a cell, for errors that name its place.
    pub(super) fn class_of_cell(&self, label: &str) -> Result<Class, ReadErrorKind> {
        self.class(label).map_err(ReadErrorKind::Label)
    }

    /// The sub-folders of `source`; no classes where it is a table or a folder of tables.
    ///
    /// # Errors
    /// If a folder cannot be read, if photos are in sub-folders none of which is a class, and if the map names
    /// one that is missing while another would be left out.
    pub(super) fn folders(&self, source: &Path) -> Result<Folders> {
        let mut found = Folders {
            classes: Vec::new(),
            others: Vec::new(),
        };
        if !source.is_dir() {
            return Ok(found);
        }
        for name in sub_folders(source)? {
            match self.class(&name) {
                Ok(class) => found.classes.push((name, class)),
                Err(_) if holds_photos(&source.join(&name))? => found.others.push(name),
                Err(_) => {}
            }
        }
        if found.classes.is_empty() && !found.others.is_empty() && !tables::holds_tables(source) {
            return Err(exit::usage(no_class(source, &found.others)));
        }
        let is_there = |label: &&String| found.classes.iter().any(|(name, _)| name == *label);
        if !found.classes.is_empty()
            && !found.others.is_empty()
            && let Some(missing) = self.0.keys().find(|label| !is_there(label))
        {
            return Err(exit::usage(format!(
                "{}: cv.data.classes names `{}`, and there is no such folder; it holds {}",
                source.display(),
                shown(missing),
                listed(&found)
            )));
        }
        Ok(found)
    }
}

impl Folders {
    /// Says which folders with photos are left out.
    pub fn say_left_out(&self, source: &Path, talk: &Talk) {
        if self.classes.is_empty() || self.others.is_empty() {
            return;
        }
        talk.note(format!(
            "{}: left out the folders {}, which are no class of cv.data.classes",
            source.display(),
            names(&self.others)
        ));
    }
}

fn listed(folders: &Folders) -> String {
    let classes = folders.classes.iter().map(|(name, _)| name);
    let all: Vec<String> = classes.chain(&folders.others).cloned().collect();
    names(&all)
}

fn names(folders: &[String]) -> String {
    let names: Vec<String> = folders.iter().map(|name| shown(name)).collect();
    names.join(", ")
}

fn no_class(source: &Path, others: &[String]) -> String {
    format!(
        "{}: which class are the photos in {}? Name the folders `sharp` and `blurred`, or set cv.data.classes, \
         for example {}",
        source.display(),
        names(others),
        WORDS.example(others)
    )
}

fn holds_photos(folder: &Path) -> Result<bool> {
    let listing = list::photos(folder).with_context(|| folder.display().to_string())?;
    Ok(!listing.photos.is_empty())
}
