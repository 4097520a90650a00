//! Sets of weekdays, and the numbering of their days with the others left out.

use std::fmt;

/// A non-empty set of days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Week(u8);

const NAMES: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// 1970-01-01 was a Thursday.
const THURSDAY: i64 = 3;

/// The day of the week of a day since 1970-01-01, counted from Monday as 0.
pub(super) fn weekday(day: i64) -> usize {
    (day + THURSDAY).rem_euclid(7) as usize
}

/// The name of the day of the week of a day since 1970-01-01.
pub(super) fn name(day: i64) -> &'static str {
    NAMES[weekday(day)]
}

impl Week {
    /// Monday to Friday.
    pub const BUSINESS: Week = Week(0b001_1111);

    /// The days, counted from Monday as 0, for which `counts` is true.
    pub(super) fn of(counts: impl Fn(usize) -> bool) -> Week {
        Week((0..7).filter(|&day| counts(day)).map(|day| 1 << day).sum())
    }

    /// Restores a set from [`Week::to_number`].
    ///
    /// `None` for a number that is no set: below 1, or with a bit beyond Sunday.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::clock::Week;
    ///
    /// assert_eq!(Week::from_number(0b001_1111), Some(Week::BUSINESS));
    /// let week = Week::from_number(0b010_1111).unwrap(); // closed on Fridays and Sundays
    /// assert_eq!((week.len(), week.to_number()), (5, 47));
    /// assert_eq!(Week::from_number(0), None);
    /// assert_eq!(Week::from_number(0x80), None);
    /// ```
    pub fn from_number(number: i64) -> Option<Week> {
        let days = u8::try_from(number).ok()?;
        (1..0x80).contains(&days).then_some(Week(days))
    }

    /// A number for a model file: one bit per day, Monday the lowest.
    pub fn to_number(self) -> i64 {
        self.0.into()
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Number of days in the set.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether a day of the week, counted from Monday as 0, is in the set.
    pub(super) fn has(self, weekday: usize) -> bool {
        self.0 >> weekday & 1 == 1
    }

    /// Whether the days outside the set are one, or two consecutive ones.
    pub(super) fn is_usual(self) -> bool {
        let closed: Vec<usize> = (0..7).filter(|&day| !self.has(day)).collect();
        match closed[..] {
            [_] => true,
            [a, b] => b - a == 1 || b - a == 6,
            _ => false,
        }
    }

    /// The index of a day since 1970-01-01 among the days of the set; `None` if it is not in the
    /// set.
    pub(super) fn position(self, day: i64) -> Option<i64> {
        let (week, weekday) = ((day + THURSDAY).div_euclid(7), weekday(day));
        let before = (self.0 & ((1 << weekday) - 1)).count_ones();
        self.has(weekday)
            .then(|| week * self.len() as i64 + i64::from(before))
    }

    /// The day since 1970-01-01 with an index from [`Week::position`].
    pub(super) fn day(self, position: i64) -> Option<i64> {
        let length = self.len() as i64;
        let (week, index) = (position.div_euclid(length), position.rem_euclid(length));
        let weekday = (0..7).filter(|&day| self.has(day)).nth(index as usize)?;
        week.checked_mul(7)?.checked_add(weekday as i64 - THURSDAY)
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if *self == Week::BUSINESS {
            return f.write_str("business days (Monday to Friday)");
        }
        let starts = |day: &usize| self.has(*day) && !self.has((*day + 6) % 7);
        let first = (0..7).find(starts);
        match first {
            Some(first) if self.is_usual() => {
                let last = NAMES[(first + self.len() - 1) % 7];
                write!(f, "the days from {} to {last}", NAMES[first])
            }
            _ => {
                let names: Vec<&str> = (0..7).filter(|&d| self.has(d)).map(|d| NAMES[d]).collect();
                write!(f, "each {}", names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_count_are_numbered_without_the_others() {
        for week in [
            Week::BUSINESS,
            Week(0b011_1111),
            Week(0b100_1111),
            Week(0b1),
        ] {
            let positions: Vec<i64> = (-40..40).filter_map(|day| week.position(day)).collect();
            assert!(positions.windows(2).all(|p| p[1] == p[0] + 1), "{week}");
            for day in -40..40 {
                if let Some(position) = week.position(day) {
                    assert_eq!(week.day(position), Some(day));
                }
            }
        }
        // 1970-01-01, a Thursday; the next Saturday; the Monday after it.
        assert_eq!(Week::BUSINESS.position(2), None);
        let position = |day| Week::BUSINESS.position(day).unwrap();
        assert_eq!(position(4) - position(0), 2);
    }

    #[test]
    fn weeks_are_named() {
        for (days, name) in [
            (0b001_1111, "business days (Monday to Friday)"),
            (0b011_1111, "the days from Monday to Saturday"),
            (0b100_1111, "the days from Sunday to Thursday"),
            (0b111_1110, "the days from Tuesday to Sunday"),
            (0b001_0101, "each Monday, Wednesday, Friday"),
        ] {
            assert_eq!(Week(days).to_string(), name);
        }
    }
}
