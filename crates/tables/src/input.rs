//! The bytes of a text format: decompressed, with encoding and content checked, and errors
//! classified.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

use super::encoding::Utf8;
use super::{Compression, Encoding, Format, Place, ReadError, ReadErrorKind, Reading};

const BUFFER: usize = 1 << 17;

/// The decompressed bytes of an input.
pub(super) struct Input {
    reader: BufReader<Box<dyn Read>>,
    pub name: String,
    compressed: bool,
    /// The detected encoding, which is converted to UTF-8.
    recognised: Rc<Cell<Option<Encoding>>>,
    /// Whether its bytes are converted, because an encoding was detected or specified.
    is_converted: bool,
}

impl Input {
    /// Refuses input that does not have the given format and compression, or is not text judging by
    /// its first bytes; skips a byte-order mark. The output is UTF-8 if the encoding is known.
    ///
    /// # Errors
    /// If the input is refused or cannot be read.
    pub fn new(
        input: Box<dyn Read>,
        name: &str,
        format: Format,
        compression: Compression,
        reading: Reading,
    ) -> Result<Self, ReadError> {
        let mut this = Self {
            reader: BufReader::with_capacity(BUFFER, input),
            name: name.to_owned(),
            compressed: false,
            recognised: Rc::default(),
            is_converted: false,
        };
        this.check_compression(format, compression)?;
        if compression != Compression::None && !this.fill()?.is_empty() {
            this = this.decompressed(compression)?;
            this.check_compression(format, Compression::None)?;
        }
        if let Some(kind) = other_content(this.fill()?, format) {
            return Err(Place::file(name).error(kind));
        }
        let encoding = this.encoding(reading.encoding)?;
        this.is_converted = encoding.is_some_and(|encoding| !encoding.is_utf8());
        let utf8 = Utf8::new(this.reader, encoding, this.recognised.clone());
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER, Box::new(utf8)),
            ..this
        })
    }

    /// The encoding from its first bytes or the caller, after the byte-order mark; `None` if
    /// neither gives one.
    fn encoding(&mut self, said: Option<Encoding>) -> Result<Option<Encoding>, ReadError> {
        let place = Place::file(&self.name);
        let start = self.fill()?;
        if let Some(kind) = utf32(start) {
            return Err(place.error(kind));
        }
        let (marked, length) = match Encoding::of_mark(start) {
            Some((encoding, length)) => (Some(encoding), length),
            None => (None, 0),
        };
        let found = match said {
            Some(_) => marked,
            None => marked.or_else(|| wide_text(start)),
        };
        if let (Some(found), Some(said)) = (marked, said)
            && found != said
        {
            return Err(place.error(ReadErrorKind::OtherMark { found, said }));
        }
        self.consume(length);
        if let Some(found) = found
            && said.is_none()
            && !found.is_utf8()
        {
            self.recognised.set(Some(found));
        }
        Ok(said.or(found))
    }

    /// The encoding detected so far, which is converted to UTF-8 without the caller specifying it.
    pub fn recognised(&self) -> Option<Encoding> {
        self.recognised.get()
    }

    /// Whether its bytes are converted to UTF-8.
    pub fn is_converted(&self) -> bool {
        self.is_converted || self.recognised.get().is_some()
    }

    /// The error for a byte that is not UTF-8.
    pub fn not_utf8(&self, byte: usize, value: u8) -> ReadErrorKind {
        match self.is_converted() {
            true => ReadErrorKind::NotInEncoding { byte },
            false => ReadErrorKind::Utf8 { byte, value },
        }
    }

    /// The buffered bytes.
    pub fn buffered(&self) -> &[u8] {
        self.reader.buffer()
    }

    /// An input from bytes in memory that are the middle of a text, which was converted if
    /// `is_converted`.
    pub fn middle(bytes: Vec<u8>, name: &str, is_converted: bool) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER, Box::new(io::Cursor::new(bytes))),
            name: name.to_owned(),
            compressed: false,
            recognised: Rc::default(),
            is_converted,
        }
    }

    /// The same input with `bytes` before the unread rest.
    pub fn with_prefix(self, bytes: Vec<u8>) -> Self {
        let chained = io::Cursor::new(bytes).chain(self.reader);
        Self {
            reader: BufReader::with_capacity(BUFFER, Box::new(chained)),
            ..self
        }
    }

    /// The same input with a buffer of at least two lines, if it has as many within the buffer's size: a
    /// pipe and a conversion may give less at once.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub fn with_two_lines(mut self) -> Result<Self, ReadError> {
        let mut taken = Vec::new();
        loop {
            let buffer = self.fill()?;
            let is_end = buffer.is_empty();
            if taken.is_empty() && memchr::memchr_iter(b'\n', buffer).count() > 1 {
                return Ok(self);
            }
            taken.extend_from_slice(buffer);
            let read = buffer.len();
            self.consume(read);
            let lines = memchr::memchr_iter(b'\n', &taken).count();
            if is_end || lines > 1 || taken.len() >= BUFFER {
                return Ok(self.with_prefix(taken));
            }
        }
    }

    fn check_compression(
        &mut self,
        format: Format,
        expected: Compression,
    ) -> Result<(), ReadError> {
        let compressed = self.compressed;
        let start = self.fill()?;
        let found = compression_of(start);
        if start.is_empty() || found == Some(expected) {
            return Ok(());
        }
        let (expected, hint) = match (found, expected) {
            (None, Compression::None) => return Ok(()),
            (Some(_), Compression::None) if compressed => (
                format!("{format} inside the compression"),
                "it is compressed twice: decompress it once",
            ),
            (Some(Compression::Gzip), Compression::None) => {
                (format.to_string(), "add .gz to its name")
            }
            (Some(_), Compression::None) => (format.to_string(), "add .zst to its name"),
            (Some(Compression::Gzip), _) => ("Zstandard".to_owned(), "name it .gz, not .zst"),
            (Some(_), _) => ("gzip".to_owned(), "name it .zst, not .gz"),
            (None, Compression::Gzip) => (
                "gzip".to_owned(),
                "remove .gz from its name if it is not compressed",
            ),
            (None, _) => (
                "Zstandard".to_owned(),
                "remove .zst from its name if it is not compressed",
            ),
        };
        let found = match found {
            Some(Compression::Gzip) => "gzip data",
            Some(_) => "Zstandard data",
            None => content_of(start).unwrap_or("other data"),
        };
        Err(Place::file(&self.name).error(ReadErrorKind::OtherContent {
            found,
            expected,
            hint,
        }))
    }

    fn decompressed(self, compression: Compression) -> Result<Self, ReadError> {
        let failed = |error| Place::file(&self.name).error(kind(error, true));
        let plain: Box<dyn Read> = match compression {
            Compression::None => return Ok(self),
            Compression::Gzip => Box::new(Gzip::Between(self.reader)),
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(self.reader).map_err(failed)?),
        };
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER, plain),
            name: self.name,
            compressed: true,
            ..self
        })
    }

    /// The buffered bytes, at least one; empty at the end.
    ///
    /// # Errors
    /// If the input cannot be read or decompressed.
    pub fn fill(&mut self) -> Result<&[u8], ReadError> {
        let (name, compressed) = (&self.name, self.compressed);
        self.reader
            .fill_buf()
            .map_err(|error| Place::file(name).error(kind(error, compressed)))
    }

    /// Reads bytes, bypassing a buffer that is shorter than `bytes`; 0 at the end.
    ///
    /// # Errors
    /// If the input cannot be read or decompressed.
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

/// The members of a gzip file, one after the other, like gzip: zeros after the last one, as left by
/// tapes and block devices, are skipped; anything else there is refused.
enum Gzip {
    /// At the start, or after a member.
    Between(BufReader<Box<dyn Read>>),
    Member(Box<GzDecoder<BufReader<Box<dyn Read>>>>),
    End,
}

impl Read for Gzip {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Gzip::Member(member) = self {
                let read = member.read(bytes)?;
                if read > 0 || bytes.is_empty() {
                    return Ok(read);
                }
            }
            *self = match std::mem::replace(self, Gzip::End) {
                Gzip::End => return Ok(0),
                Gzip::Member(member) => Gzip::Between(member.into_inner()),
                Gzip::Between(mut rest) => match rest.fill_buf()?.first() {
                    None => return Ok(0),
                    Some(0x1f) => Gzip::Member(Box::new(GzDecoder::new(rest))),
                    Some(_) => return only_zeros(rest),
                },
            };
        }
    }
}

fn only_zeros(mut rest: impl BufRead) -> io::Result<usize> {
    loop {
        let buffer = rest.fill_buf()?;
        if buffer.is_empty() {
            return Ok(0);
        }
        if buffer.iter().any(|&byte| byte != 0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "bytes that are not gzip follow the end of the compressed data",
            ));
        }
        let read = buffer.len();
        rest.consume(read);
    }
}

/// The compression indicated by the first bytes.
fn compression_of(start: &[u8]) -> Option<Compression> {
    let skippable = |start: &[u8]| {
        start.first().is_some_and(|byte| byte >> 4 == 5) && start[1..].starts_with(b"\x2a\x4d\x18")
    };
    match start {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
        _ if skippable(start) => Some(Compression::Zstd),
        _ => None,
    }
}

/// Non-text files, detected by their first bytes.
fn content_of(start: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 8] = [
        (b"PAR1", "a Parquet file"),
        (b"PK\x03\x04", "a zip archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
        (b"BZh", "bzip2 data"),
        (b"\xfd7zXZ\0", "xz data"),
        (b"%PDF-", "a PDF document"),
        (b"ARROW1", "an Arrow (Feather) file"),
        (b"SQLite format 3\0", "a SQLite database"),
    ];
    let found = KNOWN.iter().find(|(magic, _)| start.starts_with(magic));
    found.map(|(_, name)| *name)
}

/// The error for content that is not `format`, judging by its first bytes.
fn other_content(start: &[u8], format: Format) -> Option<ReadErrorKind> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    let lower = text[..text.len().min(14)].to_ascii_lowercase();
    let html = lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html");
    let json = |text: &[u8]| text.starts_with(b"{\"") || text.starts_with(b"[{");
    let (found, hint) = match content_of(start) {
        Some(found @ "a Parquet file") => (found, "name it .parquet"),
        Some(found @ ("bzip2 data" | "xz data")) => {
            (found, "decompress it, or compress it with gzip or zstd")
        }
        Some(found) => (found, "save the table as CSV"),
        None if html => (
            "a web page",
            "was a login or an error page downloaded instead?",
        ),
        None if format != Format::Jsonl && json(text) => (
            "JSON",
            "name it .json, or .jsonl if it has one object a line",
        ),
        None => return None,
    };
    Some(ReadErrorKind::OtherContent {
        found,
        expected: format.to_string(),
        hint,
    })
}

/// Detects UTF-32 by its byte-order marks.
fn utf32(start: &[u8]) -> Option<ReadErrorKind> {
    match start {
        [0xff, 0xfe, 0, 0, ..] => Some(ReadErrorKind::WideText("UTF-32LE")),
        [0, 0, 0xfe, 0xff, ..] => Some(ReadErrorKind::WideText("UTF-32BE")),
        _ => None,
    }
}

/// Detects UTF-16 without a byte-order mark by its zeros: all are high (or all low) halves of a
/// character, including one half of every line feed.
fn wide_text(start: &[u8]) -> Option<Encoding> {
    let start = &start[..start.len().min(1 << 12) / 2 * 2];
    let (pairs, _) = start.as_chunks::<2>();
    let zeros = |half: usize| pairs.iter().filter(|pair| pair[half] == 0).count();
    let feeds = |half: usize| pairs.iter().filter(|pair| pair[half] == b'\n').count();
    let wide = |high: usize| {
        let low = 1 - high;
        let whole = pairs.iter().filter(|pair| pair[low] == b'\n');
        zeros(high) >= 2
            && zeros(low) == 0
            && whole.clone().all(|pair| pair[high] == 0)
            && (feeds(low) > 0 || zeros(high) * 2 > pairs.len())
    };
    match (wide(1), wide(0)) {
        (true, _) => Some(Encoding::UTF_16LE),
        (_, true) => Some(Encoding::UTF_16BE),
        _ => None,
    }
}

/// A decoder's error is the content's fault, not the disk's.
fn kind(error: io::Error, compressed: bool) -> ReadErrorKind {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        UnexpectedEof if compressed => {
            ReadErrorKind::Compressed("the data end early: the file is truncated".to_owned())
        }
        InvalidData | InvalidInput | Other if compressed => {
            ReadErrorKind::Compressed(error.to_string())
        }
        _ => ReadErrorKind::Io(error),
    }
}
