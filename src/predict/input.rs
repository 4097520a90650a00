//! Opens the input of `predict`: a file, a folder, stdin, or inputs given on the command line.

use std::io;
use std::path::Path;

use anyhow::Result;

use super::format_note::with_format_note;
use super::{Port, Request};
use crate::exit;
use crate::talk::Talk;
use tables::{Compression, Decimal, Format, Peeked, Source};

/// The name, in messages, of the source of inputs given on the command line.
pub(crate) const COMMAND_LINE: &str = "the command line";

/// As [`open`], with the decimal mark of the model's training data unless another one is given.
pub(crate) fn open_numbers(
    request: &Request,
    columns: &[&str],
    decimal: Option<Decimal>,
    talk: &Talk,
) -> Result<Box<dyn Source>> {
    let mut request = request.clone();
    request.reading.decimal = request.reading.decimal.or(decimal);
    open(&request, columns, talk)
}

/// Opens the requested input. Without one: the inputs on the command line, in the first of `columns`, or else
/// stdin. An input without any bytes is a table with `columns` and no rows.
pub(crate) fn open(request: &Request, columns: &[&str], talk: &Talk) -> Result<Box<dyn Source>> {
    if let (None, false, Some(column)) = (&request.input, request.asked.is_empty(), columns.first())
    {
        let asked = request.asked.clone();
        return Ok(tables::from_values(COMMAND_LINE, column, asked));
    }
    let source = match &request.input {
        Some(Port::File(path)) if is_empty_folder(path) => {
            tables::without_rows(&path.display().to_string(), columns)
        }
        _ => open_input(request, talk)?,
    };
    if source.columns().is_empty() {
        return check_for_rows(tables::without_rows(source.file(), columns), request, talk);
    }
    check_for_rows(source, request, talk)
}

fn open_input(request: &Request, talk: &Talk) -> Result<Box<dyn Source>> {
    match &request.input {
        Some(Port::File(path)) => {
            if let Some(note) = tables::describe_folder(path) {
                talk.note(format!("{}: {note}", path.display()));
            }
            talk.recognised(path, request.reading, |flag| {
                format!("override it with --{flag}")
            });
            Ok(tables::open_with(path, request.reading)?)
        }
        Some(Port::Standard) | None => {
            let format = request.format.unwrap_or(Format::Csv);
            let stdin = Box::new(io::stdin());
            let none = Compression::None;
            let source = tables::open_as_with(stdin, "stdin", format, none, request.reading)?;
            Ok(with_format_note(source, *talk))
        }
    }
}

/// Notes that an input has no rows, or refuses it if rows are required.
pub(crate) fn check_for_rows(
    source: Box<dyn Source>,
    request: &Request,
    talk: &Talk,
) -> Result<Box<dyn Source>> {
    let mut source = Peeked::new(source);
    if source.peek(0).is_some() {
        return Ok(Box::new(source));
    }
    let file = source.file();
    if request.require_input {
        return Err(exit::data(format!(
            "{file} has no rows, but --require-input is set"
        )));
    }
    talk.note(format!("{file} has no rows: nothing new to score"));
    Ok(Box::new(source))
}

/// Whether a folder is empty apart from hidden files, like an incoming folder on a quiet day.
pub(crate) fn is_empty_folder(path: &Path) -> bool {
    let hidden = |entry: &std::fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let is_empty = |entry: std::fs::DirEntry| hidden(&entry) || is_empty_folder(&entry.path());
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.all(|entry| entry.is_ok_and(is_empty)),
        Err(_) => false,
    }
}
