//! Which columns may meet on a path from the root to a leaf (XGBoost's `interaction_constraints`).

/// The columns that may be tested where `path` holds the columns tested before: those, and all columns
/// of the sets that contain all of them. In the order of `columns`; `all` is the number of columns of
/// the table.
pub(super) fn allowed(
    sets: &[Vec<usize>],
    path: &[usize],
    columns: &[usize],
    all: usize,
) -> Vec<usize> {
    let mut is_allowed = vec![false; all];
    let fits = |set: &&Vec<usize>| path.iter().all(|column| set.contains(column));
    let members = sets.iter().filter(fits).flatten();
    members
        .chain(path)
        .for_each(|&column| is_allowed[column] = true);
    let columns = columns.iter().copied();
    columns.filter(|&column| is_allowed[column]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_the_sets_with_the_whole_path_are_allowed() {
        let sets = [vec![0, 1], vec![1, 2], vec![1, 2, 4]];
        let after = |path: &[usize]| allowed(&sets, path, &[0, 1, 2, 3, 4], 5);
        assert_eq!(after(&[0]), [0, 1]);
        assert_eq!(after(&[1]), [0, 1, 2, 4]);
        assert_eq!(after(&[1, 2]), [1, 2, 4]);
        assert_eq!(
            after(&[0, 1]),
            [0, 1],
            "2 shares a set with 1, but not with 0"
        );
        assert_eq!(after(&[3]), [3], "in no set");
        // A tree may see fewer columns.
        assert_eq!(allowed(&sets, &[1], &[1, 2, 3], 5), [1, 2]);
    }
}
