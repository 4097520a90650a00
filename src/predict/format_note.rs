//! A source that prints a note about its detected encoding and delimiter.

use crate::talk::Talk;
use tables::{Column, Decimal, ReadError, Recognised, Row, Source, Unit};

/// Wraps `inner`; prints a note once they are detected.
pub(crate) fn with_format_note(inner: Box<dyn Source>, talk: Talk) -> Box<dyn Source> {
    let mut source = WithFormatNote {
        inner,
        talk,
        noted: Recognised::default(),
    };
    source.note_format();
    Box::new(source)
}

struct WithFormatNote {
    inner: Box<dyn Source>,
    talk: Talk,
    noted: Recognised,
}

impl WithFormatNote {
    fn note_format(&mut self) {
        let recognised = self.inner.recognised();
        let name = self.inner.file();
        if let (None, Some(encoding)) = (self.noted.encoding, recognised.encoding) {
            self.talk.note(format!(
                "{name} is read as {encoding}; override it with --encoding"
            ));
        }
        if let (None, Some(delimiter)) = (self.noted.delimiter, recognised.delimiter) {
            self.talk.note(format!(
                "the columns of {name} are separated by {delimiter:#}; override it with --delimiter"
            ));
        }
        self.noted = recognised;
    }
}

impl Source for WithFormatNote {
    fn columns(&self) -> &[Column] {
        self.inner.columns()
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        let read = self.inner.read(row);
        self.note_format();
        read
    }

    fn file(&self) -> &str {
        self.inner.file()
    }

    fn unit(&self) -> Unit {
        self.inner.unit()
    }

    fn decimal(&self) -> Option<Decimal> {
        self.inner.decimal()
    }

    fn recognised(&self) -> Recognised {
        self.inner.recognised()
    }

    fn first_line_is_data(&self) -> bool {
        self.inner.first_line_is_data()
    }
}
