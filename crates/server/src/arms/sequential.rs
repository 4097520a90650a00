//! Which of two success rates is higher, told while the outcomes come in. The statements hold at every moment at once, so
//! that a test may be looked at after each outcome and stopped at any time.
//!
//! - [`Test`]: an e-process against "both rates are equal" (Turner, Ly and Grünwald 2024, *Generic E-variables for exact
//!   sequential k-sample tests that allow for optional stopping*). By Ville's inequality it exceeds 1/α ever, where
//!   the rates are equal, with probability at most α.
//! - [`interval`]: a confidence sequence for one rate (Robbins 1970, the mixture of Bernoulli likelihoods under Jeffreys'
//!   prior): the true rate lies in it at every moment with probability at least 1 - α.

/// Outcomes of one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// How many are known.
    pub count: u64,
    /// How many of them were successes.
    pub successes: u64,
}

impl Outcomes {
    fn add(&mut self, is_success: bool) {
        self.count += 1;
        self.successes += u64::from(is_success);
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.successes += other.successes;
    }

    /// The rate under Jeffreys' prior; within 0 and 1, both excluded.
    fn smooth_rate(self) -> f64 {
        (self.successes as f64 + 0.5) / (self.count as f64 + 1.0)
    }

    /// The logarithm of the likelihood of a rate.
    fn log_likelihood(self, rate: f64) -> f64 {
        let failures = (self.count - self.successes) as f64;
        self.successes as f64 * libm::log(rate) + failures * libm::log1p(-rate)
    }
}

/// The sequential test of two arms.
///
/// Outcomes are taken in blocks. A block is closed once both arms have one in it: that depends on the order in which the
/// arms come, not on the outcomes. Its evidence is the likelihood of the rates that the blocks before it suggest,
/// divided by that of the rate that both arms would have together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Test {
    closed: [Outcomes; 2],
    open: [Outcomes; 2],
    log_evidence: f64,
    /// The largest so far: what was once shown stays shown.
    most: f64,
}

impl Test {
    /// Takes an outcome of an arm, 0 or 1.
    pub fn add(&mut self, arm: usize, is_success: bool) {
        self.open[arm].add(is_success);
        if self.open.iter().any(|outcomes| outcomes.count == 0) {
            return;
        }
        let rates = self.closed.map(Outcomes::smooth_rate);
        let counts = self.open.map(|outcomes| outcomes.count as f64);
        let common = (counts[0] * rates[0] + counts[1] * rates[1]) / (counts[0] + counts[1]);
        for (outcomes, rate) in self.open.iter().zip(rates) {
            self.log_evidence += outcomes.log_likelihood(rate) - outcomes.log_likelihood(common);
        }
        self.most = self.most.max(self.log_evidence);
        for (closed, open) in self.closed.iter_mut().zip(&mut self.open) {
            closed.merge(std::mem::take(open));
        }
    }

    /// All outcomes of an arm.
    pub fn outcomes(&self, arm: usize) -> Outcomes {
        let mut all = self.closed[arm];
        all.merge(self.open[arm]);
        all
    }

    /// A p-value that holds at every moment: the reciprocal of the largest evidence so far, at most 1.
    pub fn p_value(&self) -> f64 {
        libm::exp(-self.most)
    }
}

/// The confidence sequence of a rate at level 1 - `alpha`: lower and upper bound.
pub fn interval(outcomes: Outcomes, alpha: f64) -> (f64, f64) {
    if outcomes.count == 0 {
        return (0.0, 1.0);
    }
    let (successes, failures) = (
        outcomes.successes as f64,
        (outcomes.count - outcomes.successes) as f64,
    );
    // ln of Beta(s + ½, f + ½) / Beta(½, ½): the likelihood averaged over the prior. Beta(½, ½) is π.
    let mixture = libm::lgamma(successes + 0.5) + libm::lgamma(failures + 0.5)
        - libm::lgamma(successes + failures + 1.0)
        - libm::log(std::f64::consts::PI);
    let most = mixture - libm::log(1.0 / alpha);
    // The likelihood rises up to the observed rate and falls after it.
    let is_inside = |rate: f64| log_likelihood(successes, failures, rate) >= most;
    let observed = successes / (successes + failures);
    let bound = |outer: f64| {
        if is_inside(outer) {
            return outer;
        }
        let (mut outside, mut inside) = (outer, observed);
        // Halved until a double has no finer place to offer for rates that matter.
        for _ in 0..60 {
            let middle = f64::midpoint(outside, inside);
            match is_inside(middle) {
                true => inside = middle,
                false => outside = middle,
            }
        }
        outside
    };
    (bound(0.0), bound(1.0))
}

/// Where nothing succeeded, a rate of 0 has likelihood 1.
fn log_likelihood(successes: f64, failures: f64, rate: f64) -> f64 {
    let part = |count: f64, log: f64| if count == 0.0 { 0.0 } else { count * log };
    part(successes, libm::log(rate)) + part(failures, libm::log1p(-rate))
}

/// An interval for the rate of arm 1 less that of arm 0, at every moment, at level 1 - `alpha`.
pub fn difference(arms: [Outcomes; 2], alpha: f64) -> (f64, f64) {
    let [a, b] = arms.map(|outcomes| interval(outcomes, alpha / 2.0));
    (b.0 - a.1, b.1 - a.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64 (Steele, Lea and Flood 2014).
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// The smallest p-value that anybody could have seen.
    fn run(random: &mut Random, rates: [f64; 2], weight: f64, count: usize) -> Test {
        let mut test = Test::default();
        for _ in 0..count {
            let arm = usize::from(random.next() < weight);
            test.add(arm, random.next() < rates[arm]);
        }
        test
    }

    #[test]
    fn equal_arms_are_told_apart_in_at_most_five_of_a_hundred_tests() {
        for (rate, weight) in [(0.8, 0.1), (0.5, 0.5), (0.02, 0.5)] {
            let mut random = Random(17);
            let wrong = (0..1000)
                .filter(|_| run(&mut random, [rate; 2], weight, 4000).p_value() <= 0.05)
                .count();
            assert!(wrong <= 50, "{wrong} of 1000 at {rate}, {weight}");
        }
    }

    #[test]
    fn a_better_arm_is_found() {
        let mut random = Random(5);
        let found = (0..200)
            .filter(|_| run(&mut random, [0.8, 0.85], 0.5, 6000).p_value() <= 0.05)
            .count();
        assert!(found >= 180, "{found} of 200");
    }

    #[test]
    fn evidence_by_hand() {
        // The first block has the rates ½ and ½: no evidence. Then the rates are ¾ and ¼, together ½, and
        // the second block is worth ln(¾ / ½) + ln(¾ / ½).
        let mut test = Test::default();
        for (arm, is_success) in [(0, true), (1, false), (0, true), (1, false)] {
            test.add(arm, is_success);
        }
        assert!((test.p_value() - (0.5f64 / 0.75).powi(2)).abs() < 1e-15);
        assert_eq!(
            test.outcomes(0),
            Outcomes {
                count: 2,
                successes: 2
            }
        );
    }

    #[test]
    fn an_interval_covers_the_rate_at_every_moment() {
        let mut random = Random(3);
        let missed = (0..300)
            .filter(|_| {
                let mut outcomes = Outcomes::default();
                (0..1000).any(|_| {
                    outcomes.add(random.next() < 0.3);
                    let (low, high) = interval(outcomes, 0.05);
                    low > 0.3 || high < 0.3
                })
            })
            .count();
        assert!(missed <= 15, "{missed} of 300");
    }

    #[test]
    fn bounds_of_an_interval_have_the_demanded_evidence() {
        let outcomes = Outcomes {
            count: 100,
            successes: 30,
        };
        let (low, high) = interval(outcomes, 0.05);
        assert!(low < 0.3 && high > 0.3, "{low} {high}");
        // By the definition: the averaged likelihood is 1/α times that of the bound. The average by the midpoint rule
        // over the arcsine density, in which Jeffreys' prior is uniform.
        let steps = 20_000;
        let average = (0..steps)
            .map(|step| {
                let angle =
                    (f64::from(step) + 0.5) / f64::from(steps) * std::f64::consts::FRAC_PI_2;
                let rate = angle.sin().powi(2);
                rate.powi(30) * (1.0 - rate).powi(70)
            })
            .sum::<f64>()
            / f64::from(steps);
        for bound in [low, high] {
            let own = bound.powi(30) * (1.0 - bound).powi(70);
            assert!(
                (average / own - 20.0).abs() < 1e-6,
                "{bound}: {}",
                average / own
            );
        }
        let none = Outcomes {
            count: 10,
            successes: 0,
        };
        assert_eq!(interval(none, 0.05).0, 0.0);
        assert_eq!(interval(Outcomes::default(), 0.05), (0.0, 1.0));
    }
}
