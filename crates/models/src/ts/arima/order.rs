//! Chooses the orders of an ARIMA model following Hyndman and Khandakar (2008): differences by
//! tests, the rest by steps to neighbours with a smaller AICc.

use std::collections::BTreeMap;

use super::likelihood::{Design, coefficients, difference};
use super::model::{self, Arima, Constant, Fitted, constant_columns, maximize};
use super::polynomial::Orders;
use crate::ts::diagnostics::{constant, kpss};
use crate::ts::estimation::least_squares::Stop;
use crate::ts::seasonality::interpolation::interpolated;
use crate::ts::seasonality::stl;

/// Limits of the search, as in `auto.arima`.
#[derive(Clone, Copy, Debug)]
pub struct OrderSearch {
    /// Steps of a season; 1 if there is none.
    pub period: usize,
    /// Maximum p and q.
    pub most: usize,
    /// Maximum P and Q.
    pub most_seasonal: usize,
    /// Maximum number of models to try.
    pub models: usize,
}

impl OrderSearch {
    /// Limits of R's `auto.arima`: p, q up to 5, P, Q up to 2, 94 models.
    pub fn new(period: usize) -> Self {
        Self {
            period: period.max(1),
            most: 5,
            most_seasonal: 2,
            models: 94,
        }
    }
}

/// A candidate model.
#[derive(Clone, Debug)]
pub struct Tried {
    /// (p,d,q)(P,D,Q)\[m\].
    pub orders: Orders,
    /// Mean, drift or none.
    pub constant: Constant,
    /// Infinite if the fit failed or a root is too close to the unit circle.
    pub aicc: f64,
}

/// The chosen model and the candidates it was compared with.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The model with the smallest AICc.
    pub model: Arima,
    /// Every model tried, in the order of the search.
    pub tried: Vec<Tried>,
    /// Strength of seasonality, if there is a season to test.
    pub seasonal_strength: Option<f64>,
}

/// The search among orders stops when a step promises less than half of this in log-likelihood; the
/// chosen model is fitted to full precision.
const SEARCH_PRECISION: f64 = 0.01;

/// Critical values of the KPSS test for a level (Kwiatkowski et al. 1992, table 1). A second
/// difference makes forecasts extrapolate the last change forever, so it is taken only if a level
/// is rejected at 1 %, which gives better forecasts than 5 % at rolling origins of the training
/// splits of the M3 and tourism series.
const KPSS_5_PERCENT: f64 = 0.463;
const KPSS_1_PERCENT: f64 = 0.739;

/// Number of differences by the KPSS test: until a level is not rejected, at 5 % for the first and
/// at 1 % for a second one.
///
/// Lags of the test are ⌊3 √n / 13⌋, as in R's `ndiffs`. Stops below four values and at a constant.
///
/// # Examples
/// ```
/// use easylife_models::ts::arima::order::differences;
///
/// let level: Vec<f64> = (0..100).map(|t| f64::from(t * 37 % 11)).collect();
/// assert_eq!(differences(&level, 2), 0);
/// let trend: Vec<f64> = level.iter().enumerate().map(|(t, y)| t as f64 + 0.1 * y).collect();
/// assert_eq!(differences(&trend, 2), 1);
/// ```
pub fn differences(series: &[f64], most: usize) -> usize {
    let mut values = series.to_vec();
    for d in 0..most {
        let limit = if d == 0 {
            KPSS_5_PERCENT
        } else {
            KPSS_1_PERCENT
        };
        let lags = (3.0 * (values.len() as f64).sqrt() / 13.0) as usize;
        if values.len() < 4 || constant(&values) || kpss(&values, lags) <= limit {
            return d;
        }
        values = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    }
    most
}

/// Strength of seasonality of `series`, which must not have missing values; `None` below two
/// periods.
///
/// See [`stl::strength`]; [`OrderSearch::differences`] takes a seasonal difference above 0.64, as R's
/// `nsdiffs` does.
pub fn seasonal_strength(series: &[f64], period: usize) -> Option<f64> {
    if period < 2 || series.len() <= 2 * period {
        return None;
    }
    let (trend, season) = stl::StlOptions::new(period, 11).decompose(series);
    Some(stl::strength(series, &trend, &season))
}

type Key = (usize, usize, usize, usize, bool);

struct Search<'a> {
    /// Without and with a constant.
    designs: [Option<Design>; 2],
    constant: Constant,
    base: Orders,
    limits: [usize; 4],
    options: &'a OrderSearch,
    known: BTreeMap<Key, ()>,
    tried: Vec<Tried>,
    best: Option<(Key, Fitted)>,
    best_aicc: f64,
    /// Whether neighbours are tried with the constant.
    with_constant: bool,
}

impl Search<'_> {
    fn orders(&self, key: Key) -> Orders {
        Orders {
            p: key.0,
            q: key.1,
            seasonal_p: key.2,
            seasonal_q: key.3,
            ..self.base
        }
    }

    /// Fits the model `key` unless it was tried; returns whether it is the best so far.
    fn improves(&mut self, key: Key) -> bool {
        if self.tried.len() >= self.options.models || self.known.insert(key, ()).is_some() {
            return false;
        }
        let orders = self.orders(key);
        let constant = if key.4 { self.constant } else { Constant::None };
        let fitted = self.fit(key, orders, constant);
        let aicc = fitted.as_ref().map_or(f64::INFINITY, Fitted::aicc);
        self.tried.push(Tried {
            orders,
            constant,
            aicc,
        });
        if aicc < self.best_aicc {
            self.best_aicc = aicc;
            self.best = fitted.map(|fitted| (key, fitted));
            return true;
        }
        false
    }

    fn fit(&self, key: Key, orders: Orders, constant: Constant) -> Option<Fitted> {
        let design = self.designs[usize::from(key.4)].as_ref()?;
        let options = model::ArimaOptions {
            stop: Stop {
                decrease: SEARCH_PRECISION / design.observations() as f64,
                steps: 40,
            },
            thorough: false,
            ..model::ArimaOptions::new(orders, constant)
        };
        let near = self
            .best
            .as_ref()
            .map(|(at, fitted)| neighbour(&self.orders(*at), &fitted.free, &orders));
        let fitted = maximize(design, near.as_deref(), &options)?;
        let coefficients = coefficients(&orders, &fitted.free);
        Arima::well_inside(&orders, &coefficients).then_some(fitted)
    }

    /// Moves to a better neighbour until there is none.
    fn walk(&mut self) {
        'next: while let Some((at, _)) = &self.best {
            let (p, q, sp, sq, _) = *at;
            let constant = self.with_constant;
            let step = |dp: i32, dq: i32, dsp: i32, dsq: i32| {
                let add = |value: usize, by: i32| value.checked_add_signed(by as isize);
                Some((
                    add(p, dp)?,
                    add(q, dq)?,
                    add(sp, dsp)?,
                    add(sq, dsq)?,
                    constant,
                ))
            };
            const MOVES: [(i32, i32); 8] = [
                (-1, 0),
                (0, -1),
                (1, 0),
                (0, 1),
                (-1, -1),
                (-1, 1),
                (1, -1),
                (1, 1),
            ];
            let seasonal = MOVES.iter().map(|&(a, b)| step(0, 0, a, b));
            let plain = MOVES.iter().map(|&(a, b)| step(a, b, 0, 0));
            let toggled = [Some((p, q, sp, sq, !constant))];
            let [most_p, most_q, most_sp, most_sq] = self.limits;
            let within = |key: &Key| {
                key.0 <= most_p && key.1 <= most_q && key.2 <= most_sp && key.3 <= most_sq
            };
            let keys: Vec<Key> = (seasonal.chain(plain).chain(toggled).flatten())
                .filter(within)
                .collect();
            for key in keys {
                if key.4 && self.constant == Constant::None {
                    continue;
                }
                if self.improves(key) {
                    self.with_constant = key.4;
                    continue 'next;
                }
            }
            return;
        }
    }
}

/// Free parameters for similar orders: blocks truncated or extended.
fn neighbour(from: &Orders, free: &[f64], to: &Orders) -> Vec<f64> {
    let sizes = [to.p, to.q, to.seasonal_p, to.seasonal_q];
    let blocks = from.split(free).into_iter().zip(sizes).enumerate();
    blocks
        .flat_map(|(index, (block, size))| {
            let added = if index % 2 == 0 { 0.05 } else { 0.1 };
            (0..size).map(move |i| block.get(i).copied().unwrap_or(added))
        })
        .collect()
}

/// A model with the same orders, with parameters re-estimated from `series`.
pub fn again(model: &Arima, series: &[f64]) -> Option<Arima> {
    let options = model::ArimaOptions {
        stop: Stop {
            decrease: 1e-8,
            steps: 50,
        },
        thorough: false,
        ..model::ArimaOptions::new(model.orders, model.constant)
    };
    let whole = interpolated(series, &[model.orders.period])?;
    options.fit_near(series, &whole, model.free().as_deref())
}

impl OrderSearch {
    /// The orders of differencing, and the strength of seasonality.
    pub fn differences(&self, whole: &[f64]) -> (Orders, Option<f64>) {
        let mut orders = Orders {
            period: self.period,
            ..Orders::default()
        };
        let strength = seasonal_strength(whole, self.period);
        if strength.is_some_and(|strength| strength > 0.64) {
            orders.seasonal_d = 1;
            if constant(&difference(whole, &orders)) {
                orders.seasonal_d = 0;
            }
        }
        orders.d = differences(&difference(whole, &orders), 2);
        (orders, strength)
    }

    /// Chooses and fits a model; `series` has NaN for missing values. `None` if it is too short.
    pub fn fit(&self, series: &[f64]) -> Option<Choice> {
        let whole = interpolated(series, &[self.period])?;
        let (base, strength) = self.differences(&whole);
        let length = series.iter().filter(|y| y.is_finite()).count();
        let seasonal = self.period > 1;
        let plain = self.most.min(length / 3);
        let season = if seasonal {
            self.most_seasonal.min(length / 3 / self.period)
        } else {
            0
        };
        let cap = |most: usize, season: usize| {
            if season > 0 {
                most.min(self.period - 1)
            } else {
                most
            }
        };
        let constant = match base.d + base.seasonal_d {
            0 => Constant::Mean,
            1 => Constant::Drift,
            _ => Constant::None,
        };
        // Orders are compared on the series with its gaps filled: the exact likelihood of many models with a
        // parameter per missing value costs a multiple. To count all values as observed made better forecasts than
        // to count fewer (holes of 1 to 3 steps in 5 to 30 % of the training parts of M3, two rolling origins).
        let design = |constant: Constant| {
            let columns = constant_columns(constant, 0, series.len());
            Design::new(&whole, &base, &columns)
        };
        let mut search = Search {
            designs: [design(Constant::None), design(constant)],
            constant,
            base,
            limits: [cap(plain, season), cap(plain, season), season, season],
            options: self,
            known: BTreeMap::new(),
            tried: Vec::new(),
            best: None,
            best_aicc: f64::INFINITY,
            with_constant: constant != Constant::None,
        };
        search.first_models();
        search.walk();
        search.finish(series, &whole, strength)
    }
}

impl Search<'_> {
    /// Neighbours of a first model without a constant are also tried with one, as in `auto.arima`.
    fn first_models(&mut self) {
        let [p, q, sp, sq] = self.limits;
        let with = self.constant != Constant::None;
        self.improves((p.min(2), q.min(2), sp.min(1), sq.min(1), with));
        self.improves((0, 0, 0, 0, with));
        self.improves((p.min(1), 0, sp.min(1), 0, with));
        self.improves((0, q.min(1), 0, sq.min(1), with));
        self.improves((0, 0, 0, 0, false));
    }

    /// Refits the best model to full precision; `whole` is the series with its gaps filled.
    fn finish(
        self,
        series: &[f64],
        whole: &[f64],
        seasonal_strength: Option<f64>,
    ) -> Option<Choice> {
        let (key, near) = match self.best {
            Some((key, ref fitted)) => (key, Some(fitted.free.clone())),
            None => ((0, 0, 0, 0, false), None),
        };
        let orders = self.orders(key);
        let constant = if key.4 { self.constant } else { Constant::None };
        let options = model::ArimaOptions {
            thorough: false,
            ..model::ArimaOptions::new(orders, constant)
        };
        let model = options.fit_near(series, whole, near.as_deref())?;
        Some(Choice {
            model,
            tried: self.tried,
            seasonal_strength,
        })
    }
}
