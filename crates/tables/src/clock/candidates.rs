//! Patterns that may be meant by dates that are not read without one: `13/01/2024`, `Jan-24`, `1/2/2024 10:00 AM`.
//!
//! The patterns of the first text are tried on all others, so that one text such as 13/01/2024 decides the order
//! of day and month of a column.

use super::pattern::{KEY, Pattern};
use super::spelled::Spelled;

/// Patterns that read every one of some texts.
///
/// # Examples
/// ```
/// use easylife_tables::clock::Candidates;
///
/// let mut dates = Candidates::of("01/02/2024");
/// assert_eq!(dates.meant().count(), 2); // day or month first
/// dates.add("13/02/2024");
/// assert_eq!(dates.meant().map(|pattern| pattern.as_str()).collect::<Vec<_>>(), ["%d/%m/%Y"]);
/// assert!(dates.advice().unwrap().contains("\"%d/%m/%Y\""));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Number of texts.
    texts: usize,
    patterns: Vec<Candidate>,
    /// The text that shows how the patterns differ; of patterns that do not, the first.
    example: String,
}

/// A pattern that read every text so far.
#[derive(Clone, Debug)]
struct Candidate {
    pattern: Pattern,
    /// Whether dates are written so in more than a few places.
    usual: bool,
    /// The first and the last of its times.
    range: (i64, i64),
}

/// A rare order of year, month and day is meant if dates are so much closer together in it.
const CLOSER: i64 = 10;

impl Candidates {
    /// Of one text.
    pub fn of(text: &str) -> Candidates {
        let mut candidates = Candidates::default();
        candidates.add(text);
        candidates
    }

    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        let text = text.trim();
        self.texts += 1;
        if self.texts == 1 {
            text.clone_into(&mut self.example);
            self.patterns = { Spelled::of(text).patterns().into_iter() }
                .filter_map(|(pattern, usual)| {
                    let (_, time) = pattern.read(text).ok()?;
                    Some(Candidate {
                        pattern,
                        usual,
                        range: (time, time),
                    })
                })
                .collect();
            return;
        }
        self.patterns.retain_mut(|candidate| {
            let Ok((_, time)) = candidate.pattern.read(text) else {
                return false;
            };
            let (first, last) = candidate.range;
            candidate.range = (first.min(time), last.max(time));
            true
        });
        self.show(text);
    }

    /// Adds the texts of others, which come behind these.
    pub fn merge(&mut self, other: Candidates) {
        if self.texts == 0 || other.texts == 0 {
            let texts = self.texts;
            *self = if texts == 0 {
                other
            } else {
                std::mem::take(self)
            };
            return;
        }
        self.texts += other.texts;
        self.patterns.retain_mut(|mine| {
            let same = other.patterns.iter().find(|c| c.pattern == mine.pattern);
            let Some(same) = same else {
                return false;
            };
            let (first, last) = same.range;
            mine.range = (mine.range.0.min(first), mine.range.1.max(last));
            true
        });
        self.show(&other.example);
    }

    /// Takes `text` for an example if it tells the patterns apart and the present one does not.
    fn show(&mut self, text: &str) {
        let differ = |text: &str| {
            let mut times = self.meant().map(|pattern| pattern.read(text));
            let first = times.next();
            times.any(|time| Some(time) != first)
        };
        if !differ(&self.example) && differ(text) {
            text.clone_into(&mut self.example);
        }
    }

    /// Whether there were no texts.
    pub fn is_empty(&self) -> bool {
        self.texts == 0
    }

    /// The patterns that read all texts, without rare ones where that is sure.
    pub fn meant(&self) -> impl Iterator<Item = &Pattern> {
        let span = |candidate: &Candidate| candidate.range.1 - candidate.range.0;
        let usual = { self.patterns.iter() }
            .filter(|candidate| candidate.usual)
            .map(span)
            .min();
        let is_meant = move |candidate: &&Candidate| {
            let closer = |usual| usual > CLOSER.saturating_mul(span(candidate));
            candidate.usual || usual.is_none_or(closer)
        };
        { self.patterns.iter() }
            .filter(is_meant)
            .map(|candidate| &candidate.pattern)
    }

    /// Each such pattern with what it makes of one text.
    pub fn examples(&self) -> (&str, Vec<(String, String)>) {
        let read = |pattern: &Pattern| {
            let (axis, time) = pattern.read(&self.example).ok()?;
            Some((pattern.to_string(), axis.text(time)))
        };
        (&self.example, self.meant().filter_map(read).collect())
    }

    /// Which format to set so that these texts are read; `None` where no pattern reads all.
    pub fn advice(&self) -> Option<String> {
        let (example, read) = self.examples();
        match &read[..] {
            [] => None,
            [(pattern, time)] => Some(format!(
                "set {KEY}: \"{pattern}\" (`{example}` is then {time})"
            )),
            several => {
                let each: Vec<String> = { several.iter() }
                    .map(|(pattern, time)| format!("\"{pattern}\" (`{example}` is then {time})"))
                    .collect();
                Some(format!("set {KEY} to {}", each.join(" or ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(texts: &[&str]) -> Vec<String> {
        let mut candidates = Candidates::default();
        texts.iter().for_each(|text| candidates.add(text));
        candidates.meant().map(Pattern::to_string).collect()
    }

    #[test]
    fn patterns_are_found_by_the_form_of_texts() {
        for (text, pattern) in [
            ("13/01/2024", "%d/%m/%Y"),
            ("01/13/2024", "%m/%d/%Y"),
            ("31.12.2024", "%d.%m.%Y"),
            ("2024/2/9", "%Y/%m/%d"),
            ("2024.01.31", "%Y.%m.%d"),
            ("2024-1-5", "%Y-%m-%d"),
            ("31.12.24", "%d.%m.%y"),
            ("Jan-2024", "%b-%Y"),
            ("January 2024", "%B %Y"),
            ("2024 Feb", "%Y %b"),
            ("2024M01", "%YM%m"),
            ("01/2024", "%m/%Y"),
            ("Feb-24", "%b-%y"),
            ("01-Jan-24", "%d-%b-%y"),
            ("14 Feb 2024", "%d %b %Y"),
            ("Feb 14, 2024", "%b %d, %Y"),
            ("Wed, 14 February 2024", "%a, %d %B %Y"),
            ("W05 2024", "W%V %G"),
            ("01/31/2024 10:00", "%m/%d/%Y %H:%M"),
            ("1/31/2024 10:00:05 PM", "%m/%d/%Y %I:%M:%S %p"),
            ("31.12.2024, 10:00:00.000", "%d.%m.%Y, %H:%M:%S.%f"),
            ("31/12/2024T10:00:00+02:00", "%d/%m/%YT%H:%M:%S%z"),
            ("31/12/2024 10:00Z", "%d/%m/%Y %H:%M%z"),
            ("2024-01-31 10:00:00 UTC", "%Y-%m-%d %H:%M:%S UTC"),
            ("20240131 10:00", "%Y%m%d %H:%M"),
        ] {
            assert_eq!(meant(&[text]), [pattern], "{text}");
            assert_eq!(Pattern::new(pattern).unwrap().to_string(), pattern);
        }
        for text in [
            "yesterday",
            "12:30",
            "",
            "12.5",
            "1.2345",
            "2024-02-30",
            "é/1/2024",
            "Q1 2024",
            "February 14th 2024",
            "2024-W54",
            "10.1.12.255",
            "100%",
        ] {
            assert_eq!(meant(&[text]), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_made_without_a_check_is_what_the_check_makes() {
        for text in ["13/01/2024", "Jan-24", "W05 2024", "1/31/2024 10:00Z"] {
            for pattern in Candidates::of(text).meant() {
                assert_eq!(Pattern::new(pattern.as_str()).as_ref(), Ok(pattern));
            }
        }
    }

    #[test]
    fn one_value_decides_the_order_of_a_column() {
        let both = ["%d/%m/%Y", "%m/%d/%Y"];
        assert_eq!(meant(&["01/02/2024", "03/04/2024"]), both);
        assert_eq!(meant(&["01/02/2024", "13/02/2024"]), ["%d/%m/%Y"]);
        assert_eq!(meant(&["01/02/2024", "02/13/2024"]), ["%m/%d/%Y"]);
        assert_eq!(meant(&["01/02/2024", "13/02/2024", "02/13/2024"]), [""; 0]);
        assert_eq!(meant(&["May 2024", "June 2024"]), ["%B %Y"]);
        assert_eq!(meant(&["May 2024", "Jun 2024"]), ["%b %Y"]);
        // Years in front are rare; but days of one month are closer than one day of many years.
        assert_eq!(meant(&["29/12/24", "30/12/24", "31/12/24"]), ["%d/%m/%y"]);
        assert_eq!(
            meant(&["24/12/29", "24/12/30", "24/12/31"]),
            ["%d/%m/%y", "%y/%m/%d"]
        );
    }

    #[test]
    fn parts_of_a_column_give_what_the_whole_gives() {
        let texts = ["01/01/2024", "01/02/2024", "13/02/2024", "14/02/2024"];
        for cut in 0..=texts.len() {
            let mut parts = [Candidates::default(), Candidates::default()];
            texts[..cut].iter().for_each(|text| parts[0].add(text));
            texts[cut..].iter().for_each(|text| parts[1].add(text));
            let [mut first, second] = parts;
            first.merge(second);
            let all: Vec<String> = first.meant().map(Pattern::to_string).collect();
            assert_eq!(all, ["%d/%m/%Y"], "{cut}");
        }
    }

    #[test]
    fn the_example_shows_what_differs() {
        let mut candidates = Candidates::of("01/01/2024");
        candidates.add("01/02/2024");
        assert_eq!(
            candidates.advice().unwrap(),
            "set TASK.data.date_format to \"%d/%m/%Y\" (`01/02/2024` is then 2024-02-01) or \
             \"%m/%d/%Y\" (`01/02/2024` is then 2024-01-02)"
        );
        candidates.add("31/12/2024");
        assert_eq!(
            candidates.advice().unwrap(),
            "set TASK.data.date_format: \"%d/%m/%Y\" (`01/02/2024` is then 2024-02-01)"
        );
    }
}
