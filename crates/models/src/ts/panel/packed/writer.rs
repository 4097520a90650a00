//! Packs one series into floats and integers, in the order they are read.

use crate::ts::arima::chandrasekhar::Filter;
use crate::ts::arima::polynomial::Orders;
use crate::ts::arima::{Arima, Constant};
use crate::ts::ets::{Ets, Part, Smoothing, States, Trend};
use crate::ts::series::forecaster::Forecaster;
use crate::ts::series::member::Member;
use crate::ts::simple::{Rule, Simple};
use crate::ts::smoothing::ces::Ces;

/// Numbers of all series, concatenated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Writer {
    pub floats: Vec<f64>,
    pub whole: Vec<i64>,
}

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
        // Two in one, as files were written before there was the second.
        self.count(usize::from(*settled) + 2 * model.unknown);
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

    fn ces(&mut self, model: &Ces) {
        self.floats.extend(model.smoothing);
        for state in [&model.state, &model.start] {
            self.floats.extend([state.level, state.potential]);
        }
        self.floats.push(model.variance);
        self.list(&model.season.index);
        self.count(usize::from(model.season.factors));
        self.count(model.season.next);
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

    pub fn forecaster(&mut self, series: &Forecaster) {
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
                Member::Ces(model) => {
                    self.count(4);
                    self.ces(model);
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
