//! Pictures as inline SVG: the parts that all share, and the small ones in a table cell or under a figure. Colours
//! and fonts come from the page's style sheet, so that a picture works in light, in dark and on paper. Charts with
//! axes are in `chart`, the confusion matrix in `heatmap`.

pub use super::axes::{Axis, Plot, WIDTH};
pub use super::chart::{PrecisionRecall, confidence, precision_recall_curve, reliability, roc};
use super::format::coordinate;
pub use super::heatmap::{CLASSES_SHOWN, confusion};
use super::html::escape;

/// A picture with a name and a description for screen readers.
pub struct Picture {
    /// Unique in the page, letters and dashes.
    pub id: String,
    /// Plain text.
    pub title: String,
    /// Plain text.
    pub description: String,
    /// Pixels; also the extent of the drawing's coordinates.
    pub width: f64,
    pub height: f64,
    /// `fluid` (shrinks with the page) or `fixed` (keeps its size).
    pub class: &'static str,
    /// SVG elements.
    pub body: String,
}

impl Picture {
    pub fn render(&self) -> String {
        let (id, width, height) = (&self.id, coordinate(self.width), coordinate(self.height));
        format!(
            "<svg class=\"{}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-text\">\n<title id=\"{id}-title\">{}</title>\n\
             <desc id=\"{id}-text\">{}</desc>\n{}</svg>\n",
            self.class,
            escape(&self.title),
            escape(&self.description),
            self.body
        )
    }
}

/// An entry of a legend: a line, an area or a dot of a class, and its meaning.
pub struct Key {
    pub sign: Sign,
    /// A class of the style sheet.
    pub class: &'static str,
    /// Plain text.
    pub name: String,
}

/// The shape of an entry of a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Line,
    Area,
    Dot,
}

impl Key {
    pub fn new(sign: Sign, class: &'static str, name: &str) -> Key {
        Key {
            sign,
            class,
            name: name.to_owned(),
        }
    }

    fn render(&self) -> String {
        let sign = match self.sign {
            Sign::Line => line((0.0, 5.0), (22.0, 5.0), self.class),
            Sign::Area => rect(0.0, 0.0, 22.0, 10.0, self.class),
            Sign::Dot => format!(
                "<circle cx=\"11\" cy=\"5\" r=\"4\" class=\"{}\"/>\n",
                self.class
            ),
        };
        format!(
            "<li><svg width=\"22\" height=\"10\" aria-hidden=\"true\">{}</svg>{}</li>\n",
            sign.trim_end(),
            escape(&self.name)
        )
    }
}

/// A picture with its title, a note on how to read it, and its legend. `title` and `note` are HTML.
pub fn figure(title: &str, note: &str, legend: &[Key], picture: &Picture) -> String {
    let note = match note {
        "" => String::new(),
        note => format!("<span>{note}</span>"),
    };
    let legend = match legend {
        [] => String::new(),
        keys => format!(
            "<ul class=\"legend\">\n{}</ul>\n",
            keys.iter().map(Key::render).collect::<String>()
        ),
    };
    format!(
        "<figure>\n<figcaption>{title}{note}</figcaption>\n{legend}{}</figure>\n",
        picture.render()
    )
}

/// Figures side by side, if there is room.
pub fn side_by_side(figures: &str) -> String {
    format!("<div class=\"pictures\">\n{figures}</div>\n")
}

/// A text at a position; `class` names classes of the style sheet (`end`, `middle`, `muted`, ...).
pub fn label(x: f64, y: f64, class: &str, text: &str) -> String {
    format!(
        "<text x=\"{}\" y=\"{}\" class=\"{class}\">{}</text>\n",
        coordinate(x),
        coordinate(y),
        escape(text)
    )
}

pub fn line(from: (f64, f64), to: (f64, f64), class: &str) -> String {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
    format!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"{class}\"/>\n")
}

pub fn rect(x: f64, y: f64, width: f64, height: f64, class: &str) -> String {
    let [x, y, width, height] = [x, y, width, height].map(coordinate);
    format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"{class}\"/>\n")
}

/// Elements moved down.
pub fn lowered(by: f64, body: &str) -> String {
    match by == 0.0 {
        true => body.to_owned(),
        false => format!(
            "<g transform=\"translate(0 {})\">\n{body}</g>\n",
            coordinate(by)
        ),
    }
}

/// Many small dots as one element: lines without a length, round at their ends.
pub fn dots(places: impl IntoIterator<Item = (f64, f64)>, class: &str) -> String {
    let half = |value: f64| coordinate((value * 2.0).round() / 2.0);
    let path: String = places
        .into_iter()
        .map(|(x, y)| format!("M{} {}h0", half(x), half(y)))
        .collect();
    match path.is_empty() {
        true => path,
        false => format!("<path class=\"{class}\" d=\"{path}\"/>\n"),
    }
}

/// A value against its baseline on a line from 0 to 1: a tick for the baseline, a dot for the value,
/// orange if it is worse. Repeats the text around it, so it is hidden from screen readers.
pub fn versus(value: f64, baseline: Option<f64>, better: bool) -> String {
    let value = share(value);
    let mut body = String::from("<line x1=\"0%\" y1=\"8\" x2=\"100%\" y2=\"8\" class=\"track\"/>");
    if let Some(baseline) = baseline.map(share) {
        let class = if better { "gain" } else { "loss" };
        body += &format!(
            "<line x1=\"{baseline}\" y1=\"8\" x2=\"{value}\" y2=\"8\" class=\"{class}\"/>"
        );
        body += &format!(
            "<line x1=\"{baseline}\" y1=\"3\" x2=\"{baseline}\" y2=\"13\" class=\"tick\"/>"
        );
    }
    let fill = if better || baseline.is_none() {
        "fill-good"
    } else {
        "fill-bad"
    };
    body += &format!("<circle cx=\"{value}\" cy=\"8\" r=\"5\" class=\"{fill}\"/>");
    format!("<svg width=\"100%\" height=\"16\" aria-hidden=\"true\">{body}</svg>")
}

/// A bar over a share of the cell's width, for a table cell next to the number it shows.
pub fn bar(part: f64, class: &str) -> String {
    format!(
        "<svg width=\"100%\" height=\"10\" aria-hidden=\"true\"><rect x=\"0\" y=\"1\" width=\"{}\" height=\"8\" \
         class=\"{class}\"/></svg>",
        share(part)
    )
}

/// Precision (ring) and recall (dot) on a line from 0 to 1, joined; for a table cell.
pub fn precision_recall(precision: f64, recall: f64) -> String {
    let (precision, recall) = (share(precision), share(recall));
    format!(
        "<svg width=\"100%\" height=\"12\" aria-hidden=\"true\">\
         <line x1=\"0%\" y1=\"6\" x2=\"100%\" y2=\"6\" class=\"faint\"/>\
         <line x1=\"{precision}\" y1=\"6\" x2=\"{recall}\" y2=\"6\" class=\"gain\"/>\
         <circle cx=\"{recall}\" cy=\"6\" r=\"4\" class=\"fill-good\"/>\
         <circle cx=\"{precision}\" cy=\"6\" r=\"3.5\" class=\"hollow\"/></svg>"
    )
}

/// A share as a percentage in SVG, clamped to 0 to 100 %.
fn share(value: f64) -> String {
    format!("{}%", coordinate((value * 100.0).clamp(0.0, 100.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_say_what_they_show() {
        let picture = Picture {
            id: "a".into(),
            title: "<t>".into(),
            description: "\"d\"".into(),
            width: 10.0,
            height: 2.5,
            class: "fluid",
            body: line((0.0, 1.0), (2.0, 1.125), "rule"),
        };
        let svg = picture.render();
        assert!(svg.contains("viewBox=\"0 0 10 2.5\"") && svg.contains("role=\"img\""));
        assert!(svg.contains("aria-labelledby=\"a-title a-text\""));
        assert!(svg.contains("<title id=\"a-title\">&lt;t&gt;</title>"));
        assert!(svg.contains("<line x1=\"0\" y1=\"1\" x2=\"2\" y2=\"1.12\" class=\"rule\"/>"));
    }

    #[test]
    fn small_pictures_stay_in_their_cell() {
        assert!(bar(3.0, "x").contains("width=\"100%\" height=\"8\""));
        assert!(bar(f64::NAN, "x").contains("width=\"0%\""));
        assert!(versus(0.8, Some(0.9), false).contains("loss"));
        assert!(precision_recall(-1.0, 0.5).contains("cx=\"0%\""));
    }

    #[test]
    fn a_baseline_is_drawn_to_the_value() {
        let better = versus(0.75, Some(0.5), true);
        assert!(better.contains("x1=\"50%\" y1=\"8\" x2=\"75%\" y2=\"8\" class=\"gain\""));
        assert!(better.contains("<circle cx=\"75%\" cy=\"8\" r=\"5\" class=\"fill-good\"/>"));
        assert!(versus(0.25, Some(0.5), false).contains("class=\"fill-bad\""));
        let alone = versus(0.25, None, false);
        assert!(alone.contains("fill-good") && !alone.contains("tick"));
    }

    #[test]
    fn dots_are_one_element_at_half_pixels() {
        assert_eq!(
            dots([(1.26, 2.0), (3.0, 4.1)], "dots"),
            "<path class=\"dots\" d=\"M1.5 2h0M3 4h0\"/>\n"
        );
        assert_eq!(dots([], "dots"), "");
        assert_eq!(
            lowered(-22.0, "<a/>"),
            "<g transform=\"translate(0 -22)\">\n<a/></g>\n"
        );
        assert_eq!(lowered(0.0, "<a/>"), "<a/>");
    }

    #[test]
    fn legends_have_a_sign_for_each_entry_and_plain_names() {
        let picture = Picture {
            id: "p".into(),
            title: String::new(),
            description: String::new(),
            width: 1.0,
            height: 1.0,
            class: "fluid",
            body: String::new(),
        };
        let keys = [
            Key::new(Sign::Line, "a", "one"),
            Key::new(Sign::Area, "b", "two & three"),
            Key::new(Sign::Dot, "c", "four"),
        ];
        let html = figure("T", "how", &keys, &picture);
        assert!(html.starts_with("<figure>\n<figcaption>T<span>how</span></figcaption>\n<ul"));
        assert!(
            html.contains("<line x1=\"0\" y1=\"5\" x2=\"22\" y2=\"5\" class=\"a\"/></svg>one</li>")
        );
        assert!(html.contains("class=\"b\"/></svg>two &amp; three</li>"));
        assert!(html.contains("<circle cx=\"11\" cy=\"5\" r=\"4\" class=\"c\"/></svg>four</li>"));
        let bare = figure("T", "", &[], &picture);
        assert!(
            bare.starts_with("<figure>\n<figcaption>T</figcaption>\n<svg"),
            "{bare}"
        );
    }

    #[test]
    fn bars_of_a_cell_are_as_long_as_their_share() {
        let wide = |share: f64| bar(share, "x").contains("width=\"12.35%\"");
        assert!(wide(0.12345) && wide(0.12349) && !wide(0.124));
    }
}
