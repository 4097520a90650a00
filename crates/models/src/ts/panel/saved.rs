//! Fitted series as tensors.

use super::calibration::Calibration;
use super::model::Model;
use super::packed::{Ends, Packed, Parts};
use super::per_series::PerSeries;
use crate::state::{State, StateError, Stateful};
use crate::ts::series::forecaster::Forecaster;

/// Fitted series with their ids and times.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The model, with series by index.
    pub model: Model,
    /// The id of each series.
    pub ids: Vec<String>,
    /// Time of the last training value of each series, on the axis of `clock`.
    pub ends: Vec<i64>,
    /// Fingerprint of every training value of each series, one per step (see
    /// [`fingerprint`](super::per_series::fingerprint)).
    pub seen: PerSeries<u32>,
    /// Values of the steps after `ends`, NaN if missing. Nothing was fitted to them: they update
    /// the state of a series, like newer observations.
    pub later: PerSeries<f64>,
    /// The encoding of times, as numbers of the data layer.
    pub clock: Vec<i64>,
    /// Whether the bound at zero was inferred from the training values.
    pub sign_from_data: bool,
}

impl Saved {
    /// Series `number` as fitted, updated with the later values.
    pub fn carried_on(&self, number: usize) -> Forecaster {
        let mut series = self.model.series.get(number);
        series.update(self.later.get(number));
        series
    }

    /// Whether forecasts from the current state are bounded at zero: not if the bound was only
    /// inferred from the training values and a later value is below it.
    pub fn is_nonnegative(&self) -> bool {
        let below = |values: &[f64]| values.iter().any(|y| *y < 0.0);
        self.model.nonnegative && !(self.sign_from_data && below(self.later.values()))
    }
}

impl Stateful for Saved {
    fn to_state(&self) -> State {
        self.clone().into_state()
    }

    fn from_state(state: &State) -> Result<Self, StateError> {
        Self::take_state(state.clone())
    }

    fn into_state(self) -> State {
        let Model {
            series,
            calibration,
            horizon,
            seasons,
            nonnegative,
        } = self.model;
        let count = self.ids.len();
        let Parts {
            floats,
            whole,
            ends,
            notes,
        } = series.into_parts();
        let mut state = State::default();
        state.insert_f64("numbers", &[floats.len()], floats);
        state.insert_u64("numbers_end", &[count], ends.floats);
        state.insert_i64("whole", &[whole.len()], whole);
        state.insert_u64("whole_end", &[count], ends.whole);
        state.insert_i64("ends", &[count], self.ends);
        state.insert_i64("clock", &[self.clock.len()], self.clock);
        let (seen, seen_ends) = self.seen.into_parts();
        state.insert_u32("seen", &[seen.len()], seen);
        state.insert_u64("seen_end", &[count], seen_ends);
        let (mut later, later_ends) = self.later.into_parts();
        // A tensor holds only finite values, so a second one marks which are known.
        let known: Vec<u8> = later.iter().map(|y| u8::from(y.is_finite())).collect();
        later
            .iter_mut()
            .filter(|y| !y.is_finite())
            .for_each(|y| *y = 0.0);
        state.insert_f64("later", &[later.len()], later);
        state.insert_u8("later_known", &[known.len()], known);
        state.insert_u64("later_end", &[count], later_ends);
        let seasons: Vec<i64> = seasons.iter().map(|&m| m as i64).collect();
        state.insert_i64("seasons", &[seasons.len()], seasons);
        let flags = vec![
            horizon as i64,
            i64::from(nonnegative),
            calibration.errors as i64,
            i64::from(self.sign_from_data),
        ];
        state.insert_i64("options", &[4], flags);
        let shares = calibration.shares.len();
        state.insert_f64("calibration_shares", &[shares], calibration.shares);
        state.insert_f64("calibration_widths", &[shares], calibration.widths);
        state.insert_f64("calibration_growth", &[1], vec![calibration.growth]);
        let own = calibration.own.len();
        state.insert_f64("calibration_own", &[own], calibration.own);
        state.insert_strings("ids", self.ids);
        state.insert_strings("notes", notes);
        state
    }

    fn take_state(mut state: State) -> Result<Self, StateError> {
        let ids = state.take_strings("ids")?;
        let notes = state.take_strings("notes")?;
        let count = ids.len();
        if notes.len() != count {
            return Err(StateError::invalid(
                "notes",
                format!("{} entries for {count} series", notes.len()),
            ));
        }
        let parts = Parts {
            floats: state.take_f64s("numbers", &[None])?,
            whole: state.take_i64s("whole", &[None])?,
            ends: Ends {
                floats: state.take_u64s("numbers_end", &[Some(count)])?,
                whole: state.take_u64s("whole_end", &[Some(count)])?,
            },
            notes,
        };
        let series = Packed::from_parts(parts)
            .map_err(|error| StateError::invalid("numbers", error.to_string()))?;
        let options = state.take_i64s("options", &[Some(4)])?;
        let seasons = state.take_i64s("seasons", &[None])?;
        let natural = |value: &i64| usize::try_from(*value).ok().filter(|v| *v > 0);
        let shares = state.take_f64s("calibration_shares", &[None])?;
        if !shares.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(StateError::invalid(
                "calibration_shares",
                "the values are not in ascending order",
            ));
        }
        let own = state.take_f64s("calibration_own", &[None])?;
        if ![0, count].contains(&own.len()) || own.iter().any(|factor| *factor <= 0.0) {
            return Err(StateError::invalid(
                "calibration_own",
                "expected one positive factor per series",
            ));
        }
        let seen_ends = state.take_u64s("seen_end", &[Some(count)])?;
        let seen = PerSeries::from_parts(state.take_u32s("seen", &[None])?, seen_ends, "seen_end")?;
        let mut later = state.take_f64s("later", &[None])?;
        let known = state.take_u8s("later_known", &[Some(later.len())])?;
        let missing = later
            .iter_mut()
            .zip(&known)
            .filter(|(_, known)| **known == 0);
        missing.for_each(|(value, _)| *value = f64::NAN);
        let later_ends = state.take_u64s("later_end", &[Some(count)])?;
        let later = PerSeries::from_parts(later, later_ends, "later_end")?;
        Ok(Self {
            model: Model {
                series,
                calibration: Calibration {
                    widths: state.take_f64s("calibration_widths", &[Some(shares.len())])?,
                    shares,
                    growth: state.f64s("calibration_growth", &[Some(1)])?[0],
                    errors: options[2].max(0) as usize,
                    own,
                },
                horizon: natural(&options[0])
                    .ok_or_else(|| StateError::invalid("options", "the horizon must be above 0"))?,
                seasons: (seasons.iter().map(natural).collect::<Option<Vec<usize>>>())
                    .ok_or_else(|| StateError::invalid("seasons", "seasons must be above 0"))?,
                nonnegative: options[1] != 0,
            },
            ids,
            ends: state.take_i64s("ends", &[Some(count)])?,
            seen,
            later,
            clock: state.take_i64s("clock", &[None])?,
            sign_from_data: options[3] != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ts::panel::per_series::fingerprint;
    use crate::ts::{ForecastOptions, Kind};

    fn saved(seasons: Vec<usize>) -> Saved {
        let wave = |t: usize, k: usize| 20.0 + t as f64 * 0.1 + libm::sin((t * k) as f64) * 3.0;
        let series = [1, 2, 3].map(|k| (0..90).map(|t| wave(t, k)).collect::<Vec<f64>>());
        let series = series.each_ref().map(Vec::as_slice);
        let options = ForecastOptions {
            kind: Kind::Auto,
            seasons,
            horizon: 6,
            calibrate: true,
            nonnegative: true,
        };
        let mut seen = PerSeries::default();
        series
            .iter()
            .for_each(|values| seen.push(values.iter().map(|y| fingerprint(*y))));
        let mut later = PerSeries::default();
        for values in [&[20.0, f64::NAN, 0.0][..], &[], &[f64::NAN]] {
            later.push(values.iter().copied());
        }
        Saved {
            model: options.fit(&series, &|| {}).unwrap(),
            ids: ["a", "b", "ü,\n"].map(str::to_owned).to_vec(),
            ends: vec![90, 91, 92],
            seen,
            later,
            clock: vec![0, 0, 1],
            sign_from_data: true,
        }
    }

    #[test]
    fn forecasts_survive_a_round_trip_to_the_bit() {
        for seasons in [vec![], vec![12], vec![7, 30]] {
            let before = saved(seasons);
            let after = Saved::from_state(&before.to_state()).unwrap();
            for (a, b) in before.model.series.iter().zip(after.model.series.iter()) {
                let (mut a, mut b) = (a, b);
                assert_eq!(a.forecast(20), b.forecast(20));
                a.update(&[20.0, f64::NAN, 25.0]);
                b.update(&[20.0, f64::NAN, 25.0]);
                assert_eq!(a.forecast(20), b.forecast(20));
                assert_eq!(a.name(), b.name());
            }
            assert_eq!(before.to_state(), after.to_state());
            assert_eq!(before.seen, after.seen);
            assert!(after.is_nonnegative());
            let later = after.later.get(0);
            assert!(later[0] == 20.0 && later[1].is_nan() && later[2] == 0.0);
            assert!(after.later.get(1).is_empty() && after.later.get(2)[0].is_nan());
        }
    }

    #[test]
    fn every_missing_or_changed_number_is_detected_or_harmless() {
        let state = saved(vec![12]).to_state();
        let whole = state.i64s("whole", &[None]).unwrap().to_vec();
        for index in 0..whole.len() {
            for value in [-1, 1 << 40] {
                let mut changed = whole.clone();
                changed[index] = value;
                let mut state = state.clone();
                state.insert_i64("whole", &[changed.len()], changed);
                if let Ok(saved) = Saved::from_state(&state) {
                    saved.model.series.get(0).forecast(3); // no panic
                }
            }
        }
        let mut short = state.clone();
        let floats = state.f64s("numbers", &[None]).unwrap();
        short.insert_f64("numbers", &[floats.len() - 1], floats[1..].to_vec());
        assert!(Saved::from_state(&short).is_err());
    }
}
