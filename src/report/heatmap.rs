//! The confusion matrix as a picture: numbers in the cells for few classes, a dense map for many.
//! Right answers (the diagonal) are blue, errors orange; the shade is the share of the actual class,
//! in ten steps on a square-root scale, so that a confusion of one row in twenty is still seen.

use super::format::{self, columns, coordinate, count, percent};
use super::svg::{Picture, label, line, rect};

/// Up to this many classes the counts are written into the cells.
const CLASSES_NUMBERED: usize = 12;
/// Beyond this many classes there is no picture: its cells would be smaller than four pixels.
pub const CLASSES_SHOWN: usize = 200;
/// Approximate width and height of a dense map in pixels.
const DENSE_SIDE: usize = 780;
/// Number of shades; from `LIGHT_TEXT` on, the style sheet uses light text.
const SHADES: u64 = 10;
const LIGHT_TEXT: u64 = 9;

/// The confusion matrix. `names`: a label for each line of `counts` (actual classes: the model's, then those unknown
/// to it); the columns are the first of them. `None` for no class or too many.
pub fn confusion(names: &[String], counts: &[Vec<u64>]) -> Option<Picture> {
    let width = counts.first().map_or(0, Vec::len);
    if width == 0 || names.len() != counts.len() || names.len() > CLASSES_SHOWN {
        return None;
    }
    let grid = Grid::new(names, counts, width);
    let (right, rows) = totals(counts);
    let body = if grid.numbered {
        grid.cells_with_numbers()
    } else {
        grid.dense_cells()
    };
    Some(Picture {
        id: "confusion".to_owned(),
        title: "Confusion matrix".to_owned(),
        description: format!(
            "Actual classes down, predicted classes across. {} of {} rows are on the diagonal, that is right.",
            count(right),
            count(rows)
        ),
        width: grid.left + grid.cell.0 * width as f64 + grid.right,
        height: grid.top + grid.cell.1 * names.len() as f64 + 2.0,
        class: "fixed",
        body: format!("{}{body}{}", grid.lines(), grid.labels()),
    })
}

fn totals(counts: &[Vec<u64>]) -> (u64, u64) {
    let right = counts
        .iter()
        .enumerate()
        .filter_map(|(class, line)| line.get(class))
        .sum();
    (right, counts.iter().flatten().sum())
}

/// The layout of the matrix.
struct Grid<'a> {
    names: Vec<String>,
    counts: &'a [Vec<u64>],
    width: usize,
    /// Width and height of a cell.
    cell: (f64, f64),
    /// Margins for the labels.
    left: f64,
    top: f64,
    right: f64,
    numbered: bool,
    font: f64,
    turn: Turn,
}

/// The orientation of the column labels.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    Flat,
    Slanted,
    Upright,
}

impl<'a> Grid<'a> {
    fn new(names: &[String], counts: &'a [Vec<u64>], width: usize) -> Self {
        let numbered = names.len() <= CLASSES_NUMBERED;
        let cell = if numbered {
            numbered_cell(names.len(), counts)
        } else {
            dense_cell(names.len())
        };
        let font = if numbered {
            13.0
        } else {
            (cell.1 - 1.0).clamp(9.0, 12.0).floor()
        };
        let names: Vec<String> = names
            .iter()
            .map(|name| format::label(name, if numbered { 24 } else { 32 }))
            .collect();
        let length = |names: &[String]| {
            names
                .iter()
                .map(|name| text_width(name, font))
                .fold(0.0, f64::max)
        };
        let across = length(&names[..width]);
        let labelled = numbered || cell.1 >= 9.0;
        let turn = match numbered {
            true if across + 8.0 <= cell.0 => Turn::Flat,
            true => Turn::Slanted,
            false => Turn::Upright,
        };
        let slant = 0.71 * (across + font);
        let (head, right) = match turn {
            _ if !labelled => (0.0, 2.0),
            Turn::Flat => (font + 4.0, 2.0),
            Turn::Slanted => (slant, (slant - cell.0 / 2.0).max(2.0)),
            Turn::Upright => (across + 4.0, 2.0),
        };
        let left = if labelled {
            length(&names) + 10.0
        } else {
            70.0
        };
        Grid {
            names,
            counts,
            width,
            cell,
            left: left.max(70.0),
            top: head + 24.0,
            right,
            numbered,
            font,
            turn,
        }
    }

    fn corner(&self, line: usize, column: usize) -> (f64, f64) {
        (
            self.left + column as f64 * self.cell.0,
            self.top + line as f64 * self.cell.1,
        )
    }

    /// Non-empty cells: line, column, rows in it, share of its line, shade.
    fn filled(&self) -> impl Iterator<Item = (usize, usize, u64, f64, u64)> {
        self.counts.iter().enumerate().flat_map(|(line, counts)| {
            let total: u64 = counts.iter().sum();
            counts
                .iter()
                .enumerate()
                .filter(|&(_, &rows)| rows > 0)
                .map(move |(column, &rows)| {
                    let share = rows as f64 / total as f64;
                    (line, column, rows, share, shade(share))
                })
        })
    }

    fn cells_with_numbers(&self) -> String {
        let with_shares = self.names.len() <= 5;
        let mut out = String::new();
        for (line, column, rows, share, shade) in self.filled() {
            let (x, y) = self.corner(line, column);
            let (cx, cy) = (x + self.cell.0 / 2.0, y + self.cell.1 / 2.0);
            let on = if shade >= LIGHT_TEXT { " on" } else { "" };
            out += &rect(
                x + 1.0,
                y + 1.0,
                self.cell.0 - 2.0,
                self.cell.1 - 2.0,
                &format!("{} l{shade}", hue(line, column)),
            );
            if with_shares {
                out += &label(
                    cx,
                    cy - 1.0,
                    &format!("middle strong s15{on}"),
                    &count(rows),
                );
                out += &label(
                    cx,
                    cy + 15.0,
                    &format!("middle s12{on}"),
                    &percent(share, 1),
                );
            } else {
                out += &label(cx, cy + 4.5, &format!("middle{on}"), &count(rows));
            }
        }
        out
    }

    /// One path per shade takes far fewer bytes than a rectangle per cell.
    fn dense_cells(&self) -> String {
        let mut out = String::new();
        for (class, diagonal) in [("fill-good", true), ("fill-bad", false)] {
            for level in 1..=SHADES {
                let path: String = self
                    .filled()
                    .filter(|&(line, column, _, _, shade)| {
                        shade == level && (line == column) == diagonal
                    })
                    .map(|(line, column, ..)| self.square(line, column))
                    .collect();
                if !path.is_empty() {
                    out += &format!("<path class=\"{class} l{level}\" d=\"{path}\"/>\n");
                }
            }
        }
        out
    }

    fn square(&self, line: usize, column: usize) -> String {
        let (x, y) = self.corner(line, column);
        let [x, y, w, h] = [x, y, self.cell.0, self.cell.1].map(coordinate);
        format!("M{x} {y}h{w}v{h}h-{w}z")
    }

    /// Hairlines between the cells, and the frame.
    fn lines(&self) -> String {
        let (right, bottom) = self.corner(self.names.len(), self.width);
        let mut out = String::new();
        if self.cell.1 >= 9.0 {
            let across = (1..self.names.len()).map(|index| self.corner(index, 0).1);
            out.extend(across.map(|y| line((self.left, y), (right, y), "faint")));
            let down = (1..self.width).map(|index| self.corner(0, index).0);
            out.extend(down.map(|x| line((x, self.top), (x, bottom), "faint")));
        }
        out += &rect(
            self.left,
            self.top,
            right - self.left,
            bottom - self.top,
            "rule",
        );
        out
    }

    fn labels(&self) -> String {
        let mut out = label(self.left, 12.0, "muted s12", "predicted \u{2192}");
        out += &label(
            self.left - 8.0,
            self.top - 7.0,
            "muted s12 end",
            "actual \u{2193}",
        );
        if !self.numbered && self.cell.1 < 9.0 {
            return out;
        }
        let size = format!("s{}", self.font);
        for (index, name) in self.names.iter().enumerate() {
            let (x, y) = self.corner(index, index);
            let middle = y + self.cell.1 / 2.0 + self.font * 0.35;
            out += &label(self.left - 8.0, middle, &format!("end {size}"), name);
            if index < self.width {
                out += &self.heading(x + self.cell.0 / 2.0, &size, name);
            }
        }
        out
    }

    fn heading(&self, x: f64, size: &str, name: &str) -> String {
        let name_html = super::html::escape(name);
        let foot = self.top - 6.0;
        match self.turn {
            Turn::Flat => label(x, foot, &format!("middle {size}"), name),
            Turn::Slanted => turned(x - 2.0, foot, -45, size, &name_html),
            Turn::Upright => turned(x + self.font * 0.35, foot + 2.0, -90, size, &name_html),
        }
    }
}

fn turned(x: f64, y: f64, degrees: i32, class: &str, html: &str) -> String {
    let (x, y) = (coordinate(x), coordinate(y));
    format!(
        "<text transform=\"translate({x} {y}) rotate({degrees})\" class=\"{class}\">{html}</text>\n"
    )
}

fn hue(line: usize, column: usize) -> &'static str {
    if line == column {
        "fill-good"
    } else {
        "fill-bad"
    }
}

/// 1 to 10 for a share above 0.
fn shade(share: f64) -> u64 {
    ((share.sqrt() * SHADES as f64).ceil() as u64).clamp(1, SHADES)
}

fn numbered_cell(classes: usize, counts: &[Vec<u64>]) -> (f64, f64) {
    let digits = counts
        .iter()
        .flatten()
        .map(|&rows| count(rows).len())
        .max()
        .unwrap_or(1) as f64;
    let (width, height, digit) = match classes {
        0..=2 => (128.0, 84.0, 10.0),
        3..=5 => (88.0, 56.0, 10.0),
        _ => (54.0, 36.0, 9.0),
    };
    (f64::max(width, digits * digit + 12.0), height)
}

fn dense_cell(classes: usize) -> (f64, f64) {
    let side = (DENSE_SIDE / classes).clamp(4, 22) as f64;
    (side, side)
}

/// Width of a text in pixels, an upper estimate: the font depends on the reader.
fn text_width(text: &str, font: f64) -> f64 {
    columns(text) as f64 * font * 0.66
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    fn diagonal(count: usize) -> Vec<Vec<u64>> {
        (0..count)
            .map(|line| {
                (0..count)
                    .map(|column| u64::from(line == column) * 3)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn shades_keep_small_shares_apart_from_none() {
        assert_eq!(
            [
                shade(1e-9),
                shade(0.01),
                shade(0.05),
                shade(0.5),
                shade(1.0)
            ],
            [1, 1, 3, 8, 10]
        );
    }

    #[test]
    fn few_classes_carry_numbers_and_many_do_not() {
        let few = confusion(&names(2), &[vec![412, 30], vec![8, 550]])
            .unwrap()
            .body;
        assert!(few.contains(">412</text>") && few.contains(">93.2 %</text>"));
        let many = confusion(&names(77), &diagonal(77)).unwrap().body;
        assert_eq!(many.matches("<path").count(), 1, "one path for one shade");
        assert!(many.contains(">class 76</text>"));
        let unlabelled = confusion(&names(150), &diagonal(150)).unwrap();
        assert!(!unlabelled.body.contains("class 1<") && unlabelled.width < 1000.0);
    }

    #[test]
    fn none_without_classes_or_with_too_many() {
        assert!(confusion(&[], &[]).is_none());
        assert!(confusion(&names(CLASSES_SHOWN + 1), &diagonal(CLASSES_SHOWN + 1)).is_none());
    }

    #[test]
    fn labels_never_seen_have_a_line_but_no_column() {
        let picture = confusion(&names(3), &[vec![1, 0], vec![0, 1], vec![0, 2]]).unwrap();
        assert_eq!(picture.body.matches(">class 2</text>").count(), 1);
        assert_eq!(picture.body.matches(">class 1</text>").count(), 2);
    }

    #[test]
    fn the_description_counts_the_diagonal() {
        let picture = confusion(&names(3), &[vec![1000, 5], vec![2, 300], vec![7, 0]]).unwrap();
        let rows = "1,300 of 1,314 rows are on the diagonal";
        assert!(
            picture.description.contains(rows),
            "{}",
            picture.description
        );
    }

    #[test]
    fn cells_are_shaded_by_the_share_of_their_line() {
        let body = confusion(&names(2), &[vec![90, 10], vec![0, 1]])
            .unwrap()
            .body;
        // Of 0.9, 0.1 and 1: the square root in tenths, rounded up.
        for class in ["fill-good l10", "fill-bad l4"] {
            assert!(body.contains(class), "{class}: {body}");
        }
        assert_eq!(
            body.matches("fill-").count(),
            3,
            "an empty cell has no shade"
        );
        assert!(
            body.contains("class=\"middle strong s15 on\">90<"),
            "light on dark"
        );
        assert!(
            body.contains("class=\"middle strong s15\">10<"),
            "dark on light"
        );
    }

    #[test]
    fn wide_counts_and_long_names_have_room() {
        let narrow = confusion(&names(2), &diagonal(2)).unwrap();
        let wide = confusion(&names(2), &[vec![123_456_789_012, 0], vec![0, 1]]).unwrap();
        // 15 characters of 10 pixels and a margin of 12, beside 128.
        assert_eq!(wide.width - narrow.width, 2.0 * (162.0 - 128.0));
        let long: Vec<String> = (0..2).map(|c| "x".repeat(40) + &c.to_string()).collect();
        let long = confusion(&long, &diagonal(2)).unwrap();
        assert!(long.body.contains("rotate(-45)") && !narrow.body.contains("rotate"));
        assert!(long.height > narrow.height, "room above for turned names");
        assert!(long.body.contains("\u{2026}"), "names are shortened");
    }

    #[test]
    fn names_are_no_markup() {
        let names = ["<a>".to_owned(), "b&".to_owned()];
        let body = confusion(&names, &diagonal(2)).unwrap().body;
        assert!(body.contains(">&lt;a&gt;</text>") && body.contains(">b&amp;</text>"));
        let many: Vec<String> = (0..20).map(|class| format!("<{class}>")).collect();
        let body = confusion(&many, &diagonal(20)).unwrap().body;
        assert!(body.contains("rotate(-90)") && !body.contains("<0>"));
    }
}
