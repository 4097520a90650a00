//! How well one column alone tells the target: what gives it away is rarely there when it is needed.
//!
//! For classes the area under the ROC curve, for more than two the largest of each against the rest; for
//! numbers the absolute rank correlation. A category is put in order by the mean target of its rows in the
//! other half of the table, so that many rare words do not tell it by chance.

use crate::tasks::tabular::read::{Cells, Raw};
use models::metrics::roc::roc_auc;
use models::tabular::{MISSING, Target, Words};

/// Classes that are each tried against the rest, the most frequent.
const CLASSES: usize = 20;

/// The target of every row.
pub(super) struct Judge {
    /// For classes an indicator of each that is tried, for numbers the number.
    targets: Vec<Vec<f64>>,
    is_class: bool,
    /// The target as words.
    words: Words,
}

impl Judge {
    /// `None` if the table has no such column, or numbers are wanted and it holds words.
    pub fn new(raw: &Raw, name: &str, target: &Target) -> Option<Self> {
        let cells = &raw.find(name)?.cells;
        let words = cells.clone().into_words();
        let targets = match (target, cells) {
            (Target::Classes(_), _) => indicators(&words),
            (_, Cells::Numbers(numbers)) => vec![numbers.clone()],
            (_, Cells::Words(_)) => return None,
        };
        Some(Self {
            targets,
            is_class: matches!(target, Target::Classes(_)),
            words,
        })
    }

    /// The name of the measure.
    pub fn measure(&self) -> &'static str {
        match self.is_class {
            true => "AUC",
            false => "rank correlation",
        }
    }

    /// How well a column alone tells the target: 1 is entirely, for classes 0.5 and for numbers 0 not at all.
    pub fn strength(&self, cells: &Cells) -> f64 {
        let of = |target: &Vec<f64>| match cells {
            Cells::Numbers(numbers) => self.of_numbers(numbers, target),
            Cells::Words(words) => self.of_numbers(&means(words, target), target),
        };
        self.targets.iter().map(of).fold(0.0, f64::max)
    }

    /// The same of the number of the row.
    pub fn of_order(&self) -> f64 {
        let rows = self.words.codes.len();
        let order: Vec<f64> = (0..rows).map(|row| row as f64).collect();
        self.strength(&Cells::Numbers(order))
    }

    /// Whether a column has the words of the target.
    pub fn equals(&self, cells: &Cells) -> bool {
        let other = cells.clone().into_words();
        let word = |words: &Words, row: usize| match words.codes[row] {
            MISSING => None,
            code => Some(words.words[code as usize].clone()),
        };
        let mut rows = 0..self.words.codes.len();
        rows.all(|row| word(&self.words, row) == word(&other, row))
    }

    fn of_numbers(&self, numbers: &[f64], target: &[f64]) -> f64 {
        // What is missing may tell more than what is there: it is the least value, then the largest.
        let filled = |with: f64| -> Vec<f64> {
            let fill = |&number: &f64| if number.is_nan() { with } else { number };
            numbers.iter().map(fill).collect()
        };
        let has_missing = numbers.iter().any(|number| number.is_nan());
        let low = self.of_full(&filled(f64::NEG_INFINITY), target);
        match has_missing {
            false => low,
            true => low.max(self.of_full(&filled(f64::INFINITY), target)),
        }
    }

    fn of_full(&self, numbers: &[f64], target: &[f64]) -> f64 {
        if self.is_class {
            let positive: Vec<bool> = target.iter().map(|&target| target == 1.0).collect();
            let area = roc_auc(&positive, numbers).unwrap_or(0.5);
            return area.max(1.0 - area);
        }
        correlation(&ranks(numbers), &ranks(target)).abs()
    }
}

/// For each class that is tried, the most frequent ones, 1 in its rows and 0 in the others; of two classes one is
/// enough.
fn indicators(words: &Words) -> Vec<Vec<f64>> {
    let mut counts = vec![0_usize; words.words.len()];
    let present = words.codes.iter().filter(|code| **code != MISSING);
    present.for_each(|&code| counts[code as usize] += 1);
    let mut classes: Vec<u32> = (0..counts.len() as u32).collect();
    classes.sort_by_key(|&class| std::cmp::Reverse(counts[class as usize]));
    let tried = if classes.len() == 2 { 1 } else { CLASSES };
    let indicator = |&class: &u32| {
        let is_class = |&code: &u32| f64::from(u8::from(code == class));
        words.codes.iter().map(is_class).collect()
    };
    classes.iter().take(tried).map(indicator).collect()
}

/// The mean target of each row's word in the other half of the table, which hashes of the rows' numbers decide: any
/// pattern of the rows would tell.
fn means(words: &Words, target: &[f64]) -> Vec<f64> {
    let mean_of_all = target.iter().sum::<f64>() / target.len().max(1) as f64;
    let width = words.words.len() + 1;
    let place = |code: u32| {
        if code == MISSING {
            width - 1
        } else {
            code as usize
        }
    };
    let mut sums = vec![[0.0, 0.0]; width * 2];
    for (row, (&code, &target)) in words.codes.iter().zip(target).enumerate() {
        let sum = &mut sums[place(code) * 2 + half(row)];
        *sum = [sum[0] + target, sum[1] + 1.0];
    }
    let mean = |(row, &code): (usize, &u32)| {
        let [sum, count] = sums[place(code) * 2 + 1 - half(row)];
        (sum + mean_of_all) / (count + 1.0)
    };
    words.codes.iter().enumerate().map(mean).collect()
}

/// The half of the table that a row is in.
fn half(row: usize) -> usize {
    (xxhash_rust::xxh3::xxh3_64(&(row as u64).to_le_bytes()) & 1) as usize
}

/// Ranks from 0, equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = first as f64 + (group.len() - 1) as f64 / 2.0;
        group.iter().for_each(|&row| ranks[row] = rank);
        first += group.len();
    }
    ranks
}

/// Pearson's correlation; 0 if one side is constant.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        of_a += (a - mean_a) * (a - mean_a);
        of_b += (b - mean_b) * (b - mean_b);
    }
    match of_a > 0.0 && of_b > 0.0 {
        true => both / (of_a * of_b).sqrt(),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::tabular::read::RawColumn;

    fn words(of: &[&str]) -> Cells {
        let mut known: Vec<String> = Vec::new();
        let codes = of.iter().map(|word| {
            let place = known.iter().position(|other| other == word);
            place.unwrap_or_else(|| {
                known.push((*word).to_owned());
                known.len() - 1
            }) as u32
        });
        let codes = codes.collect();
        Cells::Words(Words {
            codes,
            words: known,
        })
    }

    fn judge(cells: Cells, target: &Target, rows: usize) -> Judge {
        let raw = Raw {
            rows,
            columns: vec![RawColumn {
                name: "y".to_owned(),
                cells,
            }],
        };
        Judge::new(&raw, "y", target).unwrap()
    }

    #[test]
    fn columns_that_tell_a_class_are_found() {
        let target: Vec<&str> = (0..40)
            .map(|row: usize| if row.is_multiple_of(3) { "yes" } else { "no" })
            .collect();
        let names = Target::Classes(vec!["no".to_owned(), "yes".to_owned()]);
        let judge = judge(words(&target), &names, 40);
        // A number that is higher for one class, or missing for it.
        let number = |row: usize| {
            if row.is_multiple_of(3) {
                100.0 + row as f64
            } else {
                row as f64
            }
        };
        assert_eq!(
            judge.strength(&Cells::Numbers((0..40).map(number).collect())),
            1.0
        );
        let missing = |row: usize| {
            if row.is_multiple_of(3) {
                f64::NAN
            } else {
                row as f64
            }
        };
        assert_eq!(
            judge.strength(&Cells::Numbers((0..40).map(missing).collect())),
            1.0
        );
        // Words that stand for the classes, and words that are different in each row.
        assert_eq!(judge.strength(&words(&target)), 1.0);
        assert!(judge.equals(&words(&target)));
        let ids: Vec<String> = (0..40).map(|row| format!("u{row}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(judge.strength(&words(&ids)), 0.5);
        assert!(judge.of_order() < 0.6);
    }

    #[test]
    fn numbers_are_judged_by_ranks() {
        let numbers: Vec<f64> = (0..30).map(|row| f64::from(row * row)).collect();
        let judge = judge(Cells::Numbers(numbers), &Target::Number, 30);
        assert!((judge.of_order() - 1.0).abs() < 1e-12);
        assert_eq!(judge.strength(&Cells::Numbers(vec![1.0; 30])), 0.0);
        assert_eq!(judge.measure(), "rank correlation");
    }

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
    }
}
