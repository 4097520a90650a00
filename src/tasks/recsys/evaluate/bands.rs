//! Groups users by their activity in the training part.

use serde::Serialize;

use models::metrics::ranking::{Ranked, mean};

/// Bounds between bands: numbers of interactions in the training part.
const BOUNDS: [usize; 5] = [5, 10, 20, 50, 100];

/// Users of similar activity.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Band {
    pub interactions: String,
    pub users: usize,
    pub recall_at_20: f64,
    pub ndcg_at_20: f64,
}

impl Band {
    /// Name, users, recall and NDCG.
    pub fn cells(&self) -> (String, u64, f64, f64) {
        let Band {
            interactions,
            users,
            recall_at_20,
            ndcg_at_20,
        } = self;
        (
            interactions.clone(),
            *users as u64,
            *recall_at_20,
            *ndcg_at_20,
        )
    }
}

/// The non-empty bands; `activity` has an entry per user.
pub(super) fn bands(activity: &[usize], ranked: &[Ranked]) -> Vec<Band> {
    let band = |at: usize| {
        let low = if at == 0 { 1 } else { BOUNDS[at - 1] };
        let high = BOUNDS.get(at).copied();
        let users: Vec<Ranked> = activity
            .iter()
            .zip(ranked)
            .filter(|(n, _)| **n >= low && high.is_none_or(|high| **n < high))
            .map(|(_, ranked)| ranked.clone())
            .collect();
        Band {
            interactions: match high {
                Some(high) => format!("{low} to {}", high - 1),
                None => format!("{low} and more"),
            },
            users: users.len(),
            recall_at_20: mean(&users, |user| user.recall(20)),
            ndcg_at_20: mean(&users, |user| user.ndcg(20)),
        }
    };
    let all = (0..=BOUNDS.len()).map(band);
    all.filter(|band| band.users > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_is_in_one_band() {
        let ranked = vec![
            Ranked {
                hits: vec![0],
                relevant: 1
            };
            5
        ];
        let bands = bands(&[1, 4, 5, 99, 100], &ranked);
        let users: Vec<usize> = bands.iter().map(|band| band.users).collect();
        assert_eq!(users, [2, 1, 1, 1]);
        assert_eq!(bands[3].interactions, "100 and more");
    }
}
