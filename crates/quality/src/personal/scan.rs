//! The pass over a text: from one byte that can matter to the next.

use super::number::Run;
use super::{Kind, Span, bank, email, ip, phone, secret};

/// Why the scan stops at a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    Digit,
    /// `+` or `(`: before the digits of a phone number.
    Opening,
    At,
    Colon,
    Equals,
    /// Characters inside or at the start of the prefixes of tokens.
    Token,
}

const STOPS: [Stop; 256] = {
    let mut stops = [Stop::No; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        stops[digit as usize] = Stop::Digit;
        digit += 1;
    }
    stops[b'+' as usize] = Stop::Opening;
    stops[b'(' as usize] = Stop::Opening;
    stops[b'@' as usize] = Stop::At;
    stops[b':' as usize] = Stop::Colon;
    stops[b'=' as usize] = Stop::Equals;
    stops[b'_' as usize] = Stop::Token;
    stops[b'-' as usize] = Stop::Token;
    stops[b'A' as usize] = Stop::Token;
    stops[b'J' as usize] = Stop::Token;
    stops
};

pub(super) struct Scanner<'a> {
    text: &'a [u8],
    spans: &'a mut Vec<Span>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8], spans: &'a mut Vec<Span>) -> Self {
        Self { text, spans }
    }

    pub(super) fn run(mut self) {
        let mut at = 0;
        while let Some(next) = self.text[at..]
            .iter()
            .position(|&b| STOPS[b as usize] != Stop::No)
        {
            at += next;
            at = match STOPS[self.text[at] as usize] {
                Stop::No => at + 1,
                Stop::Digit => self.digits(at),
                Stop::Opening => self.opening(at),
                Stop::At => self.push(at, email::around(self.text, at)),
                Stop::Colon => self.colon(at),
                Stop::Equals => self.push(at, secret::assigned(self.text, at)),
                Stop::Token => self.push(at, secret::token(self.text, at)),
            };
        }
    }

    /// Keeps what was found at `at`, in place of what it overlaps; returns where the scan goes on.
    fn push(&mut self, at: usize, found: Option<Span>) -> usize {
        let Some(span) = found else { return at + 1 };
        while self.spans.last().is_some_and(|last| last.end > span.start) {
            self.spans.pop();
        }
        self.spans.push(span);
        span.end.max(at + 1)
    }

    fn colon(&mut self, at: usize) -> usize {
        if let Some(span) = secret::assigned(self.text, at) {
            return self.push(at, Some(span));
        }
        match ip::v6_around(self.text, at) {
            Ok(span) => self.push(at, Some(span)),
            Err(end) => end.max(at + 1),
        }
    }

    /// A number, or a word that holds digits.
    fn digits(&mut self, at: usize) -> usize {
        if !joins_before(self.text, at) {
            return self.numbers(at);
        }
        if at >= 2
            && self.text[at - 2..at].iter().all(u8::is_ascii_alphabetic)
            && !joins_before(self.text, at - 2)
            && let Some(span) = bank::iban(self.text, at - 2)
        {
            return self.push(at, Some(span));
        }
        // The rest of a word such as `v2` or `a1b2` is no number; what stops the scan inside is seen.
        let rest = self.text[at..]
            .iter()
            .position(|b| !b.is_ascii_alphanumeric());
        rest.map_or(self.text.len(), |rest| at + rest)
    }

    /// `+` or `(` starts a number if a digit follows.
    fn opening(&mut self, at: usize) -> usize {
        let follows = |i: usize| self.text.get(i).copied().unwrap_or(b' ');
        let is_number = match self.text[at] {
            b'(' => {
                follows(at + 1).is_ascii_digit()
                    || follows(at + 1) == b'+' && follows(at + 2).is_ascii_digit()
            }
            _ => {
                follows(at + 1).is_ascii_digit()
                    || follows(at + 1) == b'(' && follows(at + 2).is_ascii_digit()
            }
        };
        let is_inside = joins_before(self.text, at);
        if !is_number || is_inside && self.text[at] == b'+' {
            return at + 1;
        }
        self.numbers(at)
    }

    /// Groups of digits: looks for an address, a card or a phone number from each group on.
    fn numbers(&mut self, at: usize) -> usize {
        let run = Run::read(self.text, at);
        let mut group = 0;
        while group < run.len() {
            let found = ip::v4(self.text, &run, group)
                .map(|(end, count)| (Kind::Ip, run.start(group), end, count))
                .or_else(|| {
                    let count = bank::card(self.text, &run, group)?;
                    Some((
                        Kind::Card,
                        run.start(group),
                        run.end(group + count - 1),
                        count,
                    ))
                })
                .or_else(|| {
                    let (start, end, count) = phone::find(self.text, &run, group)?;
                    Some((Kind::Phone, start, end, count))
                });
            match found {
                Some((kind, start, end, count)) => {
                    self.push(at, Some(Span { kind, start, end }));
                    if group + count >= run.len() {
                        return end.max(run.stop());
                    }
                    group += count;
                }
                None => group += phone::skipped(self.text, &run, group),
            }
        }
        run.stop().max(at + 1)
    }
}

/// The character before `at`.
pub(super) fn previous(text: &[u8], at: usize) -> Option<char> {
    let from = (at.saturating_sub(4)..at)
        .rev()
        .find(|&i| text[i] & 0xc0 != 0x80)?;
    std::str::from_utf8(&text[from..at]).ok()?.chars().next()
}

/// Whether a word goes on to the left of `at`. Words of scripts without spaces end before a number.
pub(super) fn joins_before(text: &[u8], at: usize) -> bool {
    match at.checked_sub(1).map(|last| text[last]) {
        Some(byte) if byte < 0x80 => is_word(byte),
        Some(_) => previous(text, at).is_some_and(is_letter),
        None => false,
    }
}

/// Whether a word goes on to the right of `at`.
pub(super) fn joins_after(text: &[u8], at: usize) -> bool {
    let rest = &text[at..];
    match rest {
        [] => false,
        [byte, ..] if *byte < 0x80 => is_word(*byte),
        _ => {
            let length = rest
                .iter()
                .skip(1)
                .take(3)
                .take_while(|b| **b & 0xc0 == 0x80)
                .count()
                + 1;
            let next = std::str::from_utf8(&rest[..length]).ok();
            next.and_then(|text| text.chars().next())
                .is_some_and(is_letter)
        }
    }
}

/// A letter or digit of a script that separates words.
pub(super) fn is_letter(c: char) -> bool {
    let is_unspaced = matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    c.is_alphanumeric() && !is_unspaced
}

/// A letter, digit or underscore; bytes of other scripts count as letters.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
