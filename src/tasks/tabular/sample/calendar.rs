//! Dates of sample rows, from days since 1970-01-01.

/// Days from 1970-01-01 to 2020-01-01.
pub const DAY_2020: u32 = 18_262;

/// The date of a day as `YYYY-MM-DD`, and its year.
///
/// Howard Hinnant's `civil_from_days` ("chrono-compatible low-level date algorithms"), for days from 1970 on.
pub fn date(day: u32) -> (String, u32) {
    // Years begin in March here, so that the leap day is the last of its year.
    let days = day + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + u32::from(month <= 2);
    (format!("{year}-{month:02}-{day:02}"), year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_ends_of_years_are_right() {
        // GNU date: `date -u -d @$((day * 86400)) +%F`.
        for (day, expected) in [
            (0, "1970-01-01"),
            (DAY_2020 - 1, "2019-12-31"),
            (DAY_2020, "2020-01-01"),
            (DAY_2020 + 59, "2020-02-29"),
            (DAY_2020 + 60, "2020-03-01"),
            (DAY_2020 + 366 + 58, "2021-02-28"),
            (DAY_2020 + 366 + 59, "2021-03-01"),
            (11_016, "2000-02-29"),
        ] {
            assert_eq!(date(day).0, expected);
        }
        assert_eq!(date(DAY_2020 + 365).1, 2020);
        assert_eq!(date(DAY_2020 + 366).1, 2021);
    }
}
