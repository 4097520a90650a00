//! The exact top k of many scores; ties go to the lower item.

/// An item and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The item's number.
    pub item: u32,
    /// The score; higher is better.
    pub score: f32,
}

impl Scored {
    /// Whether it ranks before `other`: a higher score, or an equal one and a lower item.
    fn before(&self, other: &Scored) -> bool {
        self.score > other.score || (self.score == other.score && self.item < other.item)
    }
}

/// Number of scores examined together; a group is skipped if none of them can enter.
const GROUP: usize = 32;

/// The best k so far, as a heap with the worst of them on top.
#[derive(Clone, Debug, Default)]
pub struct Top {
    k: usize,
    heap: Vec<Scored>,
}

impl Top {
    /// Creates an empty list with room for `k`.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::recsys::Top;
    ///
    /// let mut top = Top::new(2);
    /// top.extend(&[0.5, 2.0, 0.5], |position| position as u32 + 10);
    /// assert_eq!(top.bar(), 0.5);
    /// let items: Vec<u32> = top.sorted().iter().map(|scored| scored.item).collect();
    /// assert_eq!(items, [11, 10]); // the lower of two equal ones
    /// ```
    pub fn new(k: usize) -> Self {
        Top {
            k,
            heap: Vec::with_capacity(k.min(1 << 16)),
        }
    }

    /// The score that an item must reach to enter; minus infinity while there is room.
    pub fn bar(&self) -> f32 {
        match self.heap.first() {
            Some(last) if self.heap.len() == self.k => last.score,
            _ if self.k == 0 => f32::INFINITY,
            _ => f32::NEG_INFINITY,
        }
    }

    /// Adds an item if it is among the best k; a score of minus infinity never is.
    pub fn push(&mut self, item: u32, score: f32) {
        let new = Scored { item, score };
        if score == f32::NEG_INFINITY || self.k == 0 {
            return;
        }
        if self.heap.len() < self.k {
            self.heap.push(new);
            self.rise(self.heap.len() - 1);
        } else if new.before(&self.heap[0]) {
            self.heap[0] = new;
            self.sink();
        }
    }

    /// Adds all of `scores`; `item` maps positions to items.
    pub fn extend(&mut self, scores: &[f32], item: impl Fn(usize) -> u32) {
        let (groups, rest) = scores.as_chunks::<GROUP>();
        for (group, scores) in groups.iter().enumerate() {
            let bar = self.bar();
            let enters = scores
                .iter()
                .fold(false, |any, &score| any | (score >= bar));
            if enters {
                self.extend_by(scores, group * GROUP, &item);
            }
        }
        self.extend_by(rest, groups.len() * GROUP, &item);
    }

    fn extend_by(&mut self, scores: &[f32], first: usize, item: &impl Fn(usize) -> u32) {
        for (place, &score) in (first..).zip(scores) {
            if score >= self.bar() {
                self.push(item(place), score);
            }
        }
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.heap[parent].before(&self.heap[at]) {
                break;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
    }

    fn sink(&mut self) {
        let mut at = 0;
        loop {
            let mut last = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.heap[last].before(&self.heap[child]) {
                    last = child;
                }
            }
            if last == at {
                break;
            }
            self.heap.swap(at, last);
            at = last;
        }
    }

    /// The items, best first.
    pub fn sorted(mut self) -> Vec<Scored> {
        self.heap
            .sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        self.heap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_sorting_gives() {
        let scores: Vec<f32> = (0..500).map(|i| ((i * 7919) % 83) as f32).collect();
        for k in [0, 1, 20, 499, 500, 600] {
            let mut top = Top::new(k);
            top.extend(&scores, |place| place as u32);
            let mut all: Vec<Scored> = (0..500u32)
                .map(|item| Scored {
                    item,
                    score: scores[item as usize],
                })
                .collect();
            all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
            all.truncate(k);
            assert_eq!(top.sorted(), all, "{k}");
        }
    }

    #[test]
    fn the_order_of_items_does_not_matter() {
        let mut top = Top::new(2);
        [5, 1, 3].into_iter().for_each(|item| top.push(item, 1.0));
        top.push(9, f32::NEG_INFINITY);
        let items: Vec<u32> = top.sorted().iter().map(|scored| scored.item).collect();
        assert_eq!(items, [1, 3]);
    }
}
