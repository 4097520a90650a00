//! Metrics of ranked lists with binary relevance. Each figure is for one user; callers average over
//! users. Definitions follow ../shared/scoring/recsys.py and otherwise Manning, Raghavan and
//! Schütze (2008, chapter 8): relevant items that no list can contain count as missed.

/// One user's list, evaluated against the relevant items.
///
/// # Examples
/// ```
/// use easylife_models::metrics::ranking::Ranked;
///
/// // The first and the third of a list are right; there are four to be found.
/// let user = Ranked { hits: vec![0, 2], relevant: 4 };
/// assert_eq!(user.recall(20), 0.5);
/// assert_eq!(user.precision(10), 0.2);
/// assert_eq!(user.recall(1), 0.25);
/// assert_eq!(user.reciprocal_rank(), 1.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranked {
    /// Positions of the hits in the list, from 0, ascending.
    pub hits: Vec<usize>,
    /// Number of relevant items, found or not; at least 1.
    pub relevant: usize,
}

impl Ranked {
    fn within(&self, k: usize) -> usize {
        self.hits.partition_point(|&place| place < k)
    }

    /// Hits among the first k, of all relevant items.
    pub fn recall(&self, k: usize) -> f64 {
        self.within(k) as f64 / self.relevant as f64
    }

    /// Hits among the first k, of k.
    ///
    /// Divides by k even if the list is shorter: places that are left empty count as misses. Not a number
    /// for k = 0.
    pub fn precision(&self, k: usize) -> f64 {
        self.within(k) as f64 / k as f64
    }

    /// Σ 1 / log2(position + 2) over the hits among the first k, divided by the largest possible
    /// value.
    ///
    /// Normalized discounted cumulative gain with binary gains (Järvelin and Kekäläinen 2002). The ideal
    /// list has min(k, `relevant`) hits on top, so 1 can be reached whatever k is.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::ranking::Ranked;
    ///
    /// let user = Ranked { hits: vec![0, 2], relevant: 2 };
    /// // 1 + 1 / log2(4), of 1 + 1 / log2(3).
    /// assert!((user.ndcg(20) - 1.5 / (1.0 + 1.0 / 3f64.log2())).abs() < 1e-12);
    /// assert_eq!(user.ndcg(1), 1.0);
    /// ```
    pub fn ndcg(&self, k: usize) -> f64 {
        let gain = |place: usize| 1.0 / libm::log2(place as f64 + 2.0);
        let found: f64 = self.hits[..self.within(k)]
            .iter()
            .map(|&place| gain(place))
            .sum();
        let ideal: f64 = (0..self.relevant.min(k)).map(gain).sum();
        // An empty sum is -0.
        (found + 0.0) / ideal
    }

    /// Mean of the precisions at the hits among the first k, over min(k, relevant).
    ///
    /// Averaged over users it is MAP@k.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::ranking::Ranked;
    ///
    /// // Precision is 1 at the first hit and 2/3 at the second.
    /// let user = Ranked { hits: vec![0, 2], relevant: 2 };
    /// assert!((user.average_precision(20) - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    /// ```
    pub fn average_precision(&self, k: usize) -> f64 {
        let hits = self.hits[..self.within(k)].iter().enumerate();
        let sum: f64 = hits
            .map(|(before, &place)| (before + 1) as f64 / (place + 1) as f64)
            .sum();
        (sum + 0.0) / self.relevant.min(k) as f64
    }

    /// One over the position of the first hit, counted from 1; 0 without a hit.
    pub fn reciprocal_rank(&self) -> f64 {
        self.hits
            .first()
            .map_or(0.0, |&place| 1.0 / (place + 1) as f64)
    }

    /// 1 if there is a hit among the first k.
    pub fn hit(&self, k: usize) -> f64 {
        f64::from(u8::from(self.within(k) > 0))
    }
}

/// Mean over users; 0 without users.
///
/// # Examples
/// ```
/// use easylife_models::metrics::ranking::{Ranked, mean};
///
/// let users = [
///     Ranked { hits: vec![0], relevant: 1 },
///     Ranked { hits: vec![], relevant: 3 },
/// ];
/// assert_eq!(mean(&users, |user| user.recall(20)), 0.5);
/// ```
pub fn mean(users: &[Ranked], figure: impl Fn(&Ranked) -> f64) -> f64 {
    match users.len() {
        0 => 0.0,
        n => users.iter().map(figure).sum::<f64>() / n as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits at positions 1 and 3 (from 1), three relevant.
    fn ranked() -> Ranked {
        Ranked {
            hits: vec![0, 2],
            relevant: 3,
        }
    }

    #[test]
    fn figures_worked_out_by_hand() {
        let ranked = ranked();
        assert_eq!(ranked.recall(1), 1.0 / 3.0);
        assert_eq!(ranked.recall(20), 2.0 / 3.0);
        assert_eq!(ranked.precision(2), 0.5);
        let ideal = 1.0 + 1.0 / libm::log2(3.0) + 0.5;
        assert_eq!(ranked.ndcg(10), 1.5 / ideal);
        assert_eq!(ranked.ndcg(1), 1.0);
        assert!((ranked.average_precision(10) - (1.0 + 2.0 / 3.0) / 3.0).abs() < 1e-15);
        assert_eq!((ranked.reciprocal_rank(), ranked.hit(1)), (1.0, 1.0));
    }

    #[test]
    fn no_hit_is_nothing() {
        let none = Ranked {
            hits: Vec::new(),
            relevant: 5,
        };
        assert_eq!(
            none.ndcg(20) + none.recall(20) + none.reciprocal_rank() + none.hit(20),
            0.0
        );
        assert_eq!(mean(&[none, ranked()], |user| user.recall(20)), 1.0 / 3.0);
        assert_eq!(mean(&[], |user| user.recall(20)), 0.0);
    }
}
