//! Many texts as numbers of words: read once, then counted and vectorized as often as wanted.

use rayon::prelude::*;

use super::strings::{Key, Table};
use super::tokenize::{Tokenizer, Words};

/// Bytes of text read by one task, about; fixed, so that threads change nothing. Large: a task meets
/// most words of a corpus, and its table of them is made part of the whole at the end.
const BYTES_PER_TASK: usize = 2 << 20;
/// Tasks between two reports of progress: it bounds the memory of what is read twice.
const TASKS_AT_ONCE: usize = 8;

/// Tokenized texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Corpus {
    /// The distinct words, in order of appearance.
    pub words: Table,
    /// In how many texts each word stands.
    pub frequencies: Vec<u32>,
    /// The words of all texts, end to end.
    pub tokens: Vec<u32>,
    /// Where each text starts in `tokens`, and where the last one ends.
    starts: Vec<usize>,
}

impl Corpus {
    /// Tokenizes `texts` and leaves out the stop words. `watch` hears how many are done.
    pub fn read(
        texts: &[&str],
        tokenizer: &Tokenizer,
        stop_words: &[String],
        watch: &dyn Fn(usize),
    ) -> Corpus {
        let mut corpus = Corpus::new(stop_words);
        for wave in tasks(texts).chunks(TASKS_AT_ONCE) {
            watch(corpus.texts());
            let parts: Vec<Corpus> = wave
                .par_iter()
                .map(|texts| read_part(texts, tokenizer, stop_words))
                .collect();
            corpus
                .tokens
                .reserve(parts.iter().map(|part| part.tokens.len()).sum());
            parts.iter().for_each(|part| corpus.append(part));
        }
        corpus
    }

    /// No text yet. Stop words have the first numbers, and stand in no text.
    fn new(stop_words: &[String]) -> Corpus {
        let mut words = Table::default();
        for word in stop_words {
            words.insert(word.as_bytes(), Key::of(word.as_bytes()));
        }
        Corpus {
            frequencies: vec![0; words.len()],
            words,
            starts: vec![0],
            ..Corpus::default()
        }
    }

    /// Number of texts.
    pub fn texts(&self) -> usize {
        self.starts.len() - 1
    }

    /// The words of a text, by number.
    pub fn text(&self, text: usize) -> &[u32] {
        &self.tokens[self.starts[text]..self.starts[text + 1]]
    }

    /// Where a text starts in `tokens`.
    pub fn start(&self, text: usize) -> usize {
        self.starts[text]
    }

    /// Adds the texts of `part`, whose words have numbers of their own.
    fn append(&mut self, part: &Corpus) {
        let numbers: Vec<u32> = part
            .words
            .strings()
            .iter()
            .zip(&part.frequencies)
            .map(|(word, frequency)| {
                let number = self.words.insert(word, Key::of(word));
                if number as usize == self.frequencies.len() {
                    self.frequencies.push(0);
                }
                self.frequencies[number as usize] += frequency;
                number
            })
            .collect();
        let before = self.tokens.len();
        let tokens = part.tokens.iter();
        self.tokens
            .extend(tokens.map(|&token| numbers[token as usize]));
        let starts = part.starts[1..].iter();
        self.starts.extend(starts.map(|start| before + start));
    }
}

/// The texts in runs of about [`BYTES_PER_TASK`].
fn tasks<'a, 'b>(texts: &'a [&'b str]) -> Vec<&'a [&'b str]> {
    let mut bytes = 0;
    let mut full = |text: &str| {
        bytes += text.len();
        let full = bytes >= BYTES_PER_TASK;
        bytes = if full { 0 } else { bytes };
        full
    };
    texts.split_inclusive(|text| full(text)).collect()
}

/// In how many texts a word stands, and the last of them, counted from 1.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    texts: u32,
    last: u32,
}

fn read_part(texts: &[&str], tokenizer: &Tokenizer, stop_words: &[String]) -> Corpus {
    let mut part = Corpus::new(stop_words);
    let stops = part.words.len();
    let mut seen = vec![Seen::default(); stops];
    let mut words = Words::default();
    for (text, stamp) in texts.iter().zip(1..) {
        tokenizer.split(text, &mut words);
        for (word, head) in words.with_heads() {
            let number = part.words.insert(word, Key::with_head(word, head));
            if (number as usize) < stops {
                continue;
            }
            if number as usize == seen.len() {
                seen.push(Seen::default());
            }
            let seen = &mut seen[number as usize];
            seen.texts += u32::from(seen.last != stamp);
            seen.last = stamp;
            part.tokens.push(number);
        }
        part.starts.push(part.tokens.len());
    }
    part.frequencies = seen.iter().map(|seen| seen.texts).collect();
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_numbers() {
        let texts = ["a good film", "", "Good, good plot"];
        let corpus = Corpus::read(&texts, &Tokenizer::new(true, false), &[], &|_| ());
        assert_eq!(corpus.texts(), 3);
        assert_eq!(corpus.text(0), [0, 1, 2]);
        assert!(corpus.text(1).is_empty());
        assert_eq!(corpus.text(2), [1, 1, 3]);
        assert_eq!(corpus.words.strings().get(3), b"plot");
        assert_eq!(corpus.frequencies, [1, 2, 1, 1]);
    }

    #[test]
    fn stop_words_are_left_out() {
        let stop = ["a".to_owned(), "the".to_owned()];
        let corpus = Corpus::read(
            &["A film, the film"],
            &Tokenizer::new(true, false),
            &stop,
            &|_| (),
        );
        assert_eq!(corpus.text(0), [2, 2]);
        assert_eq!(corpus.frequencies, [0, 0, 1]);
    }

    #[test]
    fn parts_are_one_whole() {
        let texts: Vec<String> = (0..3000)
            .map(|i| format!("w{} w{} {}", i % 700, i / 9, "x".repeat(90)))
            .map(|text| format!("{text}{}", " y".repeat(500)))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert!(tasks(&texts).len() > 1);
        let corpus = Corpus::read(&texts, &Tokenizer::new(true, false), &[], &|_| ());
        for (i, text) in texts.iter().enumerate() {
            let words = corpus
                .text(i)
                .iter()
                .map(|&w| corpus.words.strings().get(w as usize));
            let words: Vec<&str> = words.map(|w| std::str::from_utf8(w).unwrap()).collect();
            assert_eq!(words.join(" "), *text);
        }
        assert_eq!(
            corpus.words.strings().get(5),
            b"w3",
            "in order of appearance"
        );
    }
}
