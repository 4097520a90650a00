//! Phone numbers: international ones by country code and length, national ones by their form and the
//! words before them.
//!
//! National numbers have no checksum. Forms that little else has (`(555) 123-4567`, `0123/456789`)
//! are enough by themselves unless a word such as "order" comes before; others (nine digits) need a
//! word such as "call".

use std::cell::OnceCell;
use std::ops::Range;

use super::context::{self, Hint};
use super::number::Run;
use super::scan::{joins_after, joins_before, previous};

/// Fewest digits of a number, and most (E.164), its trunk zero aside.
const FEWEST_DIGITS: usize = 7;
const MOST_DIGITS: usize = 15;
/// Most groups that digits of one number are written in.
const MOST_GROUPS: usize = 8;
/// Most digits of an extension.
const EXTENSION: usize = 6;

/// The phone number that begins with a group: its first byte, its end, and its groups.
pub(super) fn find(text: &[u8], run: &Run, first: usize) -> Option<(usize, usize, usize)> {
    if is_date(text, run, first) {
        return None;
    }
    let start = start(text, run, first)?;
    // `(+49) 30 1234567`, or a whole number in parentheses.
    let inside = (text[start] == b'(').then_some(start + 1);
    find_from(text, run, first, start)
        .or_else(|| inside.and_then(|start| find_from(text, run, first, start)))
}

fn find_from(text: &[u8], run: &Run, first: usize, start: usize) -> Option<(usize, usize, usize)> {
    let most = (run.len() - first).min(MOST_GROUPS);
    // Looked up once, and only for what may be a number.
    let hint = OnceCell::new();
    (1..=most).rev().find_map(|count| {
        let number = Number::new(text, run, first..first + count, start)?;
        let end = ends(text, run, first + count)?;
        let is_phone = number.digits.len() >= FEWEST_DIGITS
            && number.is_phone(*hint.get_or_init(|| context::before(text, start)));
        is_phone.then_some((start, end, count))
    })
}

/// How many groups cannot begin a number once none was found: all three of a date.
pub(super) fn skipped(text: &[u8], run: &Run, first: usize) -> usize {
    if is_date(text, run, first) { 3 } else { 1 }
}

/// The first byte of a number: a digit, or the `+` or `(` before it.
fn start(text: &[u8], run: &Run, first: usize) -> Option<usize> {
    let gap = run.gap(text, first);
    let digit = run.start(first);
    let signs = match gap {
        [.., b'(', b'+'] if closes(text, run, first) => 2,
        [.., b'+', b'('] => 2,
        [.., b'+'] => 1,
        [.., b'('] if closes(text, run, first) => 1,
        _ => 0,
    };
    // What ties a group to the one before it: `12-345`.
    let is_tied = signs == 0 && first > 0 && !matches!(gap, [b' ' | 0xc2, ..]);
    let start = digit - signs;
    if is_tied || joins_before(text, start) {
        return None;
    }
    match text[..start] {
        // Paths, assignments, amounts.
        [
            ..,
            b'/' | b'=' | b'#' | b'$' | b'@' | b'%' | b'*' | b'\\' | b'^',
        ] => None,
        [.., a, b'-' | b'.' | b','] if a.is_ascii_alphanumeric() => None,
        _ if matches!(previous(text, start), Some('€' | '£' | '¥' | '₹' | '№')) => None,
        _ => Some(start),
    }
}

/// Whether a group is closed by a parenthesis.
fn closes(text: &[u8], run: &Run, group: usize) -> bool {
    text.get(run.end(group)) == Some(&b')')
}

/// The end of a number whose groups end before `next`, with its extension; `None` if it goes on there.
fn ends(text: &[u8], run: &Run, next: usize) -> Option<usize> {
    let end = run.end(next - 1);
    if let Some(extended) = extension(text, end) {
        return Some(extended);
    }
    let is_tied = next < run.len() && !matches!(run.gap(text, next), [b' ' | 0xc2, ..]);
    let rest = &text[end..];
    let goes_on = match rest {
        [b'-' | b'_' | b'/' | b'=' | b'@' | b'.', b, ..] => b.is_ascii_alphanumeric(),
        [b'%' | b'$' | b'_', ..] | [b' ', b'%' | b'$', ..] => true,
        // The euro sign.
        [0xe2, 0x82, 0xac, ..] | [b' ', 0xe2, 0x82, 0xac, ..] => true,
        _ => false,
    };
    (!is_tied && !goes_on && !joins_after(text, end)).then_some(end)
}

/// The end of `x123`, ` ext. 123` or ` extension 123`.
fn extension(text: &[u8], end: usize) -> Option<usize> {
    let space = usize::from(text.get(end) == Some(&b' '));
    let rest = &text[end + space..];
    let words: [&[u8]; 6] = [b"extension ", b"ext. ", b"ext.", b"ext ", b"x ", b"x"];
    let word = words.iter().find(|word| {
        rest.get(..word.len())
            .is_some_and(|r| r.eq_ignore_ascii_case(word))
    })?;
    let digits = rest[word.len()..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let extended = end + space + word.len() + digits;
    ((1..=EXTENSION).contains(&digits) && !joins_after(text, extended)).then_some(extended)
}

/// `24.12.2024`, `2024-12-24`, `12/24/99`.
fn is_date(text: &[u8], run: &Run, first: usize) -> bool {
    if first + 3 > run.len() {
        return false;
    }
    let (a, b) = (run.gap(text, first + 1), run.gap(text, first + 2));
    if a != b || !matches!(a, b"-" | b"." | b"/") {
        return false;
    }
    let value = |group: usize| {
        let digits = run.digits(group..group + 1);
        digits
            .iter()
            .take(4)
            .fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'))
    };
    let sizes = [0, 1, 2].map(|i| run.size(first + i));
    let [a, b, c] = [0, 1, 2].map(|i| value(first + i));
    let is_day = |a: u32, b: u32| (1..=12).contains(&a.min(b)) && (1..=31).contains(&a.max(b));
    match sizes {
        [4, 1..=2, 1..=2] => (1000..=2999).contains(&a) && is_day(b, c),
        [1..=2, 1..=2, 4] => (1000..=2999).contains(&c) && is_day(a, b),
        [1..=2, 1..=2, 2] => is_day(a, b),
        _ => false,
    }
}

/// Groups that may be a phone number.
struct Number<'a> {
    digits: &'a [u8],
    sizes: [usize; MOST_GROUPS],
    /// One sign for what stands before each group but the first: `(`, `)`, `-`, `.`, `/` or a space.
    gaps: [u8; MOST_GROUPS],
    count: usize,
    has_plus: bool,
    /// The group in parentheses.
    parenthesis: Option<usize>,
}

impl<'a> Number<'a> {
    /// `None` if signs between the groups fit no phone number.
    fn new(text: &[u8], run: &'a Run, groups: Range<usize>, start: usize) -> Option<Self> {
        let first = groups.start;
        let mut number = Self {
            digits: run.digits(groups.clone()),
            sizes: [0; MOST_GROUPS],
            gaps: [b' '; MOST_GROUPS],
            count: groups.len(),
            has_plus: text[start..run.start(first)].contains(&b'+'),
            parenthesis: None,
        };
        let mut is_open = text[start..run.start(first)].contains(&b'(');
        for group in groups {
            let i = group - first;
            number.sizes[i] = run.size(group);
            if i > 0 {
                let gap = run.gap(text, group);
                if is_open != gap.starts_with(b")") || gap.contains(&b'+') {
                    return None;
                }
                is_open = gap.ends_with(b"(");
                number.gaps[i] = sign(gap)?;
            }
            if is_open {
                // Two in parentheses: `+49 (0) (30)`.
                if number.parenthesis.is_some() {
                    return None;
                }
                number.parenthesis = Some(i);
            }
        }
        (!is_open).then_some(number)
    }

    fn sizes(&self) -> &[usize] {
        &self.sizes[..self.count]
    }

    fn gaps(&self) -> &[u8] {
        &self.gaps[1..self.count]
    }

    fn is_phone(&self, hint: Hint) -> bool {
        if self.digits.iter().all(|digit| *digit == self.digits[0]) {
            return false;
        }
        if self.has_plus {
            return self.is_international(0);
        }
        let by_form = match self.parenthesis {
            _ if self.digits.starts_with(b"00") => {
                hint != Hint::Other && self.digits.len() >= 11 && self.is_international(2)
            }
            Some(0) => self.is_area_in_parentheses(),
            Some(1) => {
                let trunk = &self.digits[..self.sizes[0]];
                matches!(trunk, b"8" | b"1") && self.digits.len() == 11
            }
            Some(_) => false,
            None => hint != Hint::Other && self.is_national(),
        };
        by_form || hint == Hint::Phone && self.is_plausible()
    }

    /// A country code, and as many digits as its country has; `skip` digits come before.
    fn is_international(&self, skip: usize) -> bool {
        let digits = &self.digits[skip..];
        let Some((code, fewest, most)) = country(digits) else {
            return false;
        };
        // `+44 (0)20 ...`: the zero is dialled inside the country only.
        let trunk = self.parenthesis.is_some_and(|group| {
            let before: usize = self.sizes[..group].iter().sum();
            self.digits[before..before + self.sizes[group]].starts_with(b"0")
        });
        let national = digits.len() - code;
        let fits =
            |national: usize| (fewest..=most).contains(&national) && code + national <= MOST_DIGITS;
        fits(national) || trunk && fits(national - 1)
    }

    /// `(555) 123-4567`, `(030) 1234567`, `(11) 91234-5678`, `(351) 912 345 678`.
    fn is_area_in_parentheses(&self) -> bool {
        let total = self.digits.len();
        if self.gaps().contains(&b'.') && self.sizes() != [3, 3, 4] {
            return false;
        }
        match self.sizes() {
            [3, 3, 4] | [3, 7] => true,
            [2, 4 | 5, 4] => true,
            _ if self.digits[0] == b'0' => (8..=12).contains(&total) && self.count > 1,
            _ => total >= 11 && self.is_international(0),
        }
    }

    /// A form without country code and parentheses that little else has.
    fn is_national(&self) -> bool {
        let first = self.digits[0];
        let gaps = self.gaps();
        let is_dashed = gaps.iter().all(|gap| *gap == b'-');
        match self.sizes() {
            [3, 3, 4] => first != b'1' || !gaps.contains(&b' '),
            [1, 3, 3, 4] => matches!(first, b'1' | b'8'),
            [1, 3, 3, 2, 2] => first == b'8',
            _ if first == b'0' => self.is_after_trunk_zero(),
            [2, 4, 4] => is_dashed || gaps == b" -",
            [2, 5, 4] => gaps == b" -",
            [2, 3, 2, 2] => gaps == b"   " || is_dashed,
            [3, 2, 2, 2] => (b'6'..=b'9').contains(&first) && gaps == b"   ",
            [3, 3, 3] => gaps == b"  " && self.is_mobile_of_nine(),
            [4, 3, 3] => self.digits.starts_with(b"1800") || self.digits.starts_with(b"1300"),
            [10] => self.is_plan_of_ten(0) || first >= b'6',
            [11] => self.is_eleven_in_one(),
            _ => false,
        }
    }

    /// `030 1234567`, `0123/456789`, `01 23 45 67 89`, `0123456789`.
    fn is_after_trunk_zero(&self) -> bool {
        let total = self.digits.len();
        let gaps = self.gaps();
        match self.count {
            1 => (10..=11).contains(&total),
            // A decimal number, or a range of numbers.
            2 if gaps == b"." => false,
            2 => (9..=12).contains(&total) && self.sizes[0] >= 2,
            _ => {
                let is_even = !gaps.contains(&b'.') || gaps.iter().all(|gap| *gap == b'.');
                (8..=12).contains(&total) && self.sizes[0] >= 2 && is_even
            }
        }
    }

    /// Polish and Portuguese mobile numbers, `601 234 567`; round numbers are amounts.
    fn is_mobile_of_nine(&self) -> bool {
        let prefix = &self.digits[..2];
        let is_mobile = matches!(
            prefix,
            b"50"
                | b"51"
                | b"53"
                | b"57"
                | b"60"
                | b"66"
                | b"69"
                | b"72"
                | b"73"
                | b"78"
                | b"79"
                | b"88"
                | b"91"
                | b"92"
                | b"93"
                | b"96"
        );
        is_mobile && !self.digits.ends_with(b"000")
    }

    /// North America's numbering plan: area and exchange begin with 2 to 9.
    fn is_plan_of_ten(&self, skip: usize) -> bool {
        self.digits[skip] >= b'2' && self.digits[skip + 3] >= b'2'
    }

    /// `1` and ten digits, Chinese mobile numbers, Russian ones with the trunk 8.
    fn is_eleven_in_one(&self) -> bool {
        match self.digits[0] {
            b'1' => self.is_plan_of_ten(1) || self.digits[1] >= b'3',
            b'8' => self.digits[1] >= b'3',
            _ => false,
        }
    }

    /// What the words before it call a phone number.
    fn is_plausible(&self) -> bool {
        let is_decimal = self.count == 2 && self.gaps() == b"." && self.sizes() != [3, 4];
        self.digits.len() <= MOST_DIGITS
            && !is_decimal
            && self.sizes().iter().all(|size| *size <= 12)
    }
}

/// The sign that tells most of what stands between two groups.
fn sign(gap: &[u8]) -> Option<u8> {
    let of = |sign: u8| gap.contains(&sign).then_some(sign);
    match gap {
        b" " | [0xc2, 0xa0] => Some(b' '),
        b"-" | [0xe2, 0x80, _] => Some(b'-'),
        b"." | b"/" => Some(gap[0]),
        b" - " => Some(b'-'),
        b" / " | b"/ " => Some(b'/'),
        _ => of(b'(').or_else(|| of(b')')),
    }
}

/// Length of the country code that digits begin with, and the fewest and most digits after it.
fn country(digits: &[u8]) -> Option<(usize, usize, usize)> {
    let number = |length: usize| {
        let code = digits.get(..length)?;
        Some(
            code.iter()
                .fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0')),
        )
    };
    match (number(1)?, number(2)?, number(3)?) {
        (1, ..) => Some((1, 10, 10)),
        (7, ..) => Some((1, 10, 10)),
        (_, 31 | 32 | 33 | 34 | 41 | 48 | 61, _) => Some((2, 8, 9)),
        (_, 30 | 82 | 90 | 91 | 92 | 20, _) => Some((2, 8, 10)),
        (_, 44, _) => Some((2, 9, 10)),
        (_, 45 | 47 | 65, _) => Some((2, 8, 8)),
        (_, 27 | 36 | 40 | 46 | 51 | 56 | 60 | 63 | 64 | 66 | 81 | 84 | 94 | 95 | 98, _) => {
            Some((2, 7, 10))
        }
        (_, 39 | 43 | 49, _) => Some((2, 6, 12)),
        (_, 52 | 53 | 54 | 55 | 57 | 58 | 62 | 86 | 93, _) => Some((2, 8, 11)),
        (
            _,
            _,
            211..=299
            | 350..=389
            | 420..=429
            | 500..=509
            | 590..=599
            | 670..=699
            | 850..=899
            | 960..=999,
        ) => Some((3, 6, 11)),
        _ => None,
    }
}
