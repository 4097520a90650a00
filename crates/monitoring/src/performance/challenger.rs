//! Champion against challenger: is a new model better than the one in use, on the same rows?
//!
//! Rows (or users, or series) are drawn with replacement, the same ones for both models, and the
//! difference of a metric is computed on each resample (paired bootstrap: Efron and Tibshirani 1993;
//! Koehn 2004). Errors that both models make cancel, so much smaller differences show than between
//! two intervals.

use models::metrics::bootstrap::{Interval, RESAMPLES, percentiles, resampled_figures};
use serde::{Deserialize, Serialize};

use super::PerformanceError;
use super::error::{check_finite, check_length, check_rows, check_share};

/// What is compared: the same units in the same order, once for each model.
#[derive(Clone, Copy, Debug)]
pub enum Paired<'a> {
    /// A figure of each unit, of which the mean counts: right or wrong for accuracy, the log loss or
    /// absolute error of a row, the MASE of a series, the NDCG of a user.
    Means {
        /// Of the champion.
        champion: &'a [f64],
        /// Of the challenger.
        challenger: &'a [f64],
    },
    /// Predicted classes, of which macro F1 counts; computed anew for each resample, over the classes
    /// that occur or are predicted in it.
    F1Macro {
        /// Number of classes.
        classes: usize,
        /// The actual class of each row.
        actual: &'a [u32],
        /// Predicted by the champion.
        champion: &'a [u32],
        /// Predicted by the challenger.
        challenger: &'a [u32],
    },
}

/// When a challenger is promoted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How much worse than the champion the challenger may be, in units of the metric: 0 asks it to be
    /// better, more asks it not to be worse by more than this.
    pub margin: f64,
    /// How sure that has to be, such as 0.9.
    pub confidence: f64,
}

impl Default for Rule {
    /// Better, with 90 % of the resamples: of two equally good models about one in ten is promoted,
    /// which does no harm; of models 3 points of accuracy worse on 1,000 rows, none.
    fn default() -> Rule {
        Rule {
            margin: 0.0,
            confidence: 0.9,
        }
    }
}

/// The challenger beside the champion. Gains are in the direction of the metric: positive if the
/// challenger is better, for losses too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Number of units.
    pub units: u64,
    /// The champion's metric.
    pub champion: f64,
    /// The challenger's metric.
    pub challenger: f64,
    /// By how much the challenger is better.
    pub gain: f64,
    /// The interval that holds 95 % of the resamples' gains.
    pub interval: Interval,
    /// Share of the resamples in which the challenger is better; ties count half.
    pub better: f64,
    /// Share of the resamples in which the challenger is not worse by more than the margin.
    pub not_worse: f64,
    /// Whether the challenger is promoted: the gain itself and the rule's share of the resamples are
    /// above minus the margin. Without a difference the champion stays.
    pub promoted: bool,
}

/// Compares two models; `more_is_better` says which way the metric goes.
///
/// # Errors
/// Fewer than two units, slices of other lengths, figures that are missing or infinite, a class that is
/// not one of the classes, a confidence outside 0 to 1, a margin that is negative or not finite.
///
/// # Examples
/// ```
/// use monitoring::performance::challenger::{Paired, Rule, judge};
///
/// // 1000 rows: the champion has 800 right, the challenger 30 more and all of these.
/// let right = |count: usize| -> Vec<f64> { (0..1000).map(|i| f64::from(u8::from(i < count))).collect() };
/// let (champion, challenger) = (right(800), right(830));
/// let paired = Paired::Means { champion: &champion, challenger: &challenger };
/// let found = judge(&paired, true, &Rule::default(), 42).unwrap();
/// assert!(found.promoted && (found.gain - 0.03).abs() < 1e-12 && found.interval.low > 0.0);
/// // The other way round it is never promoted, and neither is an equal.
/// let swapped = Paired::Means { champion: &challenger, challenger: &champion };
/// assert!(!judge(&swapped, true, &Rule::default(), 42).unwrap().promoted);
/// let equal = Paired::Means { champion: &champion, challenger: &champion };
/// assert!(!judge(&equal, true, &Rule::default(), 42).unwrap().promoted);
/// ```
pub fn judge(
    paired: &Paired,
    more_is_better: bool,
    rule: &Rule,
    seed: u64,
) -> Result<Judgement, PerformanceError> {
    paired.check()?;
    rule.check()?;
    let sign = if more_is_better { 1.0 } else { -1.0 };
    let units = paired.units();
    let [champion, challenger] = paired.figures(&mut (0..units));
    let gains: Vec<f64> = resampled_figures(units, seed, |rows| {
        let [champion, challenger] = paired.figures(rows);
        sign * (challenger - champion)
    });
    let share = |counts: &dyn Fn(f64) -> f64| {
        gains.iter().map(|&gain| counts(gain)).sum::<f64>() / RESAMPLES as f64
    };
    let above = |limit: f64| share(&|gain| f64::from(u8::from(gain > limit)));
    let tied = share(&|gain| f64::from(u8::from(gain == 0.0)));
    let gain = sign * (challenger - champion);
    let not_worse = above(-rule.margin);
    Ok(Judgement {
        units: units as u64,
        champion,
        challenger,
        gain,
        interval: percentiles(gains.iter().copied()),
        better: above(0.0) + 0.5 * tied,
        not_worse,
        promoted: gain > -rule.margin && not_worse >= rule.confidence,
    })
}

impl Rule {
    fn check(&self) -> Result<(), PerformanceError> {
        check_share("confidence", self.confidence)?;
        match self.margin >= 0.0 && self.margin.is_finite() {
            true => Ok(()),
            false => Err(PerformanceError::Parameter {
                name: "margin",
                value: self.margin,
                range: "0 or more",
            }),
        }
    }
}

impl Paired<'_> {
    fn units(&self) -> usize {
        match self {
            Paired::Means { champion, .. } => champion.len(),
            Paired::F1Macro { actual, .. } => actual.len(),
        }
    }

    fn check(&self) -> Result<(), PerformanceError> {
        let units = self.units();
        check_rows("the comparison", units, 2)?;
        match *self {
            Paired::Means {
                champion,
                challenger,
            } => {
                check_length("figure of the challenger", challenger.len(), units)?;
                check_finite("figure of the champion", champion)?;
                check_finite("figure of the challenger", challenger)
            }
            Paired::F1Macro {
                classes,
                actual,
                champion,
                challenger,
            } => {
                check_length("prediction of the champion", champion.len(), units)?;
                check_length("prediction of the challenger", challenger.len(), units)?;
                check_classes("target", actual, classes)?;
                check_classes("prediction", champion, classes)?;
                check_classes("prediction", challenger, classes)
            }
        }
    }

    /// The metric of the champion and of the challenger on some of the units.
    fn figures(&self, rows: &mut dyn Iterator<Item = usize>) -> [f64; 2] {
        match *self {
            Paired::Means {
                champion,
                challenger,
            } => {
                let (mut sums, mut count) = ([0.0; 2], 0.0);
                for row in rows {
                    sums[0] += champion[row];
                    sums[1] += challenger[row];
                    count += 1.0;
                }
                sums.map(|sum| sum / count)
            }
            Paired::F1Macro {
                classes,
                actual,
                champion,
                challenger,
            } => {
                let mut counts = [0, 1].map(|_| vec![[0u32; 2]; classes]);
                for row in rows {
                    for (counts, predicted) in counts.iter_mut().zip([champion, challenger]) {
                        let (actual, predicted) = (actual[row] as usize, predicted[row] as usize);
                        counts[actual][1] += 1;
                        counts[predicted][1] += 1;
                        counts[actual][0] += u32::from(actual == predicted);
                    }
                }
                counts.map(|counts| f1_macro(&counts))
            }
        }
    }
}

/// Mean F1, given for each class the rows predicted right, and those of it and those predicted as it
/// together.
fn f1_macro(counts: &[[u32; 2]]) -> f64 {
    let occurring = counts.iter().filter(|[_, seen]| *seen > 0);
    let f1 = |[right, seen]: &[u32; 2]| 2.0 * f64::from(*right) / f64::from(*seen);
    let count = occurring.clone().count() as f64;
    occurring.map(f1).sum::<f64>() / count
}

fn check_classes(
    what: &'static str,
    given: &[u32],
    classes: usize,
) -> Result<(), PerformanceError> {
    match given.iter().position(|&class| class as usize >= classes) {
        Some(row) => Err(PerformanceError::UnknownClass {
            what,
            row,
            class: given[row],
            classes,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    /// Whether each of 1000 rows is right: 85 % by the champion; the challenger has another answer for
    /// so many that it is right by `gain` more.
    fn trial(seed: u64, gain: f64) -> [Vec<f64>; 2] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut uniform = || f64::from(random.next_u32()) / 4_294_967_296.0;
        let mut of = [Vec::new(), Vec::new()];
        let disagree = 0.04;
        for _ in 0..1000 {
            let right = uniform() < 0.85;
            let changes = match right {
                true => (disagree - gain / 2.0) / 0.85,
                false => (disagree + gain / 2.0) / 0.15,
            };
            let flips = uniform() < changes;
            of[0].push(f64::from(u8::from(right)));
            of[1].push(f64::from(u8::from(right != flips)));
        }
        of
    }

    fn promotions(gain: f64, trials: u64) -> usize {
        let promoted = |seed: &u64| {
            let [champion, challenger] = trial(*seed, gain);
            let paired = Paired::Means {
                champion: &champion,
                challenger: &challenger,
            };
            judge(&paired, true, &Rule::default(), *seed)
                .unwrap()
                .promoted
        };
        (0..trials).filter(promoted).count()
    }

    #[test]
    fn three_points_worse_is_never_promoted_and_three_better_is() {
        assert_eq!(promotions(-0.03, 40), 0);
        assert!(promotions(0.03, 40) >= 37);
    }

    #[test]
    fn losses_go_the_other_way() {
        let champion: Vec<f64> = (0..200).map(|i| f64::from(i % 7)).collect();
        let challenger: Vec<f64> = champion.iter().map(|loss| loss * 0.9).collect();
        let paired = Paired::Means {
            champion: &champion,
            challenger: &challenger,
        };
        let as_loss = judge(&paired, false, &Rule::default(), 7).unwrap();
        assert!(as_loss.promoted && as_loss.gain > 0.0 && as_loss.better == 1.0);
        assert!(!judge(&paired, true, &Rule::default(), 7).unwrap().promoted);
    }

    #[test]
    fn a_margin_lets_equals_through() {
        let figures: Vec<f64> = (0..500).map(|i| f64::from(i % 2)).collect();
        let other: Vec<f64> = (0..500).map(|i| f64::from((i / 2) % 2)).collect();
        let paired = Paired::Means {
            champion: &figures,
            challenger: &other,
        };
        let strict = judge(&paired, true, &Rule::default(), 7).unwrap();
        assert!(!strict.promoted && (strict.better - 0.5).abs() < 0.1);
        let rule = Rule {
            margin: 0.1,
            confidence: 0.95,
        };
        assert!(judge(&paired, true, &rule, 7).unwrap().promoted);
    }

    #[test]
    fn macro_f1_is_computed_anew() {
        // By hand: right 2 of class 0 and 1 of class 1; F1 4/5 and 2/3 against 2/4 and 2/4.
        let paired = Paired::F1Macro {
            classes: 3,
            actual: &[0, 0, 1, 1],
            champion: &[0, 1, 1, 0],
            challenger: &[0, 0, 1, 0],
        };
        let found = judge(&paired, true, &Rule::default(), 7).unwrap();
        assert!((found.champion - 0.5).abs() < 1e-15);
        assert!((found.challenger - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        let unknown = Paired::F1Macro {
            classes: 2,
            actual: &[0, 2],
            champion: &[0, 1],
            challenger: &[0, 1],
        };
        assert!(judge(&unknown, true, &Rule::default(), 7).is_err());
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let means = |champion, challenger| Paired::Means {
            champion,
            challenger,
        };
        let wrong = |paired: &Paired| judge(paired, true, &Rule::default(), 7).unwrap_err();
        let error = wrong(&means(&[1.0], &[1.0]));
        assert_eq!(
            error.to_string(),
            "1 rows in the comparison; at least 2 needed"
        );
        assert!(
            wrong(&means(&[1.0, 2.0], &[1.0]))
                .to_string()
                .contains("got 1 for 2 rows")
        );
        wrong(&means(&[1.0, f64::NAN], &[1.0, 1.0]));
    }
}
