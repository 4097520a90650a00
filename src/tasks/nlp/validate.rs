//! Checks of `nlp` data: repeated texts, also those that are nearly the same, contradicting labels, small classes, texts with a damaged encoding.

mod near;

use std::io;
use std::path::Path;

use anyhow::Result;
use xxhash_rust::xxh3::xxh3_64;

use crate::pipeline::validate::classes::{self, Labels};
use crate::pipeline::validate::finding::Gathered;
use crate::pipeline::validate::keys::{Keyed, Keys};
use crate::pipeline::validate::leaks::Key;
use crate::pipeline::validate::schema::{ColumnRules, Span};
use crate::pipeline::validate::{Checked, Job, TaskRule, Validate, leaks, parts, table};
use crate::report::validate::{Finding, Level};
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::params::Params;
use tables::blocks::{Block, Blocks, Head};
use tables::normalised;
use tables::profile::{Groups, Want, Watch};
use tables::spelling;

impl Validate for Nlp {
    const RULES: &'static [TaskRule] = &[
        TaskRule::at_least("classes", "2", Level::Error, "distinct labels"),
        TaskRule::at_least(
            "rows_per_class",
            "2",
            Level::Warning,
            "rows of the smallest class",
        ),
        TaskRule::at_most(
            "balance",
            "100",
            Level::Warning,
            "ratio of the rows of the largest and the smallest class",
        ),
        TaskRule::at_most(
            "label_spellings",
            "0",
            Level::Warning,
            "labels that look like another: case, space, Unicode form, invisible characters, numbers",
        ),
        TaskRule::at_most(
            "duplicates",
            "0",
            Level::Warning,
            "share of rows that repeat the normalised text of an earlier row",
        ),
        TaskRule::at_most(
            "conflicts",
            "0",
            Level::Warning,
            "share of rows that repeat a text with another label",
        ),
        TaskRule::at_most(
            near::REPEATS,
            "0.05",
            Level::Warning,
            "share of rows whose text is that of an earlier row but for a few words",
        ),
        TaskRule::at_most(
            "damaged",
            "0",
            Level::Warning,
            "share of texts with control characters or broken letters",
        ),
        TaskRule::at_most(
            "leakage",
            "0",
            Level::Error,
            "prepared: share of test texts that are also in the training part",
        ),
        TaskRule::at_most(
            near::LEAKAGE,
            "0.05",
            Level::Warning,
            "prepared: share of test texts that are in the training part but for a few words",
        ),
    ];

    fn columns(params: &Params) -> Vec<(String, ColumnRules)> {
        let nulls = |level| ColumnRules {
            nulls: Some(Span::at_most("0", level)),
            ..ColumnRules::default()
        };
        vec![
            (params.data.text.clone(), nulls(Level::Warning)),
            (params.data.label.clone(), nulls(Level::Error)),
        ]
    }

    fn raw(job: &Job<Params>) -> Result<Checked> {
        let data = &job.params.data;
        job.each_source(&data.source, data.test.as_deref(), |path| raw(job, path))
    }

    fn prepared(job: &Job<Params>) -> Result<Checked> {
        let text = |head: &Head, row: usize, block: &Block| {
            let text = head.find(&job.params.data.text)?;
            Some(key(block.text(row, text), &mut String::new()))
        };
        let keys = [Key {
            what: "text",
            of: &text,
        }];
        let parts = parts::<Nlp>(job.project)?;
        let mut found = leaks::check(job, &parts, &keys)?;
        let near = near::leakage(job, &parts, &found)?;
        found.checked.findings.extend(near);
        Ok(found.checked)
    }
}

/// The hash of a normalised text; `buffer` is reused.
fn key(text: &str, buffer: &mut String) -> u64 {
    normalised(text, buffer);
    xxh3_64(buffer.as_bytes())
}

fn raw(job: &Job<Params>, path: &Path) -> Result<Checked> {
    let mut read = table::read(job, path, |head| Texts {
        text: head.find(&job.params.data.text),
        label: head.find(&job.params.data.label),
        keyed: job.rule("duplicates").is_some() || job.rule("conflicts").is_some(),
        looked_at: job.rule("damaged").is_some(),
        keys: Keys::default(),
        damaged: Gathered::new(job.shown),
        shown: job.shown,
    })?;
    let mut findings = std::mem::take(&mut read.findings);
    if let Some(label) = read.watch.label {
        let labels = Labels::of(&read.table, label);
        let again = || Ok(Blocks::open(path)?);
        findings.extend(classes::check(job, again, &read, label, &labels)?);
    }
    if let Some(text) = read.watch.text {
        let mut keys = std::mem::take(&mut read.watch.keys);
        let rules = [
            ("duplicates", "repeat the text of an earlier row"),
            ("conflicts", "repeat a text that has different labels"),
        ];
        let mut repeats = read.repeats(job, &mut keys, text, "rows", rules)?;
        repeats.extend(near::repeats(job, path, &read, text)?);
        let mut blocks = Blocks::open_with(path, job.reading)?;
        blocks.rename(|path| job.project.shown(path));
        table::add_texts(&mut repeats, blocks, text)?;
        findings.extend(repeats);
        findings.extend(damaged(job, &read, text));
    }
    Ok(Checked {
        tables: vec![read.summary],
        findings,
    })
}

/// Checks texts and labels while reading.
struct Texts {
    text: Option<usize>,
    label: Option<usize>,
    /// Whether there are rules on repeated texts, and on damaged ones.
    keyed: bool,
    looked_at: bool,
    /// Hashes of normalised texts; the tag is the label.
    keys: Keys,
    damaged: Gathered,
    shown: usize,
}

#[derive(Default)]
struct Seen {
    keys: Vec<Keyed>,
    damaged: Option<Gathered>,
}

impl Watch for Texts {
    type Seen = Seen;

    fn wants(&self, column: usize) -> Want {
        match column {
            _ if self.label == Some(column) => Want::Profile,
            _ if self.text != Some(column) => Want::Nothing,
            _ if self.looked_at => Want::Values,
            _ if self.keyed => Want::Cells,
            _ => Want::Nothing,
        }
    }

    fn column(&self, seen: &mut Seen, block: &Block, column: usize, groups: &Groups) {
        if self.text != Some(column) || !self.looked_at {
            return;
        }
        let bad = |group: usize| {
            let first = groups.groups()[group].first as usize;
            is_damaged(block.text(first, column))
        };
        let bad: Vec<bool> = (0..groups.groups().len()).map(bad).collect();
        if !bad.contains(&true) {
            return;
        }
        let mut gathered = Gathered::new(self.shown);
        for (row, &group) in groups.of_row().iter().enumerate() {
            if bad[group as usize] {
                gathered.add(block.spot(row), || block.text(row, column).to_owned());
            }
        }
        seen.damaged = Some(gathered);
    }

    fn rows(&self, seen: &mut Seen, block: &Block) {
        let Some(text) = self.text.filter(|_| self.keyed) else {
            return;
        };
        let rows = (0..block.rows()).filter(|&row| !block.bytes_of(row, text).is_empty());
        let label = |row| {
            self.label
                .map_or("", |label| spelling::plain(block.text(row, label).trim()))
        };
        let mut buffer = String::new();
        let keyed = rows.map(|row| Keyed {
            key: key(block.text(row, text), &mut buffer),
            spot: block.spot(row),
            tag: xxh3_64(label(row).as_bytes()) as u32,
        });
        seen.keys = keyed.collect();
    }

    fn take(&mut self, seen: Seen) -> io::Result<()> {
        if let Some(damaged) = seen.damaged {
            self.damaged.merge(damaged);
        }
        self.keys.extend(&seen.keys)
    }
}

/// Whether a text has control characters, the replacement character, or UTF-8 that was read as Latin-1 (`Ã©` for
/// `é`, `â€™` for `’`).
fn is_damaged(text: &str) -> bool {
    if text.is_ascii() {
        return text
            .bytes()
            .any(|byte| byte.is_ascii_control() && !b"\t\n\r".contains(&byte));
    }
    let pairs = text.chars().zip(text.chars().skip(1));
    let twice_coded = |(a, b): (char, char)| match a {
        'Ã' | 'Â' => ('\u{80}'..='\u{bf}').contains(&b),
        'â' => matches!(b, '€' | '\u{80}'),
        _ => false,
    };
    let control = |c: char| c == '\u{fffd}' || (c.is_control() && !"\t\n\r\u{85}".contains(c));
    text.chars().any(control) || pairs.into_iter().any(twice_coded)
}

fn damaged(job: &Job<Params>, read: &table::Read<Texts>, text: usize) -> Option<Finding> {
    let says = "hold control characters or letters broken by a wrong encoding";
    read.share(
        job,
        "damaged",
        Some(text),
        &read.watch.damaged,
        ["texts", says],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_distinguished_from_foreign_letters() {
        for fine in [
            "plain\ttext\n",
            "Café, naïve, São Paulo",
            "Ähre",
            "日本語",
            "Â la carte",
            "â",
        ] {
            assert!(!is_damaged(fine), "{fine}");
        }
        for bad in [
            "a\u{1}b",
            "caf\u{fffd}",
            "CafÃ©",
            "donâ€™t",
            "\u{7f}",
            "Â£5",
        ] {
            assert!(is_damaged(bad), "{bad}");
        }
    }
}
