//! The cost of a fit and its lists in multiply-adds, derived from shapes and counts: the unit of a
//! search's budget, never seconds.

use super::interactions::Interactions;
use super::model::ModelOptions;

/// A multiply-add on scattered memory takes as long as this many in the matrix kernel.
const SCATTER: f64 = 16.0;

/// Number of steps of a filter from users over items to users: Σ n_i² over items, times the mean
/// length of a row, minus the savings from neighbours met twice (usually half).
fn walks(taken: &Interactions) -> f64 {
    let mut counts = vec![0.0f64; taken.width()];
    taken
        .items()
        .iter()
        .for_each(|&item| counts[item as usize] += 1.0);
    let pairs: f64 = counts.iter().map(|count| count * count).sum();
    let users = taken.users().max(1) as f64;
    pairs.min(users * users) * (taken.len() as f64 / users) / 2.0
}

/// Multiply-adds of a fit.
pub fn of_fit(options: &ModelOptions, taken: &Interactions) -> f64 {
    let (users, items) = (taken.users() as f64, taken.width() as f64);
    let entries = taken.len() as f64;
    let squares: f64 = taken.counts().iter().map(|&n| n as f64 * n as f64).sum();
    match options {
        ModelOptions::Als(options) => {
            let f = options.factors as f64;
            options.iterations as f64 * (2.0 * entries * f * f + (users + items) * f * f)
        }
        // Double precision is half as fast as single: n³ / 2 multiply-adds count as n³.
        ModelOptions::Ease(_) => items * items * items + squares * SCATTER,
        ModelOptions::Knn(_) => squares * SCATTER,
        ModelOptions::Graph(options) => {
            let f = options.factors as f64;
            40.0 * entries * f * 4.0 + 20.0 * (users + items) * f * f
        }
        ModelOptions::Popular => entries,
    }
}

/// Multiply-adds of the lists of `users` users.
pub fn of_lists(options: &ModelOptions, taken: &Interactions, users: usize) -> f64 {
    let items = taken.width() as f64;
    let mean = taken.len() as f64 / taken.users().max(1) as f64;
    let each = match options {
        ModelOptions::Als(options) => items * options.factors as f64,
        ModelOptions::Ease(_) => items * mean,
        ModelOptions::Knn(options) => mean * options.neighbours as f64 * SCATTER,
        ModelOptions::Graph(options) => {
            let paths = walks(taken) / taken.users().max(1) as f64;
            items * options.factors as f64 + paths * SCATTER
        }
        ModelOptions::Popular => items,
    };
    users as f64 * each
}
