//! What the pages of classifiers have in common: the confusion matrix, and whether probabilities can be
//! taken at their word.

use super::format::{count, percent};
use super::html::{Section, Table, columns, scrollable};
use super::svg;
use models::metrics::calibration::Bin;

/// The confusion matrix as a picture in a box that scrolls, HTML; a sentence where there are too many
/// labels for one. `names` and `counts` as for [`svg::confusion`].
pub fn confusion_matrix(names: &[String], counts: &[Vec<u64>]) -> String {
    match svg::confusion(names, counts) {
        Some(picture) => scrollable("Confusion matrix", &picture.render()),
        None => format!(
            "<p>No map: {} labels are more than the {} it can show.</p>\n",
            count(names.len() as u64),
            svg::CLASSES_SHOWN
        ),
    }
}

/// How many answers are right, by their probability.
pub fn calibration(bins: &[Bin]) -> Section {
    let filled = bins.iter().filter(|bin| bin.rows > 0);
    let row = |bin: &Bin| {
        vec![
            percent(bin.probability, 1),
            percent(bin.accuracy, 1),
            count(bin.rows),
        ]
    };
    let table = Table {
        caption: "Answers by their probability".to_owned(),
        columns: columns(&[("Mean probability", "n"), ("Right", "n"), ("Rows", "n")]),
        rows: filled.map(row).collect(),
        class: "pairs",
    };
    Section {
        title: "Are the probabilities honest".to_owned(),
        note: "Of answers given with 90%, 90% should be right.".to_owned(),
        body: table.render(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_classes_for_a_picture_are_counted() {
        let names: Vec<String> = (0..1234).map(|class| class.to_string()).collect();
        let counts = vec![vec![0; 1234]; 1234];
        assert!(confusion_matrix(&names, &counts).contains("1,234 labels"));
        let two = confusion_matrix(&names[..2], &[vec![3, 1], vec![0, 4]]);
        assert!(two.contains("aria-label=\"Confusion matrix\""));
    }

    #[test]
    fn only_filled_bins_have_a_line() {
        let bin = |rows| Bin {
            probability: 0.75,
            accuracy: 0.5,
            rows,
        };
        let body = calibration(&[bin(0), bin(1200)]).body;
        assert_eq!(body.matches("<tr><th scope=\"row\"").count(), 1, "{body}");
        assert!(body.contains("75.0 %") && body.contains("1,200"), "{body}");
    }
}
