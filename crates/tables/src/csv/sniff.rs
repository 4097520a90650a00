//! What separates the columns of a table, by its first lines, where nobody has said it.

use memchr::memchr;

use super::DELIMITERS;

/// At most as many lines are looked at.
const LINES: usize = 50;

/// The delimiter of a table by the first bytes of its text; `None` if that is not clear, and a comma is as good as
/// any.
///
/// It is in the first line, and in each line after it as often, outside quotes. A comma that fits is taken before
/// others: a text may have semicolons, and a header line hardly has both.
pub(super) fn delimiter(start: &[u8], quote: Option<u8>) -> Option<u8> {
    let lines = counts(start, quote);
    let (first, rest) = lines.split_first()?;
    let fits =
        |kind: &usize| first[*kind] > 0 && rest.iter().all(|line| line[*kind] == first[*kind]);
    let (mut fitting, comma) = ((0..DELIMITERS.len()).filter(fits), 0);
    match (fitting.next(), fitting.next()) {
        (Some(kind), _) if kind == comma => None,
        (Some(kind), None) => Some(DELIMITERS[kind]),
        // Ragged rows: a first line without a comma is still not separated by commas.
        (None, _) if first[comma] == 0 => {
            let more = |kind: &usize| first[*kind] > 0 && rest.iter().all(|line| line[*kind] > 0);
            let mut kinds = (0..DELIMITERS.len()).filter(more);
            let only = kinds.next().filter(|_| kinds.next().is_none());
            only.map(|kind| DELIMITERS[kind])
        }
        _ => None,
    }
}

/// How often each delimiter is outside quotes in each line that ends within `start` and is not blank. A text
/// without a line end has no lines: its first may go on.
fn counts(start: &[u8], quote: Option<u8>) -> Vec<[usize; DELIMITERS.len()]> {
    let (mut lines, mut line) = (Vec::new(), [0; DELIMITERS.len()]);
    let (mut is_quoted, mut is_blank) = (false, true);
    for &byte in start {
        if lines.len() == LINES {
            break;
        }
        if quote == Some(byte) {
            is_quoted = !is_quoted;
        } else if !is_quoted && b"\r\n".contains(&byte) {
            if !is_blank {
                lines.push(std::mem::take(&mut line));
            }
            is_blank = true;
            continue;
        } else if !is_quoted && let Some(kind) = memchr(byte, &DELIMITERS) {
            line[kind] += 1;
        }
        is_blank = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(text: &str) -> Option<char> {
        delimiter(text.as_bytes(), Some(b'"')).map(char::from)
    }

    #[test]
    fn what_is_in_each_line_as_often_separates() {
        for (text, found) in [
            ("a;b\n1;2\n", Some(';')),
            ("a\tb\tc\n1\t2\t3\n", Some('\t')),
            ("a|b\r\n1|2\r\n3|4\r\n", Some('|')),
            ("\n\na;b\n\n1;2\n", Some(';')),
            // A decimal comma, and a comma in a name.
            ("id;price\n1;2,5\n2;3,5\n", Some(';')),
            ("id;price, EUR\n1;2\n", Some(';')),
            // Inside quotes nothing separates.
            ("\"a,b\";c\n\"x,y\";2\n", Some(';')),
            ("a,\"b;c\"\n1,\"2;3\"\n", None),
            ("\"a\n;\",b\n1,2\n", None),
            // Commas come first; a single column has texts with anything in them.
            ("a,b;c\n1,2;3\n", None),
            ("a,b\n1,x;y\n", None),
            ("text\nfine; really | good\n", None),
            // Rows are ragged, the header is not separated by commas.
            ("a;b\n1;2\n3;4;5\n", Some(';')),
            ("a;b\n1;2\nx\n", None),
            // Two that fit as well.
            ("a;b|c\n1;2|3\n", None),
            ("", None),
            ("a;b", None),
        ] {
            assert_eq!(sniffed(text), found, "{text:?}");
        }
    }

    #[test]
    fn without_a_quote_all_are_seen() {
        assert_eq!(delimiter(b"a;\"b\n1;2\n", None), Some(b';'));
    }
}
