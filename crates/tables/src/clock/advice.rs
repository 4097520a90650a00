//! What to write instead of a date that is spelled in a way that is not read: `01/02/2024`, `Jan 2024`, `2024-1-5`.

use jiff::civil::Date;

const MONTHS: [&str; 12] = [
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

/// What to write instead of `text`; none where it looks like no date.
pub fn on(text: &str) -> Option<String> {
    let (dated, timed) = match text.find(':') {
        Some(colon) => {
            let dated = text[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
            (dated.strip_suffix('T').unwrap_or(dated), true)
        }
        None => (text, false),
    };
    let advice = on_date(dated.trim())?;
    Some(match timed {
        true => format!("{advice}, the time behind it as in 2024-02-29T12:00:00"),
        false => advice,
    })
}

fn on_date(text: &str) -> Option<String> {
    let write = |date: Date| {
        let date = date.to_string();
        (date != text).then(|| format!("write it as {date}"))
    };
    let date = |year: i16, month: i8, day: i8| Date::new(year, month, day).ok();
    match parts(text)?[..] {
        [Year(year), Small(month) | Month(month), Small(day)]
        | [Small(day), Month(month), Year(year)]
        | [Month(month), Small(day), Year(year)] => write(date(year, month, day)?),
        [Small(a), Small(b), Year(year)] => match (date(year, b, a), date(year, a, b)) {
            (Some(day_first), Some(month_first)) if a != b => Some(format!(
                "it may be {day_first} (day first) or {month_first} (month first); write the one that is \
                 meant, year first as here"
            )),
            (day_first, month_first) => write(day_first.or(month_first)?),
        },
        [Small(_), Small(_) | Month(_), Small(_)] => Some(
            "its year has two digits, so that the order of day, month and year is not sure; write it \
             with the whole year first, as 2024-02-29"
                .to_owned(),
        ),
        [Month(month) | Small(month), Year(year)] | [Year(year), Small(month) | Month(month)] => {
            write(date(year, month, 1)?).map(|write| format!("{write}, the first day of its month"))
        }
        [Month(_), Small(_)] | [Small(_), Month(_)] => Some(
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
    let short = |names: &[&str]| {
        names
            .iter()
            .position(|name| run.len() >= 3 && name.starts_with(run.as_str()))
    };
    match run.as_str() {
        "q" => Some(Some(Quarter)),
        "m" | "st" | "nd" | "rd" | "th" => Some(None),
        "sept" => Some(Some(Month(9))),
        _ if short(&WEEKDAYS).is_some() => Some(None),
        _ => short(&MONTHS).map(|month| Some(Month(month as i8 + 1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_are_not_read_are_spelled_as_they_would_be() {
        for (text, words) in [
            (
                "01/02/2024",
                "it may be 2024-02-01 (day first) or 2024-01-02 (month first); write the one",
            ),
            ("01.02.2024", "2024-02-01 (day first) or 2024-01-02"),
            ("03/03/2024", "write it as 2024-03-03"),
            ("29.02.2024", "write it as 2024-02-29"),
            ("2/14/2024", "write it as 2024-02-14"),
            (
                "1/2/2024 12:30",
                "year first as here, the time behind it as in",
            ),
            ("13/2/2024T9:30", "write it as 2024-02-13, the time behind"),
            ("Jan 2024", "write it as 2024-01-01, the first day"),
            ("2024 Sept", "write it as 2024-09-01, the first day"),
            ("01/2024", "write it as 2024-01-01, the first day"),
            ("2024M01", "write it as 2024-01-01, the first day"),
            ("14 Feb 2024", "write it as 2024-02-14"),
            ("Wed, February 14th, 2024", "write it as 2024-02-14"),
            ("2024/2/9", "write it as 2024-02-09"),
            ("2024.01.31", "write it as 2024-01-31"),
            ("Q1 2024", "write it as 2024-Q1"),
            ("01/02/24", "its year has two digits"),
            ("Feb-24", "a month of a year or a day without one"),
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
