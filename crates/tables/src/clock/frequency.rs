//! Frequencies by the aliases of pandas, old and new: `D`, `B`, `W-SUN`, `ME`, `QS-FEB`, `15min`.

use std::fmt;

use super::week::weekday;
use super::{Axis, Clock, DAY, MonthDay, Step, Week, date, month};

/// A specified, not inferred, frequency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frequency {
    /// The text as written.
    text: String,
    count: i64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Number,
    Seconds(i64),
    Day,
    BusinessDay,
    /// On a day of the week, counted from Monday as 0; `None` means the day on which a series
    /// starts.
    Week(Option<usize>),
    /// A number of months, ending in this month of the year, counted from January as 0; `None`
    /// means any.
    Months(i64, MonthDay, Option<i64>),
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// Aliases without a month or day of the week after a dash.
const PLAIN: &[(&str, Unit)] = &[
    ("s", Unit::Seconds(1)),
    ("S", Unit::Seconds(1)),
    ("min", Unit::Seconds(60)),
    ("T", Unit::Seconds(60)),
    ("h", Unit::Seconds(3600)),
    ("H", Unit::Seconds(3600)),
    ("D", Unit::Day),
    ("B", Unit::BusinessDay),
    ("W", Unit::Week(None)),
    ("M", Unit::Months(1, MonthDay::Last, None)),
    ("ME", Unit::Months(1, MonthDay::Last, None)),
    ("MS", Unit::Months(1, MonthDay::Own, None)),
    ("BM", Unit::Months(1, MonthDay::LastBusiness, None)),
    ("BME", Unit::Months(1, MonthDay::LastBusiness, None)),
    ("BMS", Unit::Months(1, MonthDay::FirstBusiness, None)),
];

/// Aliases of quarters and years: the number of months, the day, and the default month.
const ANCHORED: &[(&str, i64, MonthDay, i64)] = &[
    ("Q", 3, MonthDay::Last, 11),
    ("QE", 3, MonthDay::Last, 11),
    ("QS", 3, MonthDay::Own, 0),
    ("BQ", 3, MonthDay::LastBusiness, 11),
    ("BQE", 3, MonthDay::LastBusiness, 11),
    ("BQS", 3, MonthDay::FirstBusiness, 0),
    ("Y", 12, MonthDay::Last, 11),
    ("YE", 12, MonthDay::Last, 11),
    ("YS", 12, MonthDay::Own, 0),
    ("A", 12, MonthDay::Last, 11),
    ("AS", 12, MonthDay::Own, 0),
    ("BY", 12, MonthDay::LastBusiness, 11),
    ("BYE", 12, MonthDay::LastBusiness, 11),
    ("BYS", 12, MonthDay::FirstBusiness, 0),
    ("BA", 12, MonthDay::LastBusiness, 11),
    ("BAS", 12, MonthDay::FirstBusiness, 0),
];

/// The expected values, for messages.
const KNOWN: &str = "s, min, h, D, B, W (W-MON to W-SUN), MS, ME, BMS, BME, QS, QE, BQS, BQE, YS, YE, BYS, BYE (each \
                     of these with a month, as QE-NOV), older spellings of them, multiples as 15min, or a whole \
                     number for times that are whole numbers";

/// Frequencies of pandas that are not supported, and the alternative.
fn unsupported(base: &str) -> Option<&'static str> {
    Some(match base {
        "ms" | "us" | "ns" | "L" | "U" | "N" => {
            "times have a resolution of one second; number the steps 1, 2, 3, ... instead"
        }
        "SM" | "SME" | "SMS" => {
            "half months are of different lengths; number them 1, 2, 3, ... instead (24 a year: \
             ts.season: 24)"
        }
        "bh" | "cbh" | "BH" | "CBH" => {
            "opening hours are not supported; number the steps 1, 2, 3, ... instead, or use h, which \
             counts the closed hours as missing"
        }
        "C" | "CBM" | "CBME" | "CBMS" => {
            "calendars of holidays are not supported; use B (BME, BMS), which counts a holiday as a \
             missing step"
        }
        _ if base.starts_with("WOM") || base.starts_with("LWOM") => {
            "weeks of a month are not supported; give the first or the last day of each month (MS, ME)"
        }
        _ if base.starts_with("RE") => {
            "years of 52 or 53 weeks are not supported; number the steps 1, 2, 3, ... instead"
        }
        _ => return None,
    })
}

impl Frequency {
    /// Parses an alias with or without a multiple before it, or a whole number.
    ///
    /// # Errors
    /// The expected values.
    pub fn parse(text: &str) -> Result<Frequency, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, base) = text.split_at(digits);
        let count = match count {
            "" => 1,
            count => count.parse().unwrap_or(0),
        };
        if !(1..=100_000).contains(&count) {
            return Err(format!("`{text}`: a multiple must be from 1 to 100000"));
        }
        if text.is_empty() || base.starts_with(['-', '+', '.']) {
            return Err(format!("`{text}` is not a frequency; expected {KNOWN}"));
        }
        let unit = if base.is_empty() {
            Unit::Number
        } else {
            unit(base).ok_or_else(|| unknown(text, base))?
        };
        Ok(Frequency {
            text: text.to_owned(),
            count,
            unit,
        })
    }

    /// The clock for times on `axis`.
    ///
    /// # Errors
    /// If the frequency does not fit such times.
    pub fn clock(&self, axis: Axis) -> Result<Clock, String> {
        let count = self.count;
        let step = match self.unit {
            Unit::Number => Step::Whole(count),
            Unit::Seconds(unit) if axis == Axis::Date && (count * unit) % DAY == 0 => {
                Step::Days(count * unit / DAY)
            }
            Unit::Seconds(unit) => Step::Seconds(count * unit),
            Unit::Day => Step::Days(count),
            Unit::BusinessDay => Step::Weekdays {
                week: Week::BUSINESS,
                count,
            },
            Unit::Week(_) => Step::Days(7 * count),
            Unit::Months(months, day, _) => Step::Months {
                count: months * count,
                day,
            },
        };
        Clock::new(axis, step).ok_or_else(|| {
            let right = match axis {
                Axis::Whole => "a whole number, as 1, or auto",
                _ if self.unit == Unit::Number => "an alias, as D, or auto",
                _ => "whole days or longer, as D, or auto",
            };
            format!(
                "ts.frequency is {}, but the times are {}; set {right}",
                self.text,
                axis.plural()
            )
        })
    }

    /// Checks that a series that begins at `first` fits this frequency.
    ///
    /// # Errors
    /// What is wrong with the time.
    pub fn check(&self, axis: Axis, first: i64) -> Result<(), String> {
        let (day, _) = axis.day(first);
        let refused = |what: &str| {
            Err(format!(
                "{} is not on {what}, as ts.frequency: {} requires; correct the time, or set another \
                 frequency (auto detects it)",
                axis.text(first),
                self.text
            ))
        };
        let Some(date) = date(day) else {
            return Ok(());
        };
        match self.unit {
            Unit::BusinessDay if Week::BUSINESS.position(day).is_none() => {
                refused("a day from Monday to Friday")
            }
            Unit::Week(Some(wanted)) if weekday(day) != wanted => refused(WEEKDAYS[wanted]),
            Unit::Months(months, which, anchor) => {
                // At the start of a month only.
                let right = match which {
                    MonthDay::Own => date.day() == 1,
                    which => which.of(date.first_of_month(), date) == Some(date),
                };
                let number = month(date).0;
                match anchor {
                    _ if !right => refused(match which {
                        MonthDay::Own => "the first day of a month",
                        MonthDay::FirstBusiness => "the first business day of a month",
                        MonthDay::LastBusiness => "the last business day of a month",
                        _ => "the last day of a month",
                    }),
                    Some(anchor) if (number - anchor) % months != 0 => {
                        let names = (0..12).filter(|m| (m - anchor) % months == 0);
                        let names: Vec<&str> = names.map(|m| MONTHS[m as usize]).collect();
                        refused(&format!("a month of {}", names.join(", ")))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

fn unit(base: &str) -> Option<Unit> {
    if let Some((_, unit)) = PLAIN.iter().find(|(name, _)| *name == base) {
        return Some(*unit);
    }
    let (name, anchor) = match base.split_once('-') {
        Some((name, anchor)) => (name, Some(anchor)),
        None => (base, None),
    };
    if name == "W" {
        let day = WEEKDAYS.iter().position(|day| Some(*day) == anchor)?;
        return Some(Unit::Week(Some(day)));
    }
    let &(_, months, day, usual) = ANCHORED.iter().find(|(known, ..)| *known == name)?;
    let month = match anchor {
        None => usual,
        Some(anchor) => MONTHS.iter().position(|month| *month == anchor)? as i64,
    };
    Some(Unit::Months(months, day, Some(month)))
}

fn unknown(text: &str, base: &str) -> String {
    if let Some(way_out) = unsupported(base) {
        return format!("`{text}`: {way_out}");
    }
    let plain = PLAIN.iter().map(|(name, _)| (*name).to_owned());
    let weeks = WEEKDAYS.iter().map(|day| format!("W-{day}"));
    let anchored = ANCHORED.iter().flat_map(|(name, ..)| {
        let with = MONTHS.iter().map(move |month| format!("{name}-{month}"));
        std::iter::once((*name).to_owned()).chain(with)
    });
    let words = [
        ("hour", "h"),
        ("daly", "D"),
        ("mins", "min"),
        ("hourly", "h"),
        ("day", "D"),
        ("daily", "D"),
        ("week", "W"),
        ("weekly", "W"),
        ("month", "MS"),
        ("monthly", "MS"),
        ("quarter", "QS"),
        ("quarterly", "QS"),
        ("year", "YS"),
        ("yearly", "YS"),
        ("business", "B"),
        ("minute", "min"),
        ("second", "s"),
        ("sec", "s"),
        ("annual", "YS"),
    ];
    let lower = base.to_ascii_lowercase();
    let word = words.iter().find(|(word, _)| *word == lower);
    let near = word.map(|(_, alias)| (*alias).to_owned()).or_else(|| {
        let all = plain.chain(weeks).chain(anchored);
        all.map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= (base.len() / 3).max(usize::from(base.len() < 3)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
    });
    let hint = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
    format!("unknown frequency `{text}`: {hint}expected {KNOWN}")
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    /// The next times of a frequency, from pandas 2.3.3: `date_range(start, periods=4, freq=...)`.
    #[test]
    fn aliases_are_those_of_pandas() {
        for (alias, times) in [
            ("D", "2024-02-28 2024-02-29 2024-03-01 2024-03-02"),
            ("3D", "2024-02-28 2024-03-02 2024-03-05 2024-03-08"),
            ("B", "2024-03-01 2024-03-04 2024-03-05 2024-03-06"),
            ("2B", "2024-03-01 2024-03-05 2024-03-07 2024-03-11"),
            ("W-WED", "2024-02-28 2024-03-06 2024-03-13 2024-03-20"),
            ("2W-SUN", "2024-03-03 2024-03-17 2024-03-31 2024-04-14"),
            ("MS", "2024-01-01 2024-02-01 2024-03-01 2024-04-01"),
            ("M", "2024-01-31 2024-02-29 2024-03-31 2024-04-30"),
            ("2ME", "2023-12-31 2024-02-29 2024-04-30 2024-06-30"),
            ("BM", "2024-03-29 2024-04-30 2024-05-31 2024-06-28"),
            ("BME", "2024-08-30 2024-09-30 2024-10-31 2024-11-29"),
            ("BMS", "2024-05-01 2024-06-03 2024-07-01 2024-08-01"),
            ("Q", "2023-12-31 2024-03-31 2024-06-30 2024-09-30"),
            ("QE-NOV", "2023-11-30 2024-02-29 2024-05-31 2024-08-31"),
            ("QS", "2024-01-01 2024-04-01 2024-07-01 2024-10-01"),
            ("BQE", "2024-03-29 2024-06-28 2024-09-30 2024-12-31"),
            ("A-JUN", "2023-06-30 2024-06-30 2025-06-30 2026-06-30"),
            ("YS", "2023-01-01 2024-01-01 2025-01-01 2026-01-01"),
            ("BYE", "2021-12-31 2022-12-30 2023-12-29 2024-12-31"),
            ("YE-FEB", "2023-02-28 2024-02-29 2025-02-28 2026-02-28"),
            (
                "h",
                "2024-02-29T22:00 2024-02-29T23:00 2024-03-01T00:00 2024-03-01T01:00",
            ),
            (
                "15T",
                "2024-02-29T23:45 2024-03-01T00:00 2024-03-01T00:15 2024-03-01T00:30",
            ),
            (
                "30S",
                "2024-02-29T23:59:30Z 2024-03-01T00:00:00Z 2024-03-01T00:00:30Z 2024-03-01T00:01:00Z",
            ),
            ("24h", "2024-02-28 2024-02-29 2024-03-01 2024-03-02"),
            ("1", "5 6 7 8"),
            ("10", "1990 2000 2010 2020"),
        ] {
            let frequency = Frequency::parse(alias).unwrap();
            let texts: Vec<&str> = times.split(' ').collect();
            let (axis, first) = parse(texts[0]).unwrap();
            let clock = frequency.clock(axis).unwrap();
            assert_eq!(frequency.check(axis, first), Ok(()), "{alias}");
            for (step, text) in (0..).zip(texts) {
                let time = parse(text).unwrap().1;
                assert_eq!(clock.at(first, step), Some(time), "{alias}, {text}");
                assert_eq!(clock.steps(first, time), Some(step), "{alias}, {text}");
            }
            assert_eq!(Clock::from_numbers(&clock.to_numbers()), Some(clock));
        }
    }

    #[test]
    fn an_invalid_frequency_is_refused_with_a_valid_one() {
        for (alias, words) in [
            ("d", "did you mean `D`?"),
            ("weekly", "did you mean `W`?"),
            ("BMEE", "did you mean `BME`?"),
            ("W-MOM", "did you mean `W-MON`?"),
            ("15mins", "did you mean `min`?"),
            ("xyzzy", "expected s, min, h, D, B, W"),
            ("0D", "from 1 to 100000"),
            ("-1D", "is not a frequency"),
            ("", "is not a frequency"),
            ("ms", "a resolution of one second"),
            ("SMS", "ts.season: 24"),
            ("bh", "opening hours are not supported"),
            ("C", "counts a holiday as a missing step"),
            ("WOM-2FRI", "weeks of a month are not supported"),
            ("REQ-N-DEC-MON", "52 or 53 weeks"),
        ] {
            let error = Frequency::parse(alias).unwrap_err();
            assert!(error.contains(words), "{alias}: {error}");
        }
    }

    #[test]
    fn a_frequency_that_times_contradict_is_refused() {
        let refused = |alias: &str, first: &str| {
            let (axis, first) = parse(first).unwrap();
            let frequency = Frequency::parse(alias).unwrap();
            let clock = frequency.clock(axis);
            clock
                .and_then(|_| frequency.check(axis, first))
                .unwrap_err()
        };
        for (alias, first, words) in [
            ("B", "2024-03-02", "is not on a day from Monday to Friday"),
            ("W-SUN", "2024-03-02", "is not on SUN"),
            ("MS", "2024-03-02", "is not on the first day of a month"),
            ("ME", "2024-03-30", "is not on the last day of a month"),
            ("BME", "2024-03-31", "is not on the last business day"),
            (
                "QE",
                "2024-04-30",
                "is not on a month of MAR, JUN, SEP, DEC",
            ),
            ("YS-JUL", "2024-01-01", "is not on a month of JUL"),
            ("h", "2024-03-02", "but the times are dates; set whole days"),
            (
                "D",
                "17",
                "but the times are whole numbers; set a whole number",
            ),
            ("2", "2024-03-02", "set an alias"),
        ] {
            let error = refused(alias, first);
            assert!(error.contains(words), "{alias}: {error}");
        }
    }
}
