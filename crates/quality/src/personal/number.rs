//! Runs of digit groups: `+49 (0)30 1234-567`.

/// Groups of a run; a longer one is cut there.
const MOST_GROUPS: usize = 16;
/// Digits of a run; a longer one is cut there.
const MOST_DIGITS: usize = 64;
/// Bytes between two groups.
const LONGEST_GAP: usize = 3;

/// Digits without anything between them.
#[derive(Clone, Copy, Default)]
struct Group {
    start: usize,
    end: usize,
    /// Where its digits begin among the run's.
    digit: usize,
}

/// Groups of digits with white space, hyphens, dots, slashes and parentheses between them.
pub(super) struct Run {
    groups: [Group; MOST_GROUPS],
    len: usize,
    digits: [u8; MOST_DIGITS],
    /// Where the first group's `+` or `(` is.
    opening: Option<usize>,
    stop: usize,
}

impl Run {
    /// The run whose first digit, `+` or `(` is at `at`.
    pub(super) fn read(text: &[u8], at: usize) -> Self {
        let mut run = Self {
            groups: [Group::default(); MOST_GROUPS],
            len: 0,
            digits: [0; MOST_DIGITS],
            opening: (!text[at].is_ascii_digit()).then_some(at),
            stop: at,
        };
        let first = text[at..].iter().position(u8::is_ascii_digit);
        let mut at = at + first.unwrap_or(0);
        let mut count = 0;
        while run.len < MOST_GROUPS {
            let rest = &text[at..];
            let length = rest
                .iter()
                .position(|b| !b.is_ascii_digit())
                .unwrap_or(rest.len());
            run.stop = at + length;
            if length == 0 || count + length > MOST_DIGITS {
                break;
            }
            run.digits[count..count + length].copy_from_slice(&rest[..length]);
            run.groups[run.len] = Group {
                start: at,
                end: at + length,
                digit: count,
            };
            run.len += 1;
            count += length;
            match gap(&text[at + length..]) {
                Some(gap) => at += length + gap,
                None => break,
            }
        }
        run
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first byte of a group.
    pub(super) fn start(&self, group: usize) -> usize {
        self.groups[group].start
    }

    /// The byte after a group.
    pub(super) fn end(&self, group: usize) -> usize {
        self.groups[group].end
    }

    /// Where the scan goes on.
    pub(super) fn stop(&self) -> usize {
        self.stop
    }

    /// Number of digits of a group.
    pub(super) fn size(&self, group: usize) -> usize {
        self.end(group) - self.start(group)
    }

    /// The digits of some groups, as ASCII.
    pub(super) fn digits(&self, groups: std::ops::Range<usize>) -> &[u8] {
        let last = groups.end - 1;
        &self.digits[self.groups[groups.start].digit..self.groups[last].digit + self.size(last)]
    }

    /// What stands before a group: after the group before it, or the first one's opening.
    pub(super) fn gap<'t>(&self, text: &'t [u8], group: usize) -> &'t [u8] {
        let start = match group {
            0 => self.opening.unwrap_or(self.start(0)),
            group => self.end(group - 1),
        };
        &text[start..self.start(group)]
    }
}

/// Length of what may stand between two groups, if a digit follows.
fn gap(text: &[u8]) -> Option<usize> {
    let mut length = 0;
    let mut signs = 0;
    loop {
        match text.get(length..)? {
            [b'0'..=b'9', ..] => return (signs > 0).then_some(length),
            [b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+', ..] => length += 1,
            // No-break space, non-breaking hyphen, en dash.
            [0xc2, 0xa0, ..] => length += 2,
            [0xe2, 0x80, 0x91 | 0x93, ..] => length += 3,
            _ => return None,
        }
        signs += 1;
        if signs > LONGEST_GAP {
            return None;
        }
    }
}
