//! The area under the ROC curve where labels are probabilities, and how it depends on each row.
//!
//! With certain labels (0 or 1) it is the usual area, ties counting half (Mann and Whitney 1947).

/// The area of a class, and its derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// Probability that a row of the class scores above one that is not, ties counting half.
    pub value: f64,
    /// For each row the derivative of the area by the probability that the row is of the class.
    pub by_label: Vec<f64>,
    /// For each row what it adds to the area's deviation from that of the population: the terms of
    /// DeLong, DeLong and Clarke-Pearson (1988). Their squares sum to the area's variance.
    pub by_row: Vec<f64>,
}

/// The area, where row i has a score and is of the class with probability `p[i]`, independently:
/// expected pairs in the right order, of the expected pairs. `None` without such pairs.
///
/// # Examples
/// ```
/// use monitoring::performance::areas::area;
///
/// let scores = [0.9, 0.4, 0.6, 0.1];
/// assert_eq!(area(&scores, &[1.0, 1.0, 0.0, 0.0]).unwrap().value, 0.75);
/// // Labels that scores say nothing of.
/// assert_eq!(area(&scores, &[0.5; 4]).unwrap().value, 0.5);
/// assert!(area(&scores, &[1.0; 4]).is_none());
/// ```
pub fn area(scores: &[f64], p: &[f64]) -> Option<Area> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| {
        let by_score = scores[a as usize].total_cmp(&scores[b as usize]);
        by_score.then(a.cmp(&b))
    });
    let positives: f64 = p.iter().sum();
    let negatives: f64 = p.iter().map(|p| 1.0 - p).sum();
    // A row makes no pair with itself.
    let pairs = positives * negatives - p.iter().map(|p| p * (1.0 - p)).sum::<f64>();
    // Less than one pair in a million, rounding aside.
    if pairs.is_nan() || pairs <= 1e-6 {
        return None;
    }
    let mut below = vec![0.0; p.len()]; // expected rows of other classes below
    let mut above = vec![0.0; p.len()]; // expected rows of the class above
    let (mut positives_seen, mut negatives_seen) = (0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| scores[a as usize] == scores[b as usize]) {
        let rows = || tied.iter().map(|&row| row as usize);
        let yes: f64 = rows().map(|row| p[row]).sum();
        let no: f64 = rows().map(|row| 1.0 - p[row]).sum();
        for row in rows() {
            below[row] = negatives_seen + 0.5 * (no - (1.0 - p[row]));
            above[row] = positives - positives_seen - yes + 0.5 * (yes - p[row]);
        }
        positives_seen += yes;
        negatives_seen += no;
    }
    let right: f64 = below.iter().zip(p).map(|(below, p)| below * p).sum();
    let value = (right / pairs).clamp(0.0, 1.0);
    let rows = || below.iter().zip(&above).zip(p);
    let by_label = rows().map(|((below, above), p)| {
        let pairs_of_row = (negatives - (1.0 - p)) - (positives - p);
        (below - above - value * pairs_of_row) / pairs
    });
    let by_row = rows().map(|((below, above), p)| {
        let yes = (below / negatives - value) / positives;
        let no = (above / positives - value) / negatives;
        p * yes + (1.0 - p) * no
    });
    Some(Area {
        value,
        by_label: by_label.collect(),
        by_row: by_row.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::metrics::roc::roc_auc;
    use proptest::prelude::*;

    /// The expected area by its definition, over all pairs.
    fn by_pairs(scores: &[f64], p: &[f64]) -> f64 {
        let (mut right, mut all) = (0.0, 0.0);
        for (i, &score) in scores.iter().enumerate() {
            for (j, &other) in scores.iter().enumerate().filter(|&(j, _)| j != i) {
                let pair = p[i] * (1.0 - p[j]);
                all += pair;
                right += match score.total_cmp(&other) {
                    std::cmp::Ordering::Greater => pair,
                    std::cmp::Ordering::Equal => 0.5 * pair,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        right / all
    }

    proptest! {
        #[test]
        fn it_is_the_share_of_expected_pairs(
            rows in prop::collection::vec((0u32..9, 0.05f64..0.95), 2..30)
        ) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let mut p: Vec<f64> = rows.iter().map(|row| row.1).collect();
            let found = area(&scores, &p).unwrap();
            prop_assert!((found.value - by_pairs(&scores, &p)).abs() < 1e-10);
            // The derivative, beside a small difference.
            let step = 1e-6;
            p[0] += step;
            let difference = (by_pairs(&scores, &p) - found.value) / step;
            prop_assert!((difference - found.by_label[0]).abs() < 1e-4);
        }

        #[test]
        fn with_certain_labels_it_is_the_usual_area(
            rows in prop::collection::vec((0u32..9, any::<bool>()), 2..60)
        ) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let p: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
            let found = area(&scores, &p).map(|area| area.value);
            match (found, roc_auc(&labels, &scores)) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }

    #[test]
    fn the_variance_is_delongs() {
        // By hand: positives 3, 1 over negatives 2, 0: placements 1 and .5, and 1 - .5 and 1.
        let found = area(&[3.0, 1.0, 2.0, 0.0], &[1.0, 1.0, 0.0, 0.0]).unwrap();
        assert_eq!(found.value, 0.75);
        let variance: f64 = found.by_row.iter().map(|term| term * term).sum();
        // Σ (placement - .75)² / 2², both ways.
        assert!((variance - 2.0 * (2.0 * 0.0625) / 4.0).abs() < 1e-15);
    }
}
