//! The best split of a node, from its histogram.
//!
//! A node with gradient sum G and Hessian sum H has the best value -G / (H + λ), which lowers the
//! loss by G² / (2 (H + λ)); a split gains what both children lower it beyond that (Chen and
//! Guestrin, "XGBoost", 2016, equation 7). Sums are exact integers, so every gain has the same bits
//! everywhere; of equal gains the first column's, and then the first bin's, is taken.
//!
//! Gradients stay in quantized units here: gains are in their squares, values in them.

use rayon::prelude::*;

use super::bins::Bins;
use super::cuts::MISSING;
use super::options::Options;
use super::sums::{Bin, Layout, Sums};

/// Gains below this share of what the node itself lowers the loss by are rounding.
const NOISE: f64 = 1e-12;
/// Bins that are worth a task of their own.
const TASK_BINS: usize = 1 << 14;

/// Which rows go left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// Codes up to this bin, and missing values if so learned.
    Cut {
        /// The last bin that goes left.
        bin: u8,
        /// Where missing values go.
        missing_left: bool,
    },
    /// Codes whose bit is set.
    Set([u64; 4]),
}

impl Test {
    /// Whether a code goes left.
    #[inline]
    pub fn goes_left(&self, code: u8) -> bool {
        match self {
            Test::Cut { missing_left, .. } if code == MISSING => *missing_left,
            Test::Cut { bin, .. } => code <= *bin,
            Test::Set(bits) => bits[usize::from(code >> 6)] >> (code & 63) & 1 == 1,
        }
    }
}

/// A split and what it gains.
#[derive(Clone, Debug)]
pub(super) struct Split {
    pub gain: f64,
    pub column: usize,
    pub test: Test,
    pub left: Sums,
    pub right: Sums,
    /// Half-way between the values of the children.
    pub middle: f64,
}

/// A node whose split is wanted.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub sums: Sums,
    /// Lower and upper bound of its value.
    pub bounds: [f64; 2],
}

/// A way to divide the rows of a node by one column.
#[derive(Clone, Copy)]
pub(super) struct Division {
    pub gain: f64,
    pub test: Test,
    pub left: Sums,
}

/// Finds splits for the nodes of one tree.
pub(super) struct Finder<'a> {
    pub bins: &'a Bins,
    pub layout: &'a Layout,
    pub options: &'a Options,
    /// The columns that the tree may use, ascending.
    pub columns: &'a [usize],
    /// What a unit of the quantized gradients and Hessians is worth.
    pub units: [f64; 2],
}

impl Finder<'_> {
    /// The best split by one of the given columns, if any is allowed and gains anything; with
    /// `is_shared` all threads look for it.
    pub fn find(
        &self,
        histogram: &[Bin],
        place: &Place,
        columns: &[usize],
        is_shared: bool,
    ) -> Option<Split> {
        let best_of = |columns: &[usize]| {
            let splits = columns
                .iter()
                .filter_map(|&column| self.split(histogram, place, column));
            splits.reduce(better)
        };
        match is_shared && self.layout.len() > 2 * TASK_BINS {
            false => best_of(columns),
            true => {
                let share = (TASK_BINS * self.bins.columns() / self.layout.len()).max(1);
                let parts: Vec<_> = columns.par_chunks(share).map(best_of).collect();
                parts.into_iter().flatten().reduce(better)
            }
        }
    }

    /// The best split by a column.
    fn split(&self, histogram: &[Bin], place: &Place, column: usize) -> Option<Split> {
        let bins = &histogram[self.layout.column(column)];
        let sign = self.options.monotone.get(column).copied().unwrap_or(0);
        let division = match (self.bins.is_categories(column), self.is_bounded()) {
            (true, _) => self.divide_categories(bins, place),
            (false, false) => self.divide_numbers(bins, place, self.free_gain(place)),
            (false, true) => self.divide_numbers(bins, place, self.bounded_gain(place, sign)),
        }?;
        let right = place.sums - division.left;
        let values = [division.left, right].map(|sums| self.value(sums, place.bounds));
        Some(Split {
            gain: division.gain,
            column,
            test: division.test,
            left: division.left,
            right,
            middle: 0.5 * values[0] + 0.5 * values[1],
        })
    }

    fn is_bounded(&self) -> bool {
        !self.options.monotone.is_empty()
    }

    /// H + λ.
    #[inline]
    pub fn stiffness(&self, sums: Sums, lambda: f64) -> f64 {
        sums.h as f64 * self.units[1] + lambda
    }

    /// What a node lowers the loss by if its value is free.
    #[inline]
    pub fn free_score(&self, sums: Sums, lambda: f64) -> f64 {
        let g = sums.g as f64;
        0.5 * g * g / self.stiffness(sums, lambda)
    }

    /// What a node lowers the loss by if its value is bounded.
    pub fn score(&self, sums: Sums, lambda: f64, bounds: [f64; 2]) -> f64 {
        if !self.is_bounded() {
            return self.free_score(sums, lambda);
        }
        let stiffness = self.stiffness(sums, lambda);
        let g = sums.g as f64;
        let value = (-g / stiffness).clamp(bounds[0], bounds[1]);
        -(g * value + 0.5 * stiffness * value * value)
    }

    fn value(&self, sums: Sums, bounds: [f64; 2]) -> f64 {
        let stiffness = self.stiffness(sums, self.options.lambda);
        (-sums.g as f64 / stiffness).clamp(bounds[0], bounds[1])
    }

    /// The gain that a split must exceed.
    pub fn least_gain(&self, place: &Place) -> f64 {
        let noise = NOISE * self.free_score(place.sums, self.options.lambda);
        let unit = self.units[0];
        noise.max(self.options.min_gain / unit / unit)
    }

    fn free_gain(&self, place: &Place) -> impl Fn(Sums, Sums) -> f64 {
        let lambda = self.options.lambda;
        let before = self.free_score(place.sums, lambda);
        move |left, right| self.free_score(left, lambda) + self.free_score(right, lambda) - before
    }

    fn bounded_gain(&self, place: &Place, sign: i8) -> impl Fn(Sums, Sums) -> f64 {
        let (lambda, bounds) = (self.options.lambda, place.bounds);
        let before = self.score(place.sums, lambda, bounds);
        move |left, right| {
            let rise = self.value(right, bounds) - self.value(left, bounds);
            if rise * f64::from(sign) < 0.0 {
                return f64::NEG_INFINITY;
            }
            self.score(left, lambda, bounds) + self.score(right, lambda, bounds) - before
        }
    }

    /// Least Hessian of a child in quantized units; at least one, so that values are finite.
    pub fn min_hessian(&self) -> i64 {
        (self.options.min_hessian / self.units[1]).ceil().max(1.0) as i64
    }

    /// The best cut of a column of numbers; the last bin holds the missing values.
    fn divide_numbers(
        &self,
        bins: &[Bin],
        place: &Place,
        gain: impl Fn(Sums, Sums) -> f64,
    ) -> Option<Division> {
        let (&missing, bins) = bins.split_last()?;
        let mut best = Best {
            total: place.sums,
            min_rows: self.options.min_rows as i64,
            min_hessian: self.min_hessian(),
            gain: self.least_gain(place),
            found: None,
        };
        best.scan(bins, Bin::default(), false, &gain);
        if !missing.is_empty() {
            best.scan(bins, missing, true, &gain);
        }
        let (bin, missing_left, left) = best.found?;
        // Where nothing was missing, what is missing later goes with the majority.
        let missing_left = match missing.is_empty() {
            true => 2 * left.rows >= place.sums.rows,
            false => missing_left,
        };
        let bin = bin as u8;
        Some(Division {
            gain: best.gain,
            test: Test::Cut { bin, missing_left },
            left,
        })
    }
}

/// The better of two splits, the first if they are equal.
fn better(a: Split, b: Split) -> Split {
    if b.gain > a.gain { b } else { a }
}

/// The best cut so far.
struct Best {
    total: Sums,
    min_rows: i64,
    min_hessian: i64,
    /// What the next must exceed.
    gain: f64,
    /// Bin, whether missing values go left, and the sums on the left.
    found: Option<(usize, bool, Sums)>,
}

impl Best {
    /// Tries the cut after each bin; `left_bins` holds what is on the left before the first.
    #[inline]
    fn scan(
        &mut self,
        bins: &[Bin],
        mut left_bins: Bin,
        missing_left: bool,
        gain: &impl Fn(Sums, Sums) -> f64,
    ) {
        for (bin, sums) in bins.iter().enumerate() {
            if sums.is_empty() {
                continue;
            }
            left_bins += *sums;
            let left = left_bins.sums();
            if left.rows < self.min_rows || left.h < self.min_hessian {
                continue;
            }
            let right = self.total - left;
            if right.rows < self.min_rows || right.h < self.min_hessian {
                break;
            }
            let gain = gain(left, right);
            if gain > self.gain {
                self.gain = gain;
                self.found = Some((bin, missing_left, left));
            }
        }
    }
}
