//! Customers of a made-up provider, a fifth of whom leave: what a task of classification meets.
//!
//! Who leaves follows from interactions (calls to support matter by plan, the fee by region, paperless bills by
//! age), from thresholds and curves (visits, age, time since signing up), from levels with uneven shares, and from
//! a mood that the support notes show. Cells are missing for a reason: minutes without visits, notes without
//! calls; ages at random.
//!
//! A row depends only on the seed and its number. The caller writes the rows to files.

use std::io::{self, Write};

use models::kernels::math;

use super::calendar::{DAY_2020, date};
use super::levels::{REGIONS, by_share, effect, uneven};
use super::notes::{self, Mood};
use crate::tasks::draw::Draw;

/// The sample to generate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Customers {
    pub rows: u64,
    pub seed: u64,
    /// Adds `retention_offer`, a column that is known only after a customer has left.
    pub leak: bool,
}

impl Default for Customers {
    fn default() -> Customers {
        Customers {
            rows: 4000,
            seed: 42,
            leak: false,
        }
    }
}

/// A customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    pub id: String,
    /// `YYYY-MM-DD`.
    pub signed_up: String,
    pub plan: &'static str,
    pub region: &'static str,
    /// Missing at random.
    pub age: Option<u32>,
    pub monthly_fee: f64,
    pub support_calls: u32,
    pub visits_30d: u32,
    /// Missing if there were no visits.
    pub minutes_per_visit: Option<f64>,
    pub paperless: bool,
    pub referrer: String,
    /// Missing if there were no calls.
    pub last_note: Option<String>,
    pub churned: bool,
    /// Equals `churned` but for a share of [`WRONG_OFFERS`]; written only with [`Customers::leak`].
    pub retention_offer: bool,
    /// Probability with which `churned` was drawn.
    risk: f64,
}

/// Share of rows whose `retention_offer` is not `churned`.
const WRONG_OFFERS: f64 = 0.01;
/// Share of ages that are missing.
const NO_AGE: f64 = 0.04;
/// Share of incoming rows with a plan, a region, or a referrer that the table does not have, each.
const UNSEEN: f64 = 0.02;
/// Customers signed up on one of so many days from 2020 on.
const DAYS: usize = 1800;
/// Partners that refer customers, besides four other ways.
const PARTNERS: usize = 120;
/// Half of the customers pay less than about this.
const USUAL_FEE: f64 = 34.0;

/// Plans with their shares.
const PLANS: [(usize, f64); 4] = [(0, 0.38), (1, 0.30), (2, 0.20), (3, 0.12)];
const PLAN_NAMES: [&str; 4] = ["basic", "standard", "plus", "family"];
const PLAN_FEES: [f64; 4] = [19.0, 32.0, 49.0, 58.0];
/// What each call to support adds to the log odds of leaving, by plan: the last two have a desk of their own.
const CALLS_BY_PLAN: [f64; 4] = [1.0, 0.45, 0.0, -0.3];

/// What the risk of a customer is made of.
struct Causes {
    days: u32,
    plan: usize,
    region: usize,
    age: f64,
    fee: f64,
    calls: u32,
    visits: u32,
    minutes: f64,
    paperless: bool,
    referrer: f64,
    mood: Mood,
}

impl Causes {
    /// Log odds of leaving.
    fn log_odds(&self) -> f64 {
        let years = f64::from(self.days) / 365.25;
        let new = 1.4 * math::exp(-years / 0.8);
        let calls = CALLS_BY_PLAN[self.plan] * f64::from(self.calls.min(5));
        let visits = match self.visits {
            0..4 => 1.7,
            4..20 => 0.0,
            _ => -0.8,
        };
        let minutes = -0.5 * math::ln_1p(self.minutes / 8.0);
        // In a third of the regions there is a cheaper competitor.
        let fee = match self.region % 3 {
            0 => 0.07 * (self.fee - USUAL_FEE),
            _ => 0.0,
        };
        let distance = (self.age - 50.0) / 18.0;
        let age = 0.5 * distance * distance;
        let paper = match self.paperless && self.age > 60.0 {
            true => 0.9,
            false => 0.0,
        };
        let mood = match self.mood {
            Mood::Bad => 1.6,
            Mood::Neutral => 0.0,
            Mood::Good => -1.2,
        };
        let levels = 0.5 * effect(self.region) + 0.5 * self.referrer;
        -3.4 + new + calls + visits + minutes + fee + age + paper + mood + levels
    }
}

impl Customers {
    /// The customers of the table, in order.
    pub fn iter(&self) -> impl Iterator<Item = Customer> + '_ {
        (0..self.rows).map(|row| self.customer(b"customer", 'c', row))
    }

    /// `rows` further customers from a separate random stream, a few of them with a plan, a region, or a referrer
    /// that the table does not have.
    pub fn incoming(&self, rows: u64) -> impl Iterator<Item = Customer> + '_ {
        (0..rows).map(|row| {
            let mut customer = self.customer(b"incoming", 'n', row);
            let draw = &mut self.draw(b"unseen\0\0", row);
            if draw.chance(UNSEEN) {
                customer.plan = "student";
            }
            if draw.chance(UNSEEN) {
                customer.region = "Far Isles";
            }
            if draw.chance(UNSEEN) {
                customer.referrer = "podcast".to_owned();
            }
            customer
        })
    }

    /// Writes the table, `customers.csv`.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut out = csv::Writer::from_writer(out);
        let mut names = COLUMNS.to_vec();
        names.push("churned");
        names.extend(self.leak.then_some("retention_offer"));
        out.write_record(&names)?;
        for customer in self.iter() {
            let mut cells = customer.cells();
            cells.push(yes(customer.churned));
            cells.extend(self.leak.then(|| yes(customer.retention_offer)));
            out.write_record(&cells)?;
        }
        out.flush()
    }

    /// Writes `rows` new customers, `incoming.csv`: without the target, and with `retention_offer` empty, since
    /// nobody has been made an offer yet.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn write_incoming(&self, rows: u64, out: &mut dyn Write) -> io::Result<()> {
        let mut out = csv::Writer::from_writer(out);
        let mut names = COLUMNS.to_vec();
        names.extend(self.leak.then_some("retention_offer"));
        out.write_record(&names)?;
        for customer in self.incoming(rows) {
            let mut cells = customer.cells();
            cells.extend(self.leak.then(String::new));
            out.write_record(&cells)?;
        }
        out.flush()
    }

    fn customer(&self, part: &[u8; 8], prefix: char, row: u64) -> Customer {
        let draw = &mut self.draw(part, row);
        let (causes, referrer) = causes(draw);
        let has_age = !draw.chance(NO_AGE);
        let risk = math::sigmoid(causes.log_odds());
        let churned = draw.chance(risk);
        let note = (causes.calls > 0).then(|| notes::support(causes.mood, draw));
        // Drawn last, so that no other column depends on it.
        let is_wrong = draw.chance(WRONG_OFFERS);
        Customer {
            id: format!("{prefix}{:05}", row + 1),
            signed_up: date(DAY_2020 + DAYS as u32 - causes.days).0,
            plan: PLAN_NAMES[causes.plan],
            region: REGIONS[causes.region],
            age: has_age.then_some(causes.age as u32),
            monthly_fee: causes.fee,
            support_calls: causes.calls,
            visits_30d: causes.visits,
            minutes_per_visit: (causes.visits > 0).then_some(causes.minutes),
            paperless: causes.paperless,
            referrer,
            last_note: note,
            churned,
            retention_offer: churned != is_wrong,
            risk,
        }
    }

    fn draw(&self, part: &[u8; 8], row: u64) -> Draw {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(part);
        key[16..24].copy_from_slice(b"easylife");
        Draw::new(key, row)
    }
}

/// Draws the causes of a row, and the name of its referrer.
fn causes(draw: &mut Draw) -> (Causes, String) {
    let days = 1 + draw.below(DAYS) as u32;
    let plan = by_share(draw, &PLANS);
    let region = uneven(draw, REGIONS.len(), 1.5);
    let age = (46.0 + 16.0 * draw.normal()).clamp(18.0, 92.0).floor();
    let fee = rounded(PLAN_FEES[plan] * draw.log_uniform(0.8, 1.3), 100.0);
    let calls = calls(draw);
    let visits = match draw.chance(0.1) {
        true => 0,
        false => draw.log_uniform(1.0, 61.0) as u32,
    };
    let minutes = match visits {
        0 => 0.0,
        _ => rounded(draw.log_uniform(1.0, 60.0), 10.0),
    };
    let paperless = draw.chance(0.55);
    let (referrer, effect) = referrer(draw);
    let mood = mood(calls, draw);
    let causes = Causes {
        days,
        plan,
        region,
        age,
        fee,
        calls,
        visits,
        minutes,
        paperless,
        referrer: effect,
        mood,
    };
    (causes, referrer)
}

/// Geometric, of mean 0.8, at most 9.
fn calls(draw: &mut Draw) -> u32 {
    let mut calls = 0;
    while calls < 9 && draw.chance(0.45) {
        calls += 1;
    }
    calls
}

/// Who calls often is rarely happy; who never called shows no mood.
fn mood(calls: u32, draw: &mut Draw) -> Mood {
    match calls {
        0 => Mood::Neutral,
        1 => by_share(
            draw,
            &[(Mood::Bad, 0.25), (Mood::Neutral, 0.4), (Mood::Good, 0.35)],
        ),
        _ => by_share(
            draw,
            &[(Mood::Bad, 0.45), (Mood::Neutral, 0.35), (Mood::Good, 0.2)],
        ),
    }
}

/// How a customer came: four ways that are common, and partners most of whom are rare. With what it does.
fn referrer(draw: &mut Draw) -> (String, f64) {
    let ways = [
        (Some(("search", 0.0)), 0.3),
        (Some(("friend", -1.0)), 0.2),
        (Some(("advert", 0.6)), 0.15),
        (Some(("shop", -0.3)), 0.1),
        (None, 0.25),
    ];
    match by_share(draw, &ways) {
        Some((name, effect)) => (name.to_owned(), effect),
        None => {
            let partner = uneven(draw, PARTNERS, 3.0);
            (format!("partner-{:03}", partner + 1), effect(partner))
        }
    }
}

/// `value` rounded to the nearest 1 / `parts`.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// The columns of both files, without the target.
const COLUMNS: [&str; 12] = [
    "customer_id",
    "signed_up",
    "plan",
    "region",
    "age",
    "monthly_fee",
    "support_calls",
    "visits_30d",
    "minutes_per_visit",
    "paperless",
    "referrer",
    "last_note",
];

impl Customer {
    /// The cells of [`COLUMNS`]; missing ones are empty.
    fn cells(&self) -> Vec<String> {
        let minutes = self.minutes_per_visit;
        vec![
            self.id.clone(),
            self.signed_up.clone(),
            self.plan.to_owned(),
            self.region.to_owned(),
            self.age.map_or(String::new(), |age| age.to_string()),
            format!("{:.2}", self.monthly_fee),
            self.support_calls.to_string(),
            self.visits_30d.to_string(),
            minutes.map_or(String::new(), |minutes| format!("{minutes:.1}")),
            yes(self.paperless),
            self.referrer.clone(),
            self.last_note.clone().unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests;
