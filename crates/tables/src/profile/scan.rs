//! One pass over a table of any size: blocks are processed in parallel and merged in order, so that
//! the result depends only on the file. Observers can inspect the blocks on the way ([`Watch`]).

use std::io;

use rayon::prelude::*;

use super::column::{Budget, Column, Part};
use super::group::Groups;
use crate::blocks::{Block, Blocks, Head, Piece};
use crate::{Decimal, ReadError};

/// Number of bad records that are kept with their positions.
pub const BAD_SHOWN: usize = 20;

/// Which columns of a table to profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Columns {
    /// All columns.
    #[default]
    All,
    /// The columns whose profile the [`Watch`] needs.
    Needed,
}

/// Why a table was not read completely.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The table cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// [`Watch::take`] failed.
    #[error(transparent)]
    Watch(io::Error),
}

/// What is needed of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Nothing: its cells are not even parsed.
    Nothing,
    /// Its cells.
    Cells,
    /// Its values, each distinct one once: [`Watch::column`].
    Values,
    /// Its full profile.
    Profile,
}

/// Observes a table while it is read.
pub trait Watch: Sync {
    /// The observations in one block.
    type Seen: Default + Send;

    /// What is needed of a column.
    fn wants(&self, column: usize) -> Want;

    /// Whether a quick look at the cells of a column shows that [`Watch::column`] would find
    /// nothing. Not called if the profile is needed.
    fn settles(&self, _: &Block, column: usize) -> bool {
        self.wants(column) < Want::Values
    }

    /// Examines a column of a block, with its distinct values in `groups`. Called in parallel.
    /// Counts cover the whole block if the profile is needed.
    fn column(&self, seen: &mut Self::Seen, block: &Block, column: usize, groups: &Groups);

    /// Examines the rows of a block, after its columns.
    fn rows(&self, seen: &mut Self::Seen, block: &Block);

    /// Takes the observations of each block, in order.
    ///
    /// # Errors
    /// If the observations are stored on disk and cannot be written; this ends the scan.
    fn take(&mut self, seen: Self::Seen) -> io::Result<()>;
}

/// No observer.
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

/// Two observers.
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

/// A table that was read completely.
pub struct Table {
    /// The names of its columns and files.
    pub head: Head,
    /// The statistics of each column; one that is not profiled has no values here.
    pub columns: Vec<Column>,
    /// What was needed of each column.
    pub wanted: Vec<Want>,
    /// Number of readable rows.
    pub rows: u64,
    /// Number of records that could not be read.
    pub bad: u64,
    /// The first [`BAD_SHOWN`] of them.
    pub first_bad: Vec<ReadError>,
}

/// Reads an opened table completely, on the threads of the current rayon pool. `progress` is called
/// now and then with the number of rows read so far. Unreadable records are counted in
/// [`Table::bad`].
///
/// # Errors
/// [`ScanError::Read`] if the table itself cannot be read, [`ScanError::Watch`] if `watch` fails.
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
        // This thread splits off the next pieces while the others process these.
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

/// A block, and its profiled columns.
type Looked = (Block, Vec<Option<Part>>);

/// Processes blocks in parallel, then columns in parallel, each through the blocks in order.
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
