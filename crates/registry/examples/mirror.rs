//! The spool from the command line, for `tools/test-mlflow`.
//!
//! - `mirror put SPOOL RECORDS.json`: puts a list of runs
//! - `mirror alias SPOOL CHANGES.json`: puts a list of changes of aliases
//! - `mirror sync SPOOL [SECONDS]`: sends them to the server of `MLFLOW_TRACKING_URI`, for at most
//!   that long; says what became of them, and ends with 1 if something is left

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use easylife_registry::mlflow::{AliasChange, Mirrored, Report, Server, Spool};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mirror: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                eprintln!("  {error}");
                source = error.source();
            }
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["put", spool, records] => put(&Spool::new(spool), records),
        ["alias", spool, changes] => put_aliases(&Spool::new(spool), changes),
        ["sync", spool] => say(&Spool::new(spool).sync(&Server::from_env()?)?),
        ["sync", spool, seconds] => {
            let most = Duration::try_from_secs_f64(seconds.parse()?)?;
            say(&Spool::new(spool).sync_within(&Server::from_env()?, most)?)
        }
        _ => Err(
            "usage: mirror put SPOOL RECORDS.json | mirror alias SPOOL CHANGES.json | \
                  mirror sync SPOOL [SECONDS]"
                .into(),
        ),
    }
}

fn put(spool: &Spool, records: &str) -> Result<bool, Box<dyn Error>> {
    let records: Vec<Mirrored> = serde_json::from_slice(&std::fs::read(records)?)?;
    for record in records {
        for note in spool.put(record)? {
            eprintln!("{note}");
        }
    }
    Ok(true)
}

fn put_aliases(spool: &Spool, changes: &str) -> Result<bool, Box<dyn Error>> {
    let changes: Vec<AliasChange> = serde_json::from_slice(&std::fs::read(changes)?)?;
    for change in changes {
        spool.put_alias(&change)?;
    }
    Ok(true)
}

fn say(report: &Report) -> Result<bool, Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for sent in &report.sent {
        let notes = sent.notes.join("; ");
        writeln!(out, "sent {} as {} {notes}", sent.id, sent.run_id)?;
    }
    for moved in &report.moved {
        let version = moved.version.as_deref().unwrap_or("no version");
        let notes = moved.notes.join("; ");
        writeln!(out, "moved {} to {version} {notes}", moved.id)?;
    }
    for failed in &report.failed {
        writeln!(out, "failed {}: {}", failed.id, failed.error)?;
    }
    if !report.waiting.is_empty() {
        writeln!(out, "waiting {}", report.waiting.join(" "))?;
    }
    Ok(report.is_complete())
}
