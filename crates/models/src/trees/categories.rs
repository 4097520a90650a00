//! Splits by sets of categories.
//!
//! A few categories are tried one against the rest. More of them are sorted by their mean gradient,
//! after which the best set is a prefix (Fisher, "On grouping for maximum homogeneity", 1958);
//! smoothing, a limit on the set and a further λ keep it from fitting noise, as in LightGBM. Missing
//! values are a category. What a node has not seen goes with the majority of its rows.

use super::cuts::MISSING;
use super::split::{Division, Finder, Place, Test};
use super::sums::{Bin, Sums};

impl Finder<'_> {
    /// The best set of categories; the last bin holds the missing values.
    pub fn divide_categories(&self, bins: &[Bin], place: &Place) -> Option<Division> {
        let bins: Vec<Sums> = bins.iter().map(|bin| bin.sums()).collect();
        let bins = &bins[..];
        let present = |bin: &usize| bins[*bin].rows > 0;
        let present: Vec<usize> = (0..bins.len()).filter(present).collect();
        let options = &self.options.categories;
        let (gain, chosen) = match present.len() <= options.one_against_rest {
            true => self.one_against_rest(bins, place, &present),
            false => self.sorted_set(bins, place, present.clone()),
        }?;
        let mut left = Sums::default();
        chosen.iter().for_each(|&bin| left += bins[bin]);
        let code = |bin: usize| match bin + 1 == bins.len() {
            true => usize::from(MISSING),
            false => bin,
        };
        // Start from where unseen codes go, then place the codes that were seen.
        let majority = 2 * left.rows > place.sums.rows;
        let mut bits = [if majority { u64::MAX } else { 0 }; 4];
        for bin in present {
            let (word, bit) = (code(bin) >> 6, 1 << (code(bin) & 63));
            match chosen.contains(&bin) {
                true => bits[word] |= bit,
                false => bits[word] &= !bit,
            }
        }
        Some(Division {
            gain,
            test: Test::Set(bits),
            left,
        })
    }

    /// What a split gains, if both sides are large enough.
    fn gain(&self, left: Sums, place: &Place, lambda: f64, min_hessian: i64) -> Option<f64> {
        let sides = [left, place.sums - left];
        let min_rows = self.options.min_rows as i64;
        let is_large = |side: &Sums| side.rows >= min_rows && side.h >= min_hessian;
        let score = |side: Sums| self.score(side, lambda, place.bounds);
        let before = self.score(place.sums, self.options.lambda, place.bounds);
        sides
            .iter()
            .all(is_large)
            .then(|| score(sides[0]) + score(sides[1]) - before)
    }

    fn one_against_rest(
        &self,
        bins: &[Sums],
        place: &Place,
        present: &[usize],
    ) -> Option<(f64, Vec<usize>)> {
        let mut best = (self.least_gain(place), None);
        let min_hessian = self.min_hessian();
        for &bin in present {
            match self.gain(bins[bin], place, self.options.lambda, min_hessian) {
                Some(gain) if gain > best.0 => best = (gain, Some(bin)),
                _ => {}
            }
        }
        best.1.map(|bin| (best.0, vec![bin]))
    }

    fn sorted_set(
        &self,
        bins: &[Sums],
        place: &Place,
        mut present: Vec<usize>,
    ) -> Option<(f64, Vec<usize>)> {
        let options = &self.options.categories;
        present.retain(|&bin| bins[bin].rows >= options.min_rows as i64);
        let slope = |bin: usize| {
            let hessian = self.stiffness(bins[bin], options.smoothing);
            bins[bin].g as f64 / hessian.max(f64::MIN_POSITIVE)
        };
        present.sort_by(|&a, &b| slope(a).total_cmp(&slope(b)).then(a.cmp(&b)));
        let lambda = self.options.lambda + options.lambda;
        let min_hessian = self.min_hessian();
        let mut best = (self.least_gain(place), None);
        for backwards in [false, true] {
            let mut left = Sums::default();
            for size in 1..=options.max_set.min(present.len()) {
                let next = match backwards {
                    true => present[present.len() - size],
                    false => present[size - 1],
                };
                left += bins[next];
                match self.gain(left, place, lambda, min_hessian) {
                    Some(gain) if gain > best.0 => best = (gain, Some((backwards, size))),
                    _ => {}
                }
            }
        }
        let (backwards, size) = best.1?;
        let chosen = match backwards {
            true => &present[present.len() - size..],
            false => &present[..size],
        };
        Some((best.0, chosen.to_vec()))
    }
}
