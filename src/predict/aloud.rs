//! A source that prints a note about its detected encoding.

use crate::talk::Talk;
use tables::{Column, Decimal, Encoding, ReadError, Row, Source, Unit};

/// Wraps `inner`; prints a note once its encoding is detected.
pub(crate) fn aloud(inner: Box<dyn Source>, talk: Talk) -> Box<dyn Source> {
    let mut aloud = Aloud {
        inner,
        talk,
        said: false,
    };
    aloud.say();
    Box::new(aloud)
}

struct Aloud {
    inner: Box<dyn Source>,
    talk: Talk,
    said: bool,
}

impl Aloud {
    fn say(&mut self) {
        if let (false, Some(encoding)) = (self.said, self.inner.recognised()) {
            let name = self.inner.file();
            self.talk.note(format!(
                "{name} is read as {encoding}; override it with --encoding"
            ));
            self.said = true;
        }
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

    fn recognised(&self) -> Option<Encoding> {
        self.inner.recognised()
    }

    fn first_line_is_data(&self) -> bool {
        self.inner.first_line_is_data()
    }
}
