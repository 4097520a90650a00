//! One pass over a table of any size: blocks are worked on side by side and put together in their
//! order, so that what comes out follows from the file alone. Others can look at the blocks on the way
//! ([`Watch`]).

use std::io;

use rayon::prelude::*;

use super::column::{Budget, Column, Part};
use super::group::Groups;
use crate::blocks::{Block, Blocks, Head, Piece};
use crate::{Decimal, ReadError};

/// Number of bad records that are kept with their places.
pub const BAD_SHOWN: usize = 20;

/// Which columns of a table are profiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Columns {
    /// All there are.
    #[default]
    All,
    /// Those whose profile the [`Watch`] wants.
    Needed,
}

/// Why a table was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The table cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// [`Watch::take`] failed.
    #[error(transparent)]
    Watch(io::Error),
}

/// What a column is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Nothing: its cells are not even parsed.
    Nothing,
    /// Its cells.
    Cells,
    /// Its values, each different one once: [`Watch::column`].
    Values,
    /// What all of it is like.
    Profile,
}

/// What looks at a table while it is read.
pub trait Watch: Sync {
    /// What was seen in one block.
    type Seen: Default + Send;

    /// What it must have of a column.
    fn wants(&self, column: usize) -> Want;

    /// Whether a look at the cells of a column tells that [`Watch::column`] would see nothing in them. Not
    /// asked where the profile is wanted.
    fn settles(&self, _: &Block, column: usize) -> bool {
        self.wants(column) < Want::Values
    }

    /// Looks at a column of a block, its different values in `groups`. Runs side by side.
    /// Their counts are those of the block where it wants the profile.
    fn column(&self, seen: &mut Self::Seen, block: &Block, column: usize, groups: &Groups);

    /// Looks at the rows of a block, after its columns.
    fn rows(&self, seen: &mut Self::Seen, block: &Block);

    /// Takes what was seen in each block, in their order.
    ///
    /// # Errors
    /// Where it is kept on disk and cannot be written; the scan ends with it.
    fn take(&mut self, seen: Self::Seen) -> io::Result<()>;
}

/// Nobody looks.
impl Watch for () {
    type Seen = ();

    fn wants(&self, _: usize) -> Want {
        Want::Nothing
    }

    fn column(&self, (): &mut (), _: &Block, _: usize, _: &Groups) {}

    fn rows(&self, (): &mut (), _: &Block) {}

    fn take(&mut self, (): ()) -> io::Result<()> {
        Ok(())
    }
}

/// Two look.
impl<A: Watch, B: Watch> Watch for (A, B) {
    type Seen = (A::Seen, B::Seen);

    fn wants(&self, column: usize) -> Want {
        self.0.wants(column).max(self.1.wants(column))
    }

    fn settles(&self, block: &Block, column: usize) -> bool {
        self.0.settles(block, column) && self.1.settles(block, column)
    }

    fn column(&self, seen: &mut Self::Seen, block: &Block, column: usize, groups: &Groups) {
        self.0.column(&mut seen.0, block, column, groups);
        self.1.column(&mut seen.1, block, column, groups);
    }

    fn rows(&self, seen: &mut Self::Seen, block: &Block) {
        self.0.rows(&mut seen.0, block);
        self.1.rows(&mut seen.1, block);
    }

    fn take(&mut self, seen: Self::Seen) -> io::Result<()> {
        self.0.take(seen.0)?;
        self.1.take(seen.1)
    }
}

/// A table that was read to its end.
pub struct Table {
    /// Its columns' names and its files.
    pub head: Head,
    /// One for each column; what is not profiled has no values here.
    pub columns: Vec<Column>,
    /// What was wanted of each.
    pub wanted: Vec<Want>,
    /// Rows that could be read.
    pub rows: u64,
    /// How many records could not be read.
    pub bad: u64,
    /// The first [`BAD_SHOWN`] of them.
    pub first_bad: Vec<ReadError>,
}

/// Reads what was opened to its end, on the threads of the current rayon pool. `progress` is told the
/// number of rows read so far, now and then. Records that cannot be read are counted in
/// [`Table::bad`].
///
/// # Errors
/// [`ScanError::Read`] where the table itself cannot be read, [`ScanError::Watch`] where `watch` fails.
pub fn scan<W: Watch>(
    mut blocks: Blocks,
    watch: &mut W,
    columns: Columns,
    progress: &mut dyn FnMut(u64),
) -> Result<Table, ScanError> {
    let head = blocks.head().clone();
    let budget = Budget::of(head.columns.len());
    let wants = |column| match columns {
        Columns::All => Want::Profile,
        Columns::Needed => watch.wants(column),
    };
    let mut table = Table {
        wanted: (0..head.columns.len()).map(wants).collect(),
        columns: vec![Column::new(budget, head.decimal); head.columns.len()],
        head,
        rows: 0,
        bad: 0,
        first_bad: Vec::new(),
    };
    let mut batch = next_batch(&mut blocks)?;
    while !batch.is_empty() {
        // This thread cuts the next pieces while the others work on these.
        let (worked, next) = std::thread::scope(|scope| {
            let (table, watch) = (&mut table, &*watch);
            let work = scope.spawn(move || work_on(batch, table, watch));
            let next = next_batch(&mut blocks);
            (work.join(), next)
        });
        let worked = worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        for (mut block, seen) in worked {
            table.rows += block.rows() as u64;
            table.take_bad(&mut block);
            watch.take(seen).map_err(ScanError::Watch)?;
            blocks.reuse(block);
        }
        progress(table.rows);
        batch = next?;
    }
    Ok(table)
}

fn next_batch(blocks: &mut Blocks) -> Result<Vec<Piece>, ReadError> {
    let size = (4 * rayon::current_num_threads()).min(16);
    let mut batch = Vec::with_capacity(size);
    while batch.len() < size {
        match blocks.next_piece()? {
            Some(piece) => batch.push(piece),
            None => break,
        }
    }
    Ok(batch)
}

/// A block, and each of its columns that is profiled.
type Looked = (Block, Vec<Option<Part>>);

/// Blocks side by side, then columns side by side, each through the blocks in their order.
fn work_on<W: Watch>(batch: Vec<Piece>, table: &mut Table, watch: &W) -> Vec<(Block, W::Seen)> {
    let (head, wanted) = (&table.head, &table.wanted[..]);
    let cells: Vec<bool> = wanted.iter().map(|&want| want > Want::Nothing).collect();
    let looked_at = batch
        .into_par_iter()
        .map_init(Groups::default, |groups, piece: Piece| {
            let block = piece.parse_some(head, &cells);
            look_at(block, groups, (wanted, head.decimal), watch)
        });
    let (blocks, seen): (Vec<Looked>, Vec<W::Seen>) = looked_at.unzip();
    let columns = table.columns.par_iter_mut().enumerate();
    columns.for_each(|(index, column)| {
        for (block, parts) in &blocks {
            if let Some(part) = &parts[index] {
                column.merge(part, block, index);
            }
        }
    });
    let blocks = blocks.into_iter().map(|(block, _)| block);
    blocks.zip(seen).collect()
}

fn look_at<W: Watch>(
    block: Block,
    groups: &mut Groups,
    (wanted, decimal): (&[Want], Option<Decimal>),
    watch: &W,
) -> (Looked, W::Seen) {
    let mut seen = W::Seen::default();
    let parts = wanted.iter().enumerate().map(|(column, &want)| {
        let profiled = want == Want::Profile;
        if profiled || (want == Want::Values && !watch.settles(&block, column)) {
            groups.fill(&block, column, profiled, decimal);
            watch.column(&mut seen, &block, column, groups);
        }
        profiled.then(|| Part::of(groups, &block, column))
    });
    let parts = parts.collect();
    watch.rows(&mut seen, &block);
    ((block, parts), seen)
}

impl Table {
    fn take_bad(&mut self, block: &mut Block) {
        let bad = block.take_bad();
        self.bad += bad.len() as u64;
        let room = BAD_SHOWN - self.first_bad.len();
        self.first_bad.extend(bad.into_iter().take(room));
    }
}
