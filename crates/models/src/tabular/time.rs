//! The parts of points in time: what a model of columns can see of a calendar.

/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// Times beyond the year 9999 either way have no calendar.
const LARGEST: f64 = 253_402_300_800.0;

/// Which parts are columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Whether times of day occur, so that the hour is a column.
    pub hour: bool,
}

impl Parts {
    /// The parts that vary in these times, in seconds since 1970; NaN is missing.
    pub fn of(mut times: impl Iterator<Item = f64>) -> Parts {
        let is_within_a_day = |time: f64| time.is_finite() && time.rem_euclid(DAY) != 0.0;
        Parts {
            hour: times.any(is_within_a_day),
        }
    }

    /// The columns: what each is, and its values.
    pub fn split(self, times: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        let mut columns: Vec<(&'static str, Vec<f64>)> =
            ["days", "year", "month", "day", "weekday"]
                .map(|what| (what, Vec::with_capacity(times.len())))
                .into();
        columns.extend(self.hour.then(|| ("hour", Vec::with_capacity(times.len()))));
        for &time in times {
            let parts = parts(time);
            let pairs = columns.iter_mut().zip(parts);
            pairs.for_each(|((_, values), part)| values.push(part));
        }
        columns
    }
}

/// Days since 1970, year, month, day of the month, weekday (Monday is 1) and hour of a time.
fn parts(time: f64) -> [f64; 6] {
    if time.is_nan() || time.abs() > LARGEST {
        return [f64::NAN; 6];
    }
    let day = (time / DAY).floor();
    let [year, month, of_month] = civil(day as i64);
    let weekday = (day as i64 + 3).rem_euclid(7) + 1; // 1970-01-01 was a Thursday
    [
        time / DAY,
        year as f64,
        month as f64,
        of_month as f64,
        weekday as f64,
        (time - day * DAY) / 3600.0,
    ]
}

/// Year, month and day of the month in the Gregorian calendar of a number of days since 1970-01-01
/// (Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn civil(days: i64) -> [i64; 3] {
    let shifted = days + 719_468; // since 0000-03-01
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = from_march + if from_march < 10 { 3 } else { -9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, day]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        assert_eq!(civil(0), [1970, 1, 1]);
        assert_eq!(civil(-1), [1969, 12, 31]);
        assert_eq!(civil(11_016), [2000, 2, 29]);
        assert_eq!(civil(19_782), [2024, 2, 29]);
        assert_eq!(civil(-719_162), [1, 1, 1]);
    }

    #[test]
    fn a_time_has_its_parts() {
        // 2024-02-29 18:30, a Thursday.
        let time = 19_782.0 * DAY + 18.5 * 3600.0;
        let columns = Parts::of([time].into_iter()).split(&[time, f64::NAN]);
        let first: Vec<(&str, f64)> = columns.iter().map(|(what, v)| (*what, v[0])).collect();
        let days = 19_782.0 + 18.5 / 24.0;
        assert_eq!(
            first,
            [
                ("days", days),
                ("year", 2024.0),
                ("month", 2.0),
                ("day", 29.0),
                ("weekday", 4.0),
                ("hour", 18.5)
            ]
        );
        assert!(columns.iter().all(|(_, values)| values[1].is_nan()));
    }

    #[test]
    fn dates_have_no_hour_and_far_times_no_parts() {
        let columns = Parts::of([DAY, f64::NAN].into_iter()).split(&[f64::INFINITY, 1e300]);
        assert_eq!(columns.len(), 5);
        assert!(
            columns
                .iter()
                .all(|(_, values)| values.iter().all(|v| v.is_nan()))
        );
    }
}
