//! Texts that are the same but for a few words, in the raw data and between the parts (`quality::near`). Texts that are
//! equal once they are normalised have a rule of their own.

use std::path::Path;

use anyhow::Result;
use quality::near::{Options, Texts};

use super::key;
use crate::pipeline::validate::finding::{FindingBuilder, Gathered};
use crate::pipeline::validate::table::Read;
use crate::pipeline::validate::{Job, leaks};
use crate::report::format::{counted, percent, plural};
use crate::report::validate::Finding;
use crate::tasks::nlp::params::Params;
use tables::Reading;
use tables::blocks::{Blocks, Head, Spot};

/// The rules.
pub const REPEATS: &str = "near_duplicates";
pub const LEAKAGE: &str = "near_leakage";

/// The texts of a table, in order: where each stands, and the hash of its normalised form.
struct Rows {
    texts: Texts,
    rows: Vec<(Spot, u64)>,
}

impl Rows {
    fn new() -> Result<Self> {
        Ok(Self {
            texts: Options::default().texts()?,
            rows: Vec::new(),
        })
    }

    /// Reads a column of a table; `file` numbers its rows' file, if it is not the table's own.
    fn read(
        &mut self,
        path: &Path,
        reading: Reading,
        column: &str,
        file: Option<usize>,
    ) -> Result<()> {
        let mut blocks = Blocks::open_with(path, reading)?;
        let head = blocks.head().clone();
        let Some(column) = head.find(column) else {
            return Ok(());
        };
        let only: Vec<bool> = (0..head.columns.len()).map(|at| at == column).collect();
        let mut buffer = String::new();
        while let Some(piece) = blocks.next_piece()? {
            let block = piece.parse_some(&head, &only);
            let rows = || (0..block.rows()).filter(|&row| !block.bytes_of(row, column).is_empty());
            for row in rows() {
                let spot = block.spot(row);
                let spot = file.map_or(spot, |file| Spot::new(file, spot.line()));
                self.rows
                    .push((spot, key(block.text(row, column), &mut buffer)));
            }
            self.texts
                .extend(rows().map(|row| block.text(row, column)))?;
            blocks.reuse(block);
        }
        Ok(())
    }
}

/// The finding on rows that nearly repeat the text of an earlier row, if there are more than the rule allows.
pub fn repeats<W>(
    job: &Job<Params>,
    path: &Path,
    read: &Read<W>,
    column: usize,
) -> Result<Option<Finding>> {
    if job.rule(REPEATS).is_none() {
        return Ok(None);
    }
    let mut all = Rows::new()?;
    all.read(path, job.reading, &job.params.data.text, None)?;
    let found = all.texts.duplicates();
    let mut gathered = Gathered::new(job.shown);
    let mut near = Vec::new();
    for group in &found.groups {
        let key = |row: u32| all.rows[row as usize].1;
        let mut known = vec![key(group[0])];
        for &row in &group[1..] {
            if known.contains(&key(row)) {
                continue; // it repeats an earlier one exactly
            }
            known.push(key(row));
            near.push((row, group[0]));
        }
    }
    near.sort_unstable();
    for (row, first) in near {
        // The most similar of the pairs that brought it into its group.
        let pairs = found.pairs.iter().filter(|pair| pair.second == row);
        let like = match gathered.places.rows.len() < job.shown {
            true => pairs.max_by(|a, b| a.similarity.total_cmp(&b.similarity)),
            false => None,
        };
        let (first, alike) = like.map_or((first, None), |pair| (pair.first, Some(pair.similarity)));
        let place = |row: u32| read.table.head.shown(all.rows[row as usize].0);
        gathered.add(all.rows[row as usize].0, || like_text(&place(first), alike));
    }
    Ok(read.share(
        job,
        REPEATS,
        Some(column),
        &gathered,
        ["rows", "nearly repeat the text of an earlier row"],
    ))
}

fn like_text(place: &str, alike: Option<f32>) -> String {
    match alike {
        Some(alike) => format!("{} % like {place}", (100.0 * alike).round()),
        None => format!("like {place}"),
    }
}

/// The finding on test rows whose text is nearly one of the training part.
pub fn leakage(
    job: &Job<Params>,
    parts: &[std::path::PathBuf; 2],
    found: &leaks::Parts,
) -> Result<Option<Finding>> {
    let Some(rule) = job.rule(LEAKAGE) else {
        return Ok(None);
    };
    let mut all = Rows::new()?;
    for (number, path) in parts.iter().enumerate() {
        all.read(
            path,
            Reading::default(),
            &job.params.data.text,
            Some(number),
        )?;
    }
    let split = all.rows.iter().filter(|(spot, _)| spot.file() == 0).count();
    let known: std::collections::HashSet<u64> =
        all.rows[..split].iter().map(|&(_, key)| key).collect();
    let leaks = all.texts.leakage(split).leaks;
    // What is there exactly is the other rule's.
    let near: Vec<_> = leaks
        .iter()
        .filter(|leak| !known.contains(&all.rows[leak.row as usize].1))
        .collect();
    let test_rows = found.tables[1].rows;
    let share = near.len() as f64 / test_rows.max(1) as f64;
    if near.is_empty() || rule.holds(share) {
        return Ok(None);
    }
    let head: &Head = &found.head;
    let about = FindingBuilder {
        head,
        rule: LEAKAGE,
        level: rule.level(),
        column: None,
    };
    let number = near.len() as u64;
    let message = format!(
        "{} ({}) {} a text that is nearly one of the training part",
        counted(number, "test row", "test rows"),
        percent(share, 2),
        plural(number, "has", "have")
    );
    let rows = near.iter().take(job.shown).map(|leak| {
        let original = head.shown(all.rows[leak.original as usize].0);
        (
            all.rows[leak.row as usize].0,
            like_text(&original, Some(leak.similarity)),
        )
    });
    Ok(Some(about.with_rows(message, number, rows)))
}
