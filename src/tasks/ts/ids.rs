//! The series of a model by their ids.

/// Ids of the series of a model, found by id or by number.
pub(super) struct SeriesIds {
    /// By number.
    ids: Vec<String>,
    /// Numbers in the order of their ids.
    sorted: Vec<usize>,
}

impl SeriesIds {
    /// `ids` are in the order of the series' numbers.
    pub fn new(ids: Vec<String>) -> Self {
        let mut sorted: Vec<usize> = (0..ids.len()).collect();
        sorted.sort_unstable_by(|&a, &b| ids[a].cmp(&ids[b]));
        Self { ids, sorted }
    }

    /// The number of a series; `None` if it is unknown to the model.
    pub fn number(&self, id: &str) -> Option<usize> {
        let by_id = |&number: &usize| self.ids[number].as_str().cmp(id);
        let place = self.sorted.binary_search_by(by_id).ok()?;
        Some(self.sorted[place])
    }

    /// All ids, by number.
    pub fn all(&self) -> &[String] {
        &self.ids
    }
}

/// Describes a series that is not among `ids`.
pub(super) fn describe_unknown(id: &str, ids: &[String]) -> String {
    let near = ids
        .iter()
        .min_by_key(|known| strsim::levenshtein(known, id));
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let others = match ids.len() {
        1 => "1 other".to_owned(),
        others => format!("{others} others"),
    };
    format!("the model has no series `{id}`, but {others}{near}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_by_id() {
        let ids = ["pears", "apples", "", "plums"].map(str::to_owned);
        let series = SeriesIds::new(ids.to_vec());
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(series.number(id), Some(number));
        }
        assert_eq!(series.number("figs"), None);
        assert_eq!(series.all(), ids);
    }

    #[test]
    fn an_unknown_series_is_named_with_the_nearest() {
        let ids = ["north / apples", "south / pears"].map(str::to_owned);
        assert_eq!(
            describe_unknown("north / aples", &ids),
            "the model has no series `north / aples`, but 2 others; did you mean `north / apples`?"
        );
        assert_eq!(
            describe_unknown("x", &ids[1..]),
            "the model has no series `x`, but 1 other; did you mean `south / pears`?"
        );
        assert_eq!(
            describe_unknown("x", &[]),
            "the model has no series `x`, but 0 others"
        );
    }
}
