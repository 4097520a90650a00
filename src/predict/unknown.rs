//! Requested ids that are unknown to the model: counted, and the first of them named in a warning.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tables::shown;

/// Maximum number of ids to name.
const NAMED: usize = 5;

/// Unknown ids of one list. Several threads may add ids: the warning depends only on their places.
#[derive(Debug)]
pub struct Unknown {
    /// What the ids are, for example `users of users.csv`.
    what: String,
    /// How they are handled.
    consequence: &'static str,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    count: u64,
    /// The first ids, by place.
    first: BTreeMap<u64, String>,
}

impl Unknown {
    /// An empty list.
    pub fn new(what: impl Into<String>, consequence: &'static str) -> Self {
        Self {
            what: what.into(),
            consequence,
            found: Mutex::default(),
        }
    }

    /// Adds an unknown id at a place in its list.
    pub fn add(&self, place: u64, id: &str) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.count += 1;
        let Found { first, .. } = &mut *found;
        let is_early =
            first.len() < NAMED || first.last_key_value().is_some_and(|last| place < *last.0);
        if is_early && !first.values().any(|known| known == id) {
            first.insert(place, id.to_owned());
        }
        if first.len() > NAMED {
            first.pop_last();
        }
    }

    /// The warning; `None` if every id is known.
    pub fn told(&self) -> Option<String> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        (found.count > 0).then(|| {
            let Self {
                what, consequence, ..
            } = self;
            let Found { count, .. } = *found;
            format!("{count} {what} unknown to the model, {consequence}: {found}")
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
    fn the_first_are_named_whatever_comes_first() {
        let unknown = Unknown::new("users of u.csv", "ignored");
        assert_eq!(unknown.told(), None);
        for place in [9, 3, 7, 1, 8, 2, 6] {
            unknown.add(place, &format!("u{place}"));
        }
        let told = unknown.told().unwrap();
        assert_eq!(
            told,
            "7 users of u.csv unknown to the model, ignored: `u1`, `u2`, `u3`, `u6`, `u7`, …"
        );
    }
}
