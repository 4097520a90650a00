//! Tokenized texts as word numbers: read once, then counted and vectorized as often as needed.

use rayon::prelude::*;

use crate::nlp::text::strings::{Key, NONE, Table};
use crate::nlp::text::tokenize::{Tokenizer, Words};

/// Minimum and maximum number of bytes of text per task. Large, since each task meets most words of
/// a corpus and its word table is merged at the end. Words are numbered in order of appearance
/// however the texts are divided, so threads change nothing.
const BYTES_PER_TASK: std::ops::Range<usize> = 1 << 20..16 << 20;

/// Tokenized texts.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// The distinct words, in order of appearance.
    pub words: Table,
    /// Document frequency of each word.
    pub frequencies: Vec<u32>,
    /// The words of all texts, concatenated.
    pub tokens: Vec<u32>,
    /// Start of each text in `tokens`, and the end of the last one.
    starts: Vec<usize>,
}

impl Corpus {
    /// Tokenizes `texts`, leaving out the stop words. `watch` is called with the number of texts
    /// done.
    pub fn read(
        texts: &[&str],
        tokenizer: &Tokenizer,
        stop_words: &[String],
        watch: &dyn Fn(usize),
    ) -> Corpus {
        let threads = rayon::current_num_threads();
        let tasks = tasks(texts, threads);
        let mut reader = Reader::new(tokenizer, stop_words);
        if threads == 1 {
            for texts in tasks {
                watch(reader.corpus.texts());
                reader.read(texts);
            }
            return reader.done();
        }
        let mut corpus = reader.done();
        for wave in tasks.chunks(threads) {
            watch(corpus.texts());
            let part = |texts: &&[&str]| {
                let mut part = Reader::new(tokenizer, stop_words);
                part.read(texts);
                part.done()
            };
            corpus.append(wave.par_iter().map(part).collect());
        }
        corpus
    }

    /// Creates an empty corpus. Stop words get the first numbers and occur in no text.
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

    /// The word numbers of a text.
    pub fn text(&self, text: usize) -> &[u32] {
        &self.tokens[self.starts[text]..self.starts[text + 1]]
    }

    /// Start of a text in `tokens`.
    pub fn start(&self, text: usize) -> usize {
        self.starts[text]
    }

    /// Appends the texts of `parts`, each with its own word numbers.
    fn append(&mut self, mut parts: Vec<Corpus>) {
        if self.texts() == 0 && !parts.is_empty() {
            *self = parts.remove(0);
        }
        let numbers: Vec<Vec<u32>> = parts.iter().map(|part| self.number(part)).collect();
        let mut end = self.tokens.len();
        for part in &parts {
            let starts = part.starts[1..].iter();
            self.starts.extend(starts.map(|start| end + start));
            end += part.tokens.len();
        }
        let before = self.tokens.len();
        self.tokens.resize(end, NONE);
        let parts = parts.iter().map(|part| part.tokens.as_slice());
        renumber(parts.zip(&numbers), &mut self.tokens[before..]);
    }

    /// Adds the words of a part and returns their numbers in the whole.
    fn number(&mut self, part: &Corpus) -> Vec<u32> {
        let words = part.words.strings().iter().zip(&part.frequencies);
        let number = |(word, frequency)| {
            let number = self.words.insert(word, Key::of(word));
            if number as usize == self.frequencies.len() {
                self.frequencies.push(0);
            }
            self.frequencies[number as usize] += frequency;
            number
        };
        words.map(number).collect()
    }
}

/// Maps the numbers of concatenated parts to numbers of the whole with each part's table; [`NONE`]
/// if the table has no entry.
pub fn renumber<'a>(parts: impl Iterator<Item = (&'a [u32], &'a Vec<u32>)>, mut whole: &mut [u32]) {
    let mut tasks = Vec::new();
    for (part, numbers) in parts {
        let (own, rest) = whole.split_at_mut(part.len());
        tasks.push((own, part, numbers));
        whole = rest;
    }
    tasks.into_par_iter().for_each(|(own, part, numbers)| {
        for (own, &number) in own.iter_mut().zip(part) {
            *own = numbers.get(number as usize).copied().unwrap_or(NONE);
        }
    });
}

/// Divides the texts into tasks of about equal size in bytes.
fn tasks<'a, 'b>(texts: &'a [&'b str], threads: usize) -> Vec<&'a [&'b str]> {
    let all: usize = texts.iter().map(|text| text.len()).sum();
    let wanted = all.div_ceil(threads);
    let most = wanted.clamp(BYTES_PER_TASK.start, BYTES_PER_TASK.end);
    let mut bytes = 0;
    let mut full = |text: &str| {
        bytes += text.len();
        let full = bytes >= most;
        bytes = if full { 0 } else { bytes };
        full
    };
    texts.split_inclusive(|text| full(text)).collect()
}

/// The document frequency of an item, and the last text it occurs in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub texts: u32,
    /// Index from 1 of the last text.
    last: u32,
}

impl Seen {
    /// Counts an occurrence in a text, numbered from 1; texts must come in order.
    #[inline]
    pub fn add(&mut self, text: u32) {
        self.texts += u32::from(self.last != text);
        self.last = text;
    }
}

/// Tokenizes texts one after the other.
struct Reader<'a> {
    tokenizer: &'a Tokenizer,
    corpus: Corpus,
    /// Number of stop words: the first words, which occur in no text.
    stops: u32,
    /// Document frequencies of the words.
    seen: Vec<Seen>,
    /// The current text: its words, their numbers, and those that need a second look-up.
    words: Words,
    numbers: Vec<u32>,
    unsure: Vec<(usize, Key)>,
}

impl<'a> Reader<'a> {
    fn new(tokenizer: &'a Tokenizer, stop_words: &[String]) -> Reader<'a> {
        let corpus = Corpus::new(stop_words);
        Reader {
            tokenizer,
            stops: corpus.words.len() as u32,
            seen: vec![Seen::default(); corpus.words.len()],
            corpus,
            words: Words::default(),
            numbers: Vec::new(),
            unsure: Vec::new(),
        }
    }

    fn read(&mut self, texts: &[&str]) {
        for text in texts {
            self.tokenizer.split(text, &mut self.words);
            self.number();
            let corpus = &mut self.corpus;
            let stamp = corpus.starts.len() as u32;
            let start = corpus.tokens.len();
            corpus.tokens.extend(&self.numbers);
            if self.stops > 0 {
                let mut kept = start;
                for at in start..corpus.tokens.len() {
                    corpus.tokens[kept] = corpus.tokens[at];
                    kept += usize::from(corpus.tokens[at] >= self.stops);
                }
                corpus.tokens.truncate(kept);
            }
            for &number in &corpus.tokens[start..] {
                self.seen[number as usize].add(stamp);
            }
            corpus.starts.push(corpus.tokens.len());
        }
    }

    /// Sets `numbers` to those of the words, numbering new words in order.
    fn number(&mut self) {
        let table = &mut self.corpus.words;
        self.numbers.clear();
        self.unsure.clear();
        for (at, key) in (0..).zip(self.words.keys()) {
            let (number, _) = table.glance(key);
            self.numbers.push(number);
            if number == NONE {
                self.unsure.push((at, key));
            }
        }
        for &(at, key) in &self.unsure {
            self.numbers[at] = table.insert(self.words.word(at), key);
        }
        self.seen.resize(table.len(), Seen::default());
    }

    fn done(mut self) -> Corpus {
        self.corpus.frequencies = self.seen.iter().map(|seen| seen.texts).collect();
        self.corpus
    }
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
        assert!(tasks(&texts, 3).len() > 1);
        let read = || Corpus::read(&texts, &Tokenizer::new(true, false), &[], &|_| ());
        let threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build();
        let corpus = threads(3).unwrap().install(read);
        let alone = threads(1).unwrap().install(read);
        assert_eq!(alone.tokens, corpus.tokens);
        assert_eq!(alone.starts, corpus.starts);
        assert_eq!(alone.frequencies, corpus.frequencies);
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
