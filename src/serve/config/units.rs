//! Counts, times and sizes as people write them.

use std::time::Duration;

/// Limits that are no limits: above them the counters and clocks of the server would end.
const LARGEST_COUNT: usize = 1_000_000_000;
const LONGEST_TIME: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is neither true nor false"))
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=LARGEST_COUNT).contains(&count) => Ok(count),
        _ => Err(format!(
            "`{text}` is not a whole number from 1 to {LARGEST_COUNT}"
        )),
    }
}

/// `5s`, `250ms`, `2m`, or seconds.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1.0));
    let number: Option<f64> = number.trim().parse().ok();
    number
        .and_then(|number| Duration::try_from_secs_f64(number * seconds).ok())
        .filter(|time| *time <= LONGEST_TIME)
        .ok_or_else(|| format!("`{text}` is not a time, such as 5s, 250ms or 2m"))
}

/// `64KiB`, `10MB`, or bytes.
pub(super) fn size(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, usize); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    let unit = UNITS
        .iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((text, 1));
    let number: Option<usize> = number.trim().parse().ok();
    match number.and_then(|number| number.checked_mul(bytes)) {
        Some(size) if size > 0 => Ok(size),
        _ => Err(format!(
            "`{text}` is not a size, such as 64KiB, 32MiB or 10MB"
        )),
    }
}

pub(super) fn spell(time: &Duration) -> String {
    spell_time(*time)
}

pub(super) fn spell_time(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_secs_f64() * 1e3),
    }
}

pub(super) fn spell_size(bytes: usize) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units
        .iter()
        .find(|(_, bits)| bytes > 0 && bytes.is_multiple_of(1 << bits));
    unit.map_or_else(
        || bytes.to_string(),
        |(unit, bits)| format!("{}{unit}", bytes >> bits),
    )
}
