//! Queries and forms: pairs of `a=b&c=d`, and the parts of `multipart/form-data` (RFC 7578) in memory, without a copy
//! of the files.

use std::borrow::Cow;

use server::Fault;

/// The pairs of a query, decoded.
///
/// # Errors
/// An escape that is broken.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decoded(name)?, decoded(value)?))
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(pair)
        .collect()
}

fn decoded(text: &str) -> Result<String, Fault> {
    let spaced = text.replace('+', " ");
    let decoded = server::percent_decoded(&spaced).map(Cow::into_owned);
    decoded.ok_or_else(|| Fault::invalid("the query has a broken escape"))
}

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The name of the field.
    pub name: String,
    /// The name of the file, if the part is one.
    pub file: Option<String>,
    /// Its content.
    pub content: &'a [u8],
}

/// Parts that a form may have.
const MOST_PARTS: usize = 10_000;

/// Whether a content type is that of a form with files.
pub fn is_form(content_type: Option<&str>) -> bool {
    content_type.is_some_and(|text| {
        let kind = text.split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case("multipart/form-data")
    })
}

/// The parts of a form.
///
/// # Errors
/// A form that is broken or cut short.
pub fn parts<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, Fault> {
    let boundary = parameter(content_type, "boundary")
        .filter(|boundary| (1..=70).contains(&boundary.len()))
        .ok_or_else(|| Fault::invalid("the content type has no valid boundary"))?;
    let delimiter = format!("--{boundary}");
    let cut = || Fault::invalid("the form is broken or cut short");
    // What is before the first delimiter is to be ignored.
    let mut rest = &body[find(body, delimiter.as_bytes()).ok_or_else(cut)? + delimiter.len()..];
    let between = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        // Blanks may follow a delimiter.
        let line = find(rest, b"\r\n").ok_or_else(cut)?;
        if !rest[..line].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(cut());
        }
        rest = &rest[line + 2..];
        let end = find(rest, between.as_bytes()).ok_or_else(cut)?;
        if parts.len() == MOST_PARTS {
            return Err(Fault::too_large(format!(
                "the form has more than {MOST_PARTS} parts"
            )));
        }
        parts.push(part(&rest[..end])?);
        rest = &rest[end + between.len()..];
    }
}

fn part(bytes: &[u8]) -> Result<Part<'_>, Fault> {
    let broken = || Fault::invalid("a part of the form has a broken head");
    let (head, content) = match bytes.strip_prefix(b"\r\n") {
        Some(content) => (&b""[..], content),
        None => {
            let end = find(bytes, b"\r\n\r\n").ok_or_else(broken)?;
            (&bytes[..end], &bytes[end + 4..])
        }
    };
    let head = std::str::from_utf8(head).map_err(|_| broken())?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    });
    let disposition = disposition.ok_or_else(broken)?;
    Ok(Part {
        name: parameter(disposition, "name").ok_or_else(broken)?,
        file: parameter(disposition, "filename"),
        content,
    })
}

/// A parameter of a header: `name=value` or `name="va\"lue"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim_end().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[position + 1..])),
            // Browsers write a path's backslashes as they are; only a quote is escaped.
            '\\' if text[position + 1..].starts_with('"') => {
                value.push('"');
                characters.next();
            }
            other => value.push(other),
        }
    }
    None
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let read = pairs("user_id=a%20b&top_k=5&&x+y=1%2B1&flag").unwrap();
        let expected = [
            ("user_id", "a b"),
            ("top_k", "5"),
            ("x y", "1+1"),
            ("flag", ""),
        ];
        let expected: Vec<_> = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
        assert_eq!(read, expected);
        assert!(pairs("a=%zz").is_err() && pairs("a=%ff").is_err() && pairs("a=%4").is_err());
    }

    #[test]
    fn parts_keep_their_bytes() {
        let body = b"preamble\r\n--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".jpg\"\r\n\
            Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--Y\r\n\r\n--X \r\ncontent-disposition: form-data; name=k\r\n\r\n5\r\n--X--\r\n";
        let read = parts("multipart/form-data; boundary=X", body).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(
            (read[0].name.as_str(), read[0].file.as_deref()),
            ("file", Some("a \"b\".jpg"))
        );
        assert_eq!(read[0].content, b"\xff\xd8\r\n--Y\r\n");
        assert_eq!((read[1].name.as_str(), read[1].content), ("k", &b"5"[..]));
    }

    #[test]
    fn broken_forms_are_refused() {
        let whole = b"--X\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nabc\r\n--X--";
        assert!(parts("multipart/form-data; boundary=X", whole).is_ok());
        for end in 0..whole.len() - 1 {
            assert!(
                parts("multipart/form-data; boundary=X", &whole[..end]).is_err(),
                "{end}"
            );
        }
        for kind in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=Z",
        ] {
            assert!(parts(kind, whole).is_err(), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(prop::num::u8::ANY, 0..300), head in "\\PC{0,60}") {
            let _ = parts(&format!("multipart/form-data; boundary=X{head}"), &body);
            let mut framed = b"--X\r\n".to_vec();
            framed.extend(&body);
            let _ = parts("multipart/form-data; boundary=X", &framed);
            let _ = pairs(&head);
        }
    }
}
