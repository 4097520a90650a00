//! Stores and registries from the command line, for `tools/test-s3`. A STORE is a folder or
//! `s3://BUCKET/PREFIX`, with the environment of AWS's tools.
//!
//! - `store write STORE`: adds, promotes and records runs until it is killed; each line says what
//!   was acknowledged
//! - `store check STORE`: checks runs and registry; ends with 1 if something is lost or in doubt
//! - `store known STORE FILE...`: whether all that the files acknowledge is there
//! - `store fill STORE COUNT`: puts so many small objects, eight at once
//! - `store list STORE PREFIX`: how many objects there are
//! - `store put STORE KEY FILE`, `store get STORE KEY FILE`: one object
//! - `store backup STORE TARGET`: backs up into a new store
//! - `store restore BACKUP STORE`: restores into a new store

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use easylife_registry::backup::{self, Backup};
use easylife_registry::history::{self, Access, Condition, Registry};
use easylife_registry::lineage::Lineage;
use easylife_registry::runs::{Run, Runs};
use easylife_registry::store::{Content, Folder, Key, S3, Store};
use jiff::Timestamp;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("store: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["write", place] => write(&place_of(place, Live)?),
        ["check", place] => check(&place_of(place, Live)?),
        ["known", place, ref files @ ..] => known(&place_of(place, Live)?, files),
        ["fill", place, count] => fill(&*place_of(place, Live)?, count.parse()?),
        ["list", place, prefix] => {
            let listed = place_of(place, Live)?.list(prefix)?;
            say(&format!("{} objects", listed.len()))
        }
        ["put", place, key, file] => {
            let content = Content::of_file(Path::new(file))?;
            let put = place_of(place, Live)?.create_from(&Key::new(key)?, &content)?;
            say(if put { "put" } else { "taken" })
        }
        ["get", place, key, file] => get(&*place_of(place, Live)?, key, file),
        ["backup", place, target] => {
            let made = backup::write(&*place_of(place, Live)?, &*place_of(target, Target)?)?;
            say(&format!(
                "{} objects, {} runs, {} entries",
                made.objects.len(),
                made.runs,
                made.entries
            ))
        }
        ["restore", place, store] => {
            let backup = Backup::open(place_of(place, Source)?)?;
            backup.restore(&*place_of(store, Live)?)?;
            say(&format!("{} objects", backup.manifest().objects.len()))
        }
        _ => Err("usage: see the first lines of examples/store.rs".into()),
    }
}

/// What a place is opened for.
enum Use {
    Live,
    Target,
    Source,
}

use Use::{Live, Source, Target};

fn place_of(place: &str, using: Use) -> Result<Arc<dyn Store>> {
    let folder = Path::new(place);
    Ok(match (place.starts_with("s3://"), using) {
        (true, Live) => Arc::new(S3::create(place)?),
        (true, Target) => Arc::new(S3::create_backup(place)?),
        (true, Source) => Arc::new(S3::open_backup(place)?),
        (false, Live) => Arc::new(Folder::create(folder)?),
        (false, Target) => Arc::new(Folder::create_backup(folder)?),
        (false, Source) => Arc::new(Folder::open_backup(folder)?),
    })
}

/// Says a line in one write.
fn say(line: &str) -> Result<bool> {
    std::io::stdout().write_all(format!("{line}\n").as_bytes())?;
    Ok(true)
}

fn write(store: &Arc<dyn Store>) -> Result<bool> {
    let id = std::process::id();
    let runs = Runs::new(store.clone());
    let mut registry = Registry::open(store.clone(), Access::new(format!("writer {id}")))?;
    for round in 0.. {
        let run = Run::new("train", "nlp", "0.1.0", Timestamp::now())?;
        runs.append(&run)?;
        say(&format!("run {}", run.id))?;
        let bytes = format!("model {round} of {id}");
        let content = Content::of_bytes(bytes.as_bytes());
        let added = registry.add("nlp", &content, Lineage::default(), Vec::new())?;
        let number = added.number;
        say(&format!("model {}", content.sha256))?;
        let note = String::new();
        let always = Condition::Always { note };
        let promoted = registry.promote("nlp", "champion", number, &always)?;
        say(&format!("entry {}", promoted.hash))?;
    }
    Ok(true)
}

fn check(store: &Arc<dyn Store>) -> Result<bool> {
    let begun = Instant::now();
    let runs = Runs::new(store.clone()).check(false)?;
    let report = history::check(&**store, None, None, false)?;
    for problem in runs.problems.iter().chain(&report.problems) {
        say(&problem.to_string())?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    say(&format!(
        "{} runs, {} entries, {} versions in {seconds:.2} s",
        runs.runs, report.entries, report.versions
    ))?;
    Ok(runs.is_clean() && report.is_clean())
}

fn known(store: &Arc<dyn Store>, files: &[&str]) -> Result<bool> {
    let (all, _) = Runs::new(store.clone()).all()?;
    let mut there: BTreeSet<String> = all.iter().map(|run| format!("run {}", run.id)).collect();
    let registry = Registry::open(store.clone(), Access::new("check"))?;
    let versions = registry.versions("nlp")?.iter();
    there.extend(versions.map(|version| format!("model {}", version.sha256)));
    let entries = registry.entries().iter();
    there.extend(entries.map(|signed| format!("entry {}", signed.hash)));
    let (mut acknowledged, mut lost) = (0, 0);
    for file in files {
        let text = std::fs::read_to_string(file)?;
        // The last line may have been cut by a kill.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            acknowledged += 1;
            if !there.contains(line) {
                lost += 1;
                say(&format!("lost: {line}"))?;
            }
        }
    }
    say(&format!("{acknowledged} acknowledged, {lost} lost"))?;
    Ok(lost == 0)
}

fn fill(store: &dyn Store, count: usize) -> Result<bool> {
    const WRITERS: usize = 8;
    let begun = Instant::now();
    let put = |writer: usize| -> std::result::Result<(), String> {
        for number in (writer..count).step_by(WRITERS) {
            let key = Key::new(format!("many/{number:06}")).map_err(|error| error.to_string())?;
            store
                .create(&key, number.to_string().as_bytes())
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || put(writer)))
            .collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    for writer in done {
        writer.map_err(|_| "a writer panicked")??;
    }
    say(&format!(
        "{count} objects in {:.2} s",
        begun.elapsed().as_secs_f64()
    ))
}

fn get(store: &dyn Store, key: &str, file: &str) -> Result<bool> {
    let Some(mut object) = store.open(&Key::new(key)?)? else {
        return say("absent").map(|_| false);
    };
    let copied = std::io::copy(&mut object.reader, &mut std::fs::File::create(file)?)?;
    say(&format!("{copied} bytes"))
}
