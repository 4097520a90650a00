//! Have texts changed? A classifier tries to tell texts of the window from texts of the reference,
//! by their words. If it does better than chance on texts that it was not fitted to, they have.
//!
//! Texts are divided into two halves; a classifier is fitted to each, and judged by the other. A
//! half's scores do not depend on its own labels, so that without drift labels are exchangeable and
//! the rank test of the scores is exact. The smaller of the two p-values is doubled (Bonferroni).

use std::collections::BTreeMap;

use models::kernels::math;
use models::linear::{Examples, Scheme, SolverOptions};
use models::sparse::Matrix;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Only so many first words of a text are read.
pub const MOST_TOKENS: usize = 64;
/// Fewest texts of each side: with fewer, no classifier is worth fitting.
const FEWEST_TEXTS: usize = 40;
/// Number of words that are shown.
const SHOWN_WORDS: usize = 20;

/// How texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// Largest number of texts of each side; of more, so many are drawn.
    pub most_texts: usize,
    /// What the draw, and the halves, depend on.
    pub seed: u64,
}

impl Default for TextOptions {
    fn default() -> TextOptions {
        TextOptions {
            most_texts: 4000,
            seed: 0,
        }
    }
}

/// How texts of a window differ from those of the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextDrift {
    /// Number of texts of the reference that were compared.
    pub reference_texts: usize,
    /// Number of texts of the window that were compared.
    pub window_texts: usize,
    /// Probability that the classifier gives a text of the window a higher score than one of the
    /// reference: 0.5 if it cannot tell them apart.
    pub auc: f64,
    /// Probability of so high an AUC if nothing has changed.
    pub p: f64,
    /// The words whose shares of texts changed most, the surest change first.
    pub words: Vec<MovedWord>,
}

/// A word, and how many texts have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovedWord {
    /// The word, in lower case.
    pub word: String,
    /// Share of the reference's texts.
    pub reference: f64,
    /// Share of the window's texts.
    pub window: f64,
}

/// Calls `each` with the hashes of the first words of a text, in lower case: runs of letters and
/// digits.
pub fn tokens(text: &str, most: usize, mut each: impl FnMut(u64)) {
    words(text, most, |word| each(xxh3_64(word.as_bytes())));
}

fn words(text: &str, most: usize, mut each: impl FnMut(&str)) {
    let mut lower = String::new();
    let parts = text.split(|c: char| !c.is_alphanumeric());
    for part in parts.filter(|part| !part.is_empty()).take(most) {
        lower.clear();
        lower.extend(part.chars().flat_map(char::to_lowercase));
        each(&lower);
    }
}

/// Compares texts of a window with texts of the reference; `None` if one of them has fewer than 40.
///
/// # Examples
/// ```
/// use monitoring::drift::texts::{TextOptions, compare_texts};
///
/// let text = |thing: &str, i: u32| format!("my {thing} number {i} has not come");
/// let reference: Vec<String> = (0..100).map(|i| text("card", i)).collect();
/// let window: Vec<String> = (0..100).map(|i| text("parcel", i)).collect();
/// let drift = compare_texts(&reference, &window, &TextOptions::default()).unwrap();
/// assert!(drift.auc > 0.95 && drift.p < 1e-6);
/// assert_eq!(drift.words[0].word, "card");
/// ```
pub fn compare_texts<T: AsRef<str>>(
    reference: &[T],
    window: &[T],
    options: &TextOptions,
) -> Option<TextDrift> {
    if reference.len().min(window.len()) < FEWEST_TEXTS {
        return None;
    }
    let (was, is) = (draw(reference, options, 0), draw(window, options, 1));
    let vocabulary = Vocabulary::of(&was, &is);
    let fold = |side: &[&str], half: usize| {
        let half = side.iter().skip(half).step_by(2);
        half.map(|text| vocabulary.indices(text))
            .collect::<Vec<_>>()
    };
    let halves = [0, 1].map(|half| [fold(&was, half), fold(&is, half)]);
    let judged = [0, 1].map(|half| judge(&halves[half], &halves[1 - half], vocabulary.len()));
    Some(TextDrift {
        reference_texts: was.len(),
        window_texts: is.len(),
        auc: (judged[0].0 + judged[1].0) / 2.0,
        p: (2.0 * judged[0].1.min(judged[1].1)).min(1.0),
        words: vocabulary.moved(was.len(), is.len()),
    })
}

/// Up to `most_texts` texts in a random order.
fn draw<'a, T: AsRef<str>>(texts: &'a [T], options: &TextOptions, side: u64) -> Vec<&'a str> {
    let order = |index: &usize| {
        let key = [*index as u64, side].map(u64::to_le_bytes);
        xxh3_64_with_seed(key.as_flattened(), options.seed)
    };
    let mut indices: Vec<usize> = (0..texts.len()).collect();
    indices.sort_by_key(|index| (order(index), *index));
    indices.truncate(options.most_texts.max(FEWEST_TEXTS));
    indices
        .into_iter()
        .map(|index| texts[index].as_ref())
        .collect()
}

/// Words of both sides that two texts have at least, and how many texts of each side have them.
struct Vocabulary {
    words: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    index: u32,
    counts: [u64; 2],
}

impl Vocabulary {
    fn of(reference: &[&str], window: &[&str]) -> Vocabulary {
        let mut all: BTreeMap<String, Entry> = BTreeMap::new();
        for (side, texts) in [reference, window].into_iter().enumerate() {
            for text in texts {
                let mut seen: Vec<String> = Vec::new();
                words(text, MOST_TOKENS, |word| seen.push(word.to_owned()));
                seen.sort_unstable();
                seen.dedup();
                for word in seen {
                    all.entry(word).or_default().counts[side] += 1;
                }
            }
        }
        all.retain(|_, entry| entry.counts[0] + entry.counts[1] >= 2);
        for (entry, index) in all.values_mut().zip(0..) {
            entry.index = index;
        }
        Vocabulary { words: all }
    }

    fn len(&self) -> usize {
        self.words.len()
    }

    /// The known words of a text, ascending.
    fn indices(&self, text: &str) -> Vec<u32> {
        let mut indices = Vec::new();
        words(text, MOST_TOKENS, |word| {
            indices.extend(self.words.get(word).map(|entry| entry.index));
        });
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    /// The words whose shares changed most, by the likelihood ratio of the four counts.
    fn moved(&self, reference: usize, window: usize) -> Vec<MovedWord> {
        let sizes = [reference as f64, window as f64];
        let shares = |entry: &Entry| [0, 1].map(|side| entry.counts[side] as f64 / sizes[side]);
        let change = |entry: &Entry| {
            let with = (entry.counts[0] + entry.counts[1]) as f64 / (sizes[0] + sizes[1]);
            let term = |is: f64, expected: f64| match is > 0.0 {
                true => is * math::ln(is / expected),
                false => 0.0,
            };
            let side = |(share, size): (f64, f64)| {
                size * (term(share, with) + term(1.0 - share, 1.0 - with))
            };
            shares(entry).into_iter().zip(sizes).map(side).sum::<f64>()
        };
        let mut all: Vec<_> = self
            .words
            .iter()
            .map(|(word, entry)| (change(entry), word, entry))
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let shown = all.into_iter().take(SHOWN_WORDS).filter(|one| one.0 > 0.0);
        shown
            .map(|(_, word, entry)| {
                let [reference, window] = shares(entry);
                MovedWord {
                    word: word.clone(),
                    reference,
                    window,
                }
            })
            .collect()
    }
}

/// AUC and p-value on one half of a classifier fitted to the other.
fn judge(half: &[Vec<Vec<u32>>; 2], fitted: &[Vec<Vec<u32>>; 2], columns: usize) -> (f64, f64) {
    let (rows, labels) = rows(fitted, columns);
    let examples = Examples::new(&rows, &labels, 2);
    // Both sides weigh the same, whatever their sizes.
    let costs = labels.iter().map(|&side| {
        let texts = fitted[side as usize].len();
        labels.len() as f64 / (2 * texts) as f64
    });
    let problem = examples.problem(Scheme::Multinomial);
    let problem = problem.with_costs(costs.collect());
    let problem = problem.with_scale(log_ratios(fitted, columns));
    let (coefficients, _) = problem.fit(&SolverOptions::default(), None, &mut |_| ());
    let coefficients = problem.unscaled(&coefficients);
    let (rows, labels) = self::rows(half, columns);
    rank_test(&coefficients.scores(&rows), &labels)
}

/// For each word, the logarithm of the ratio of its shares of texts. As scales of the weights (Wang
/// and Manning 2012) they let words that differ speak, and keep the many quiet that do not.
fn log_ratios(sides: &[Vec<Vec<u32>>; 2], columns: usize) -> Vec<f64> {
    let logs = sides.each_ref().map(|texts| {
        let mut counts = vec![1.0; columns];
        let all = texts.iter().flatten();
        all.for_each(|&word| counts[word as usize] += 1.0);
        let size = texts.len() as f64 + 2.0;
        counts
            .iter()
            .map(|count| math::ln(count / size))
            .collect::<Vec<f64>>()
    });
    logs[1]
        .iter()
        .zip(&logs[0])
        .map(|(is, was)| is - was)
        .collect()
}

/// Rows of length 1, and their sides.
fn rows(sides: &[Vec<Vec<u32>>; 2], columns: usize) -> (Matrix, Vec<u32>) {
    let (mut rows, mut labels) = (Matrix::new(columns), Vec::new());
    for (side, texts) in (0..).zip(sides) {
        for indices in texts {
            let value = 1.0 / (indices.len().max(1) as f32).sqrt();
            rows.push(indices, &vec![value; indices.len()]);
            labels.push(side);
        }
    }
    (rows, labels)
}

/// AUC of the scores for label 1, and the probability of at least as much if labels are
/// exchangeable: Mann and Whitney's test with ties, by the normal distribution.
fn rank_test(scores: &[f64], labels: &[u32]) -> (f64, f64) {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let all = scores.len() as f64;
    let ones = labels.iter().filter(|&&label| label == 1).count() as f64;
    let zeros = all - ones;
    let (mut below, mut wins, mut ties) = (0.0, 0.0, 0.0);
    for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let count = equal.len() as f64;
        let here = equal.iter().filter(|&&row| labels[row] == 1).count() as f64;
        wins += here * (below + (count - here) / 2.0);
        below += count - here;
        ties += count * count * count - count;
    }
    let pairs = ones * zeros;
    let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    let p = match variance > 0.0 {
        true => 0.5 * libm::erfc((wins - pairs / 2.0) / (2.0 * variance).sqrt()),
        false => 1.0,
    };
    (wins / pairs, p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_words_in_lower_case() {
        let mut all = Vec::new();
        words("Über-Größe, 3 l!", 10, |word| all.push(word.to_owned()));
        assert_eq!(all, ["über", "größe", "3", "l"]);
        let mut count = 0;
        tokens("a b c d", 2, |_| count += 1);
        assert_eq!(count, 2);
    }

    #[test]
    fn rank_test_by_hand() {
        // scipy 1.17.1: mannwhitneyu([2, 3, 3, 5], [1, 2, 4], alternative="greater",
        // use_continuity=False, method="asymptotic").
        let scores = [2.0, 3.0, 3.0, 5.0, 1.0, 2.0, 4.0];
        let (auc, p) = rank_test(&scores, &[1, 1, 1, 1, 0, 0, 0]);
        assert!((auc - 8.5 / 12.0).abs() < 1e-12);
        assert!((p - 0.184_032_753_152_742).abs() < 1e-9, "{p}");
        assert_eq!(rank_test(&[1.0; 4], &[1, 0, 1, 0]), (0.5, 1.0));
    }

    fn text(seed: u64, shifted: bool) -> String {
        let word = |place: u64| {
            let hash = xxh3_64_with_seed(&place.to_le_bytes(), seed);
            let number = hash % 50 + if shifted && hash >> 60 == 0 { 25 } else { 0 };
            format!("word{number}")
        };
        (0..8).map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn unchanged_texts_are_rarely_told_apart() {
        let alarms = (0..200_u64).filter(|round| {
            let side = |side: u64| -> Vec<String> {
                let texts = 0..60;
                texts
                    .map(|i| text(round * 1000 + side * 500 + i, false))
                    .collect()
            };
            let drift = compare_texts(&side(0), &side(1), &TextOptions::default()).unwrap();
            drift.p < 0.05
        });
        // 10 expected; 20 or more with a probability of 0.3 %.
        assert!(alarms.count() < 20);
    }

    #[test]
    fn changed_texts_are_told_apart() {
        let reference: Vec<String> = (0..1000).map(|i| text(i, false)).collect();
        let window: Vec<String> = (1000..2000).map(|i| text(i, true)).collect();
        let drift = compare_texts(&reference, &window, &TextOptions::default()).unwrap();
        assert!(drift.p < 1e-4 && drift.auc > 0.52, "{drift:?}");
        assert_eq!(
            compare_texts(&reference[..39], &window, &TextOptions::default()),
            None
        );
    }
}
