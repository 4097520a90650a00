//! Sample demand: daily sales of an item with trend, weekly and yearly season, promotions, a shift of level, and gaps;
//! some items have intermittent demand.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::tasks::draw::Draw;

const FIRST: Date = date(2023, 1, 2);
const ITEMS: [&str; 10] = [
    "apples", "bread", "candles", "coffee", "flour", "honey", "lamps", "milk", "paper", "soap",
];

/// Two years or so of one item, all drawn from its own stream of the seed.
pub struct Demand {
    id: String,
    /// Sales of each day; none: the row is missing.
    sold: Vec<Option<u32>>,
}

struct Shape {
    level: f64,
    trend: f64,
    week: [f64; 7],
    year: f64,
    phase: f64,
    noise: f64,
    /// Chance of any demand on a day.
    asked: f64,
    shift: (usize, f64),
}

impl Shape {
    fn draw(draw: &mut Draw, days: usize) -> Shape {
        let mut week = [0.0; 7];
        for (day, factor) in week.iter_mut().enumerate() {
            *factor = if day >= 5 {
                draw.uniform(1.1, 1.6)
            } else {
                draw.uniform(0.75, 1.05)
            };
        }
        Shape {
            level: draw.log_uniform(8.0, 400.0),
            trend: draw.uniform(-0.2, 0.5),
            week,
            year: draw.uniform(0.05, 0.35),
            phase: draw.uniform(0.0, 1.0),
            noise: draw.uniform(0.05, 0.2),
            asked: if draw.chance(0.15) {
                draw.uniform(0.2, 0.5)
            } else {
                1.0
            },
            shift: (
                draw.below(days),
                if draw.chance(0.3) {
                    draw.uniform(0.6, 1.5)
                } else {
                    1.0
                },
            ),
        }
    }

    fn mean(&self, day: usize) -> f64 {
        let years = day as f64 / 365.25;
        let season = libm::sin(std::f64::consts::TAU * (years + self.phase));
        let shifted = if day >= self.shift.0 {
            self.shift.1
        } else {
            1.0
        };
        self.level
            * shifted
            * (1.0 + self.trend * years).max(0.1)
            * (1.0 + self.year * season)
            * self.week[day % 7]
    }
}

impl Demand {
    pub fn new(seed: u64, item: u64, days: usize) -> Demand {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..15].copy_from_slice(b"demand\0");
        let mut draw = Draw::new(key, item);
        let shape = Shape::draw(&mut draw, days);
        let mut promotion = 0;
        let sold = (0..days)
            .map(|day| {
                // Every draw is made on every day, so that draws are independent of each other.
                let (starts, lasts) = (draw.chance(0.01), 3 + draw.below(5));
                let (noise, asked, lost) =
                    (draw.normal(), draw.chance(shape.asked), draw.chance(0.004));
                promotion = if starts {
                    lasts
                } else {
                    usize::saturating_sub(promotion, 1)
                };
                let lift = if promotion > 0 { 1.6 } else { 1.0 };
                let amount = shape.mean(day) * lift * (1.0 + shape.noise * noise);
                let amount = if asked { amount.max(0.0) } else { 0.0 };
                (!lost).then_some(amount.round() as u32)
            })
            .collect();
        let name = ITEMS[item as usize % ITEMS.len()];
        Demand {
            id: format!("{name}-{}", item as usize / ITEMS.len() + 1),
            sold,
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn sold(&self, day: usize) -> Option<u32> {
        self.sold[day]
    }

    pub fn date(&self, day: usize) -> String {
        (FIRST + (day as i64).days()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_demand_and_another_does_not() {
        let a = Demand::new(1, 3, 700);
        assert_eq!(a.sold, Demand::new(1, 3, 700).sold);
        assert_ne!(a.sold, Demand::new(2, 3, 700).sold);
        assert_eq!(a.date(0), "2023-01-02");
    }

    #[test]
    fn there_are_gaps_weeks_and_items_asked_for_now_and_then() {
        let all: Vec<Demand> = (0..40).map(|item| Demand::new(7, item, 700)).collect();
        assert!(all.iter().any(|d| d.sold.iter().any(Option::is_none)));
        let zeros = |d: &Demand| d.sold.iter().filter(|s| **s == Some(0)).count();
        assert!(all.iter().any(|d| zeros(d) > 200));
        let weekend = |d: &Demand, weekend: bool| -> f64 {
            let days = (0..700).filter(|day| (day % 7 >= 5) == weekend);
            days.filter_map(|day| d.sold[day]).map(f64::from).sum()
        };
        assert!(
            all.iter()
                .all(|d| weekend(d, true) * 2.5 > weekend(d, false))
        );
    }
}
