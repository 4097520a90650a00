//! What to do about a date that is spelled in a way that is not read: set the format that reads it, or write it
//! otherwise.

use jiff::civil::Date;

use super::candidates::Candidates;
use super::pattern::KEY;
use super::spelled::MONTHS;

/// What to do about `text`; none where it looks like no date.
pub fn on(text: &str) -> Option<String> {
    if let Some(advice) = by_format(&Candidates::of(text)) {
        return Some(advice);
    }
    on_date(text.trim())
}

/// The formats that read it.
fn by_format(candidates: &Candidates) -> Option<String> {
    let (_, read) = candidates.examples();
    let mut times: Vec<&str> = read.iter().map(|(_, time)| time.as_str()).collect();
    times.dedup();
    let formats: Vec<String> = { read.iter() }
        .map(|(pattern, time)| match times.len() {
            1 => format!("\"{pattern}\""),
            _ => format!("\"{pattern}\" for {time}"),
        })
        .collect();
    let set = format!(
        "if all times are written so, set {KEY}: {}",
        formats.join(" or ")
    );
    match times[..] {
        [] => None,
        [time] => Some(format!("write it as {time}, or, {set}")),
        _ => Some(format!(
            "it may be {}; write the one that is meant, or, {set}",
            times.join(" or ")
        )),
    }
}

/// A part of a date, by its form.
enum Part {
    Year(i16),
    /// A number of one or two digits.
    Small(i8),
    Month(i8),
    /// The letter before the number of a quarter.
    Quarter,
}

use Part::{Month, Quarter, Small, Year};

/// Dates that no pattern reads.
fn on_date(text: &str) -> Option<String> {
    let date = |year: i16, month: i8, day: i8| Date::new(year, month, day).ok();
    match parts(text)?[..] {
        [Small(day), Month(month), Year(year)] | [Month(month), Small(day), Year(year)] => {
            Some(format!("write it as {}", date(year, month, day)?))
        }
        [Month(month), Year(year)] | [Year(year), Month(month)] => Some(format!(
            "write it as {}, the first day of its month",
            date(year, month, 1)?
        )),
        [Small(_), Month(_)] => Some(
            "it may be a month of a year or a day without one; write it with the whole year first, as \
             2024-02-01"
                .to_owned(),
        ),
        [Quarter, Small(quarter @ 1..=4), Year(year)]
        | [Small(quarter @ 1..=4), Quarter, Year(year)]
        | [Year(year), Quarter, Small(quarter @ 1..=4)] => {
            Some(format!("write it as {year:04}-Q{quarter}"))
        }
        _ => None,
    }
}

/// Runs of digits and of letters; none where one is of no date.
fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same: fn(char) -> bool = match first {
            '0'..='9' => |c| c.is_ascii_digit(),
            'A'..='Z' | 'a'..='z' => |c| c.is_ascii_alphabetic(),
            '/' | '-' | '.' | ',' | '\'' | ' ' | '_' => {
                rest = &rest[1..];
                continue;
            }
            _ => return None,
        };
        let run;
        (run, rest) = rest.split_at(rest.find(|c| !same(c)).unwrap_or(rest.len()));
        parts.extend(part(run)?);
    }
    Some(parts)
}

/// What a run of digits or letters says; within, none for words that say nothing.
fn part(run: &str) -> Option<Option<Part>> {
    if run.starts_with(|c: char| c.is_ascii_digit()) {
        return match run.len() {
            1 | 2 => run.parse().ok().map(|number| Some(Small(number))),
            4 => run.parse().ok().map(|number| Some(Year(number))),
            _ => None,
        };
    }
    let run = run.to_ascii_lowercase();
    let month =
        || { MONTHS.iter() }.position(|name| run.len() >= 3 && name.starts_with(run.as_str()));
    match run.as_str() {
        "q" => Some(Some(Quarter)),
        "st" | "nd" | "rd" | "th" => Some(None),
        "sept" => Some(Some(Month(9))),
        _ => month().map(|month| Some(Month(month as i8 + 1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_are_not_read_are_said_how_to_read() {
        for (text, words) in [
            (
                "01/02/2024",
                "it may be 2024-02-01 or 2024-01-02; write the one that is meant, or, if all times are written \
                 so, set TASK.data.date_format: \"%d/%m/%Y\" for 2024-02-01 or \"%m/%d/%Y\" for 2024-01-02",
            ),
            (
                "29.02.2024",
                "write it as 2024-02-29, or, if all times are written so, set TASK.data.date_format: \"%d.%m.%Y\"",
            ),
            ("03/03/2024", "\"%d/%m/%Y\" or \"%m/%d/%Y\""),
            (
                "1/2/2024 12:30",
                "2024-02-01T12:30:00 or 2024-01-02T12:30:00",
            ),
            ("Jan 2024", "write it as 2024-01-01, or"),
            ("2024 Sept", "write it as 2024-09-01, the first day"),
            ("February 14th, 2024", "write it as 2024-02-14"),
            ("Q1 2024", "write it as 2024-Q1"),
            ("24-Jan", "a month of a year or a day without one"),
        ] {
            let advice = on(text).unwrap_or_default();
            assert!(advice.contains(words), "{text}: {advice}");
        }
        for text in [
            "2024-02-30",
            "31/02/2024",
            "2024-01-01T25:00:00",
            "yesterday",
            "12:30",
            "",
            "12.5",
            "é/1/2024",
            "Q5 2024",
        ] {
            assert_eq!(on(text), None, "{text}");
        }
    }
}
