//! Exact Shapley values of trees (Lundberg et al., "Consistent individualized feature attribution for
//! tree ensembles", 2018), path-dependent or interventional, and interactions of pairs.
//!
//! A row's margin is divided among the columns of a game in which a coalition of columns is known.
//! What an unknown column does is either averaged over the training rows that went each way (the
//! path-dependent game) or taken from the rows of a background table (the interventional one).
//!
//! A tree is the sum of its leaves, so its Shapley values are sums over paths. What a path gives
//! depends on the row only through the set of its columns whose tests the row all passes: the
//! *pattern*. Rows are many and patterns few, so each is evaluated once for many rows (as in Yang,
//! "Fast TreeSHAP", 2021). See `game` for the formulas.

use rayon::prelude::*;

use super::bins::Coder;
use super::columns::Column;
use super::ensemble::{Ensemble, EnsembleError, range};
use super::game::{Background, Path, Weights};
use super::score::{BLOCK, Lane, Scorer};

/// Rows of a task, whose patterns share evaluations.
const CHUNK: usize = 16 * BLOCK;
/// Patterns of up to this many columns are looked up in a table, others sorted.
const TABLE_COLUMNS: usize = 10;

/// Explains the margins of an ensemble.
///
/// # Examples
/// ```
/// use easylife_models::trees::{BinOptions, Bins, Column, Explainer, Loss, Options, Target};
///
/// let x: Vec<f64> = (0..200).map(f64::from).collect();
/// let noise: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101)).collect();
/// let y: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 50.0))).collect();
/// let columns = [Column::F64(&x), Column::F64(&noise)];
/// let bins = Bins::new(&columns, &BinOptions::default()).unwrap();
/// let trees = Options::of(Loss::Squared).fit(&bins, &Target::new(&y)).unwrap();
///
/// let explained = Explainer::new(&trees).unwrap().contributions(&columns).unwrap();
/// let margins = trees.margins(&columns).unwrap();
/// for (row, margin) in margins.iter().enumerate() {
///     let parts = explained.row(row, 0);
///     assert!((explained.base[0] + parts.iter().sum::<f64>() - margin).abs() < 1e-9);
///     assert!(parts[0].abs() > parts[1].abs());
/// }
/// ```
pub struct Explainer {
    scorer: Scorer,
    /// The paths of each tree.
    trees: Vec<Vec<Path>>,
    columns: usize,
    base: Vec<f64>,
    weights: Weights,
    /// For each path of each tree the patterns of a background; empty for path-dependent games.
    background: Vec<Vec<Background>>,
}

/// What each column contributed to the margins.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// Mean margin of each output, to which a row's contributions add.
    pub base: Vec<f64>,
    /// Rows × outputs × columns.
    pub values: Vec<f64>,
    columns: usize,
}

impl Contributions {
    /// The contributions of a row to an output, one per column.
    ///
    /// # Panics
    /// If there is no such row or output.
    pub fn row(&self, row: usize, output: usize) -> &[f64] {
        let first = (row * self.base.len() + output) * self.columns;
        &self.values[first..first + self.columns]
    }
}

impl Explainer {
    /// Prepares path-dependent explanations: unknown columns go both ways, in proportion to the
    /// training rows that did.
    ///
    /// # Errors
    /// If a path tests more than 64 columns, which no fit of this module gives.
    pub fn new(ensemble: &Ensemble) -> Result<Explainer, EnsembleError> {
        let parts = ensemble.parts();
        let scorer = ensemble.scorer();
        let paths =
            |tree: usize| Path::all(ensemble, range(&parts.tree_starts, tree), &scorer.used);
        let trees = (0..ensemble.trees())
            .map(paths)
            .collect::<Result<Vec<_>, _>>()?;
        let mut base = parts.start.clone();
        for (tree, paths) in trees.iter().enumerate() {
            let output = tree % base.len();
            base[output] += paths
                .iter()
                .map(|path| path.value * path.share())
                .sum::<f64>();
        }
        let longest = trees.iter().flatten().map(|path| path.columns()).max();
        Ok(Explainer {
            scorer,
            trees,
            columns: ensemble.columns(),
            base,
            weights: Weights::new(longest.unwrap_or(0)),
            background: Vec::new(),
        })
    }

    /// Prepares interventional explanations: unknown columns are those of the rows of a background
    /// table, each taken in turn. One to a few hundred rows are usual; time grows with them.
    ///
    /// # Errors
    /// As for [`Explainer::new`], or if the background has no rows or not the columns of training.
    pub fn interventional(
        ensemble: &Ensemble,
        background: &[Column],
    ) -> Result<Explainer, EnsembleError> {
        let mut explainer = Explainer::new(ensemble)?;
        let margins = explainer.scorer.margins(background)?;
        let outputs = explainer.base.len();
        let rows = margins.len() / outputs;
        if rows == 0 {
            return Err(EnsembleError::Background);
        }
        for (output, base) in explainer.base.iter_mut().enumerate() {
            let of_output = margins.iter().skip(output).step_by(outputs);
            *base = of_output.map(|margin| margin / rows as f64).sum();
        }
        let coders = explainer.scorer.coders(background);
        let mut found: Vec<Vec<Background>> = explainer
            .trees
            .iter()
            .map(|paths| paths.iter().map(|_| Background::new(rows)).collect())
            .collect();
        for first in (0..rows).step_by(CHUNK) {
            let blocks = explainer.blocks(&coders, first, CHUNK.min(rows - first));
            for (tree, found) in found.iter_mut().enumerate() {
                let masks = explainer.masks(tree, &blocks);
                for (path, found) in explainer.trees[tree].iter().zip(found) {
                    found.add(&path.patterns(&masks, CHUNK.min(rows - first)));
                }
            }
        }
        found.iter_mut().flatten().for_each(Background::finish);
        explainer.background = found;
        Ok(explainer)
    }

    /// What each column contributes to the margins of each row.
    ///
    /// # Errors
    /// If the columns are not those of training in number and kind, or differ in length.
    pub fn contributions(&self, columns: &[Column]) -> Result<Contributions, EnsembleError> {
        let rows = self.scorer.check(columns)?;
        let outputs = self.base.len();
        let mut values = vec![0.0; rows * outputs * self.columns];
        let mut evaluate = vec![0.0; rows * outputs * self.scorer.used.len()];
        let width = self.scorer.used.len();
        self.each_path(columns, rows, width, &mut evaluate, |tree, index, path| {
            Evaluation {
                // Values are wanted for the columns of the path, in their places.
                places: path.lanes.clone(),
                of: Box::new(move |pattern, to| match self.background.get(tree) {
                    Some(background) => {
                        path.interventional(pattern, &background[index], &self.weights, to)
                    }
                    None => path.shapley(pattern, &self.weights, to),
                }),
            }
        });
        if self.columns > 0 && width > 0 {
            let from = evaluate.par_chunks(width);
            let to = values.par_chunks_mut(self.columns);
            to.zip(from).for_each(|(to, from)| {
                let places = self.scorer.used.iter().zip(from);
                places.for_each(|(&column, &value)| to[column] = value);
            });
        }
        Ok(Contributions {
            base: self.base.clone(),
            values,
            columns: self.columns,
        })
    }

    /// The interaction of two columns in each row, rows × outputs: by how much what one contributes
    /// depends on the other, half of it for each (Lundberg et al., 2018, equation 4). Path-dependent.
    ///
    /// # Errors
    /// If the columns are not those of training in number and kind, or differ in length.
    pub fn interaction(
        &self,
        columns: &[Column],
        first: usize,
        second: usize,
    ) -> Result<Vec<f64>, EnsembleError> {
        let rows = self.scorer.check(columns)?;
        let lane = |column: usize| self.scorer.used.binary_search(&column).ok();
        let pair = (lane(first), lane(second));
        let mut values = vec![0.0; rows * self.base.len()];
        self.each_path(columns, rows, 1, &mut values, |_, _, path| {
            let slot = |lane: Option<usize>| {
                let slots = &mut path.lanes.iter();
                slots.position(|&of_slot| Some(of_slot as usize) == lane)
            };
            match (slot(pair.0), slot(pair.1)) {
                (Some(a), Some(b)) if a != b => Evaluation {
                    places: vec![0],
                    of: Box::new(move |pattern, to| {
                        to[0] = path.interaction(pattern, a, b, &self.weights);
                    }),
                },
                _ => Evaluation {
                    places: Vec::new(),
                    of: Box::new(|_, _| {}),
                },
            }
        });
        Ok(values)
    }

    /// Adds what each path gives to the values of each row: rows × outputs × width.
    fn each_path<'a>(
        &'a self,
        columns: &[Column],
        rows: usize,
        width: usize,
        values: &mut [f64],
        evaluation: impl Fn(usize, usize, &'a Path) -> Evaluation<'a> + Sync,
    ) {
        let outputs = self.base.len();
        let coders = self.scorer.coders(columns);
        let row_values = outputs * width;
        if row_values == 0 {
            return;
        }
        let chunks = values.par_chunks_mut(CHUNK * row_values).enumerate();
        chunks.for_each(|(chunk, values)| {
            let first = chunk * CHUNK;
            let count = CHUNK.min(rows - first);
            let blocks = self.blocks(&coders, first, count);
            let mut memo = Memo::default();
            for (tree, paths) in self.trees.iter().enumerate() {
                let masks = self.masks(tree, &blocks);
                let values = &mut values[tree % outputs * width..];
                for (index, path) in paths.iter().enumerate() {
                    let evaluation = evaluation(tree, index, path);
                    if !evaluation.places.is_empty() {
                        let patterns = path.patterns(&masks, count);
                        memo.add(path, &evaluation, &patterns, values, row_values);
                    }
                }
            }
        });
    }

    /// The codes of rows, block by block.
    fn blocks(&self, coders: &[Coder], first: usize, rows: usize) -> Vec<Vec<Lane>> {
        let block = |start: usize| {
            let mut lanes = self.scorer.lanes();
            let rows = BLOCK.min(rows - start);
            self.scorer.encode(coders, first + start, rows, &mut lanes);
            lanes
        };
        (0..rows).step_by(BLOCK).map(block).collect()
    }

    /// For each block of rows and each node of a tree, a bit for each row that goes left.
    fn masks(&self, tree: usize, blocks: &[Vec<Lane>]) -> Vec<Vec<u64>> {
        let bits = |mask: Lane| {
            let rows = mask.iter().enumerate();
            rows.fold(0, |bits, (row, byte)| bits | u64::from(byte & 1) << row)
        };
        let of_block = |lanes: &Vec<Lane>| self.scorer.masks(tree, lanes).map(bits).collect();
        blocks.iter().map(of_block).collect()
    }
}

/// Writes what a path gives for a pattern.
type Evaluate<'a> = dyn Fn(u64, &mut [f64]) + 'a;

/// What a path gives for a pattern, and where it is added.
struct Evaluation<'a> {
    /// Place of each value among those of a row.
    places: Vec<u32>,
    of: Box<Evaluate<'a>>,
}

/// Evaluated patterns of one path.
#[derive(Default)]
struct Memo {
    /// For each pattern the number of its evaluation plus 1.
    table: Vec<u32>,
    values: Vec<f64>,
    /// Patterns and rows, for paths of many columns.
    sorted: Vec<(u64, u32)>,
}

impl Memo {
    /// Adds the values of each row's pattern.
    fn add(
        &mut self,
        path: &Path,
        evaluation: &Evaluation,
        patterns: &[u64],
        values: &mut [f64],
        row_values: usize,
    ) {
        let places = &evaluation.places[..];
        let mut add = |row: usize, from: &[f64]| {
            let to = &mut values[row * row_values..];
            for (&place, value) in places.iter().zip(from) {
                to[place as usize] += value;
            }
        };
        if path.columns() > TABLE_COLUMNS {
            self.sorted.clear();
            self.sorted.extend(patterns.iter().copied().zip(0..));
            self.sorted.sort_unstable();
            self.values.resize(places.len(), 0.0);
            for group in self.sorted.chunk_by(|a, b| a.0 == b.0) {
                (evaluation.of)(group[0].0, &mut self.values[..places.len()]);
                for (_, row) in group {
                    add(*row as usize, &self.values[..places.len()]);
                }
            }
            return;
        }
        self.table.clear();
        self.table.resize(1 << path.columns(), 0);
        self.values.clear();
        for (row, &pattern) in patterns.iter().enumerate() {
            let entry = &mut self.table[pattern as usize];
            if *entry == 0 {
                let end = self.values.len();
                self.values.resize(end + places.len(), 0.0);
                (evaluation.of)(pattern, &mut self.values[end..]);
                *entry = (self.values.len() / places.len()) as u32;
            }
            let first = (*entry as usize - 1) * places.len();
            add(row, &self.values[first..first + places.len()]);
        }
    }
}
