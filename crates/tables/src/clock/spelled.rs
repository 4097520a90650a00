//! A text that looks like a date, taken apart: numbers, names of months and weekdays, and what stands between
//! them. It knows forms only; `candidates` tries which of them read a column.

use super::Axis;
use super::pattern::{Pattern, Precision};

pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// A part of a date.
enum Piece<'a> {
    /// What gives a part of the date: a letter for its form, as in [`orders`], and the directives that read it
    /// where it is a name.
    Given(char, &'static [&'static str]),
    /// What is the same in every text, or a weekday.
    Fixed(&'a str),
}

/// A date, and the time of day behind it.
#[derive(Default)]
pub(super) struct Spelled<'a> {
    pieces: Vec<Piece<'a>>,
    /// The pattern of the time of day with what stands before it.
    clock: String,
    /// Dates without a time of day.
    axis: Option<Axis>,
}

/// The orders of the parts that a form of date may have, by the letters of their directives, and whether dates
/// are often written so. Y: a year of four digits, S: a number of one or two, M: the name of a month, W: the
/// letter before a week, L: eight digits.
fn orders(form: &str) -> &'static [(&'static str, bool)] {
    match form {
        "YSS" => &[("Ymd", true)],
        "SSY" => &[("dmY", true), ("mdY", true)],
        "SMY" => &[("dbY", true)],
        "MSY" => &[("bdY", true)],
        "YMS" => &[("Ybd", true)],
        "SSS" => &[("dmy", true), ("mdy", true), ("ymd", false)],
        "SMS" => &[("dby", true), ("ybd", false)],
        "MSS" => &[("bdy", true)],
        "MY" => &[("bY", true)],
        "YM" => &[("Yb", true)],
        "SY" => &[("mY", true)],
        "YS" => &[("Ym", true)],
        "MS" => &[("by", true)],
        "YWS" => &[("GWV", true)],
        "WSY" => &[("WVG", true)],
        "YWSS" => &[("GWVu", true)],
        "L" => &[("Ymd", true), ("dmY", true), ("mdY", true)],
        _ => &[],
    }
}

impl<'a> Spelled<'a> {
    /// Takes a text apart; nothing is in it where it does not look like a date.
    pub fn of(text: &'a str) -> Spelled<'a> {
        Self::try_of(text).unwrap_or_default()
    }

    fn try_of(text: &'a str) -> Option<Spelled<'a>> {
        if text.parse::<f64>().is_ok() {
            return None;
        }
        let start = clock_start(text).unwrap_or(text.len());
        let (date, clock) = text.split_at(start);
        let between = |c: char| c == ' ' || c == ',' || c == '_';
        let mut bare = date.trim_end_matches(between);
        if let Some(rest) = bare.strip_suffix(['T', 't'])
            && rest.ends_with(|c: char| c.is_ascii_digit())
        {
            bare = rest;
        }
        let (clock, axis) = match clock {
            "" => (String::new(), None),
            clock => {
                let (clock, axis) = clock_pattern(clock)?;
                (format!("{}{clock}", &date[bare.len()..]), Some(axis))
            }
        };
        Some(Spelled {
            pieces: pieces(bare)?,
            clock,
            axis,
        })
    }

    /// The patterns that the text may be written in, and whether dates are often written so.
    pub fn patterns(&self) -> Vec<(Pattern, bool)> {
        let form: String = { self.pieces.iter() }
            .filter_map(|piece| match piece {
                Piece::Given(form, _) => Some(*form),
                Piece::Fixed(_) => None,
            })
            .collect();
        // The name of May is short and whole.
        let names = { self.pieces.iter() }.map(|piece| match piece {
            Piece::Given(_, names) => names.len(),
            Piece::Fixed(_) => 0,
        });
        let names = names.max().unwrap_or(0).max(1);
        let each = orders(&form).iter().flat_map(|(order, usual)| {
            (0..names).map(move |name| (self.pattern(order, name), *usual))
        });
        each.collect()
    }

    fn pattern(&self, order: &str, name: usize) -> Pattern {
        let mut text = String::new();
        let mut letters = order.chars();
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(fixed) => text.push_str(fixed),
                Piece::Given('L', _) => {
                    letters.by_ref().for_each(|c| text.extend(['%', c]));
                }
                Piece::Given('W', _) => text.extend(letters.next()),
                Piece::Given(_, names) => {
                    let letter = letters.next().unwrap_or('%');
                    match names.get(name) {
                        Some(directive) => text.push_str(directive),
                        None => text.extend(['%', letter]),
                    }
                }
            }
        }
        text.push_str(&self.clock);
        let precision = match order {
            _ if order.contains(['d', 'u']) => Precision::Day,
            _ if order.contains('V') => Precision::Week,
            _ => Precision::Month,
        };
        Pattern::known(text, self.axis.unwrap_or(Axis::Date), precision)
    }
}

/// Runs of digits, of letters, and of what stands between them; `None` where one is of no date.
fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same: fn(char) -> bool = match first {
            '0'..='9' => |c| c.is_ascii_digit(),
            'A'..='Z' | 'a'..='z' => |c| c.is_ascii_alphabetic(),
            '/' | '-' | '.' | ',' | '\'' | ' ' | '_' => |c| "/-.,' _".contains(c),
            _ => return None,
        };
        let run;
        (run, rest) = rest.split_at(rest.find(|c| !same(c)).unwrap_or(rest.len()));
        pieces.push(match first {
            '0'..='9' => match run.len() {
                1 | 2 => Piece::Given('S', &[]),
                4 => Piece::Given('Y', &[]),
                8 => Piece::Given('L', &[]),
                _ => return None,
            },
            'A'..='Z' | 'a'..='z' => name(run)?,
            _ => Piece::Fixed(run),
        });
    }
    Some(pieces)
}

/// What a run of letters is.
fn name(run: &str) -> Option<Piece<'_>> {
    let lower = run.to_ascii_lowercase();
    let is_whole = |names: &[&str]| names.contains(&lower.as_str());
    let is_short = |names: &[&str]| {
        let short = names.iter().any(|name| name.starts_with(&lower));
        lower.len() == 3 && short
    };
    match run {
        "W" => Some(Piece::Given('W', &[])),
        "M" => Some(Piece::Fixed(run)),
        _ if lower == "may" => Some(Piece::Given('M', &["%b", "%B"])),
        _ if is_short(&MONTHS) => Some(Piece::Given('M', &["%b"])),
        _ if is_whole(&MONTHS) => Some(Piece::Given('M', &["%B"])),
        _ if is_short(&WEEKDAYS) => Some(Piece::Fixed("%a")),
        _ if is_whole(&WEEKDAYS) => Some(Piece::Fixed("%A")),
        _ => None,
    }
}

/// Where the time of day begins: one or two digits before a colon.
fn clock_start(text: &str) -> Option<usize> {
    let colon = text.find(':')?;
    let digits = text[..colon].bytes().rev();
    let digits = digits.take_while(u8::is_ascii_digit).count();
    (1..=2).contains(&digits).then(|| colon - digits)
}

/// The pattern of a time of day, and the axis of such times.
fn clock_pattern(text: &str) -> Option<(String, Axis)> {
    let mut rest = text;
    let digits = |rest: &mut &str| {
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        *rest = &rest[count..];
        count
    };
    let mut pattern = String::new();
    digits(&mut rest);
    for directive in [":%M", ":%S"] {
        let Some(after) = rest.strip_prefix(':') else {
            break;
        };
        rest = after;
        (digits(&mut rest) == 2).then(|| pattern.push_str(directive))?;
    }
    if pattern.ends_with('S')
        && let Some(after) = rest.strip_prefix(['.', ','])
    {
        pattern.push_str(&rest[..1]);
        pattern.push_str("%f");
        rest = after;
        (1..=9).contains(&digits(&mut rest)).then_some(())?;
    }
    let blank = |rest: &str| rest.len() - rest.trim_start().len();
    let (mut space, mut tail) = rest.split_at(blank(rest));
    let mut hour = "%H";
    let half = tail.get(..2).map(str::to_ascii_lowercase);
    if matches!(half.as_deref(), Some("am" | "pm")) {
        hour = "%I";
        pattern.push_str(space);
        pattern.push_str("%p");
        rest = &tail[2..];
        (space, tail) = rest.split_at(blank(rest));
    }
    let offset = |text: &str| {
        let text = text.strip_prefix(['+', '-']).unwrap_or_default();
        let digits = text.replacen(':', "", 1);
        digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let utc = matches!(tail, "Z" | "z") || offset(tail);
    match tail {
        "" => {}
        _ if utc => pattern.extend([space, "%z"]),
        "UTC" | "GMT" => pattern.extend([space, tail]),
        _ => return None,
    }
    Some((format!("{hour}{pattern}"), Axis::Time { utc }))
}
