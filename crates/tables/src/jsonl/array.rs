//! Splits a JSON array into its elements, one at a time, so that an array of objects is read as JSON lines are.

use super::super::input::Input;
use super::super::{MAX_RECORD, ReadError, ReadErrorKind};

const TOO_LONG: &str = "is a bracket or a quote missing?";

/// Where the reader is in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Array {
    /// After the opening bracket.
    Start,
    /// After an element.
    Between,
    /// After the closing bracket.
    End,
}

/// What follows in an array.
pub(super) enum Next {
    Element,
    End,
    /// What is wrong, before any element.
    Wrong(ReadErrorKind),
}

/// Whether the text begins like an array; its bracket is consumed.
pub(super) fn open(input: &mut Input) -> Result<bool, ReadError> {
    let is_array = next_byte(input)? == Some(b'[');
    if is_array {
        input.consume(1);
    }
    Ok(is_array)
}

impl Array {
    /// Reads the next element into `element`, in which line ends between values become blanks.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub(super) fn next(
        &mut self,
        input: &mut Input,
        element: &mut Vec<u8>,
    ) -> Result<Next, ReadError> {
        element.clear();
        let found = next_byte(input)?;
        let after_comma = match (*self, found) {
            (Array::End, None) => return Ok(Next::End),
            (Array::End, Some(_)) => return Ok(wrong("text after the end of the array")),
            (_, None) => return Ok(wrong("the array has no end; is the file cut off?")),
            (Array::Start | Array::Between, Some(b']')) => {
                input.consume(1);
                *self = Array::End;
                return self.next(input, element);
            }
            (Array::Between, Some(b',')) => {
                input.consume(1);
                next_byte(input)?
            }
            (Array::Between, Some(_)) => return Ok(wrong("a comma is missing between two rows")),
            (Array::Start, found) => found,
        };
        match after_comma {
            Some(b']' | b',') => return Ok(wrong("a comma without a row behind it")),
            None => return Ok(wrong("the array has no end; is the file cut off?")),
            Some(_) => {}
        }
        *self = Array::Between;
        read_value(input, element)
    }
}

fn wrong(reason: &str) -> Next {
    Next::Wrong(ReadErrorKind::JsonArray(reason.to_owned()))
}

/// The next byte that is not white space, not consumed.
fn next_byte(input: &mut Input) -> Result<Option<u8>, ReadError> {
    loop {
        let buffer = input.fill()?;
        let Some(at) = buffer.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            let blank = buffer.len();
            if blank == 0 {
                return Ok(None);
            }
            input.consume(blank);
            continue;
        };
        let byte = buffer[at];
        input.consume(at);
        return Ok(Some(byte));
    }
}

/// Copies a value up to where it ends by its brackets and quotes; whether it is JSON is for the parser to say.
fn read_value(input: &mut Input, value: &mut Vec<u8>) -> Result<Next, ReadError> {
    let (mut depth, mut is_quoted, mut is_escaped) = (0usize, false, false);
    loop {
        let buffer = input.fill()?;
        if buffer.is_empty() {
            return Ok(Next::Element); // and the parser says that it is cut off
        }
        for (at, &byte) in buffer.iter().enumerate() {
            let is_open = is_quoted || depth > 0;
            if !is_open && b",]".contains(&byte) {
                input.consume(at);
                return Ok(Next::Element);
            }
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                _ if is_quoted => {}
                b'{' | b'[' => depth += 1,
                // One that closes nothing ends the value, which the parser refuses.
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let is_end = !is_quoted && b"\r\n".contains(&byte);
            value.push(if is_end { b' ' } else { byte });
            if value.len() > MAX_RECORD {
                return Ok(Next::Wrong(ReadErrorKind::RecordTooLong {
                    limit: MAX_RECORD,
                    hint: TOO_LONG,
                }));
            }
            if depth == 0 && b"}]".contains(&byte) && !is_quoted {
                input.consume(at + 1);
                return Ok(Next::Element);
            }
        }
        let read = buffer.len();
        input.consume(read);
    }
}
