//! The output bytes of a text format, compressed so that they can be truncated and continued.

use std::io::{self, BufWriter, Write};

use flate2::{Compression as Level, GzBuilder, write::GzEncoder};

use super::Compression;

/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;
const BUFFER: usize = 1 << 17;

/// A compressing writer. A checkpoint ends a gzip member or a zstd frame; the next write starts
/// another, and decompressors read them as one.
pub(super) struct Output<W: Write> {
    state: State<W>,
    compression: Compression,
}

enum State<W: Write> {
    /// No compressed member is open.
    Plain(BufWriter<W>),
    Gzip(GzEncoder<BufWriter<W>>),
    Zstd(zstd::Encoder<'static, BufWriter<W>>),
    /// During a transition, or after a failed one.
    Gone,
}

impl<W: Write> Output<W> {
    pub fn new(inner: W, compression: Compression) -> Self {
        Self {
            state: State::Plain(BufWriter::with_capacity(BUFFER, inner)),
            compression,
        }
    }

    /// Flushes everything written so far, so that further output can be appended to it.
    ///
    /// # Errors
    /// Those of the underlying writer.
    pub fn checkpoint(&mut self) -> io::Result<()> {
        let mut plain = match std::mem::replace(&mut self.state, State::Gone) {
            State::Plain(plain) => plain,
            State::Gzip(encoder) => encoder.finish()?,
            State::Zstd(encoder) => encoder.finish()?,
            State::Gone => return Err(gone()),
        };
        plain.flush()?;
        self.state = State::Plain(plain);
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        let State::Plain(plain) = std::mem::replace(&mut self.state, State::Gone) else {
            return Err(gone());
        };
        self.state = match self.compression {
            Compression::None => State::Plain(plain),
            // No time or name, and "unknown" for the system: the same bytes everywhere.
            Compression::Gzip => State::Gzip(
                GzBuilder::new()
                    .mtime(0)
                    .operating_system(255)
                    .write(plain, Level::default()),
            ),
            Compression::Zstd => State::Zstd(zstd::Encoder::new(plain, ZSTD_LEVEL)?),
        };
        Ok(())
    }
}

fn gone() -> io::Error {
    io::Error::other("an earlier write failed")
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.compression != Compression::None && matches!(self.state, State::Plain(_)) {
            self.start()?;
        }
        match &mut self.state {
            State::Plain(out) => out.write(bytes),
            State::Gzip(out) => out.write(bytes),
            State::Zstd(out) => out.write(bytes),
            State::Gone => Err(gone()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Plain(out) => out.flush(),
            State::Gzip(out) => out.flush(),
            State::Zstd(out) => out.flush(),
            State::Gone => Err(gone()),
        }
    }
}
