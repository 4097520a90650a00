//! Prepared photos, the input of `cv`. Pixels are measured once, by `prepare`; a row is a photo
//! with its label, its origin and its features.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Kind, ReadError, ReadErrorKind, Row, Source};

/// Columns of a prepared split before the features.
pub const COLUMNS: [&str; 10] = [
    "path", "label", "kind", "strength", "source", "scene", "format", "width", "height", "sha256",
];

/// Labelled photos in memory; `C` is the label type.
#[derive(Clone, Debug, PartialEq)]
pub struct Photos<C> {
    /// Paths as in the raw data, relative to its location.
    pub paths: Vec<String>,
    /// The label of each photo.
    pub classes: Vec<C>,
    /// The kind of blur; empty if the raw data do not give it.
    pub kinds: Vec<String>,
    /// The strength of the blur; `None` if the raw data do not give it.
    pub strengths: Vec<Option<f64>>,
    /// The photo that each was made from, if the raw data give it.
    pub sources: Vec<String>,
    /// The scene of each photo, numbered in order of appearance.
    pub scenes: Vec<u32>,
    /// Width and height of each photo in pixels.
    pub sizes: Vec<(usize, usize)>,
    /// Photos × features.
    pub features: Vec<f64>,
    /// The base folder of the paths, if the photos are still available.
    pub folder: Option<PathBuf>,
}

impl<C> Photos<C> {
    /// The features of each photo.
    ///
    /// # Panics
    /// If the photos were read with a number of feature names other than N.
    pub fn features<const N: usize>(&self) -> Vec<[f64; N]> {
        assert_eq!(
            self.features.len(),
            N * self.paths.len(),
            "expected N features per photo"
        );
        self.features.as_chunks::<N>().0.to_vec()
    }
}

/// Reads a prepared split with the features `names`; stops at the first bad record.
///
/// A strength that is not a number is taken as absent. Ids of scenes are numbered in the order of their
/// first row.
///
/// # Errors
/// If a column is missing, a label is not a `C`, or a feature is not a finite number.
pub fn read_photos<C>(source: &mut dyn Source, names: &[&str]) -> Result<Photos<C>, ReadError>
where
    C: FromStr<Err: Display>,
{
    let cells = COLUMNS
        .iter()
        .map(|name| source.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    let features = names
        .iter()
        .map(|name| source.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    let mut photos = Photos {
        paths: Vec::new(),
        classes: Vec::new(),
        kinds: Vec::new(),
        strengths: Vec::new(),
        sources: Vec::new(),
        scenes: Vec::new(),
        sizes: Vec::new(),
        features: Vec::new(),
        folder: None,
    };
    let mut scenes = std::collections::HashMap::new();
    let mut row = Row::new();
    while source.read(&mut row)? {
        let text = |column: usize| row.text(cells[column]);
        photos.paths.push(text(0).to_owned());
        photos
            .classes
            .push(text(1).parse().map_err(|error: C::Err| {
                let kind = ReadErrorKind::Label(error.to_string());
                source.place(&row, cells[1]).error(kind)
            })?);
        photos.kinds.push(text(2).to_owned());
        photos.strengths.push(text(3).parse().ok());
        photos.sources.push(text(4).to_owned());
        let next = scenes.len() as u32;
        photos
            .scenes
            .push(*scenes.entry(text(5).to_owned()).or_insert(next));
        let side = |column: usize| {
            let side = text(column).parse::<usize>();
            side.map_err(|_| {
                let kind = ReadErrorKind::NotNumber(text(column).to_owned());
                source.place(&row, cells[column]).error(kind)
            })
        };
        photos.sizes.push((side(7)?, side(8)?));
        for &cell in &features {
            photos.features.push(number(&row, cell, source)?);
        }
    }
    Ok(photos)
}

fn number(row: &Row, cell: usize, source: &dyn Source) -> Result<f64, ReadError> {
    let text = row.text(cell);
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && row.kind(cell) != Kind::Null => Ok(value),
        _ => Err(source
            .place(row, cell)
            .error(ReadErrorKind::NotNumber(text.to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, Format, open_as};
    use super::*;

    fn read(label: &str, feature: &str) -> Result<Photos<bool>, ReadError> {
        let text = format!(
            "{},f\na.jpg,{label},disk,1.5,lab,s1,jpeg,20,30,abc,{feature}\n",
            COLUMNS.join(",")
        );
        let input = Box::new(std::io::Cursor::new(text));
        let mut source = open_as(input, "train.csv", Format::Csv, Compression::None)?;
        read_photos(source.as_mut(), &["f"])
    }

    #[test]
    fn a_row_comes_back() {
        let photos = read("false", "0.25").unwrap();
        assert_eq!((photos.classes, photos.features), (vec![false], vec![0.25]));
        assert_eq!(photos.strengths, [Some(1.5)]);
        assert_eq!(photos.sizes, [(20, 30)]);
    }

    #[test]
    fn bad_cells_are_placed() {
        assert_eq!(
            read("soft", "1").unwrap_err().to_string(),
            "train.csv:2: column 2 (label): provided string was not `true` or `false`"
        );
        let message = read("true", "NaN").unwrap_err().to_string();
        assert!(
            message.starts_with("train.csv:2: column 11 (f): `NaN`"),
            "{message}"
        );
    }
}
