//! Reads along with a request's head, before hyper parses it: for its size, and for lengths that
//! contradict each other. hyper drops a `Content-Length` beside a `Transfer-Encoding` silently, which is
//! how requests are smuggled past a proxy that reads them the other way round.

/// The first bytes of a line are enough to know the header.
const PREFIX: usize = 18;

/// The state of reading a head.
#[derive(Debug, Default)]
pub(crate) struct Head {
    line: [u8; PREFIX],
    /// Bytes of the line so far.
    length: usize,
    total: usize,
    lengths: usize,
    has_line: bool,
    is_complete: bool,
}

/// What a head turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing wrong so far.
    Fine,
    /// More than one length.
    Conflict,
    /// More bytes than allowed.
    TooLarge,
}

impl Head {
    /// Reads the next bytes of a connection; those behind the end of the head are ignored.
    pub(crate) fn read(&mut self, mut bytes: &[u8], limit: usize) -> Verdict {
        while !self.is_complete && !bytes.is_empty() {
            let end = memchr::memchr(b'\n', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            self.extend(part);
            self.total += part.len() + usize::from(end.is_some());
            if self.total > limit {
                return Verdict::TooLarge;
            }
            let Some(end) = end else { break };
            bytes = &bytes[end + 1..];
            self.end_line();
            if self.lengths > 1 {
                return Verdict::Conflict;
            }
        }
        Verdict::Fine
    }

    fn extend(&mut self, part: &[u8]) {
        if self.length < PREFIX {
            let room = part.len().min(PREFIX - self.length);
            self.line[self.length..self.length + room].copy_from_slice(&part[..room]);
        }
        self.length += part.len();
    }

    fn end_line(&mut self) {
        let line = &self.line[..self.length.min(PREFIX)];
        match line {
            // Empty lines in front of a request are allowed.
            [] | b"\r" => self.is_complete = self.has_line,
            _ => {
                self.has_line = true;
                let is = |name: &[u8]| {
                    line.get(..name.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(name))
                };
                if is(b"content-length:") || is(b"transfer-encoding:") {
                    self.lengths += 1;
                }
            }
        }
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, piece: usize) -> Verdict {
        let mut head = Head::default();
        for bytes in text.as_bytes().chunks(piece) {
            match head.read(bytes, 200) {
                Verdict::Fine => {}
                other => return other,
            }
        }
        Verdict::Fine
    }

    #[test]
    fn two_lengths_are_found_however_they_arrive() {
        let start = "POST / HTTP/1.1\r\nHost: a\r\n";
        for piece in [1, 3, 7, 1000] {
            let both = format!("{start}Content-Length: 3\r\ntransfer-encoding: chunked\r\n\r\n");
            assert_eq!(verdict(&both, piece), Verdict::Conflict);
            let twice = format!("{start}CONTENT-LENGTH: 3\r\nContent-length: 3\r\n\r\n");
            assert_eq!(verdict(&twice, piece), Verdict::Conflict);
            let body = format!("{start}Content-Length: 3\r\n\r\nContent-Length: 3\r\n");
            assert_eq!(verdict(&body, piece), Verdict::Fine);
            let other = format!("{start}X-Content-Length: 3\r\nContent-Length: 3\r\n\r\n");
            assert_eq!(verdict(&other, piece), Verdict::Fine);
            let large = format!("{start}X: {}", "a".repeat(300));
            assert_eq!(verdict(&large, piece), Verdict::TooLarge);
        }
    }
}
