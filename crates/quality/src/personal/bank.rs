//! IBANs and payment cards: known lengths and ranges, and their checksums.

use super::context::{self, Hint};
use super::number::Run;
use super::scan::{is_word, joins_after, joins_before};
use super::{Kind, Span};

/// Countries and the lengths of their IBANs (SWIFT's IBAN registry, release 99).
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// The IBAN that begins at `start`, in one piece or in groups separated by single spaces or hyphens.
pub(super) fn iban(text: &[u8], start: usize) -> Option<Span> {
    let country = [
        text[start].to_ascii_uppercase(),
        text.get(start + 1)?.to_ascii_uppercase(),
    ];
    let found = LENGTHS
        .binary_search_by(|(code, _)| code.as_slice().cmp(&country))
        .ok()?;
    let length = LENGTHS[found].1;
    let (mut at, mut count, mut remainder) = (start, 0, 0_u32);
    let mut check = 0;
    while count < length {
        let byte = *text.get(at)?;
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'Z' => u32::from(byte - b'A') + 10,
            b'a'..=b'z' => u32::from(byte - b'a') + 10,
            b' ' | b'-' if count >= 4 && text[at - 1].is_ascii_alphanumeric() => {
                at += 1;
                continue;
            }
            _ => return None,
        };
        match count {
            // The country and check digits are moved to the end.
            0..4 => check = append(check, value),
            _ => remainder = append(remainder, value),
        }
        at += 1;
        count += 1;
    }
    // Appending 6 digits of the country and check digits.
    let check = (remainder * (1_000_000 % 97) + check) % 97;
    let ends = !joins_after(text, at);
    let digits = text[start + 2..start + 4].iter().all(u8::is_ascii_digit);
    (check == 1 && ends && digits).then_some(Span {
        kind: Kind::Iban,
        start,
        end: at,
    })
}

/// A number modulo 97 with a digit or a letter's two digits appended.
fn append(remainder: u32, value: u32) -> u32 {
    let shift = if value < 10 { 10 } else { 100 };
    (remainder * shift + value) % 97
}

/// Digits of the longest article number (GTIN-14).
const LONGEST_ARTICLE: usize = 14;

/// How groups of a card number may be sized: what is printed on cards.
const CARD_GROUPS: &[&[usize]] = &[
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4],
    &[4, 4, 5],
    &[6, 13],
    &[4, 4, 4, 1],
];

/// The number of groups, from `first` on, that are a payment card's number.
pub(super) fn card(text: &[u8], run: &Run, first: usize) -> Option<usize> {
    if !is_free(text, run, first) {
        return None;
    }
    let single = (12..=19).contains(&run.size(first)).then_some(1);
    let grouped = || {
        let fits = |sizes: &&&[usize]| {
            let gap = |group: usize| run.gap(text, group);
            first + sizes.len() <= run.len()
                && sizes
                    .iter()
                    .enumerate()
                    .all(|(i, &size)| run.size(first + i) == size)
                && (first + 1..first + sizes.len())
                    .all(|group| matches!(gap(group), b" " | b"-") && gap(group) == gap(first + 1))
                && is_card(run.digits(first..first + sizes.len()))
        };
        CARD_GROUPS.iter().find(fits).map(|sizes| sizes.len())
    };
    let single = single.filter(|_| is_card(run.digits(first..first + 1)));
    let count = single.or_else(grouped)?;
    let end = run.end(first + count - 1);
    let ends = !joins_after(text, end);
    // Article numbers have 12 to 14 digits and another checksum: one in ten passes this one.
    let is_article = run.digits(first..first + count).len() <= LONGEST_ARTICLE
        && context::before(text, run.start(first)) == Hint::Other;
    (ends && !continues(text, end) && !is_article).then_some(count)
}

/// Whether what stands before a group lets a number begin there.
fn is_free(text: &[u8], run: &Run, group: usize) -> bool {
    let start = run.start(group);
    let is_tied = matches!(text[..start], [.., a, b'-' | b'.'] if is_word(a));
    !is_tied && !joins_before(text, start)
}

/// Whether a hyphen or dot ties more digits or letters to a number that ends at `end`.
fn continues(text: &[u8], end: usize) -> bool {
    matches!(text[end..], [b'-' | b'.', b, ..] if is_word(b))
}

/// Whether digits have the length, range and checksum of a payment card.
fn is_card(digits: &[u8]) -> bool {
    is_in_range(digits) && luhn(digits)
}

fn is_in_range(digits: &[u8]) -> bool {
    let head = digits
        .iter()
        .take(6)
        .fold(0_u32, |head, digit| head * 10 + u32::from(digit - b'0'));
    match (head, digits.len()) {
        // Visa.
        (400_000..=499_999, 13 | 16 | 19) => true,
        // Mastercard.
        (510_000..=559_999 | 222_100..=272_099, 16) => true,
        // American Express.
        (340_000..=349_999 | 370_000..=379_999, 15) => true,
        // Discover.
        (601_100..=601_199 | 644_000..=659_999, 16..=19) => true,
        // Diners Club.
        (
            300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999,
            14..=19,
        ) => true,
        // JCB, today's and former.
        (350_000..=359_999, 16..=19) | (213_100..=213_199 | 180_000..=180_099, 15) => true,
        // UnionPay, Mir.
        (620_000..=629_999, 16..=19) | (220_000..=220_499, 16..=19) => true,
        // Maestro.
        (500_000..=509_999 | 560_000..=589_999 | 600_000..=699_999, 12..=19) => true,
        _ => false,
    }
}

/// The check of Luhn: every second digit from the right is doubled.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| {
            let digit = u32::from(digit - b'0') << (i % 2);
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|&digit| digit != digits[0])
}
