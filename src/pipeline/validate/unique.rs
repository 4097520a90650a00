//! Checks that no two rows have the same cells in some columns. For whole numbers that increase from row to row, as
//! most ids do, the last one is enough; anything else is kept as a hash.

use std::io;

use super::keys::{Keyed, Keys};
use crate::report::validate::Level;
use tables::blocks::{Block, combined, hash};
use tables::profile::{Groups, Want, Watch, whole};
use tables::spelling;

/// The rule that no two rows have the same cells in these columns.
pub(crate) struct UniqueRule {
    pub columns: Vec<usize>,
    pub level: Level,
    pub keys: Keys,
    order: Order,
}

/// The state after the rows so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The numbers increase; the last one.
    Rising(Option<u64>),
    /// The keys of all rows are kept.
    Kept,
    /// The numbers increased only at first, so the keys of the first rows are missing.
    Lost,
}

/// The content of a block.
pub(crate) enum Seen {
    /// Increasing numbers; the first and the last.
    Rising(u64, u64),
    Keys(Vec<Keyed>),
}

impl UniqueRule {
    pub fn new(columns: Vec<usize>, level: Level) -> UniqueRule {
        UniqueRule {
            columns,
            level,
            keys: Keys::default(),
            order: Order::Rising(None),
        }
    }

    pub fn look(&self, block: &Block) -> Seen {
        if let (Order::Rising(_), [column]) = (self.order, &self.columns[..])
            && let Some((first, last)) = rising(block, *column)
        {
            return Seen::Rising(first, last);
        }
        let rows = (0..block.rows()).filter_map(|row| {
            Some(Keyed {
                key: row_key(block, row, &self.columns)?,
                spot: block.spot(row),
                tag: 0,
            })
        });
        Seen::Keys(rows.collect())
    }

    /// Adds the content of the next block.
    pub fn take(&mut self, seen: Seen) -> io::Result<()> {
        self.order = match (self.order, &seen) {
            (Order::Rising(last), Seen::Rising(first, end)) if last.is_none_or(|l| l < *first) => {
                Order::Rising(Some(*end))
            }
            (_, Seen::Rising(..)) | (Order::Rising(Some(_)), _) => Order::Lost,
            (Order::Rising(None), _) => Order::Kept,
            (order, _) => order,
        };
        match seen {
            Seen::Keys(keys) if self.order == Order::Kept => self.keys.extend(&keys),
            _ => Ok(()),
        }
    }

    /// Whether the rows must be read again from the start.
    pub fn is_lost(&self) -> bool {
        self.order == Order::Lost
    }
}

/// Reads the rows again for the rules that lost the first ones.
pub(crate) struct SecondPass<'a>(Vec<&'a mut UniqueRule>);

impl SecondPass<'_> {
    /// `None` if no rule needs it.
    pub fn new(rules: &mut [UniqueRule]) -> Option<SecondPass<'_>> {
        let mut lost: Vec<_> = rules.iter_mut().filter(|rule| rule.is_lost()).collect();
        for rule in &mut lost {
            (rule.order, rule.keys) = (Order::Kept, Keys::default());
        }
        (!lost.is_empty()).then_some(SecondPass(lost))
    }
}

impl Watch for SecondPass<'_> {
    type Seen = Vec<Seen>;

    fn wants(&self, column: usize) -> Want {
        match self.0.iter().any(|rule| rule.columns.contains(&column)) {
            true => Want::Cells,
            false => Want::Nothing,
        }
    }

    fn column(&self, _: &mut Self::Seen, _: &Block, _: usize, _: &Groups) {}

    fn rows(&self, seen: &mut Self::Seen, block: &Block) {
        *seen = self.0.iter().map(|rule| rule.look(block)).collect();
    }

    fn take(&mut self, seen: Self::Seen) -> io::Result<()> {
        let mut rules = self.0.iter_mut().zip(seen);
        rules.try_for_each(|(rule, seen)| rule.take(seen))
    }
}

/// A hash of the cells of a row in some columns; `None` if all of them are empty.
pub(crate) fn row_key(block: &Block, row: usize, columns: &[usize]) -> Option<u64> {
    let filled = |&column: &usize| !block.bytes_of(row, column).is_empty();
    if !columns.iter().any(filled) {
        return None;
    }
    let hashes = columns.iter().map(|&column| block.hash(row, column));
    hashes.reduce(combined)
}

/// A hash of ids, with one spelling of whole numbers; `None` if all of them are absent.
pub(crate) fn id_key(block: &Block, row: usize, columns: &[usize]) -> Option<u64> {
    let ids = || columns.iter().map(|&column| block.text(row, column));
    if ids().all(|id| id.trim().is_empty()) {
        return None;
    }
    ids()
        .map(|id| hash(spelling::plain(id.trim()).as_bytes()))
        .reduce(combined)
}

/// The first and last of whole numbers that increase through all rows of a block; `None` if it has any other value.
fn rising(block: &Block, column: usize) -> Option<(u64, u64)> {
    // Only the usual spelling: not `007`, not `+7`.
    let words = block.words(column).enumerate();
    let mut numbers = words.map(|(row, (word, length))| match word as u8 {
        b'0' if length > 1 => None,
        _ => whole(word, length, || block.bytes_of(row, column)),
    });
    let first = numbers.next()??;
    let mut last = first;
    for number in numbers {
        let number = number.filter(|&number| number > last)?;
        last = number;
    }
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::blocks::Blocks;
    use tables::{Compression, Format, ReadError};

    fn blocks(text: &str) -> Result<Vec<Block>, ReadError> {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut blocks = Blocks::open_as(input, "t.csv", Format::Csv, Compression::None)?;
        let mut all = Vec::new();
        while let Some(piece) = blocks.next_piece()? {
            all.push(piece.parse(blocks.head()));
        }
        Ok(all)
    }

    /// The rule after tables that are taken for blocks of one.
    fn after(parts: &[&str]) -> UniqueRule {
        let mut rule = UniqueRule::new(vec![0], Level::Error);
        for part in parts {
            for block in blocks(&format!("id\n{part}")).unwrap() {
                rule.take(rule.look(&block)).unwrap();
            }
        }
        rule
    }

    #[test]
    fn rising_numbers_need_no_keys() {
        let mut rule = after(&["1\n2\n5\n", "6\n1000000\n"]);
        assert_eq!(rule.order, Order::Rising(Some(1_000_000)));
        assert_eq!(rule.keys.repeats(5, |_| true).unwrap().count, 0);
    }

    #[test]
    fn anything_else_is_kept_or_read_again() {
        for parts in [&["1\n1\n"], &["2\n1\n"], &["01\n2\n"], &["a\n"], &["-1\n"]] {
            assert_eq!(after(parts).order, Order::Kept, "{parts:?}");
        }
        for parts in [
            ["1\n2\n", "2\n3\n"],
            ["1\n2\n", "x\n"],
            ["4\n3\n", "5\n6\n"],
        ] {
            let order = after(&parts).order;
            let kept = parts[0] == "4\n3\n";
            assert_eq!(
                order,
                if kept { Order::Kept } else { Order::Lost },
                "{parts:?}"
            );
        }
    }
}
