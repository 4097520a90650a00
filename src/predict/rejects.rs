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
    /// Goes on with `file`, from its start with the header (`fresh`) or behind what it holds.
    pub fn new(file: File, fresh: bool) -> io::Result<Self> {
        let columns: Vec<Column> = ["line", "column", "reason"].map(Column::new).into();
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
        self.row
            .push(Kind::Text, reject.column.as_deref().unwrap_or(""));
        self.row.push(Kind::Text, &reject.reason);
        self.sink.write(&self.row)
    }

    pub fn checkpoint(&mut self) -> io::Result<()> {
        self.sink.checkpoint()
    }
}
