//! Fitted series as tensors: numbers of all series in a row, and where each ends.
//!
//! Parameters and final states only, no history: some hundred bytes a series, some kilobytes with
//! long seasons. A file that lies is told by its lengths and codes; nothing in it is run.

use super::arima::{Arima, Constant};
use super::calibration::Calibration;
use super::chandrasekhar::{Arma, Filter};
use super::cycles::Cycles;
use super::ets::{Ets, Kind, Part, Smoothing, States, Trend};
use super::forecaster::Forecaster;
use super::member::Member;
use super::model::Model;
use super::polynomial::Orders;
use super::simple::{Rule, Simple};
use crate::models::state::{State, StateError, Stateful};

/// Many fitted series, their names and times.
#[derive(Clone, Debug)]
pub struct Saved {
    pub model: Model,
    /// Name of each series.
    pub ids: Vec<String>,
    /// Last time of each, on the axis of `clock`.
    pub ends: Vec<i64>,
    /// What times are; the data layer's own numbers.
    pub clock: Vec<i64>,
}

/// Numbers being written.
#[derive(Default)]
struct Writer {
    floats: Vec<f64>,
    whole: Vec<i64>,
}

/// Numbers of one series being read.
struct Reader<'a> {
    floats: &'a [f64],
    whole: &'a [i64],
}

/// The numbers end too early or are no model's.
struct Broken;

type Read<T> = Result<T, Broken>;

impl Writer {
    fn count(&mut self, value: usize) {
        self.whole.push(value as i64);
    }

    fn list(&mut self, values: &[f64]) {
        self.count(values.len());
        self.floats.extend_from_slice(values);
    }

    fn orders(&mut self, orders: &Orders) {
        for value in [
            orders.p,
            orders.d,
            orders.q,
            orders.seasonal_p,
            orders.seasonal_d,
            orders.seasonal_q,
            orders.period,
        ] {
            self.count(value);
        }
    }

    fn arima(&mut self, model: &Arima) {
        self.orders(&model.orders);
        self.count(match model.constant {
            Constant::None => 0,
            Constant::Mean => 1,
            Constant::Drift => 2,
        });
        self.count(model.observations);
        self.count(model.length);
        self.list(&model.coefficients);
        self.list(&model.regression);
        self.list(&model.tail);
        let Filter {
            variance,
            weight,
            gain,
            change,
            settled,
            states,
            steps,
            ..
        } = &model.filter;
        self.count(usize::from(*settled));
        self.count(*steps);
        self.floats.extend([
            model.variance,
            model.log_likelihood,
            model.aicc,
            *variance,
            *weight,
        ]);
        self.list(&states[0]);
        if !settled {
            self.list(gain);
            self.list(change);
        }
    }

    fn states(&mut self, states: &States<f64>) {
        self.floats.extend([states.level, states.slope]);
        self.list(&states.seasons);
        self.count(states.next);
    }

    fn ets(&mut self, model: &Ets) {
        self.count(usize::from(model.kind.relative));
        self.count(match model.kind.trend {
            Trend::None => 0,
            Trend::Additive => 1,
            Trend::Damped => 2,
        });
        self.count(match model.kind.season {
            Part::None => 0,
            Part::Additive => 1,
            Part::Multiplicative => 2,
        });
        self.count(model.kind.period);
        self.count(model.observations);
        let Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        } = model.smoothing;
        self.floats.extend([alpha, beta, gamma, phi]);
        self.floats
            .extend([model.variance, model.log_likelihood, model.aicc]);
        self.states(&model.states);
        self.states(&model.start);
    }

    fn simple(&mut self, model: &Simple) {
        self.count(match model.rule {
            Rule::SeasonalNaive => 0,
            Rule::Drift => 1,
            Rule::Mean => 2,
        });
        self.list(&model.last);
        self.floats.extend([
            model.first,
            model.sum,
            model.count,
            model.span,
            model.variance,
        ]);
    }

    fn forecaster(&mut self, series: &Forecaster) {
        self.count(series.parts.len());
        for (weight, member) in &series.parts {
            self.floats.push(*weight);
            match member {
                Member::Arima(model) => {
                    self.count(0);
                    self.arima(model);
                }
                Member::Ets(model) => {
                    self.count(1);
                    self.ets(model);
                }
                Member::Theta(model) => {
                    self.count(3);
                    self.ets(model);
                }
                Member::Simple(model) => {
                    self.count(2);
                    self.simple(model);
                }
            }
        }
        self.count(series.cycles.patterns.len());
        self.count(usize::from(series.cycles.factors));
        for pattern in &series.cycles.patterns {
            self.list(pattern);
        }
        self.simple(&series.naive);
    }
}

impl Reader<'_> {
    fn whole(&mut self) -> Read<i64> {
        let (first, rest) = self.whole.split_first().ok_or(Broken)?;
        self.whole = rest;
        Ok(*first)
    }

    fn count(&mut self) -> Read<usize> {
        usize::try_from(self.whole()?).map_err(|_| Broken)
    }

    fn float(&mut self) -> Read<f64> {
        let (first, rest) = self.floats.split_first().ok_or(Broken)?;
        self.floats = rest;
        Ok(*first)
    }

    fn list(&mut self) -> Read<Vec<f64>> {
        let count = self.count()?;
        let list = self.floats.get(..count).ok_or(Broken)?.to_vec();
        self.floats = &self.floats[count..];
        Ok(list)
    }

    fn list_of(&mut self, length: usize) -> Read<Vec<f64>> {
        let list = self.list()?;
        if list.len() == length {
            Ok(list)
        } else {
            Err(Broken)
        }
    }

    fn orders(&mut self) -> Read<Orders> {
        let orders = Orders {
            p: self.count()?,
            d: self.count()?,
            q: self.count()?,
            seasonal_p: self.count()?,
            seasonal_d: self.count()?,
            seasonal_q: self.count()?,
            period: self.count()?,
        };
        let all = [
            orders.p,
            orders.d,
            orders.q,
            orders.seasonal_p,
            orders.seasonal_d,
            orders.seasonal_q,
        ];
        let sane = all.iter().all(|&order| order <= 16) && (1..=100_000).contains(&orders.period);
        if sane { Ok(orders) } else { Err(Broken) }
    }

    fn arima(&mut self) -> Read<Arima> {
        let orders = self.orders()?;
        let constant = match self.whole()? {
            0 => Constant::None,
            1 => Constant::Mean,
            2 => Constant::Drift,
            _ => return Err(Broken),
        };
        let (observations, length) = (self.count()?, self.count()?);
        let coefficients = self.list_of(orders.coefficients())?;
        let regression = self.list_of(usize::from(constant != Constant::None))?;
        let tail = self.list_of(orders.lost())?;
        let arma = Arma::new(&orders, &coefficients);
        let r = arma.order();
        let (settled, steps) = (self.count()? == 1, self.count()?);
        let (variance, log_likelihood, aicc) = (self.float()?, self.float()?, self.float()?);
        let (filter_variance, weight) = (self.float()?, self.float()?);
        let state = self.list_of(r)?;
        let (gain, change) = match settled {
            true => (arma.settled_gain(), vec![0.0; r]),
            false => (self.list_of(r)?, self.list_of(r)?),
        };
        Ok(Arima {
            filter: Filter::resumed(
                arma,
                filter_variance,
                weight,
                (gain, change),
                (settled, steps),
                state,
            ),
            orders,
            constant,
            coefficients,
            regression,
            variance,
            log_likelihood,
            aicc,
            observations,
            tail,
            length,
        })
    }

    fn states(&mut self, kind: &Kind) -> Read<States<f64>> {
        let (level, slope) = (self.float()?, self.float()?);
        let period = if kind.season == Part::None {
            0
        } else {
            kind.period
        };
        let seasons = self.list_of(period)?;
        let next = self.count()?;
        if next > 0 && next >= period {
            return Err(Broken);
        }
        Ok(States {
            level,
            slope,
            seasons,
            next,
        })
    }

    fn ets(&mut self) -> Read<Ets> {
        let relative = self.count()? == 1;
        let trend = match self.whole()? {
            0 => Trend::None,
            1 => Trend::Additive,
            2 => Trend::Damped,
            _ => return Err(Broken),
        };
        let season = match self.whole()? {
            0 => Part::None,
            1 => Part::Additive,
            2 => Part::Multiplicative,
            _ => return Err(Broken),
        };
        let period = self.count()?;
        if !(1..=100_000).contains(&period) {
            return Err(Broken);
        }
        let kind = Kind {
            relative,
            trend,
            season,
            period,
        };
        let observations = self.count()?;
        let smoothing = Smoothing {
            alpha: self.float()?,
            beta: self.float()?,
            gamma: self.float()?,
            phi: self.float()?,
        };
        let (variance, log_likelihood, aicc) = (self.float()?, self.float()?, self.float()?);
        Ok(Ets {
            states: self.states(&kind)?,
            start: self.states(&kind)?,
            kind,
            smoothing,
            variance,
            log_likelihood,
            aicc,
            observations,
        })
    }

    fn simple(&mut self) -> Read<Simple> {
        let rule = match self.whole()? {
            0 => Rule::SeasonalNaive,
            1 => Rule::Drift,
            2 => Rule::Mean,
            _ => return Err(Broken),
        };
        let last = self.list()?;
        if last.is_empty() {
            return Err(Broken);
        }
        Ok(Simple {
            rule,
            last,
            first: self.float()?,
            sum: self.float()?,
            count: self.float()?,
            span: self.float()?,
            variance: self.float()?,
        })
    }

    fn forecaster(&mut self, note: String) -> Read<Forecaster> {
        let mut parts = Vec::new();
        for _ in 0..self.count()? {
            let weight = self.float()?;
            let member = match self.whole()? {
                0 => Member::Arima(self.arima()?),
                1 => Member::Ets(self.ets()?),
                2 => Member::Simple(self.simple()?),
                3 => Member::Theta(self.ets()?),
                _ => return Err(Broken),
            };
            parts.push((weight, member));
        }
        let mut cycles = Cycles::default();
        let patterns = self.count()?;
        cycles.factors = self.whole()? == 1;
        for _ in 0..patterns {
            let pattern = self.list()?;
            if pattern.is_empty() {
                return Err(Broken);
            }
            cycles.patterns.push(pattern);
        }
        let naive = self.simple()?;
        let whole = self.floats.is_empty() && self.whole.is_empty() && !parts.is_empty();
        match whole {
            true => Ok(Forecaster {
                parts,
                cycles,
                naive,
                note,
            }),
            false => Err(Broken),
        }
    }
}

fn invalid(name: &str, reason: impl Into<String>) -> StateError {
    StateError::Invalid {
        name: name.to_owned(),
        reason: reason.into(),
    }
}

impl Stateful for Saved {
    fn to_state(&self) -> State {
        let mut writer = Writer::default();
        let (mut float_ends, mut whole_ends) = (Vec::new(), Vec::new());
        for series in &self.model.series {
            writer.forecaster(series);
            float_ends.push(writer.floats.len() as u64);
            whole_ends.push(writer.whole.len() as u64);
        }
        let Model {
            calibration,
            horizon,
            seasons,
            nonnegative,
            ..
        } = &self.model;
        let count = self.ids.len();
        let mut state = State::default();
        state.insert_f64("numbers", &[writer.floats.len()], writer.floats);
        state.insert_u64("numbers_end", &[count], float_ends);
        state.insert_i64("whole", &[writer.whole.len()], writer.whole);
        state.insert_u64("whole_end", &[count], whole_ends);
        state.insert_i64("ends", &[count], self.ends.clone());
        state.insert_i64("clock", &[self.clock.len()], self.clock.clone());
        let seasons: Vec<i64> = seasons.iter().map(|&m| m as i64).collect();
        state.insert_i64("seasons", &[seasons.len()], seasons);
        let flags = vec![
            *horizon as i64,
            i64::from(*nonnegative),
            calibration.errors as i64,
        ];
        state.insert_i64("options", &[3], flags);
        let shares = calibration.shares.len();
        state.insert_f64("calibration_shares", &[shares], calibration.shares.clone());
        state.insert_f64("calibration_widths", &[shares], calibration.widths.clone());
        state.insert_f64("calibration_growth", &[1], vec![calibration.growth]);
        state.insert_strings("ids", self.ids.clone());
        let notes = self.model.series.iter().map(|series| series.note.clone());
        state.insert_strings("notes", notes.collect());
        state
    }

    fn from_state(state: &State) -> Result<Self, StateError> {
        let ids = state.strings("ids")?.to_vec();
        let notes = state.strings("notes")?;
        let count = ids.len();
        if notes.len() != count {
            return Err(invalid(
                "notes",
                format!("{} for {count} series", notes.len()),
            ));
        }
        let floats = state.f64s("numbers", &[None])?;
        let whole = state.i64s("whole", &[None])?;
        let float_ends = state.u64s("numbers_end", &[Some(count)])?;
        let whole_ends = state.u64s("whole_end", &[Some(count)])?;
        let mut series = Vec::with_capacity(count);
        let (mut float_start, mut whole_start) = (0, 0);
        for (index, note) in notes.iter().enumerate() {
            let (float_end, whole_end) = (float_ends[index] as usize, whole_ends[index] as usize);
            let broken = || invalid("numbers", format!("those of series {index} are no model's"));
            let mut reader = Reader {
                floats: floats.get(float_start..float_end).ok_or_else(broken)?,
                whole: whole.get(whole_start..whole_end).ok_or_else(broken)?,
            };
            let read = reader.forecaster(note.clone());
            series.push(read.map_err(|Broken| broken())?);
            (float_start, whole_start) = (float_end, whole_end);
        }
        let options = state.i64s("options", &[Some(3)])?;
        let seasons = state.i64s("seasons", &[None])?;
        let natural = |value: &i64| usize::try_from(*value).ok().filter(|v| *v > 0);
        let shares = state.f64s("calibration_shares", &[None])?;
        if !shares.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(invalid("calibration_shares", "they do not ascend"));
        }
        Ok(Self {
            model: Model {
                series,
                calibration: Calibration {
                    shares: shares.to_vec(),
                    widths: state
                        .f64s("calibration_widths", &[Some(shares.len())])?
                        .to_vec(),
                    growth: state.f64s("calibration_growth", &[Some(1)])?[0],
                    errors: options[2].max(0) as usize,
                },
                horizon: natural(&options[0])
                    .ok_or_else(|| invalid("options", "the horizon is not above 0"))?,
                seasons: (seasons.iter().map(natural).collect::<Option<Vec<usize>>>())
                    .ok_or_else(|| invalid("seasons", "a season is not above 0"))?,
                nonnegative: options[1] != 0,
            },
            ids,
            ends: state.i64s("ends", &[Some(count)])?.to_vec(),
            clock: state.i64s("clock", &[None])?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ts::{Kind, Options};

    fn saved(seasons: Vec<usize>) -> Saved {
        let wave = |t: usize, k: usize| 20.0 + t as f64 * 0.1 + libm::sin((t * k) as f64) * 3.0;
        let series: Vec<Vec<f64>> = (1..4)
            .map(|k| (0..90).map(|t| wave(t, k)).collect())
            .collect();
        let options = Options {
            kind: Kind::Auto,
            seasons,
            horizon: 6,
            calibrate: true,
            nonnegative: true,
        };
        Saved {
            model: options.fit(&series, &|| {}).unwrap(),
            ids: ["a", "b", "ü,\n"].map(str::to_owned).to_vec(),
            ends: vec![90, 91, 92],
            clock: vec![0, 0, 1],
        }
    }

    #[test]
    fn forecasts_survive_a_round_trip_to_the_bit() {
        for seasons in [vec![], vec![12], vec![7, 30]] {
            let before = saved(seasons);
            let after = Saved::from_state(&before.to_state()).unwrap();
            for (a, b) in before.model.series.iter().zip(&after.model.series) {
                let (mut a, mut b) = (a.clone(), b.clone());
                assert_eq!(a.forecast(20), b.forecast(20));
                a.update(&[20.0, f64::NAN, 25.0]);
                b.update(&[20.0, f64::NAN, 25.0]);
                assert_eq!(a.forecast(20), b.forecast(20));
                assert_eq!(a.name(), b.name());
            }
            assert_eq!(before.to_state(), after.to_state());
        }
    }

    #[test]
    fn every_number_that_is_cut_off_or_changed_is_told_or_harmless() {
        let state = saved(vec![12]).to_state();
        let whole = state.i64s("whole", &[None]).unwrap().to_vec();
        for index in 0..whole.len() {
            for value in [-1, 1 << 40] {
                let mut changed = whole.clone();
                changed[index] = value;
                let mut state = state.clone();
                state.insert_i64("whole", &[changed.len()], changed);
                if let Ok(saved) = Saved::from_state(&state) {
                    saved.model.series[0].forecast(3); // no panic
                }
            }
        }
        let mut short = state.clone();
        let floats = state.f64s("numbers", &[None]).unwrap();
        short.insert_f64("numbers", &[floats.len() - 1], floats[1..].to_vec());
        assert!(Saved::from_state(&short).is_err());
    }
}
