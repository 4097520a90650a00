//! Cross-validation folds that keep scenes whole and leave both classes to train on.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The fold of each photo, below `folds`. Scenes are assigned in an order given by a hash with
/// `seed`, grouped by their mix of classes, so that every fold gets its share of each. `None` if
/// some fold leaves no sharp or no blurred photo to train on.
pub(super) fn folds(scenes: &[u32], sharp: &[bool], folds: usize, seed: u64) -> Option<Vec<usize>> {
    let mut classes: BTreeMap<u32, (bool, bool)> = BTreeMap::new();
    for (scene, &sharp) in scenes.iter().zip(sharp) {
        let has = classes.entry(*scene).or_default();
        *has = (has.0 | !sharp, has.1 | sharp);
    }
    let mut order: Vec<(&u32, &(bool, bool))> = classes.iter().collect();
    order.sort_by_key(|(scene, has)| {
        (
            **has,
            xxh3_64_with_seed(&scene.to_le_bytes(), seed),
            **scene,
        )
    });
    let fold: BTreeMap<u32, usize> = order
        .iter()
        .enumerate()
        .map(|(place, (scene, _))| (**scene, place % folds))
        .collect();
    let photos: Vec<usize> = scenes.iter().map(|scene| fold[scene]).collect();
    let trains = |out: usize, class: bool| {
        let mut kept = photos.iter().zip(sharp).filter(|(fold, _)| **fold != out);
        kept.any(|(_, &sharp)| sharp == class)
    };
    (0..folds)
        .all(|out| trains(out, true) && trains(out, false))
        .then_some(photos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_are_whole_and_folds_of_one_size() {
        let scenes: Vec<u32> = (0..300).map(|photo| photo / 3).collect();
        let sharp: Vec<bool> = (0..300).map(|photo| photo % 3 == 0).collect();
        let folds = folds(&scenes, &sharp, 5, 1).unwrap();
        for photo in 0..300 {
            assert_eq!(folds[photo], folds[photo / 3 * 3]);
        }
        for fold in 0..5 {
            assert_eq!(folds.iter().filter(|&&f| f == fold).count(), 60);
        }
        assert_ne!(Some(folds), super::folds(&scenes, &sharp, 5, 2));
    }

    #[test]
    fn a_class_in_one_scene_cannot_be_held_out() {
        assert!(folds(&[0, 0, 1, 2], &[true, false, false, false], 2, 1).is_none());
        assert!(folds(&[0, 0, 1, 1], &[true, false, true, false], 2, 1).is_some());
    }
}
