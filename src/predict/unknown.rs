//! Requested ids that are unknown to the model: counted, and the first of them named in a warning.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tables::shown;

/// Maximum number of ids to name.
const IDS_NAMED: usize = 5;

/// Unknown ids of one list. Several threads may add ids: the warning depends only on their places.
#[derive(Debug)]
pub struct Unknown {
    /// What the ids are, for example `users of users.csv are`.
    what: String,
    treatment: Treatment,
    found: Mutex<Found>,
}

/// How unknown ids are handled.
#[derive(Clone, Copy, Debug)]
enum Treatment {
    Ignored,
    /// They are answered in this way.
    Answered(&'static str),
    /// They are looked up elsewhere than in the model.
    LookedUp,
}

#[derive(Debug, Default)]
struct Found {
    count: u64,
    /// The first ids, by place.
    first: BTreeMap<u64, String>,
}

impl Unknown {
    /// An empty list of ids that are ignored; `what` is, for example, `rows of items.csv with items`.
    pub fn ignored(what: impl Into<String>) -> Self {
        Self::new(what, Treatment::Ignored)
    }

    /// An empty list of ids that are answered all the same; `what` is, for example, `users of u.csv are`.
    pub fn answered(what: impl Into<String>, how: &'static str) -> Self {
        Self::new(what, Treatment::Answered(how))
    }

    /// An empty list of ids that are looked up in a table; `what` is, for example, `rows have a key that is not in
    /// regions.csv`.
    pub fn looked_up(what: impl Into<String>) -> Self {
        Self::new(what, Treatment::LookedUp)
    }

    fn new(what: impl Into<String>, treatment: Treatment) -> Self {
        Self {
            what: what.into(),
            treatment,
            found: Mutex::default(),
        }
    }

    /// Adds an unknown id at a place in its list.
    pub fn add(&self, place: u64, id: &str) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.count += 1;
        let Found { first, .. } = &mut *found;
        let is_early =
            first.len() < IDS_NAMED || first.last_key_value().is_some_and(|last| place < *last.0);
        let known = first.iter().find(|(_, known)| *known == id);
        let known = known.map(|(place, _)| *place);
        if is_early && known.is_none_or(|known| place < known) {
            known.map(|known| first.remove(&known));
            first.insert(place, id.to_owned());
        }
        if first.len() > IDS_NAMED {
            first.pop_last();
        }
    }

    /// The warning; `None` if every id is known.
    pub fn warning(&self) -> Option<String> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        (found.count > 0).then(|| {
            let (what, count) = (&self.what, found.count);
            match self.treatment {
                Treatment::Ignored => {
                    format!("ignored {count} {what} unknown to the model: {found}")
                }
                Treatment::Answered(how) => {
                    format!("{count} {what} unknown to the model and {how}: {found}")
                }
                Treatment::LookedUp => format!("{count} {what}: {found}"),
            }
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<String> = self
            .first
            .values()
            .map(|id| format!("`{}`", shown(id)))
            .collect();
        f.write_str(&names.join(", "))?;
        match self.count > self.first.len() as u64 {
            true => f.write_str(", …"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ids_are_named_in_any_order_of_adding() {
        let unknown = Unknown::ignored("rows of u.csv with users");
        assert_eq!(unknown.warning(), None);
        for place in [9, 3, 7, 1, 8, 2, 6] {
            unknown.add(place, &format!("u{place}"));
        }
        assert_eq!(
            unknown.warning().unwrap(),
            "ignored 7 rows of u.csv with users unknown to the model: `u1`, `u2`, `u3`, `u6`, `u7`, …"
        );
    }

    /// An id used to keep the place that was added first, which is up to the threads.
    #[test]
    fn an_id_has_its_first_place_in_any_order_of_adding() {
        let warning = |places: &[u64]| {
            let unknown = Unknown::answered("users are", "get the popular items");
            for place in places {
                unknown.add(
                    *place,
                    ["a", "b", "c", "d", "e", "f", "g"][*place as usize % 7],
                );
            }
            unknown.warning().unwrap()
        };
        let ordered: Vec<u64> = (0..20).collect();
        let expected = "20 users are unknown to the model and get the popular items: `a`, `b`, `c`, `d`, `e`, …";
        assert_eq!(warning(&ordered), expected);
        for step in [3, 7, 9, 11, 13, 17, 19] {
            let turned: Vec<u64> = (0..20).map(|i| (i * step + step) % 20).collect();
            let mut sorted = turned.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, ordered);
            assert_eq!(warning(&turned), expected, "{turned:?}");
        }
    }
}
