//! Which coalitions of columns are asked for by Kernel SHAP, and what they weigh.
//!
//! Coalitions of `k` of `M` columns weigh `(M - 1) / (k (M - k))` together (Lundberg and Lee 2017), so
//! small and large ones matter most. As in the package shap, sizes are enumerated from the outside to
//! the middle while the budget has at least as many coalitions for them as there are, and the others
//! are drawn. A drawn coalition comes with its complement (paired sampling, Covert and Lee 2021): the
//! errors of the two have opposite signs, mostly.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Coalitions and their weights, which add up to 1.
pub(super) struct Coalitions {
    /// Coalitions × columns: whether a column is known. Drawn ones last, each followed by its
    /// complement.
    pub known: Vec<bool>,
    /// Number of coalitions that were enumerated.
    pub enumerated: usize,
    /// Weight of each coalition.
    pub weights: Vec<f64>,
}

/// Which sizes are enumerated. A size stands for itself and that of its complements.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    columns: usize,
    /// Sizes up to this one are enumerated.
    pub enumerated: usize,
    /// Number of drawn pairs.
    pub pairs: usize,
    /// The share of each size, from 1; they add up to 1.
    shares: Vec<f64>,
}

impl Plan {
    /// The plan for at least 5 columns, with a budget of at least [`Plan::needed`] coalitions and fewer
    /// than there are.
    pub fn new(columns: usize, budget: usize) -> Plan {
        let weight = |size: usize| {
            let of_one = 1.0 / (size as f64 * (columns - size) as f64);
            of_one * sides(columns, size)
        };
        let weights: Vec<f64> = (1..=columns / 2).map(weight).collect();
        let total: f64 = weights.iter().sum();
        let shares: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let (mut left, mut enumerated) = (budget, 0);
        for size in 1..=columns / 2 {
            let count = sides(columns, size) * choose(columns, size);
            let rest: f64 = shares[size - 1..].iter().sum();
            // Sizes 1 and M - 1 always: with them the least squares have one solution.
            if size > 1 && (left as f64) * shares[size - 1] / rest < count {
                break;
            }
            left -= count as usize;
            enumerated = size;
        }
        Plan {
            columns,
            enumerated,
            pairs: left / 2,
            shares,
        }
    }

    /// The least budget: sizes 1 and M - 1, and as many coalitions of the others.
    pub fn needed(columns: usize) -> usize {
        4 * columns
    }

    /// What drawn coalitions weigh together.
    pub fn drawn_share(&self) -> f64 {
        self.shares[self.enumerated..].iter().sum()
    }

    /// Enumerates and draws.
    pub fn coalitions(&self, seed: u64) -> Coalitions {
        let mut all = Coalitions {
            known: Vec::new(),
            enumerated: 0,
            weights: Vec::new(),
        };
        for size in 1..=self.enumerated {
            let count = sides(self.columns, size) * choose(self.columns, size);
            all.enumerate(self.columns, size, self.shares[size - 1] / count);
        }
        all.enumerated = all.weights.len();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..self.columns).collect();
        let weight = self.drawn_share() / (2 * self.pairs) as f64;
        for _ in 0..self.pairs {
            let size = self.draw_size(&mut random);
            shuffle_first(&mut order, size, &mut random);
            all.push(self.columns, &order[..size], true, weight);
            all.push(self.columns, &order[..size], false, weight);
        }
        all
    }

    /// One of the sizes that are not enumerated, by their shares.
    fn draw_size(&self, random: &mut ChaCha8Rng) -> usize {
        let mut left = unit(random) * self.drawn_share();
        let last = self.shares.len();
        for size in self.enumerated + 1..last {
            left -= self.shares[size - 1];
            if left < 0.0 {
                return size;
            }
        }
        last
    }
}

impl Coalitions {
    /// Adds a coalition: the listed columns are known, or all others.
    fn push(&mut self, columns: usize, listed: &[usize], are_known: bool, weight: f64) {
        let first = self.known.len();
        self.known.resize(first + columns, !are_known);
        for &column in listed {
            self.known[first + column] = are_known;
        }
        self.weights.push(weight);
    }

    /// Adds all coalitions of a size in lexicographic order, each with its complement.
    fn enumerate(&mut self, columns: usize, size: usize, weight: f64) {
        let mut listed: Vec<usize> = (0..size).collect();
        loop {
            self.push(columns, &listed, true, weight);
            if 2 * size != columns {
                self.push(columns, &listed, false, weight);
            }
            // The last place that can go up; those behind it follow closely.
            let movable = |&place: &usize| listed[place] < columns - size + place;
            let Some(place) = (0..size).rev().find(movable) else {
                return;
            };
            listed[place] += 1;
            for next in place + 1..size {
                listed[next] = listed[next - 1] + 1;
            }
        }
    }
}

/// 2 if complements have another size, otherwise 1.
fn sides(columns: usize, size: usize) -> f64 {
    if 2 * size == columns { 1.0 } else { 2.0 }
}

/// The number of subsets of a size, rounded where it is above 2^53.
fn choose(columns: usize, size: usize) -> f64 {
    (0..size).fold(1.0, |product, place| {
        product * (columns - place) as f64 / (place + 1) as f64
    })
}

/// Uniform in [0, 1).
pub(super) fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Uniform below a number of at least 1; the bias is at most that number / 2^32.
pub(super) fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    ((u64::from(random.next_u32()) * end as u64) >> 32) as usize
}

/// Puts a uniformly drawn subset of this size first (Fisher and Yates), whatever the order before.
pub(super) fn shuffle_first(order: &mut [usize], size: usize, random: &mut ChaCha8Rng) {
    for place in 0..size {
        order.swap(place, place + below(random, order.len() - place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn sizes_are_enumerated_while_the_budget_has_enough() {
        // Sizes 1 and 6 have 1/6, 2 and 5 1/10, 3 and 4 1/12 of a weight each: shares 10, 6, 5 of 21.
        let plan = Plan::new(7, 60);
        assert_eq!((plan.enumerated, plan.pairs), (1, 23));
        assert!((plan.drawn_share() - 11.0 / 21.0).abs() < 1e-15);
        // 111 are left for the others, of which 6/11 are more than the 42 of sizes 2 and 5.
        let plan = Plan::new(7, 125);
        assert_eq!((plan.enumerated, plan.pairs), (2, 34));
    }

    #[test]
    fn enumerated_coalitions_are_all_different_and_complements_follow() {
        let all = Plan::new(8, 200).coalitions(1);
        let drawn = Plan::new(8, 200);
        // Sizes 1 and 2 and their complements: 16 + 56.
        assert_eq!((drawn.enumerated, all.enumerated), (2, 72));
        let rows: Vec<&[bool]> = all.known.chunks(8).collect();
        let distinct: BTreeSet<&[bool]> = rows[..72].iter().copied().collect();
        assert_eq!(distinct.len(), 72);
        for pair in rows.chunks(2) {
            assert!(pair[0].iter().zip(pair[1]).all(|(a, b)| a != b));
        }
        for row in &rows[72..] {
            let size = row.iter().filter(|known| **known).count();
            assert!((3..=5).contains(&size), "{size}");
        }
    }

    #[test]
    fn middle_sizes_are_their_own_complements() {
        let mut all = Coalitions {
            known: Vec::new(),
            enumerated: 0,
            weights: Vec::new(),
        };
        all.enumerate(4, 2, 0.5);
        let rows: BTreeSet<&[bool]> = all.known.chunks(4).collect();
        assert_eq!((all.weights.len(), rows.len()), (6, 6));
    }

    proptest! {
        #[test]
        fn weights_add_up_and_budgets_are_kept(columns in 5_usize..60, factor in 4_usize..40, seed: u64) {
            let all = 2_f64.powi(columns as i32) - 2.0;
            let budget = factor * columns;
            prop_assume!((budget as f64) < all);
            let plan = Plan::new(columns, budget);
            prop_assert!(plan.pairs >= 2);
            let coalitions = plan.coalitions(seed);
            let count = coalitions.weights.len();
            prop_assert!(count <= budget && count + 1 >= budget);
            prop_assert_eq!(coalitions.known.len(), count * columns);
            prop_assert!((coalitions.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
