//! Dots in strips, one strip for each name, on a common axis: names stand above their strip, so that long ones fit on
//! a narrow screen. Dots that would overlap are stacked, always in the same way.

use crate::report::format::label as short;
use crate::report::svg::{self, Axis, Picture, Plot, label};

/// A strip.
pub(super) struct Strip {
    /// Plain text.
    pub name: String,
    /// A short text at the right end; plain text.
    pub note: String,
    pub dots: Vec<Dot>,
}

/// A dot in a strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dot {
    pub x: f64,
    /// From 0 to 1: the fuller, the higher. `None`: a small grey dot.
    pub shade: Option<f64>,
}

/// Number of shades.
pub(super) const SHADES: usize = 5;
/// Height of a strip, and the part of it that the dots take.
const STRIP: f64 = 58.0;
const DOTS: f64 = 36.0;
/// What is saved of the space for the name of a vertical axis.
const SAVED: f64 = 22.0;
/// Dots this close on the axis are stacked.
const STEP: f64 = 4.5;
/// Maximum widths of name and note, in columns of a terminal.
const NAME: usize = 30;
const NOTE: usize = 26;

/// The colour of a shade, as an outline with a filling, and as a line; in the order of the shades.
pub(super) const KEYS: [&str; SHADES] = [
    "shade-key d1",
    "shade-key d2",
    "shade-key d3",
    "shade-key d4",
    "shade-key d5",
];
const LINES: [&str; SHADES] = [
    "dots shade d1",
    "dots shade d2",
    "dots shade d3",
    "dots shade d4",
    "dots shade d5",
];

/// The strips as a picture. `x` is the axis of all.
pub(super) fn picture(
    id: &str,
    title: &str,
    description: String,
    x: Axis,
    strips: &[Strip],
) -> Picture {
    let plot = Plot {
        x,
        y: Axis::ticked("", 0.0, strips.len() as f64, Vec::new()),
        height: STRIP * strips.len() as f64,
    };
    let mut body = plot.axes();
    if plot.x.contains(0.0) {
        body += &plot.down(0.0, "rule");
    }
    for (index, strip) in strips.iter().enumerate() {
        let (_, top) = plot.at(0.0, (strips.len() - index) as f64);
        body += &strip.draw(&plot, top);
    }
    let picture = plot.picture(id, title, description, svg::lowered(-SAVED, &body));
    Picture {
        height: picture.height - SAVED,
        ..picture
    }
}

impl Strip {
    /// Draws below `top`.
    fn draw(&self, plot: &Plot, top: f64) -> String {
        let (left, right) = Plot::ends();
        let mut out = label(left, top + 13.0, "halo", &short(&self.name, NAME));
        if !self.note.is_empty() {
            let note = short(&self.note, NOTE);
            out += &label(right, top + 13.0, "end muted s12 halo", &note);
        }
        let places = self.stacked(plot, top + STRIP - DOTS / 2.0 - 2.0);
        let shaded = places.iter().filter(|(shade, ..)| shade.is_some());
        let plain = places.iter().filter(|(shade, ..)| shade.is_none());
        out += &svg::dots(plain.map(|&(_, x, y)| (x, y)), "dots plain");
        out += &svg::dots(shaded.map(|&(_, x, y)| (x, y)), "dots edge");
        for (level, class) in LINES.iter().enumerate() {
            let of_level = places.iter().filter(|(shade, ..)| *shade == Some(level));
            out += &svg::dots(of_level.map(|&(_, x, y)| (x, y)), class);
        }
        out
    }

    /// The level of the shade, and the position in pixels, of each dot that can be drawn: dots of one place are spread
    /// around the middle, ascending by shade from below.
    fn stacked(&self, plot: &Plot, middle: f64) -> Vec<(Option<usize>, f64, f64)> {
        let drawn = self.dots.iter().filter(|dot| plot.x.contains(dot.x));
        let mut dots: Vec<(i64, Option<f64>, f64)> = drawn
            .map(|dot| {
                let x = plot.at(dot.x, 0.0).0;
                ((x / STEP).round() as i64, dot.shade, x)
            })
            .collect();
        let of = |shade: Option<f64>| shade.unwrap_or(-1.0);
        dots.sort_by(|a, b| a.0.cmp(&b.0).then(of(a.1).total_cmp(&of(b.1))));
        let mut places = Vec::with_capacity(dots.len());
        for stack in dots.chunk_by(|a, b| a.0 == b.0) {
            let step = (DOTS / stack.len() as f64).min(STEP);
            let lowest = middle + step * (stack.len() - 1) as f64 / 2.0;
            for (index, &(_, shade, x)) in stack.iter().enumerate() {
                places.push((shade.map(level), x, lowest - step * index as f64));
            }
        }
        places
    }
}

/// The level of a shade: equal parts of 0 to 1.
fn level(shade: f64) -> usize {
    ((shade.clamp(0.0, 1.0) * SHADES as f64) as usize).min(SHADES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(dots: &[(f64, Option<f64>)]) -> Strip {
        let dot = |&(x, shade): &(f64, Option<f64>)| Dot { x, shade };
        Strip {
            name: "a".to_owned(),
            note: String::new(),
            dots: dots.iter().map(dot).collect(),
        }
    }

    fn plot() -> Plot {
        Plot {
            x: Axis::round("x", 0.0, 10.0),
            y: Axis::ticked("", 0.0, 1.0, Vec::new()),
            height: STRIP,
        }
    }

    #[test]
    fn dots_of_one_place_are_stacked_around_the_middle_the_highest_on_top() {
        let dots = [
            (5.0, Some(1.0)),
            (5.0, None),
            (5.0, Some(0.3)),
            (9.0, Some(0.5)),
        ];
        let places = strip(&dots).stacked(&plot(), 20.0);
        let at = |index: usize| (places[index].0, places[index].2);
        assert_eq!(at(0), (None, 24.5));
        assert_eq!(at(1), (Some(1), 20.0));
        assert_eq!(at(2), (Some(4), 15.5));
        assert_eq!(at(3), (Some(2), 20.0), "alone in the middle");
    }

    #[test]
    fn a_high_stack_stays_in_its_strip() {
        let dots: Vec<(f64, Option<f64>)> = (0..300).map(|_| (5.0, Some(0.5))).collect();
        let places = strip(&dots).stacked(&plot(), 0.0);
        assert_eq!(places.len(), 300);
        assert!(places.iter().all(|(_, _, y)| y.abs() <= DOTS / 2.0));
    }

    #[test]
    fn dots_beyond_the_axis_and_those_that_are_no_number_are_not_drawn() {
        let dots = [
            (11.0, None),
            (f64::NAN, Some(0.1)),
            (f64::INFINITY, None),
            (10.0, None),
        ];
        assert_eq!(strip(&dots).stacked(&plot(), 0.0).len(), 1);
        assert_eq!([0.0, 0.2, 0.999, 1.0, 7.0].map(level), [0, 1, 4, 4, 4]);
    }

    proptest::proptest! {
        #[test]
        fn every_dot_on_the_axis_is_drawn_in_its_strip(
            xs in proptest::collection::vec(-2.0f64..12.0, 0..400),
            shades in proptest::collection::vec(proptest::option::of(0.0f64..1.0), 400),
        ) {
            let dots: Vec<(f64, Option<f64>)> = xs.iter().copied().zip(shades).collect();
            let places = strip(&dots).stacked(&plot(), 100.0);
            let on_axis = xs.iter().filter(|x| (0.0..=10.0).contains(*x)).count();
            proptest::prop_assert_eq!(places.len(), on_axis);
            let (left, right) = Plot::ends();
            for (_, x, y) in places {
                proptest::prop_assert!((left..=right).contains(&x) && (y - 100.0).abs() <= DOTS / 2.0);
            }
        }
    }

    #[test]
    fn long_names_are_shortened_and_no_markup() {
        let mut strip = strip(&[]);
        strip.name = format!("<{}>", "long".repeat(40));
        let picture = picture(
            "p",
            "",
            String::new(),
            Axis::round("x", -1.0, 1.0),
            &[strip],
        );
        assert!(picture.body.contains("&lt;long") && picture.body.contains('\u{2026}'));
        assert_eq!(picture.height, 28.0 - SAVED + STRIP + 48.0);
    }
}
