//! Unpacks one series, checking every length and code, since the numbers may come from a damaged
//! file.

use crate::ts::arima::chandrasekhar::{Arma, Filter};
use crate::ts::arima::polynomial::Orders;
use crate::ts::arima::{Arima, Constant};
use crate::ts::ets::{Ets, Kind, Part, Smoothing, States, Trend};
use crate::ts::seasonality::cycles::Cycles;
use crate::ts::seasonality::season::Season;
use crate::ts::series::forecaster::Forecaster;
use crate::ts::series::member::Member;
use crate::ts::simple::{Rule, Simple};
use crate::ts::smoothing::ces::{self, Ces};

/// Reads the numbers of one series.
pub struct Reader<'a> {
    pub floats: &'a [f64],
    pub whole: &'a [i64],
}

/// The numbers end too early or do not describe a model.
pub struct Broken;

pub type Read<T> = Result<T, Broken>;

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
        let (both, steps) = (self.count()?, self.count()?);
        let (settled, unknown) = (both % 2 == 1, both / 2);
        if unknown > orders.lost() + 1 {
            return Err(Broken);
        }
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
            unknown,
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

    fn ces(&mut self) -> Read<Ces> {
        let mut state = || -> Read<ces::State<f64>> {
            Ok(ces::State {
                level: self.float()?,
                potential: self.float()?,
            })
        };
        let (pair, now, start) = (state()?, state()?, state()?);
        let variance = self.float()?;
        let season = Season {
            index: self.list()?,
            factors: self.whole()? == 1,
            next: self.count()?,
        };
        if season.next >= season.index.len().max(1) {
            return Err(Broken);
        }
        Ok(Ces {
            smoothing: [pair.level, pair.potential],
            start,
            state: now,
            season,
            variance,
        })
    }

    /// Reads a whole series.
    ///
    /// # Errors
    /// If its numbers do not describe a model.
    pub fn forecaster(&mut self, note: String) -> Read<Forecaster> {
        let mut parts = Vec::new();
        for _ in 0..self.count()? {
            let weight = self.float()?;
            let member = match self.whole()? {
                0 => Member::Arima(self.arima()?),
                1 => Member::Ets(self.ets()?),
                2 => Member::Simple(self.simple()?),
                3 => Member::Theta(self.ets()?),
                4 => Member::Ces(self.ces()?),
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
