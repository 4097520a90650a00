//! Parts that the pages of classifiers share: the confusion matrix, and the charts of their probabilities.

use super::format::count;
use super::html::scrollable;
use super::page::Section;
use super::svg;

/// The confusion matrix as a picture in a scrollable box, HTML; a sentence if there are too many labels. `names`
/// and `counts` as for [`confusion`].
pub fn confusion_matrix(names: &[String], counts: &[Vec<u64>]) -> String {
    match svg::confusion(names, counts) {
        Some(picture) => scrollable("Confusion matrix", &picture.render()),
        None => format!(
            "<p>There is no picture: {} labels are more than the {} that it can show.</p>\n",
            count(names.len() as u64),
            svg::CLASSES_SHOWN
        ),
    }
}

/// Figures as the charts of [`svg`] make them, side by side under a title.
pub fn charts(title: &str, figures: impl IntoIterator<Item = Option<String>>) -> Option<Section> {
    let figures: String = figures.into_iter().flatten().collect();
    (!figures.is_empty()).then(|| Section {
        title: title.to_owned(),
        note: String::new(),
        body: svg::side_by_side(&figures),
    })
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
}
