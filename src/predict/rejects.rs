//! `OUT.rejects.csv`: rows that could not be scored, each with its place and reason.

use std::fs::File;
use std::io;

use super::Reject;
use tables::{Column, Compression, Format, Kind, Row, Sink};

/// The list of rejects, open.
pub(super) struct Rejects {
    sink: Sink,
    row: Row,
}

impl Rejects {
    /// Appends to `file`; `fresh`: the file is empty and gets a header.
    pub fn new(file: File, fresh: bool) -> io::Result<Self> {
        let columns: Vec<Column> = ["line", "column", "reason", "file"].map(Column::new).into();
        let sink = tables::create(file, Format::Csv, Compression::None, &columns, fresh)?;
        Ok(Self {
            sink,
            row: Row::new(),
        })
    }

    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        self.row.clear();
        match reject.line {
            Some(line) => self.row.push(Kind::Number, &line.to_string()),
            None => self.row.push(Kind::Null, ""),
        }
        // Only the name of the column, for programs.
        let column = reject.column.as_ref();
        let column = column.map(|column| column.name().map_or(column.to_string(), str::to_owned));
        self.row.push(Kind::Text, &column.unwrap_or_default());
        self.row.push(Kind::Text, &reject.reason);
        let file = reject.file.as_ref().map_or("", |(file, _)| file.as_str());
        self.row.push(Kind::Text, file);
        self.sink.write(&self.row)
    }

    pub fn checkpoint(&mut self) -> io::Result<()> {
        self.sink.checkpoint()
    }
}
