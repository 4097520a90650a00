//! A source that prints a note about its detected encoding and delimiter.

use crate::talk::Talk;
use tables::{Column, Decimal, ReadError, Recognised, Row, Source, Unit};

/// Wraps `inner`; prints a note once its encoding is detected.
pub(crate) fn aloud(inner: Box<dyn Source>, talk: Talk) -> Box<dyn Source> {
    let mut aloud = Aloud {
        inner,
        talk,
        said: Recognised::default(),
    };
    aloud.say();
    Box::new(aloud)
}

struct Aloud {
    inner: Box<dyn Source>,
    talk: Talk,
    said: Recognised,
}

impl Aloud {
    fn say(&mut self) {
        let recognised = self.inner.recognised();
        let name = self.inner.file();
        if let (None, Some(encoding)) = (self.said.encoding, recognised.encoding) {
            self.talk.note(format!(
                "{name} is read as {encoding}; override it with --encoding"
            ));
        }
        if let (None, Some(delimiter)) = (self.said.delimiter, recognised.delimiter) {
            self.talk.note(format!(
                "the columns of {name} are separated by {delimiter:#}; override it with --delimiter"
            ));
        }
        self.said = recognised;
    }
}

impl Source for Aloud {
    fn columns(&self) -> &[Column] {
        self.inner.columns()
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        let read = self.inner.read(row);
        self.say();
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
