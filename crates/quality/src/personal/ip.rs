//! IPv4 and IPv6 addresses.

use std::net::Ipv6Addr;

use super::number::Run;
use super::scan::is_word;
use super::{Kind, Span, context};

/// Longest IPv6 address: eight groups, or six and an IPv4 address.
const LONGEST_V6: usize = 45;

/// Four groups, from `first` on, that are an IPv4 address: its end and the number of groups.
pub(super) fn v4(text: &[u8], run: &Run, first: usize) -> Option<(usize, usize)> {
    let last = first + 3;
    if last >= run.len() || run.gap(text, first) == b"." {
        return None;
    }
    let is_byte = |group: usize| {
        let digits = run.digits(group..group + 1);
        let value = digits
            .iter()
            .take(4)
            .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        value <= 255 && (digits.len() == 1 || digits[0] != b'0') && digits.len() <= 3
    };
    let dotted = (first + 1..=last).all(|group| run.gap(text, group) == b".");
    if !dotted || !(first..=last).all(is_byte) {
        return None;
    }
    let (start, end) = (run.start(first), run.end(last));
    // A longer dotted number is an object identifier or a version.
    let is_longer = matches!(text[end..], [b'.', b'0'..=b'9', ..]);
    let starts =
        start == 0 || !(is_word(text[start - 1]) || matches!(text[start - 1], b'.' | b'-'));
    let ends = text.get(end).is_none_or(|&b| !is_word(b));
    (starts && ends && !is_longer && !context::is_version(text, start)).then_some((end, 4))
}

/// The IPv6 address around the colon at `at`; otherwise where the scan goes on:
/// after the last colon of the run.
pub(super) fn v6_around(text: &[u8], at: usize) -> Result<Span, usize> {
    let is_part = |b: &u8| b.is_ascii_hexdigit() || *b == b':';
    let before = text[..at]
        .iter()
        .rev()
        .take(LONGEST_V6)
        .take_while(|b| is_part(b))
        .count();
    let start = at - before;
    let length = text[start..]
        .iter()
        .take_while(|b| is_part(b) || **b == b'.')
        .count();
    let mut end = start + length;
    while end > start && text[end - 1] == b'.' {
        end -= 1;
    }
    // A sentence's colon may follow: `2001:db8::1: unreachable`.
    if text[..end].ends_with(b":") && !text[..end].ends_with(b"::") {
        end -= 1;
    }
    let address = &text[start..end];
    let is_free = |b: Option<&u8>| b.is_none_or(|&b| !is_word(b));
    let starts = start == 0 || is_free(Some(&text[start - 1]));
    let found = starts && is_free(text.get(end)) && is_v6(address);
    if !found {
        let last = text[start..start + length].iter().rposition(|b| *b == b':');
        return Err(start + last.map_or(length, |last| last + 1));
    }
    Ok(Span {
        kind: Kind::Ip,
        start,
        end,
    })
}

fn is_v6(address: &[u8]) -> bool {
    let colons = address.iter().filter(|b| **b == b':').count();
    // `dead::beef` is rather a path in a program than an address.
    let is_telling = colons >= 3 || address.iter().any(u8::is_ascii_digit);
    colons >= 2
        && is_telling
        && address.len() <= LONGEST_V6
        && std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}
