//! Finds the segments of a file: a marker, its length and its content.
//!
//! Bytes between segments are skipped, as all decoders do; they are no part of the picture.

use std::ops::Range;

/// Goes from marker to marker.
pub(super) struct Markers<'a> {
    file: &'a [u8],
    at: usize,
}

/// A marker and its segment.
pub(super) struct Marker<'a> {
    pub code: u8,
    /// Content after the length; empty for markers without one.
    pub segment: &'a [u8],
    /// The bytes before it that belong to nothing.
    pub skipped: Range<usize>,
    /// Offset of the first byte after the segment.
    pub end: usize,
}

impl<'a> Markers<'a> {
    /// Starts after the first marker of the file.
    pub fn new(file: &'a [u8]) -> Markers<'a> {
        Markers { file, at: 2 }
    }

    /// Continues at the marker at offset `at`.
    pub fn resume(&mut self, at: usize) {
        self.at = at;
    }
}

impl<'a> Iterator for Markers<'a> {
    type Item = Marker<'a>;

    /// `None` if the file ends before the marker or within its segment.
    fn next(&mut self) -> Option<Marker<'a>> {
        let (file, start) = (self.file, self.at);
        let mut at = start;
        let code = loop {
            at += memchr::memchr(0xff, file.get(at..)?)?;
            while *file.get(at)? == 0xff {
                at += 1;
            }
            at += 1;
            match file[at - 1] {
                0 => {} // a stuffed byte of a picture
                code => break code,
            }
        };
        let skipped = start..at - 2;
        let segment = match code {
            0x01 | 0xd0..=0xd9 => &[],
            _ => {
                let length = file.get(at..)?.first_chunk::<2>()?;
                let content = at + 2;
                at += usize::from(u16::from_be_bytes(*length));
                file.get(content..at)?
            }
        };
        self.at = at;
        Some(Marker {
            code,
            segment,
            skipped,
            end: at,
        })
    }
}
