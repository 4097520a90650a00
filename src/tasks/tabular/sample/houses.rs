//! Houses that were sold, with their prices: what a task of regression meets.
//!
//! A price is a product: area, district, kind, age, energy, site, state and the month of the sale, with
//! interactions (a garden counts for houses, the floor for flats without a lift, oil heating where insulation is
//! poor, the station for flats) and noise.
//!
//! A row depends only on the seed and its number. The caller writes the rows to files.

use std::io::{self, Write};

use models::kernels::math;

use super::calendar::{DAY_2020, date};
use super::levels::{DISTRICTS, by_share, effect, uneven};
use super::notes::{self, Mood};
use crate::tasks::draw::Draw;

/// The sample to generate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Houses {
    pub rows: u64,
    pub seed: u64,
}

impl Default for Houses {
    fn default() -> Houses {
        Houses {
            rows: 3000,
            seed: 42,
        }
    }
}

/// A house or a flat.
#[derive(Clone, Debug, PartialEq)]
pub struct House {
    pub id: String,
    /// `YYYY-MM-DD`.
    pub sold_on: String,
    pub district: &'static str,
    pub kind: &'static str,
    pub area_m2: u32,
    pub rooms: u32,
    /// Year.
    pub built: u32,
    /// Year; missing if it never was.
    pub renovated: Option<u32>,
    /// Missing for houses.
    pub floor: Option<u32>,
    /// Missing for flats.
    pub garden_m2: Option<u32>,
    /// `A+` to `G`; sometimes unknown.
    pub energy: Option<&'static str>,
    pub heating: &'static str,
    pub balcony: bool,
    /// Sometimes unknown.
    pub distance_station_km: Option<f64>,
    pub description: String,
    /// Rounded to 100.
    pub price: u32,
}

/// Sales are on one of so many days from 2020 on.
const DAYS: usize = 1800;
/// Standard deviation of the noise of ln price.
const NOISE: f64 = 0.09;
/// Shares of unknown energy classes and distances.
const NO_ENERGY: f64 = 0.07;
const NO_DISTANCE: f64 = 0.02;

const FLAT: usize = 0;
const DETACHED: usize = 3;
/// Kinds with their shares.
const KINDS: [(usize, f64); 4] = [(FLAT, 0.45), (1, 0.22), (2, 0.15), (DETACHED, 0.18)];
const KIND_NAMES: [&str; 4] = ["flat", "terraced", "semi-detached", "detached"];
/// Usual area of a kind.
const AREAS: [f64; 4] = [70.0, 105.0, 120.0, 150.0];
const ENERGY: [&str; 8] = ["A+", "A", "B", "C", "D", "E", "F", "G"];
const OIL: usize = 1;
const HEATING: [&str; 5] = ["gas", "oil", "heat pump", "district", "electric"];

/// What the price of a house is made of.
struct Causes {
    day: u32,
    district: usize,
    kind: usize,
    area: f64,
    built: u32,
    renovated: Option<u32>,
    floor: u32,
    garden: f64,
    energy: usize,
    heating: usize,
    balcony: bool,
    distance: f64,
    state: Mood,
    view: bool,
}

impl Causes {
    fn is_flat(&self) -> bool {
        self.kind == FLAT
    }

    /// ln price, without noise.
    fn log_price(&self) -> f64 {
        let size = 0.85 * math::ln(self.area / 100.0);
        let place = 0.35 * effect(self.district) + 0.04 * self.kind as f64;
        // Prices rose for three years, then fell a little.
        let years = f64::from(self.day) / 365.25;
        let market = 0.06 * years.min(3.0) - 0.03 * (years - 3.0).max(0.0);
        let energy = match self.heating {
            OIL => -0.045 * self.energy as f64,
            _ => -0.02 * self.energy as f64,
        };
        let state = match self.state {
            Mood::Bad => -0.15,
            Mood::Neutral => 0.0,
            Mood::Good => 0.12,
        };
        let view = if self.view { 0.06 } else { 0.0 };
        12.6 + size + place + market + self.age() + energy + state + view + self.site()
    }

    /// New and very old houses are dear, the former everywhere, the latter in the ten oldest districts.
    fn age(&self) -> f64 {
        let since = 2024 - self.renovated.unwrap_or(self.built);
        let worn = -0.3 * (1.0 - math::exp(-f64::from(since) / 35.0));
        match self.built < 1915 && self.district < 10 {
            true => worn + 0.25,
            false => worn,
        }
    }

    /// Floor, balcony and station for flats; the garden for houses.
    fn site(&self) -> f64 {
        if !self.is_flat() {
            let weight = if self.kind == DETACHED { 0.09 } else { 0.04 };
            return weight * math::ln_1p(self.garden / 60.0) - 0.01 * self.distance;
        }
        // Flats from 1970 on have a lift.
        let by_floor = if self.built < 1970 { -0.04 } else { 0.015 };
        let balcony = if self.balcony { 0.05 } else { 0.0 };
        balcony + by_floor * f64::from(self.floor) - 0.12 * math::ln_1p(self.distance)
    }
}

impl Houses {
    /// The houses, in order.
    pub fn iter(&self) -> impl Iterator<Item = House> + '_ {
        (0..self.rows).map(|row| self.house(row))
    }

    /// Writes the table, `houses.csv`.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(COLUMNS)?;
        for house in self.iter() {
            out.write_record(house.cells())?;
        }
        out.flush()
    }

    fn house(&self, row: u64) -> House {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(b"houses\0\0");
        key[16..24].copy_from_slice(b"easylife");
        let draw = &mut Draw::new(key, row);
        let causes = causes(draw);
        let noise = NOISE * draw.normal();
        let price = math::exp(causes.log_price() + noise);
        let rooms = (causes.area / 27.0 + 0.5 * draw.normal()).round().max(1.0);
        let has_energy = !draw.chance(NO_ENERGY);
        let has_distance = !draw.chance(NO_DISTANCE);
        let is_flat = causes.is_flat();
        House {
            id: format!("h{:05}", row + 1),
            sold_on: date(DAY_2020 + causes.day).0,
            district: DISTRICTS[causes.district],
            kind: KIND_NAMES[causes.kind],
            area_m2: causes.area as u32,
            rooms: rooms as u32,
            built: causes.built,
            renovated: causes.renovated,
            floor: is_flat.then_some(causes.floor),
            garden_m2: (!is_flat).then_some(causes.garden as u32),
            energy: has_energy.then_some(ENERGY[causes.energy]),
            heating: HEATING[causes.heating],
            balcony: causes.balcony,
            distance_station_km: has_distance.then_some(causes.distance),
            description: notes::house(causes.state, causes.view, draw),
            price: (price / 100.0).round() as u32 * 100,
        }
    }
}

fn causes(draw: &mut Draw) -> Causes {
    let day = draw.below(DAYS) as u32;
    let district = uneven(draw, DISTRICTS.len(), 4.0);
    let kind = by_share(draw, &KINDS);
    let area = (AREAS[kind] * draw.log_uniform(0.5, 2.0)).round();
    let built = built(district, draw);
    let renovated = (built < 1995 && draw.chance(0.4)).then(|| 1995 + draw.below(25) as u32);
    let floor = draw.below(if built < 1970 { 5 } else { 9 }) as u32;
    let garden = match kind {
        FLAT => 0.0,
        DETACHED => draw.log_uniform(150.0, 1500.0).round(),
        _ => draw.log_uniform(30.0, 400.0).round(),
    };
    let energy = energy(renovated.unwrap_or(built), draw);
    let heating = match built {
        2010.. => by_share(draw, &[(2, 0.6), (3, 0.3), (0, 0.1)]),
        _ => by_share(draw, &[(0, 0.5), (OIL, 0.25), (3, 0.15), (4, 0.1)]),
    };
    let states = [(Mood::Bad, 0.25), (Mood::Neutral, 0.5), (Mood::Good, 0.25)];
    Causes {
        day,
        district,
        kind,
        area,
        built,
        renovated,
        floor,
        garden,
        energy,
        heating,
        balcony: draw.chance(if kind == FLAT { 0.6 } else { 0.2 }),
        distance: (draw.log_uniform(0.1, 12.0) * 10.0).round() / 10.0,
        state: by_share(draw, &states),
        view: draw.chance(0.15),
    }
}

/// The first districts are the oldest.
fn built(district: usize, draw: &mut Draw) -> u32 {
    let old = if district < 10 { 0.35 } else { 0.05 };
    let (from, years) = match draw.chance(old) {
        true => (1860, 55),
        false => (1915, 107),
    };
    from + draw.below(years) as u32
}

/// Index of the energy class: the later a house was built or renovated the better.
fn energy(year: u32, draw: &mut Draw) -> usize {
    let usual = (2022.0 - f64::from(year)) / 14.0;
    (usual + 1.2 * draw.normal()).round().clamp(0.0, 7.0) as usize
}

const COLUMNS: [&str; 16] = [
    "house_id",
    "sold_on",
    "district",
    "type",
    "area_m2",
    "rooms",
    "built",
    "renovated",
    "floor",
    "garden_m2",
    "energy",
    "heating",
    "balcony",
    "distance_station_km",
    "description",
    "price",
];

impl House {
    /// The cells of [`COLUMNS`]; missing ones are empty.
    fn cells(&self) -> [String; 16] {
        let number = |value: Option<u32>| value.map_or(String::new(), |value| value.to_string());
        let distance = self.distance_station_km;
        [
            self.id.clone(),
            self.sold_on.clone(),
            self.district.to_owned(),
            self.kind.to_owned(),
            self.area_m2.to_string(),
            self.rooms.to_string(),
            self.built.to_string(),
            number(self.renovated),
            number(self.floor),
            number(self.garden_m2),
            self.energy.unwrap_or_default().to_owned(),
            self.heating.to_owned(),
            self.balcony.to_string(),
            distance.map_or(String::new(), |distance| format!("{distance:.1}")),
            self.description.clone(),
            self.price.to_string(),
        ]
    }
}

#[cfg(test)]
mod tests;
