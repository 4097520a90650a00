//! Checks of `cv` data: every photo is read, and its measurements become columns that rules can refer to.

mod alike;

use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::exit;
use crate::pipeline::validate::classes::{self, Labels};
use crate::pipeline::validate::finding::Gathered;
use crate::pipeline::validate::keys::{Keyed, Keys};
use crate::pipeline::validate::leaks::{self, Key};
use crate::pipeline::validate::schema::{ColumnRules, Span};
use crate::pipeline::validate::{Checked, Job, TaskRule, Validate, parts, table};
use crate::report::validate::{Finding, Level};
use crate::talk::Talk;
use crate::tasks::cv::Cv;
use crate::tasks::cv::labels::Folders;
use crate::tasks::cv::params::Params;
use crate::tasks::cv::photos;
use images::{Decoder, PhotoError};
use models::cv::Class;
use tables::blocks::{Block, Blocks, Head, Spot};
use tables::profile::Columns;
use tables::{Column, Kind, Row};

/// Columns of measurements, after those of the table.
const MEASURED: [&str; 6] = [
    "format",
    "width",
    "height",
    "bytes",
    "brightness",
    "contrast",
];

impl Validate for Cv {
    const RULES: &'static [TaskRule] = &[
        TaskRule::at_least("classes", "2", Level::Error, "distinct labels"),
        TaskRule::at_least(
            "rows_per_class",
            "2",
            Level::Warning,
            "photos of the smallest class",
        ),
        TaskRule::at_most(
            "balance",
            "20",
            Level::Warning,
            "ratio of the photos of the larger and the smaller class",
        ),
        TaskRule::at_most(
            "labels",
            "0",
            Level::Error,
            "share of labels that are neither sharp nor blurred",
        ),
        TaskRule::at_most(
            "missing",
            "0",
            Level::Error,
            "share of photos that do not exist",
        ),
        TaskRule::at_most(
            "unreadable",
            "0",
            Level::Warning,
            "share of photos that cannot be read or measured; `prepare` leaves them out",
        ),
        TaskRule::at_most(
            "duplicates",
            "0",
            Level::Warning,
            "share of photos that are the same file as an earlier one",
        ),
        TaskRule::at_most(
            "conflicts",
            "0",
            Level::Error,
            "share of photos that are the same file as one with another label",
        ),
        TaskRule::at_most(
            "odd_size",
            "0",
            Level::Warning,
            "share of photos with 16 times more or fewer pixels than the median",
        ),
        TaskRule::at_most(
            "leakage",
            "0",
            Level::Error,
            "prepared: share of test photos whose file, scene or look-alike is also in the training part",
        ),
    ];

    fn columns(params: &Params) -> Vec<(String, ColumnRules)> {
        let range = |min: &str, max: Option<&str>| ColumnRules {
            range: Some(Span::between(min, max, Level::Warning)),
            ..ColumnRules::default()
        };
        vec![
            (params.data.path.clone(), ColumnRules::default()),
            (params.data.label.clone(), ColumnRules::default()),
            ("width".to_owned(), range("32", None)),
            ("height".to_owned(), range("32", None)),
            ("brightness".to_owned(), range("16", Some("239"))),
            ("contrast".to_owned(), range("6", None)),
        ]
    }

    fn raw(job: &Job<Params>) -> Result<Checked> {
        let data = &job.params.data;
        job.each_source(&data.source, data.test.as_deref(), |path| raw(job, path))
    }

    fn prepared(job: &Job<Params>) -> Result<Checked> {
        let column = |name: &'static str| {
            move |head: &Head, row: usize, block: &Block| {
                let text = block.bytes_of(row, head.find(name)?);
                (!text.is_empty()).then(|| xxh3_64(text))
            }
        };
        let (file, scene) = (column("sha256"), column("scene"));
        let keys = [
            Key {
                what: "file",
                of: &file,
            },
            Key {
                what: "scene",
                of: &scene,
            },
        ];
        let paths = parts::<Cv>(job.project)?;
        let mut parts = leaks::check(job, &paths, &keys)?;
        let alike = alike::across_parts(job, &paths)?;
        let rows = parts.tables[1].rows;
        let finding = leaks::finding(job, &parts.head, rows, "look-alike", alike);
        parts.checked.findings.extend(finding);
        Ok(parts.checked)
    }
}

/// The photos of the raw data, with the columns of their table.
struct Listed {
    columns: Vec<Column>,
    files: Vec<String>,
    photos: Vec<Photo>,
    path: usize,
    label: usize,
}

struct Photo {
    spot: Spot,
    file: PathBuf,
    cells: Vec<String>,
}

/// Measurements of a photo.
struct Measured {
    format: &'static str,
    width: usize,
    height: usize,
    bytes: usize,
    brightness: f64,
    contrast: f64,
    digest: u64,
}

fn raw(job: &Job<Params>, source: &Path) -> Result<Checked> {
    let listed = list(job, source)?;
    let measured = measure(&listed.photos, job.talk);
    let blocks = || Ok(blocks(&listed, &measured));
    let mut read = table::read_blocks(job, blocks, source, Columns::All, |_| ())?;
    let mut findings = std::mem::take(&mut read.findings);
    let labels = Labels::of(&read.table, listed.label);
    findings.extend(classes::check(job, blocks, &read, listed.label, &labels)?);
    findings.extend(wrong_labels(job, &read, &listed));
    findings.extend(unreadable(job, &read, &listed, &measured));
    findings.extend(odd_sizes(job, &read, &listed, &measured));
    findings.extend(repeats(job, &read, &listed, &measured)?);
    Ok(Checked {
        tables: vec![read.summary],
        findings,
    })
}

fn list(job: &Job<Params>, source: &Path) -> Result<Listed> {
    let folders = job.params.data.classes.folders(source)?;
    let listed = match folders.classes.is_empty() {
        true => from_table(job, source)?,
        false => from_folders(job, source, &folders)?,
    };
    match listed.photos.is_empty() {
        true => Err(exit::data(format!(
            "{} holds no photos",
            job.project.shown(source)
        ))),
        false => Ok(listed),
    }
}

fn from_folders(job: &Job<Params>, source: &Path, folders: &Folders) -> Result<Listed> {
    let raw = photos::from_folders(source, folders, job.talk)?;
    let photos = raw.iter().enumerate().map(|(number, raw)| Photo {
        spot: Spot::new(number, 0),
        file: raw.file.clone(),
        cells: vec![raw.path.clone(), raw.class.to_string()],
    });
    Ok(Listed {
        photos: photos.collect(),
        columns: [&job.params.data.path, &job.params.data.label]
            .map(Column::new)
            .to_vec(),
        files: raw.iter().map(|raw| job.project.shown(&raw.file)).collect(),
        path: 0,
        label: 1,
    })
}

fn from_table(job: &Job<Params>, path: &Path) -> Result<Listed> {
    let mut source = tables::open_with(path, job.reading)?;
    let (path_cell, label) = (
        source.column(&job.params.data.path)?,
        source.column(&job.params.data.label)?,
    );
    let base = photos::base(path);
    let mut listed = Listed {
        columns: source.columns().to_vec(),
        files: Vec::new(),
        photos: Vec::new(),
        path: path_cell,
        label,
    };
    let mut row = Row::new();
    while source.read(&mut row)? {
        let name = job.project.shown(Path::new(source.file()));
        if listed.files.last() != Some(&name) {
            listed.files.push(name);
        }
        listed.photos.push(Photo {
            spot: Spot::new(listed.files.len() - 1, row.line()),
            file: base.join(row.text(path_cell)),
            cells: row.cells().map(|(_, text)| text.to_owned()).collect(),
        });
    }
    Ok(listed)
}

fn measure(photos: &[Photo], talk: &Talk) -> Vec<Result<Measured, PhotoError>> {
    let bar = talk.progress("reading photos", Some(photos.len() as u64));
    let decoder = Decoder::new();
    let measured = photos.par_iter().map(|photo| {
        bar.inc(1);
        measure_file(&photo.file, &decoder)
    });
    let measured = measured.collect();
    bar.finish_and_clear();
    measured
}

fn measure_file(file: &Path, decoder: &Decoder) -> Result<Measured, PhotoError> {
    let bytes = images::bytes(file)?;
    let photo = decoder.decode(&bytes)?;
    // Whole numbers, so that the sums are the same in any order.
    let mut counts = [0u64; 256];
    photo
        .pixels
        .iter()
        .for_each(|&pixel| counts[usize::from(pixel)] += 1);
    let shades = || counts.iter().enumerate();
    let pixels = photo.pixels.len() as f64;
    let sum: u64 = shades().map(|(shade, count)| shade as u64 * count).sum();
    let squares: u64 = shades()
        .map(|(shade, count)| (shade * shade) as u64 * count)
        .sum();
    let brightness = sum as f64 / pixels;
    Ok(Measured {
        format: photo.format.as_str(),
        width: photo.width,
        height: photo.height,
        bytes: bytes.len(),
        brightness,
        contrast: (squares as f64 / pixels - brightness * brightness)
            .max(0.0)
            .sqrt(),
        digest: xxh3_64(&bytes),
    })
}

/// The table with the measurements added.
fn blocks(listed: &Listed, measured: &[Result<Measured, PhotoError>]) -> Blocks {
    // A column of the table takes precedence over a measurement of the same name.
    let known = |name: &str| listed.columns.iter().any(|column| column.name == name);
    let added: Vec<usize> = (0..MEASURED.len())
        .filter(|&index| !known(MEASURED[index]))
        .collect();
    let rows = listed.photos.iter().zip(measured).map(|(photo, measured)| {
        let mut row = Row::new();
        row.set_line(photo.spot.line());
        photo
            .cells
            .iter()
            .for_each(|cell| row.push(Kind::Text, cell));
        let cells = measured.as_ref().map_or_else(|_| Default::default(), cells);
        added
            .iter()
            .for_each(|&index| row.push(Kind::Text, &cells[index]));
        (photo.spot.file(), row)
    });
    let rows: Vec<(usize, Row)> = rows.collect();
    let mut columns = listed.columns.clone();
    columns.extend(added.iter().map(|&index| Column::new(MEASURED[index])));
    Blocks::of_rows(columns, listed.files.clone(), &rows)
}

fn cells(of: &Measured) -> [String; MEASURED.len()] {
    [
        of.format.to_owned(),
        of.width.to_string(),
        of.height.to_string(),
        of.bytes.to_string(),
        format!("{:.1}", of.brightness),
        format!("{:.1}", of.contrast),
    ]
}

fn wrong_labels(job: &Job<Params>, read: &table::Read<()>, listed: &Listed) -> Option<Finding> {
    let mut gathered = Gathered::new(job.shown);
    for photo in &listed.photos {
        let label = &photo.cells[listed.label];
        if job.params.data.classes.class(label).is_err() {
            gathered.add(photo.spot, || label.clone());
        }
    }
    let says = match job.params.data.classes.is_empty() {
        true => {
            "have a label that is neither sharp nor blurred (1 nor 0); cv.data.classes maps others"
        }
        false => "have a label that is not in cv.data.classes",
    };
    read.share(
        job,
        "labels",
        Some(listed.label),
        &gathered,
        ["photos", says],
    )
}

/// Photos that are missing, and those that cannot be read or measured.
fn unreadable(
    job: &Job<Params>,
    read: &table::Read<()>,
    listed: &Listed,
    measured: &[Result<Measured, PhotoError>],
) -> Vec<Finding> {
    let (mut missing, mut unreadable) = (Gathered::new(job.shown), Gathered::new(job.shown));
    for (photo, measured) in listed.photos.iter().zip(measured) {
        let Err(error) = measured else { continue };
        let path = &photo.cells[listed.path];
        match error {
            PhotoError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                missing.add(photo.spot, || path.clone());
            }
            _ => unreadable.add(photo.spot, || format!("{path}: {error}")),
        }
    }
    let found = [
        ("missing", missing, "do not exist"),
        ("unreadable", unreadable, "cannot be read or measured"),
    ];
    let findings = found.into_iter().filter_map(|(rule, gathered, says)| {
        read.share(job, rule, Some(listed.path), &gathered, ["photos", says])
    });
    findings.collect()
}

fn odd_sizes(
    job: &Job<Params>,
    read: &table::Read<()>,
    listed: &Listed,
    measured: &[Result<Measured, PhotoError>],
) -> Option<Finding> {
    const TIMES: usize = 16;
    let pixels = |of: &Measured| of.width * of.height;
    let mut sizes: Vec<usize> = measured.iter().flatten().map(pixels).collect();
    sizes.sort_unstable();
    let middle = *sizes.get(sizes.len() / 2)?;
    let mut gathered = Gathered::new(job.shown);
    for (photo, measured) in listed.photos.iter().zip(measured) {
        if let Ok(of) = measured
            && (pixels(of) > TIMES * middle || pixels(of) * TIMES < middle)
        {
            let path = &photo.cells[listed.path];
            gathered.add(photo.spot, || {
                format!("{path}: {} x {}", of.width, of.height)
            });
        }
    }
    let says = "have 16 times more or fewer pixels than the median";
    read.share(
        job,
        "odd_size",
        Some(listed.path),
        &gathered,
        ["photos", says],
    )
}

/// Photos that are the same file as an earlier one.
fn repeats(
    job: &Job<Params>,
    read: &table::Read<()>,
    listed: &Listed,
    measured: &[Result<Measured, PhotoError>],
) -> Result<Vec<Finding>> {
    let mut keys = Keys::default();
    let pairs = listed.photos.iter().zip(measured);
    let keyed = pairs.filter_map(|(photo, measured)| {
        let class = job.params.data.classes.class(&photo.cells[listed.label]);
        Some(Keyed {
            key: measured.as_ref().ok()?.digest,
            spot: photo.spot,
            tag: class.map_or(Class::ALL.len(), Class::index) as u32,
        })
    });
    keys.extend(&keyed.collect::<Vec<_>>())?;
    let rules = [
        ("duplicates", "are the same file as an earlier one"),
        ("conflicts", "are the same file as one with another label"),
    ];
    read.repeats(job, &mut keys, listed.path, "photos", rules)
}
