//! Interactions as a users × items matrix in compressed rows, each row in chronological order.

/// Interactions of users with items, both as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Interactions {
    /// Start of each user's row, and the end of the last.
    starts: Vec<usize>,
    /// Items of each user, oldest first, without duplicates.
    items: Vec<u32>,
    /// Weight of each interaction, above 0.
    weights: Vec<f32>,
    /// Number of items.
    width: usize,
}

/// The interactions of one user.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'a> {
    /// Oldest first, without duplicates.
    pub items: &'a [u32],
    /// The weight of each item.
    pub weights: &'a [f32],
}

impl Default for Interactions {
    /// No users and no items.
    fn default() -> Self {
        Self::new(0)
    }
}

impl Interactions {
    /// An empty matrix with `width` items.
    pub fn new(width: usize) -> Self {
        Self {
            starts: vec![0],
            items: Vec::new(),
            weights: Vec::new(),
            width,
        }
    }

    /// Adds the next user's row.
    ///
    /// # Panics
    /// If an item is out of range, or the lengths differ.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::recsys::Interactions;
    ///
    /// let mut taken = Interactions::new(3);
    /// taken.push(&[0, 2], &[1.0, 1.0]);
    /// taken.push(&[], &[]);
    /// assert_eq!((taken.users(), taken.width(), taken.len()), (2, 3, 2));
    /// ```
    pub fn push(&mut self, items: &[u32], weights: &[f32]) {
        assert_eq!(items.len(), weights.len(), "expected one weight per item");
        assert!(
            items.iter().all(|&item| (item as usize) < self.width),
            "an item out of range"
        );
        self.items.extend_from_slice(items);
        self.weights.extend_from_slice(weights);
        self.starts.push(self.items.len());
    }

    /// Number of users.
    pub fn users(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of items.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of interactions.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no interactions, however many users there are.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The row of a user.
    ///
    /// # Panics
    /// If the user does not exist.
    pub fn row(&self, user: usize) -> History<'_> {
        let range = self.starts[user]..self.starts[user + 1];
        History {
            items: &self.items[range.clone()],
            weights: &self.weights[range],
        }
    }

    /// Rows of all users, in order.
    pub fn rows(&self) -> impl Iterator<Item = History<'_>> {
        (0..self.users()).map(|user| self.row(user))
    }

    /// Start of each row, and the end of the last.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Items of all rows, concatenated.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// Weights of all rows, concatenated.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The same interactions with different weights: `weight` of each, by its index among all.
    pub fn weighed(&self, weight: impl Fn(usize) -> f32) -> Interactions {
        Interactions {
            weights: (0..self.len()).map(weight).collect(),
            ..self.clone()
        }
    }

    /// Items × users, with the users of an item in order.
    pub fn transposed(&self) -> Interactions {
        let mut starts = vec![0; self.width + 1];
        for &item in &self.items {
            starts[item as usize + 1] += 1;
        }
        for item in 0..self.width {
            starts[item + 1] += starts[item];
        }
        let mut next = starts.clone();
        let mut users = vec![0; self.items.len()];
        let mut weights = vec![0.0; self.items.len()];
        for (user, row) in self.rows().enumerate() {
            for (&item, &weight) in row.items.iter().zip(row.weights) {
                let place = &mut next[item as usize];
                users[*place] = user as u32;
                weights[*place] = weight;
                *place += 1;
            }
        }
        Interactions {
            starts,
            items: users,
            weights,
            width: self.users(),
        }
    }

    /// Number of interactions of each row.
    pub fn counts(&self) -> Vec<usize> {
        self.starts
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_lists_the_users_of_an_item() {
        let mut taken = Interactions::new(3);
        taken.push(&[2, 0], &[1.0, 0.5]);
        taken.push(&[2], &[3.0]);
        let items = taken.transposed();
        assert_eq!((items.users(), items.width(), items.len()), (3, 2, 3));
        assert_eq!(items.row(2).items, [0, 1]);
        assert_eq!(items.row(2).weights, [1.0, 3.0]);
        assert!(items.row(1).items.is_empty());
        assert_eq!(items.counts(), [1, 0, 2]);
    }
}
