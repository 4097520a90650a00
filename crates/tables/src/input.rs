//! Bytes of a text format: decompressed, its encoding looked at, errors told apart.

use std::io::{self, BufRead, BufReader, Read};

use super::{Compression, Place, ReadError, ReadErrorKind};

const BUFFER: usize = 1 << 17;

/// Decompressed bytes of one input.
pub(super) struct Input {
    reader: BufReader<Box<dyn Read>>,
    pub name: String,
    compressed: bool,
}

impl Input {
    /// Refuses UTF-16, reads over the byte-order mark of UTF-8.
    pub fn new(
        input: Box<dyn Read>,
        name: &str,
        compression: Compression,
    ) -> Result<Self, ReadError> {
        let compressed = compression != Compression::None;
        let failed = |error| Place::file(name).error(kind(error, compressed));
        let plain: Box<dyn Read> = match compression {
            Compression::None => input,
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
            Compression::Zstd => Box::new(zstd::Decoder::new(input).map_err(failed)?),
        };
        let mut this = Self {
            reader: BufReader::with_capacity(BUFFER, plain),
            name: name.to_owned(),
            compressed,
        };
        let start = this.fill()?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(Place::file(name).error(ReadErrorKind::Utf16));
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            this.consume(3);
        }
        Ok(this)
    }

    /// Bytes in memory that are the middle of an input.
    pub fn middle(bytes: Vec<u8>, name: &str) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER, Box::new(io::Cursor::new(bytes))),
            name: name.to_owned(),
            compressed: false,
        }
    }

    /// What is buffered, at least one byte; empty at the end.
    pub fn fill(&mut self) -> Result<&[u8], ReadError> {
        let (name, compressed) = (&self.name, self.compressed);
        self.reader
            .fill_buf()
            .map_err(|error| Place::file(name).error(kind(error, compressed)))
    }

    /// Reads on, past the buffer where that is shorter than `bytes`; 0 at the end.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            match self.reader.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = kind(error, self.compressed);
                    return Err(Place::file(&self.name).error(kind));
                }
                Ok(read) => return Ok(read),
            }
        }
    }

    pub fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }
}

/// What a decoder complains of is the content's fault, not the disk's.
fn kind(error: io::Error, compressed: bool) -> ReadErrorKind {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    if compressed
        && matches!(
            error.kind(),
            InvalidData | InvalidInput | Other | UnexpectedEof
        )
    {
        return ReadErrorKind::Compressed(error.to_string());
    }
    ReadErrorKind::Io(error)
}
