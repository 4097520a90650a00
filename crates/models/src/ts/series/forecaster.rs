//! One series: its models, their weights, and the long seasons removed before fitting.

use super::kind::Kind;
use super::member::Member;
use super::trial::{self, Trial};
use crate::ts::arima::order;
use crate::ts::diagnostics::constant;
use crate::ts::ets;
use crate::ts::forecast::Forecast;
use crate::ts::seasonality::cycles::Cycles;
use crate::ts::seasonality::interpolation::interpolated;
use crate::ts::simple::{Rule, Simple};
use crate::ts::smoothing::{ces, theta};

/// Minimum number of known values for a model: with fewer, orders cannot be distinguished.
const MIN_VALUES: f64 = 5.0;

/// Longest season, in steps, that a model includes in its state; longer ones are removed by STL
/// first.
pub const MAX_STATE_SEASON: usize = 23;

/// The fitted models of one series.
#[derive(Clone, Debug)]
pub struct Forecaster {
    /// Models and their weights, which sum to 1.
    pub parts: Vec<(f64, Member)>,
    /// Long seasons that were removed before the models were fitted.
    pub cycles: Cycles,
    /// The seasonal naive forecast, used if the models fail.
    pub naive: Simple,
    /// An explanation of the chosen models.
    pub note: String,
}

/// How one series is fitted.
#[derive(Clone, Debug)]
pub struct SeriesOptions {
    /// Which models to fit.
    pub kind: Kind,
    /// Steps of each season, ascending; empty if there are none.
    pub seasons: Vec<usize>,
}

impl SeriesOptions {
    /// The seasons with at least two cycles in `length` values.
    fn usable(&self, length: usize) -> Vec<usize> {
        let fits = |period: &&usize| **period > 1 && 2 * **period <= length;
        self.seasons.iter().filter(fits).copied().collect()
    }

    /// Fits to `series`, with NaN for missing values; `None` if all are missing.
    pub fn fit(&self, series: &[f64]) -> Option<Forecaster> {
        self.fit_as(series, None)
    }

    /// Fits models with the orders and kinds of `like`: only their parameters are estimated.
    pub fn fit_again(&self, series: &[f64], like: &Forecaster) -> Option<Forecaster> {
        self.fit_as(series, Some(like))
    }

    fn fit_as(&self, series: &[f64], like: Option<&Forecaster>) -> Option<Forecaster> {
        let start = series.iter().position(|y| y.is_finite())?;
        let end = series.iter().rposition(|y| y.is_finite())? + 1;
        let (inner, trailing) = (&series[start..end], series.len() - end);
        let seasons = self.usable(inner.len());
        let naive = Simple::fit(
            Rule::SeasonalNaive,
            inner,
            seasons.last().copied().unwrap_or(1),
        )?;
        let mut forecaster = match self.rule() {
            Some(Rule::SeasonalNaive) => Forecaster::alone(naive),
            Some(rule) => Forecaster {
                parts: vec![(1.0, Member::Simple(Simple::fit(rule, inner, 1)?))],
                ..Forecaster::alone(naive)
            },
            None if constant(inner) => Forecaster {
                note: "every value is the same".to_owned(),
                ..Forecaster::alone(naive)
            },
            None => match better_rule(inner, &naive) {
                rule if inner.len() > 2 && rule.is_exact(inner) => Forecaster {
                    parts: vec![(1.0, Member::Simple(rule))],
                    // The likelihood has no maximum in this case.
                    note: "a simple rule forecasts it without any error".to_owned(),
                    ..Forecaster::alone(naive)
                },
                rule if naive.count < MIN_VALUES => short(rule, naive),
                _ => self.models(inner, &seasons, naive, like),
            },
        };
        if trailing > 0 {
            forecaster.update(&vec![f64::NAN; trailing]);
        }
        Some(forecaster)
    }

    fn rule(&self) -> Option<Rule> {
        match self.kind {
            Kind::SeasonalNaive => Some(Rule::SeasonalNaive),
            Kind::Drift => Some(Rule::Drift),
            Kind::Mean => Some(Rule::Mean),
            _ => None,
        }
    }

    fn models(
        &self,
        series: &[f64],
        seasons: &[usize],
        naive: Simple,
        like: Option<&Forecaster>,
    ) -> Forecaster {
        let long = seasons.len() > 1 || seasons.iter().any(|&m| m > MAX_STATE_SEASON);
        let mut cycles = Cycles::default();
        let mut adjusted = series.to_vec();
        let mut period = seasons.first().copied().unwrap_or(1);
        if long && let Some(whole) = interpolated(series, seasons) {
            (cycles, adjusted) = Cycles::take_off(series, &whole, seasons);
            period = 1;
        }
        // Theta and CES are for short series: they increase errors if long seasons were removed
        // (rolling origins of the training split of the hourly M4 series).
        let smooth = !long || self.kind != Kind::Auto;
        let fits = [
            self.arima(&adjusted, period, like),
            self.ets(&adjusted, period, like),
            self.theta(&adjusted, period).filter(|_| smooth),
            self.ces(&adjusted, period).filter(|_| smooth),
        ];
        let (mut parts, mut notes) = (Vec::new(), Vec::new());
        for (member, note) in fits.into_iter().flatten() {
            if member.is_sound(&adjusted) {
                parts.push(member);
                notes.push(note);
            } else {
                notes.push(format!(
                    "{} left out: its likelihood or its forecasts are unbounded",
                    member.family()
                ));
            }
        }
        if parts.is_empty() {
            let mut rule = short(better_rule(series, &naive), naive);
            if let Some(why) = notes.into_iter().next() {
                rule.note = why;
            }
            return rule;
        }
        let weight = 1.0 / parts.len() as f64;
        notes.retain(|note| !note.is_empty());
        Forecaster {
            parts: parts.into_iter().map(|part| (weight, part)).collect(),
            cycles,
            naive,
            note: notes.join("; "),
        }
    }

    /// The ARIMA model, if requested, and the reason for its orders.
    fn arima(
        &self,
        series: &[f64],
        period: usize,
        like: Option<&Forecaster>,
    ) -> Option<(Member, String)> {
        if !matches!(self.kind, Kind::Auto | Kind::Arima) {
            return None;
        }
        let known = like.and_then(|like| {
            like.parts.iter().find_map(|(_, part)| match part {
                Member::Arima(model) if model.orders.period == period => Some(model),
                _ => None,
            })
        });
        if let Some(model) = known {
            return Some((Member::Arima(order::again(model, series)?), String::new()));
        }
        let choice = order::OrderSearch::new(period).fit(series)?;
        let note = reason(&choice);
        Some((Member::Arima(choice.model), note))
    }

    /// The ETS model, if requested, and the reason for its kind.
    fn ets(
        &self,
        series: &[f64],
        period: usize,
        like: Option<&Forecaster>,
    ) -> Option<(Member, String)> {
        let plain = matches!(self.kind, Kind::Auto | Kind::Ets);
        if !plain && self.kind != Kind::HoltWinters {
            return None;
        }
        let known = like.and_then(|like| {
            like.parts.iter().find_map(|(_, part)| match part {
                Member::Ets(model) if [1, period].contains(&model.kind.period) => Some(model.kind),
                _ => None,
            })
        });
        let options = match plain {
            true => ets::EtsOptions {
                kind: known,
                ..ets::EtsOptions::new(period)
            },
            false => ets::EtsOptions::holt_winters(period),
        };
        let model = options.fit(series)?;
        let note = format!("{} has the least AICc, {:.2}", model.kind, model.aicc);
        Some((Member::Ets(model), note))
    }

    fn ces(&self, series: &[f64], period: usize) -> Option<(Member, String)> {
        let asked = matches!(self.kind, Kind::Auto | Kind::Ces);
        let model = asked.then(|| ces::fit(series, period)).flatten()?;
        Some((Member::Ces(model), String::new()))
    }

    fn theta(&self, series: &[f64], period: usize) -> Option<(Member, String)> {
        let asked = matches!(self.kind, Kind::Auto | Kind::Theta);
        let model = asked.then(|| theta::fit(series, period)).flatten()?;
        Some((Member::Theta(model), String::new()))
    }
}

/// The seasonal naive rule or drift, whichever has smaller errors.
fn better_rule(series: &[f64], naive: &Simple) -> Simple {
    let drift = Simple::fit(Rule::Drift, series, 1);
    let better = drift.filter(|drift| drift.variance < naive.variance);
    better.unwrap_or_else(|| naive.clone())
}

/// A rule for a series that is too short for a model.
fn short(rule: Simple, naive: Simple) -> Forecaster {
    Forecaster {
        parts: vec![(1.0, Member::Simple(rule))],
        note: format!("too short for a model: {} values", naive.count),
        ..Forecaster::alone(naive)
    }
}

/// The reason for these orders.
fn reason(choice: &order::Choice) -> String {
    let mut text = format!(
        "{} has the least AICc, {:.2}, of {} tried",
        Member::Arima(choice.model.clone()).name(),
        choice.model.aicc,
        choice.tried.len()
    );
    if let Some(strength) = choice.seasonal_strength {
        text.push_str(&format!("; strength of season {strength:.2} (limit 0.64)"));
    }
    let mut others: Vec<&order::Tried> = choice.tried.iter().collect();
    others.sort_by(|a, b| a.aicc.total_cmp(&b.aicc));
    if let Some(second) = others.get(1) {
        text.push_str(&format!("; next {} with {:.2}", second.orders, second.aicc));
    }
    text
}

impl Forecaster {
    fn alone(naive: Simple) -> Self {
        Self {
            parts: vec![(1.0, Member::Simple(naive.clone()))],
            cycles: Cycles::default(),
            naive,
            note: String::new(),
        }
    }

    /// The weighted combination of its models' forecasts, see [`Forecast::combined`].
    pub fn forecast(&self, ahead: usize) -> Forecast {
        let forecasts = self.forecasts(ahead);
        let parts: Vec<(f64, &Forecast)> = (self.parts.iter().zip(&forecasts))
            .map(|((weight, _), (_, forecast))| (*weight, forecast))
            .collect();
        Forecast::combined(&parts, ahead)
    }

    /// The forecast of each model, with its family.
    pub fn forecasts(&self, ahead: usize) -> Vec<(&'static str, Forecast)> {
        let alone = |part: &Member| {
            let mut forecast = part.forecast(ahead);
            for h in 0..ahead {
                let season = self.cycles.ahead(h);
                forecast.mean[h] = self.cycles.with(forecast.mean[h], season);
                forecast.deviation[h] = self.cycles.widened(forecast.deviation[h], season);
            }
            (part.family(), forecast)
        };
        self.parts.iter().map(|(_, part)| alone(part)).collect()
    }

    /// Sets the weights of the models from their errors at earlier origins, see [`trial::weights`].
    pub fn weigh(&mut self, trials: &[Trial]) {
        let families: Vec<&'static str> = self.parts.iter().map(|(_, p)| p.family()).collect();
        let weights = trial::weights(trials, &families);
        for ((weight, _), new) in self.parts.iter_mut().zip(weights) {
            *weight = new;
        }
        if families.len() > 1 && !trials.is_empty() {
            let origins = trials.len();
            let text = format!("; weights by errors of forecasts from {origins} earlier origins");
            self.note.push_str(&text);
        }
    }

    /// Sum of the weights of a family of models.
    pub fn weight(&self, family: &str) -> f64 {
        let parts = self
            .parts
            .iter()
            .filter(|(_, part)| part.family() == family);
        parts.map(|(weight, _)| weight).sum()
    }

    /// Gives rules without errors on `series`, their training values, a variance (see
    /// [`Simple::widen`]).
    pub fn widen(&mut self, series: &[f64]) {
        for (_, part) in &mut self.parts {
            if let Member::Simple(rule) = part {
                rule.widen(series);
            }
        }
        self.naive.widen(series);
    }

    /// Updates the states with new values, keeping the parameters.
    pub fn update(&mut self, values: &[f64]) {
        let adjusted: Vec<f64> = (values.iter().enumerate())
            .map(|(step, value)| self.cycles.without(*value, self.cycles.ahead(step)))
            .collect();
        for (_, part) in &mut self.parts {
            part.update(&adjusted);
        }
        self.cycles.advance(values.len());
        self.naive.update(values);
    }

    /// One-step forecasts of each value of the training series `series`; NaN before its first value
    /// and after its last.
    ///
    /// Long seasons are those that were removed for the fit, which may change over the cycles: with
    /// the last cycle instead, errors of all earlier cycles would repeat that change.
    pub fn fitted(&self, series: &[f64]) -> Vec<f64> {
        let mut fitted = vec![f64::NAN; series.len()];
        let is_known = |y: &f64| y.is_finite();
        let (Some(start), Some(end)) = (
            series.iter().position(is_known),
            series.iter().rposition(is_known),
        ) else {
            return fitted;
        };
        let inner = &series[start..=end];
        let (adjusted, seasons) = self.without_seasons(inner);
        let mut whole = vec![0.0; inner.len()];
        for (weight, part) in &self.parts {
            for (sum, value) in whole.iter_mut().zip(part.fitted(&adjusted)) {
                *sum += weight * value;
            }
        }
        for (t, value) in whole.into_iter().enumerate() {
            fitted[start + t] = self.cycles.with(value, seasons[t]);
        }
        fitted
    }

    /// The training series as the models were fitted to it, and the season of each step.
    fn without_seasons(&self, series: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let periods: Vec<usize> = self.cycles.patterns.iter().map(Vec::len).collect();
        let whole = interpolated(series, &periods).filter(|_| !periods.is_empty());
        let Some(whole) = whole else {
            return (series.to_vec(), vec![self.cycles.ahead(0); series.len()]);
        };
        let (cycles, left) = Cycles::take_off(&whole, &whole, &periods);
        let seasons: Vec<f64> = (whole.iter().zip(&left))
            .map(|(value, left)| cycles.without(*value, *left))
            .collect();
        let adjusted = (series.iter().zip(&seasons))
            .map(|(value, season)| cycles.without(*value, *season))
            .collect();
        (adjusted, seasons)
    }

    /// The display name of the models, long seasons first: `STL[168] + ETS(A,N,N)`.
    pub fn name(&self) -> String {
        let names: Vec<String> = self.parts.iter().map(|(_, part)| part.name()).collect();
        let cycles: String = (self.cycles.patterns.iter())
            .map(|pattern| format!("STL[{}] + ", pattern.len()))
            .collect();
        format!("{cycles}{}", names.join(" + "))
    }
}
