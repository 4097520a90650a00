//! Tables of slices: the figures of the rows that share a value, by a column or by another property.

use super::format::{LABEL, count, label};
use super::html::{BLANK, Table, columns, text};
use super::svg;

/// Slices by one property.
pub struct Slices<'a> {
    /// The property.
    pub by: &'a str,
    /// Names of the figures of each slice.
    pub figures: Vec<String>,
    /// In the order to show them.
    pub parts: Vec<Slice<'a>>,
}

/// The rows that share a value.
pub struct Slice<'a> {
    pub value: &'a str,
    pub rows: u64,
    /// As many as there are names; plain text.
    pub figures: Vec<String>,
    /// The share that the bar shows; `None`: there are no bars.
    pub bar: Option<f64>,
}

/// A table for each property.
pub fn tables<'a>(slices: impl IntoIterator<Item = Slices<'a>>) -> String {
    slices.into_iter().map(|slices| slices.table()).collect()
}

impl Slices<'_> {
    fn table(&self) -> String {
        let bars = self.parts.iter().any(|part| part.bar.is_some());
        let figures: Vec<String> = self.figures.iter().map(|name| text(name)).collect();
        let mut headings = vec![("Value", "name"), ("Rows", "n")];
        headings.extend(figures.iter().map(|name| (name.as_str(), "n")));
        if bars {
            headings.push((BLANK, "wide"));
        }
        let row = |part: &Slice| {
            let mut cells = vec![text(&label(part.value, LABEL)), count(part.rows)];
            cells.extend(part.figures.iter().map(|figure| text(figure)));
            cells.extend(part.bar.map(|share| svg::bar(share, "fill-good")));
            cells
        };
        Table {
            caption: format!("By {}", text(&label(self.by, LABEL))),
            columns: columns(&headings),
            rows: self.parts.iter().map(row).collect(),
            class: "pairs",
        }
        .render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(bar: Option<f64>) -> Slices<'static> {
        Slices {
            by: "<city>",
            figures: vec!["Accuracy".to_owned()],
            parts: vec![Slice {
                value: " ",
                rows: 1234,
                figures: vec!["75.0 %".to_owned()],
                bar,
            }],
        }
    }

    #[test]
    fn each_property_has_a_table_and_bars_only_if_there_are_shares() {
        let html = tables([slices(Some(0.75)), slices(None)]);
        assert_eq!(
            html.matches("<caption>By <bdi>&lt;city&gt;</bdi></caption>")
                .count(),
            2
        );
        assert_eq!(
            html.matches("<bdi>(empty)</bdi></th><td class=\"n\">1,234</td>")
                .count(),
            2
        );
        assert_eq!(html.matches("<rect").count(), 1);
        assert_eq!(
            html.matches("class=\"wide\"").count(),
            2,
            "heading and cell of one table"
        );
    }
}
