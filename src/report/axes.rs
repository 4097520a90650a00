//! A chart with two axes: round ticks, names with units, and lines, bands, bars and dots. Callers decide what it
//! shows, and its title.

use super::format::{coordinate, count, fixed};
use super::svg::{self, Picture, label, line};

/// An axis: its name, range and ticks.
#[derive(Clone)]
pub struct Axis {
    /// The quantity, with its unit; empty: no name is written.
    pub name: String,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
    logarithmic: bool,
}

/// Approximate number of ticks of an axis.
const TICKS: f64 = 5.0;

impl Axis {
    /// A range widened to round ticks.
    pub fn round(name: &str, low: f64, high: f64) -> Axis {
        let (low, high) = spread(low, high);
        let step = round_step((high - low) / TICKS);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let count = ((last - first) as usize).min(20);
        let tick = |index: usize| (first + index as f64) * step;
        Axis {
            name: name.to_owned(),
            low: tick(0),
            high: tick(count),
            ticks: (0..=count)
                .map(|i| (tick(i), magnitude(tick(i), step)))
                .collect(),
            logarithmic: false,
        }
    }

    /// An axis of shares, from the round tick below `low` to the one above `high`, within 0 to 1.
    pub fn share(name: &str, low: f64, high: f64) -> Axis {
        let mut axis = Axis::round(name, low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
        let step = match &axis.ticks[..] {
            [first, second, ..] => second.0 - first.0,
            _ => 1.0,
        };
        axis.ticks
            .retain(|(value, _)| (-1e-9..=1.0 + 1e-9).contains(value));
        let decimals = decimals_of(step * 100.0);
        for (value, text) in &mut axis.ticks {
            *text = fixed(*value * 100.0, decimals) + " %";
        }
        axis.low = axis.low.max(0.0);
        axis.high = axis.high.min(1.0);
        axis
    }

    /// An axis with given ticks.
    pub fn ticked(name: &str, low: f64, high: f64, ticks: Vec<(f64, String)>) -> Axis {
        let (low, high) = if high > low {
            (low, high)
        } else {
            (low, low + 1.0)
        };
        Axis {
            name: name.to_owned(),
            low,
            high,
            ticks,
            logarithmic: false,
        }
    }

    /// An axis of whole numbers above 0 on a logarithmic scale, each with a tick.
    pub fn logarithmic(name: &str, values: &[usize]) -> Axis {
        let ticks = values.iter().map(|&v| (v.max(1) as f64, count(v as u64)));
        let ticks: Vec<(f64, String)> = ticks.collect();
        Axis {
            low: ticks.first().map_or(1.0, |tick| tick.0),
            high: ticks.last().map_or(2.0, |tick| tick.0).max(2.0),
            ticks,
            logarithmic: true,
            name: name.to_owned(),
        }
    }

    /// Appends `unit` to the ticks.
    pub fn with_unit(mut self, unit: &str) -> Axis {
        for (_, text) in &mut self.ticks {
            text.push_str(unit);
        }
        self
    }

    /// Removes the texts of the ticks and the name, for a chart above another with the same axis.
    pub fn unlabelled(mut self) -> Axis {
        self.ticks.iter_mut().for_each(|(_, text)| text.clear());
        self.name.clear();
        self
    }

    /// Whether a value is on the axis.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Removes the sign of the ticks, for bars in both directions from zero.
    pub fn unsigned(&mut self) {
        for (_, text) in &mut self.ticks {
            *text = text.trim_start_matches('\u{2212}').to_owned();
        }
    }

    /// The position of a value, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let scaled = |value: f64| match self.logarithmic {
            true => libm::log(value.max(f64::MIN_POSITIVE)),
            false => value,
        };
        let (low, high) = (scaled(self.low), scaled(self.high));
        (scaled(value) - low) / (high - low).max(f64::MIN_POSITIVE)
    }
}

/// A chart: its axes and its height.
pub struct Plot {
    pub x: Axis,
    pub y: Axis,
    /// Height of the area between the axes, in pixels.
    pub height: f64,
}

/// The width of every chart.
pub const WIDTH: f64 = 440.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 28.0;
const RIGHT: f64 = 34.0;
/// Space for the ticks and the name of the x axis.
const FOOT: f64 = 48.0;

impl Plot {
    /// The height of the whole picture.
    pub fn picture_height(&self) -> f64 {
        self.foot() + FOOT
    }

    /// The chart as a picture that shrinks with the page. `body`: what is drawn, the axes included; `id`, `title` and
    /// `description` as of [`Picture`].
    pub fn picture(&self, id: &str, title: &str, description: String, body: String) -> Picture {
        Picture {
            id: id.to_owned(),
            title: title.to_owned(),
            description,
            width: WIDTH,
            height: self.picture_height(),
            class: "fluid",
            body,
        }
    }

    /// The horizontal positions of the ends of the area between the axes.
    pub fn ends() -> (f64, f64) {
        (LEFT, WIDTH - RIGHT)
    }

    /// The vertical position of the x axis.
    pub fn foot(&self) -> f64 {
        TOP + self.height
    }

    /// The position of a point.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let across = LEFT + self.x.part(x) * (WIDTH - LEFT - RIGHT);
        (across, TOP + (1.0 - self.y.part(y)) * self.height)
    }

    /// The grid, the ticks and the names.
    pub fn axes(&self) -> String {
        let (right, bottom) = (WIDTH - RIGHT, self.foot());
        let mut out = match self.y.name.as_str() {
            "" => String::new(),
            name => label(0.0, 13.0, "muted", &format!("{name} \u{2191}")),
        };
        for (value, text) in &self.y.ticks {
            let (_, y) = self.at(self.x.low, *value);
            let class = if *value == 0.0 { "rule" } else { "faint" };
            out += &line((LEFT, y), (right, y), class);
            out += &label(LEFT - 8.0, y + 4.5, "end muted s12", text);
        }
        for (value, text) in &self.x.ticks {
            let (x, _) = self.at(*value, self.y.low);
            out += &line((x, bottom), (x, bottom + 5.0), "rule");
            if !text.is_empty() {
                out += &label(x, bottom + 20.0, "middle muted s12", text);
            }
        }
        out += &line((LEFT, bottom), (right, bottom), "rule");
        match self.x.name.as_str() {
            "" => out,
            name => {
                let name = format!("{name} \u{2192}");
                out + &label(right, bottom + 40.0, "end muted", &name)
            }
        }
    }

    /// A line through points, interrupted at points that are not finite.
    pub fn path(&self, points: impl IntoIterator<Item = (f64, f64)>, class: &str) -> String {
        let mut path = String::new();
        let mut pen = 'M';
        for (x, y) in points {
            if !(x.is_finite() && y.is_finite()) {
                pen = 'M';
                continue;
            }
            let (x, y) = self.at(x, y);
            path += &format!("{pen}{} {}", coordinate(x), coordinate(y));
            pen = 'L';
        }
        match path.is_empty() {
            true => path,
            false => format!("<path class=\"{class}\" d=\"{path}\"/>\n"),
        }
    }

    /// The area between a lower and an upper value at each x.
    pub fn band(&self, points: &[(f64, f64, f64)], class: &str) -> String {
        let spelled = |(x, y): (f64, f64)| {
            let (x, y) = self.at(x, y);
            format!("{},{}", coordinate(x), coordinate(y))
        };
        let finite = points
            .iter()
            .filter(|(_, low, high)| low.is_finite() && high.is_finite());
        let upper = finite.clone().map(|&(x, _, high)| spelled((x, high)));
        let lower = finite.rev().map(|&(x, low, _)| spelled((x, low)));
        let places: Vec<String> = upper.chain(lower).collect();
        format!(
            "<polygon points=\"{}\" class=\"{class}\"/>\n",
            places.join(" ")
        )
    }

    /// A bar from 0 to `y` over the range `x`; at least a pixel high unless `y` is 0.
    pub fn bar(&self, x: (f64, f64), y: f64, class: &str) -> String {
        if y == 0.0 || !y.is_finite() {
            return String::new();
        }
        let ((left, top), (right, foot)) = (self.at(x.0, y.max(0.0)), self.at(x.1, y.min(0.0)));
        let tall = (foot - top).max(1.0);
        let top = if y > 0.0 { foot - tall } else { top };
        let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
        svg::rect(left + gap, top, right - left - 2.0 * gap, tall, class)
    }

    /// A straight line from one point to another.
    pub fn straight(&self, from: (f64, f64), to: (f64, f64), class: &str) -> String {
        line(self.at(from.0, from.1), self.at(to.0, to.1), class)
    }

    /// A vertical line at `x`.
    pub fn down(&self, x: f64, class: &str) -> String {
        self.straight((x, self.y.low), (x, self.y.high), class)
    }

    /// A horizontal line at `y`.
    pub fn across(&self, y: f64, class: &str) -> String {
        self.straight((self.x.low, y), (self.x.high, y), class)
    }

    /// Many small dots as one element. `class` sets their width and colour by the stroke. Positions are rounded to half
    /// a pixel, which takes a third of the bytes; points that are not finite or beyond the axes are left out.
    pub fn dots(&self, points: impl IntoIterator<Item = (f64, f64)>, class: &str) -> String {
        let inside = points
            .into_iter()
            .filter(|&(x, y)| self.x.contains(x) && self.y.contains(y));
        svg::dots(inside.map(|(x, y)| self.at(x, y)), class)
    }

    /// A dot with the tooltip `says`.
    pub fn dot(&self, x: f64, y: f64, radius: f64, class: &str, says: &str) -> String {
        let (x, y) = self.at(x, y);
        format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" class=\"{class}\"><title>{}</title></circle>\n",
            coordinate(x),
            coordinate(y),
            coordinate(radius),
            super::html::escape(says)
        )
    }
}

/// A finite range with a width above 0.
fn spread(low: f64, high: f64) -> (f64, f64) {
    match (low.is_finite() && high.is_finite(), high > low) {
        (false, _) => (0.0, 1.0),
        (true, true) => (low, high),
        (true, false) if low == 0.0 => (0.0, 1.0),
        (true, false) => (low - low.abs() / 2.0, low + low.abs() / 2.0),
    }
}

/// The smallest 1, 2 or 5 times a power of ten that is not below `least`. The power is taken from the formatted
/// number, which is the same on every machine.
fn round_step(least: f64) -> f64 {
    let spelled = format!("{:e}", least.max(f64::MIN_POSITIVE));
    let (digits, power) = spelled.split_once('e').unwrap_or(("1", "0"));
    let digits: f64 = digits.parse().unwrap_or(1.0);
    let factor = [1, 2, 5, 10]
        .into_iter()
        .find(|&f| digits <= f64::from(f) * 1.0001);
    format!("{}e{power}", factor.unwrap_or(10))
        .parse()
        .unwrap_or(1.0)
}

/// A short text for a tick, with the decimals that steps of `step` need.
fn magnitude(value: f64, step: f64) -> String {
    let size = value.abs().max(step);
    let (unit, sign) = match size {
        size if !(1e-4..1e15).contains(&size) => {
            return match value {
                0.0 => "0".to_owned(),
                _ => format!("{value:.1e}").replace('-', "\u{2212}"),
            };
        }
        size if size >= 1e12 => (1e12, "T"),
        size if size >= 1e9 => (1e9, "G"),
        size if size >= 1e6 => (1e6, "M"),
        size if size >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    match value == 0.0 || value.abs() < step * 1e-6 {
        true => "0".to_owned(),
        false => fixed(value / unit, decimals_of(step / unit)) + sign,
    }
}

/// The number of decimals that multiples of `step` need, at most 6.
fn decimals_of(step: f64) -> usize {
    let shows = |&decimals: &usize| {
        let shown: f64 = format!("{step:.decimals$}").parse().unwrap_or(0.0);
        (shown - step).abs() < step * 1e-6
    };
    (0..6).find(shows).unwrap_or(6)
}

#[cfg(test)]
mod tests;
