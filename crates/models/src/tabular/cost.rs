//! Decisions when mistakes cost differently: the answer with the least expected cost (Elkan, "The
//! foundations of cost-sensitive learning", 2001).

/// What answers cost, by actual class and answer.
#[derive(Clone, Debug, PartialEq)]
pub struct CostMatrix {
    classes: usize,
    /// Actual class × answer.
    costs: Vec<f64>,
}

/// Why costs are not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// Too few classes to decide between.
    #[error("costs need 2 or more classes, got {0}")]
    Classes(usize),
    /// The number of costs is not the square of the number of classes.
    #[error("{classes} classes need {expected} costs, got {got}", expected = classes * classes)]
    Length {
        /// Number of classes.
        classes: usize,
        /// Number of costs.
        got: usize,
    },
    /// A cost is negative, infinite or NaN.
    #[error("the cost of answering class {answer} for class {actual} is not a number of 0 or more")]
    Value {
        /// Index of the actual class.
        actual: usize,
        /// Index of the class that is answered.
        answer: usize,
    },
}

/// Costs that differ by less than this share are equal: sums in another order would differ as much.
const TOLERANCE: f64 = 1e-12;

impl CostMatrix {
    /// Checks costs, row-major actual class × answer; the diagonal is usually 0.
    ///
    /// # Errors
    /// If there are fewer than two classes, not as many costs as pairs of classes, or a cost is
    /// negative or not finite.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::cost::CostMatrix;
    ///
    /// // A false alarm (class 1 for class 0) costs 1, a miss 9.
    /// let costs = CostMatrix::new(2, vec![0.0, 1.0, 9.0, 0.0]).unwrap();
    /// assert_eq!(costs.decide(&[0.8, 0.2]), 1); // 0.8 instead of 1.8
    /// assert_eq!(costs.threshold(), Some(0.1));
    /// assert!(CostMatrix::new(2, vec![0.0, -1.0, 9.0, 0.0]).is_err());
    /// ```
    pub fn new(classes: usize, costs: Vec<f64>) -> Result<CostMatrix, CostError> {
        if classes < 2 {
            return Err(CostError::Classes(classes));
        }
        let got = costs.len();
        if classes.checked_mul(classes) != Some(got) {
            return Err(CostError::Length { classes, got });
        }
        let is_cost = |cost: &f64| cost.is_finite() && *cost >= 0.0;
        if let Some(at) = costs.iter().position(|cost| !is_cost(cost)) {
            let (actual, answer) = (at / classes, at % classes);
            return Err(CostError::Value { actual, answer });
        }
        Ok(CostMatrix { classes, costs })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The cost of an answer; `None` for a class outside the matrix.
    pub fn cost(&self, actual: usize, answer: usize) -> Option<f64> {
        let is_inside = actual < self.classes && answer < self.classes;
        is_inside.then(|| self.costs[actual * self.classes + answer])
    }

    /// The expected cost of an answer, with the probability of each class. Classes without a
    /// probability count as impossible; an answer outside the matrix costs infinitely much.
    pub fn expected(&self, probabilities: &[f64], answer: usize) -> f64 {
        if answer >= self.classes {
            return f64::INFINITY;
        }
        let costs = self.costs[answer..].iter().step_by(self.classes);
        let terms = probabilities.iter().zip(costs);
        terms.map(|(probability, cost)| probability * cost).sum()
    }

    /// The answer with the least expected cost; of equal costs the more probable class, then the
    /// first.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::cost::CostMatrix;
    ///
    /// let equal = CostMatrix::new(3, vec![0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0]).unwrap();
    /// assert_eq!(equal.decide(&[0.2, 0.5, 0.3]), 1); // the most probable
    /// assert_eq!(equal.decide(&[0.2, 0.4, 0.4]), 1); // and the first of two
    /// ```
    pub fn decide(&self, probabilities: &[f64]) -> usize {
        let expected: Vec<f64> = (0..self.classes)
            .map(|answer| self.expected(probabilities, answer))
            .collect();
        let least = expected.iter().copied().fold(f64::INFINITY, f64::min);
        let limit = least + TOLERANCE * least;
        let probability = |class: usize| probabilities.get(class).copied().unwrap_or(0.0);
        let cheapest = (0..self.classes).filter(|&answer| expected[answer] <= limit);
        let better = |best: usize, answer: usize| match probability(answer) > probability(best) {
            true => answer,
            false => best,
        };
        cheapest.reduce(better).unwrap_or(0)
    }

    /// For two classes, the probability of the second above which it is the answer. `None` for more
    /// classes, or if a right answer costs more than a wrong one or all answers cost the same, where
    /// no threshold says it.
    ///
    /// At the threshold itself both cost the same, and the more probable class is the answer.
    pub fn threshold(&self) -> Option<f64> {
        let [right0, alarm, miss, right1] = self.costs[..] else {
            return None;
        };
        let (alarm, miss) = (alarm - right0, miss - right1);
        let is_sensible = alarm >= 0.0 && miss >= 0.0 && alarm + miss > 0.0;
        // Halved, because the sum of the largest costs overflows.
        is_sensible.then(|| 0.5 * alarm / (0.5 * alarm + 0.5 * miss))
    }

    /// The mean expected cost of answers to rows with these probabilities (rows × classes, row-major).
    /// `None` without rows. Rows with an answer outside the matrix are left out.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::cost::CostMatrix;
    ///
    /// let costs = CostMatrix::new(2, vec![0.0, 1.0, 9.0, 0.0]).unwrap();
    /// // 0.75 × 1 for the first row, 0.5 × 9 for the second.
    /// let mean = costs.mean_expected(&[0.75, 0.25, 0.5, 0.5], &[1, 0], None).unwrap();
    /// assert_eq!(mean, (0.75 + 4.5) / 2.0);
    /// ```
    pub fn mean_expected(
        &self,
        probabilities: &[f64],
        answers: &[u32],
        weights: Option<&[f64]>,
    ) -> Option<f64> {
        let rows = probabilities.chunks_exact(self.classes).zip(answers);
        let costs = rows.map(|(probabilities, &answer)| {
            let is_inside = (answer as usize) < self.classes;
            is_inside.then(|| self.expected(probabilities, answer as usize))
        });
        mean(costs, weights)
    }

    /// The mean cost of answers to rows of these classes; `None` without rows. Rows with a class or an
    /// answer outside the matrix, such as a label unknown to the model, have no cost and are left out.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::cost::CostMatrix;
    ///
    /// let costs = CostMatrix::new(2, vec![0.0, 1.0, 9.0, 0.0]).unwrap();
    /// assert_eq!(costs.mean_realised(&[0, 0, 1, 1], &[0, 1, 0, 1], None), Some(2.5));
    /// ```
    pub fn mean_realised(
        &self,
        actual: &[u32],
        answers: &[u32],
        weights: Option<&[f64]>,
    ) -> Option<f64> {
        let rows = actual.iter().zip(answers);
        let costs = rows.map(|(&actual, &answer)| self.cost(actual as usize, answer as usize));
        mean(costs, weights)
    }
}

/// Weighted mean of the costs that there are. Rows without a positive finite weight are left out.
fn mean(costs: impl Iterator<Item = Option<f64>>, weights: Option<&[f64]>) -> Option<f64> {
    let (mut sum, mut all) = (0.0, 0.0);
    for (row, cost) in costs.enumerate() {
        let weight = weights.map_or(1.0, |weights| weights.get(row).copied().unwrap_or(0.0));
        if let Some(cost) = cost
            && weight > 0.0
            && weight.is_finite()
        {
            sum += weight * cost;
            all += weight;
        }
    }
    (all > 0.0).then(|| sum / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::classification::most_probable;
    use proptest::prelude::*;

    #[test]
    fn invalid_costs_are_named() {
        let error = |classes, costs: &[f64]| {
            let made = CostMatrix::new(classes, costs.to_vec());
            made.unwrap_err().to_string()
        };
        assert_eq!(error(1, &[0.0]), "costs need 2 or more classes, got 1");
        assert_eq!(error(0, &[]), "costs need 2 or more classes, got 0");
        assert_eq!(error(2, &[0.0; 3]), "2 classes need 4 costs, got 3");
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let said = "the cost of answering class 0 for class 1 is not a number of 0 or more";
            assert_eq!(error(2, &[0.0, 1.0, bad, 0.0]), said);
        }
    }

    #[test]
    fn a_third_answer_may_be_cheapest() {
        // Class 1 is a referral: it never costs more than 2.
        let costs = [0.0, 2.0, 10.0, 2.0, 0.0, 2.0, 10.0, 2.0, 0.0];
        let costs = CostMatrix::new(3, costs.to_vec()).unwrap();
        assert_eq!(costs.decide(&[0.6, 0.0, 0.4]), 1);
        assert_eq!(costs.decide(&[0.9, 0.0, 0.1]), 0);
        assert_eq!(costs.threshold(), None);
    }

    #[test]
    fn thresholds_of_unusual_costs() {
        let threshold = |costs: [f64; 4]| CostMatrix::new(2, costs.to_vec()).unwrap().threshold();
        assert_eq!(threshold([0.0, 1.0, 1.0, 0.0]), Some(0.5));
        assert_eq!(threshold([1.0, 3.0, 5.0, 3.0]), Some(0.5)); // what any answer costs falls out
        assert_eq!(threshold([0.0, 0.0, 5.0, 0.0]), Some(0.0));
        assert_eq!(threshold([0.0, 5.0, 0.0, 0.0]), Some(1.0));
        assert_eq!(threshold([0.0; 4]), None);
        assert_eq!(threshold([2.0, 1.0, 1.0, 2.0]), None); // right answers cost more
        assert_eq!(threshold([0.0, f64::MAX, f64::MAX, 0.0]), Some(0.5));
    }

    #[test]
    fn nothing_costs_nothing_and_the_unknown_is_left_out() {
        let costs = CostMatrix::new(2, vec![0.0, 1.0, 9.0, 0.0]).unwrap();
        assert_eq!(costs.mean_realised(&[], &[], None), None);
        assert_eq!(costs.mean_expected(&[], &[], None), None);
        assert_eq!(costs.mean_realised(&[2, 1], &[0, 0], None), Some(9.0));
        assert_eq!(costs.mean_realised(&[2], &[0], None), None);
        assert_eq!(costs.mean_expected(&[0.5, 0.5], &[2], None), None);
        let weights = [3.0, 1.0];
        let mean = costs.mean_realised(&[0, 1], &[1, 0], Some(&weights));
        assert_eq!(mean, Some(3.0));
        assert_eq!(costs.cost(0, 2), None);
        assert_eq!(costs.expected(&[1.0, 0.0], 2), f64::INFINITY);
        assert_eq!(costs.decide(&[f64::NAN, f64::NAN]), 0);
        assert_eq!(costs.decide(&[]), 0);
    }

    fn probabilities(classes: usize) -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(1u32..9, classes).prop_map(|parts| {
            let all: u32 = parts.iter().sum();
            parts
                .iter()
                .map(|&part| f64::from(part) / f64::from(all))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn equal_costs_answer_the_most_probable(probabilities in probabilities(5)) {
            let costs = (0..25).map(|at| f64::from(u8::from(at / 5 != at % 5))).collect();
            let costs = CostMatrix::new(5, costs).unwrap();
            prop_assert_eq!(costs.decide(&probabilities), most_probable(&probabilities));
        }

        #[test]
        fn no_answer_is_cheaper(
            probabilities in probabilities(4), costs in prop::collection::vec(0.0f64..10.0, 16),
        ) {
            let costs = CostMatrix::new(4, costs).unwrap();
            let least = costs.expected(&probabilities, costs.decide(&probabilities));
            for answer in 0..4 {
                prop_assert!(least <= costs.expected(&probabilities, answer) * (1.0 + 1e-11));
            }
        }

        #[test]
        fn the_threshold_decides(alarm in 0.1f64..10.0, miss in 0.1f64..10.0, p in 0.0f64..1.0) {
            let costs = CostMatrix::new(2, vec![0.0, alarm, miss, 0.0]).unwrap();
            let threshold = costs.threshold().unwrap();
            prop_assume!((p - threshold).abs() > 1e-9);
            prop_assert_eq!(costs.decide(&[1.0 - p, p]), usize::from(p > threshold));
        }
    }
}
