//! Checks the rules on a column cell by cell. Nearly every block keeps all rules, and checking all cells shows that
//! faster than grouping them by value. [`super::cells`] finds the rows that break a rule.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cells::{CellRule, Test};
use tables::blocks::{Block, WORD};
use tables::profile::{CLASSES, Class, Value, understand_word};

/// The rules of one column.
pub(crate) struct Quick {
    pub column: usize,
    /// The allowed classes, if there is a rule on the class.
    classes: Option<[bool; CLASSES.len()]>,
    range: Option<RangeInclusive<f64>>,
    length: Option<RangeInclusive<f64>>,
    /// Short texts that are known to keep the rules on texts, if there are such rules.
    known: Option<KnownTexts>,
    /// Whether a rule needs more than the cells.
    more: bool,
}

/// A lossy hash set of short texts as words, shared by threads: a set-associative cache in which a word may be at
/// one of [`PLACES`] places.
struct KnownTexts(Vec<[AtomicU64; PLACES]>);

/// Number of places that a word may have.
const PLACES: usize = 4;
/// Number of groups of places, as a power of two.
const GROUPS: u32 = 8;

impl KnownTexts {
    fn new() -> KnownTexts {
        KnownTexts((0..1 << GROUPS).map(|_| Default::default()).collect())
    }

    fn places(&self, word: u64) -> &[AtomicU64; PLACES] {
        // Multiplicative hashing (Knuth, "The Art of Computer Programming" 3, 6.4).
        let hash = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.0[(hash >> (u64::BITS - GROUPS)) as usize]
    }

    #[inline]
    fn has(&self, word: u64) -> bool {
        let mut places = self.places(word).iter();
        places.any(|place| place.load(Ordering::Relaxed) == word)
    }

    /// If all places are taken, replaces one.
    fn add(&self, word: u64) {
        let places = self.places(word);
        let free = places
            .iter()
            .find(|place| place.load(Ordering::Relaxed) == 0);
        free.unwrap_or(&places[word as usize % PLACES])
            .store(word, Ordering::Relaxed);
    }
}

impl Quick {
    pub fn new(column: usize) -> Quick {
        Quick {
            column,
            classes: None,
            range: None,
            length: None,
            known: None,
            more: false,
        }
    }

    /// Adds a rule; at most one of each kind.
    pub fn add(&mut self, test: &Test) {
        match test {
            Test::Class(class) => self.classes = Some(CLASSES.map(|other| class.holds(other))),
            Test::Range(_, bounds) => self.range = Some(bounds.clone()),
            Test::Length(_, bounds) => self.length = Some(bounds.clone()),
            Test::Allowed(..) | Test::Pattern(_) => {
                self.known.get_or_insert_with(KnownTexts::new);
            }
            Test::Known(..) => self.more = true,
            // Counted separately.
            Test::Present(_) => {}
        }
    }

    /// Adds a rule that depends on the order of rows.
    pub fn add_order_rule(&mut self) {
        self.more = true;
    }

    /// Whether every cell of a block keeps all `rules` of this column; false if unknown.
    pub fn all_keep(&self, block: &Block, rules: &[CellRule]) -> bool {
        !self.more && self.values(block) && self.lengths(block) && self.texts(block, rules)
    }

    /// Whether all cells keep the rules on classes and ranges.
    fn values(&self, block: &Block) -> bool {
        let classes = self.classes.unwrap_or([true; CLASSES.len()]);
        let may_be = |value: Value| classes[value.class as usize];
        match (&self.range, &self.classes) {
            (None, None) => true,
            (None, Some(_)) => self.each_value(block, may_be),
            (Some(range), _) => self.each_value(block, |value| {
                may_be(value) && (is_text(value) || range.contains(&value.number))
            }),
        }
    }

    /// Whether all non-empty cells pass a test.
    #[inline]
    fn each_value(&self, block: &Block, holds: impl Fn(Value) -> bool) -> bool {
        let mut words = block.words(self.column).enumerate();
        words.all(|(row, (word, length))| {
            let text = || block.bytes_of(row, self.column);
            length == 0 || holds(understand_word(word, length, text))
        })
    }

    fn lengths(&self, block: &Block) -> bool {
        let Some(bounds) = &self.length else {
            return true;
        };
        let fits = |letters: usize| bounds.contains(&(letters as f64));
        match block.lengths(self.column) {
            None => true,
            Some(ends) if block.is_ascii() => ends.into_iter().all(fits),
            Some(_) => (0..block.rows()).all(|row| match block.letters(row, self.column) {
                0 => true,
                letters => fits(letters),
            }),
        }
    }

    /// Whether all cells are short texts that keep the rules on allowed values and patterns.
    fn texts(&self, block: &Block, rules: &[CellRule]) -> bool {
        let Some(known) = &self.known else {
            return true;
        };
        let keeps = |text: &[u8]| {
            let mut rules = rules.iter().filter(|rule| rule.column == self.column);
            rules.all(|rule| rule.test.keeps_text(text))
        };
        let mut words = block.words(self.column).enumerate();
        words.all(|(row, (word, length))| {
            if length == 0 || length <= WORD && known.has(word) {
                return true;
            }
            let keeps = length <= WORD && keeps(block.bytes_of(row, self.column));
            if keeps {
                known.add(word);
            }
            keeps
        })
    }
}

/// Whether a rule on a range does not apply, because the value is a text: the rule on the class reports it.
pub(crate) fn is_text(value: Value) -> bool {
    matches!(value.class, Class::Text | Class::Boolean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::validate::schema::{Schema, Span};
    use crate::report::validate::Level;
    use tables::blocks::Blocks;
    use tables::{Compression, Format};

    fn block(text: &str) -> Block {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut blocks = Blocks::open_as(input, "t.csv", Format::Csv, Compression::None).unwrap();
        let piece = blocks.next_piece().unwrap().unwrap();
        piece.parse(blocks.head())
    }

    fn keeps(tests: Vec<Test>, values: &[&str]) -> bool {
        let mut quick = Quick::new(0);
        tests.iter().for_each(|test| quick.add(test));
        let rule = |test| CellRule {
            column: 0,
            name: "rule",
            level: Level::Error,
            test,
        };
        let rules: Vec<CellRule> = tests.into_iter().map(rule).collect();
        let block = block(&format!("a,b\n{},\n", values.join(",\n")));
        // Twice: what is known after the first time changes nothing.
        let first = quick.all_keep(&block, &rules);
        assert_eq!(quick.all_keep(&block, &rules), first);
        first
    }

    fn pattern(text: &str) -> Test {
        let text = format!(
            "easylife: \"{}\"\ncolumns:\n  a: {{pattern: '{text}'}}\n",
            crate::params::VERSION
        );
        let schema = Schema::parse("t.yaml".as_ref(), &text, &[]).unwrap();
        Test::Pattern(schema.columns.0[0].1.pattern.clone().unwrap().is)
    }

    #[test]
    fn values_are_held_against_class_and_range() {
        let integers = || Test::Class(Class::Integer);
        assert!(keeps(vec![integers()], &["1", "-20", "", "123456789"]));
        assert!(!keeps(vec![integers()], &["1", "2.5"]));
        let range = || Test::Range(Span::default(), 0.0..=9.0);
        assert!(keeps(vec![range()], &["0", "9", "x", "true", "8.99"]));
        assert!(!keeps(vec![range()], &["0", "9.5"]));
        assert!(!keeps(vec![range(), integers()], &["1", "x"]));
        assert!(!keeps(vec![range()], &["NaN"]));
        assert!(keeps(
            vec![Test::Class(Class::Date)],
            &["2024-02-29", "2023-12-31"]
        ));
        assert!(!keeps(vec![Test::Class(Class::Date)], &["2023-02-29"]));
    }

    #[test]
    fn letters_are_counted_not_bytes() {
        let length = || vec![Test::Length(Span::default(), 2.0..=3.0)];
        assert!(keeps(length(), &["ab", "", "abc"]));
        assert!(!keeps(length(), &["a"]));
        assert!(!keeps(length(), &["abcd"]));
        assert!(keeps(length(), &["\u{e9}\u{e9}\u{e9}"]));
        assert!(!keeps(length(), &["\u{e9}", "ab"]));
    }

    #[test]
    fn texts_are_remembered_where_they_keep_all_rules() {
        assert!(keeps(
            vec![pattern("[A-Z][0-9]*")],
            &["A1", "B", "", "A1", "A1234567"]
        ));
        assert!(!keeps(vec![pattern("[A-Z][0-9]*")], &["A1", "b"]));
        let allowed = |text: &str| Test::Allowed(vec![], [text.as_bytes().to_vec()].into());
        assert!(keeps(vec![allowed("red")], &["red", "red"]));
        assert!(!keeps(vec![allowed("red"), pattern("[a-c]+")], &["red"]));
        // Longer ones are for the groups to tell.
        assert!(!keeps(vec![allowed("red and green")], &["red and green"]));
    }
}
