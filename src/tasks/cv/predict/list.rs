//! Lists the photos to score as rows: from a folder, a pattern, one photo, a list on stdin, or a table.

use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result};

use super::PATH;
use crate::exit;
use crate::predict::{COMMAND_LINE, Port, Request, check_for_rows, is_empty_folder};
use crate::talk::Talk;
use files::names;
use images::list;
use tables::{
    Column, Compression, Format, Kind, MAX_RECORD, Place, ReadError, ReadErrorKind, Reading, Row,
    Source,
};

pub(super) fn open(request: &Request, talk: &Talk) -> Result<Box<dyn Source>> {
    check_for_rows(open_input(request, talk)?, request, talk)
}

fn open_input(request: &Request, talk: &Talk) -> Result<Box<dyn Source>> {
    if request.input.is_none() && !request.asked.is_empty() {
        let asked = request.asked.clone();
        return Ok(tables::from_values(COMMAND_LINE, PATH, asked));
    }
    let Some(Port::File(path)) = &request.input else {
        return from_stdin(request.format, request.reading);
    };
    let name = names::spell(path);
    if is_empty_folder(path) {
        return Ok(tables::without_rows(&name, &[PATH]));
    }
    if path.is_dir() {
        return folder(path, talk);
    }
    if Format::of_path(path).is_some() {
        talk.recognised(path, request.reading, |flag| {
            format!("override it with --{flag}")
        });
        return listed(tables::open_with(path, request.reading)?);
    }
    if let Err(error) = path.symlink_metadata() {
        return match name.contains(['*', '?', '[']) {
            true => pattern(&name),
            false => Err(Place::file(&name).error(ReadErrorKind::Io(error)).into()),
        };
    }
    Ok(tables::from_values(&name, PATH, vec![name.clone()]))
}

/// A table as it is; an empty file lists no photos.
fn listed(source: Box<dyn Source>) -> Result<Box<dyn Source>> {
    match source.columns().is_empty() {
        true => Ok(tables::without_rows(source.file(), &[PATH])),
        false => Ok(source),
    }
}

/// All files in a folder with a file name extension of photos, at any depth.
fn folder(path: &Path, talk: &Talk) -> Result<Box<dyn Source>> {
    let name = names::spell(path);
    let listing = list::photos(path).with_context(|| name.clone())?;
    if listing.photos.is_empty() {
        return Err(exit::data(format!(
            "{name} holds no photos ({} files with other file name extensions)",
            listing.others
        )));
    }
    if listing.others > 0 {
        let others = listing.others;
        talk.note(format!(
            "{name}: left out {others} files without a file name extension of photos"
        ));
    }
    let photos = listing.photos.iter();
    let paths = photos.map(|photo| names::spell(&path.join(photo)));
    Ok(tables::from_values(&name, PATH, paths.collect()))
}

fn pattern(pattern: &str) -> Result<Box<dyn Source>> {
    let found = glob::glob(pattern).map_err(|error| exit::usage(format!("{pattern}: {error}")))?;
    let mut paths = Vec::new();
    for path in found {
        let path = path.with_context(|| pattern.to_owned())?;
        if !path.is_dir() {
            paths.push(names::spell(&path));
        }
    }
    if paths.is_empty() {
        return Err(exit::data(format!("{pattern} matches no files")));
    }
    Ok(tables::from_values(pattern, PATH, paths))
}

/// A table with a column of paths, or a plain list with one path per line.
fn from_stdin(format: Option<Format>, reading: Reading) -> Result<Box<dyn Source>> {
    let mut input = io::BufReader::new(io::stdin());
    let mut first = Vec::new();
    if format.is_none() {
        let mut line = (&mut input).take(MAX_RECORD as u64);
        line.read_until(b'\n', &mut first).context("stdin")?;
    }
    let header = String::from_utf8_lossy(&first);
    let mut names = header
        .trim_end()
        .split(',')
        .map(|name| name.trim_matches('"'));
    let table = format.is_some() || names.any(|name| name == PATH);
    let whole: Box<dyn Read> = Box::new(Cursor::new(first).chain(input));
    if table {
        let format = format.unwrap_or(Format::Csv);
        return listed(tables::open_as_with(
            whole,
            "stdin",
            format,
            Compression::None,
            reading,
        )?);
    }
    Ok(Box::new(Lines {
        input: Box::new(io::BufReader::new(whole)),
        columns: vec![Column::new(PATH)],
        line: 0,
    }))
}

/// One path per line; empty lines are skipped.
struct Lines {
    input: Box<dyn BufRead>,
    columns: Vec<Column>,
    line: u64,
}

impl Source for Lines {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        let place = |line, kind| Place::line("stdin", line).error(kind);
        loop {
            let mut line = Vec::new();
            let read = (&mut self.input)
                .take(MAX_RECORD as u64)
                .read_until(b'\n', &mut line)
                .map_err(|error| place(self.line + 1, ReadErrorKind::Io(error)))?;
            if read == 0 {
                return Ok(false);
            }
            self.line += 1;
            let text = std::str::from_utf8(&line).map_err(|error| {
                let byte = error.valid_up_to();
                let value = line[byte];
                place(
                    self.line,
                    ReadErrorKind::Utf8 {
                        byte: byte + 1,
                        value,
                    },
                )
            })?;
            let path = text.trim_end_matches(['\n', '\r']);
            if path.is_empty() {
                continue;
            }
            row.clear();
            row.push(Kind::Text, path);
            row.set_line(self.line);
            return Ok(true);
        }
    }

    fn file(&self) -> &str {
        "stdin"
    }
}
