//! E-mail addresses, around their `@`.

use super::scan::{is_letter, is_word, previous};
use super::{Kind, Span};

/// Longest local part (RFC 5321), and label and domain (RFC 1035).
const LOCAL: usize = 64;
const LABEL: usize = 63;
const DOMAIN: usize = 253;

/// The address whose `@` is at `at`.
pub(super) fn around(text: &[u8], at: usize) -> Option<Span> {
    let mut start = at;
    while let Some(c) = previous(text, start).filter(|c| is_local(*c)) {
        start -= c.len_utf8();
        if at - start > LOCAL {
            return None;
        }
    }
    let local = &text[start..at];
    // Quotes, brackets and dots before an address are not part of it.
    let lead = local
        .iter()
        .position(|&b| is_word(b) || matches!(b, b'+' | b'-' | b'_'))?;
    let local = &local[lead..];
    if local.is_empty() || local.ends_with(b".") || local.windows(2).any(|pair| pair == b"..") {
        return None;
    }
    let end = at + 1 + domain(&text[at + 1..])?;
    Some(Span {
        kind: Kind::Email,
        start: at - local.len(),
        end,
    })
}

/// Letters of scripts without spaces are not: `邮箱ann@example.org`.
fn is_local(c: char) -> bool {
    let signs = ['_', '.', '+', '-', '%', '\'', '&', '#', '!', '~', '=', '$'];
    c.is_ascii_alphanumeric() || signs.contains(&c) || !c.is_ascii() && is_letter(c)
}

/// Length of the domain that text begins with: two labels or more, the last of letters.
fn domain(text: &[u8]) -> Option<usize> {
    let (mut end, mut labels, mut whole) = (0, 0, None);
    loop {
        let label = &text[end..];
        let is_label = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b >= 0x80;
        let mut length = label
            .iter()
            .take(LABEL + 1)
            .take_while(|b| is_label(b))
            .count();
        // Words in other scripts may follow without a space: `a@example.com、`.
        let is_punycode = label.starts_with(b"xn--");
        let is_ascii = label[..length].is_ascii();
        if labels > 0 && !is_ascii && label[..length].first().is_some_and(u8::is_ascii) {
            length = label
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'-')
                .count();
        }
        while length > 0 && label[length - 1] == b'-' {
            length -= 1;
        }
        if length == 0 || length > LABEL || end + length > DOMAIN || label[0] == b'-' {
            break;
        }
        let is_top =
            length >= 2 && (is_punycode || label[..length].iter().all(|b| b.is_ascii_alphabetic()));
        end += length;
        labels += 1;
        if labels > 1 && is_top {
            whole = Some(end);
        }
        match text[end..] {
            [b'.', next, ..] if is_label(&next) => end += 1,
            _ => break,
        }
    }
    // `a@b.co.` and `a@b.co.5` end at the last label of letters; a digit tied on is no address.
    whole.filter(|&whole| {
        text.get(whole)
            .is_none_or(|&b| b != b'_' && !b.is_ascii_alphanumeric())
    })
}
