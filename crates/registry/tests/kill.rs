//! Fifty processes write runs and registry entries to one store and are killed at random moments:
//! nothing that was acknowledged is lost, and nothing is torn.
//!
//! The test runs itself again as each of the writers: with `EASYLIFE_TEST_STORE` set, `writer` writes
//! until it is killed and tells on stdout what was acknowledged.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use easylife_registry::history::{self, Access, Condition, Event, Registry, RegistryError};
use easylife_registry::lineage::Lineage;
use easylife_registry::runs::{Run, Runs};
use easylife_registry::store::{Content, Flaw, Folder, Store};
use jiff::{SignedDuration, Timestamp};

/// Names the folder of the store for a writer.
const FOLDER: &str = "EASYLIFE_TEST_STORE";

/// How many processes write at once.
const WRITERS: usize = 50;

/// The time over which they are killed, once all of them are at work.
const LONGEST: Duration = Duration::from_millis(1_500);

/// Not a test but a writer.
#[test]
#[ignore = "run by the test below"]
fn writer() {
    let folder = std::env::var_os(FOLDER).expect("started by the test below");
    let store: Arc<dyn Store> = Arc::new(Folder::create(Path::new(&folder)).unwrap());
    let id = std::process::id();
    let runs = Runs::new(store.clone());
    // A clock that jumps back and forth by hours, and differs between writers.
    let clock = move || {
        let now = Timestamp::now();
        now + SignedDuration::from_secs(now.subsec_nanosecond() as i64 % 7_200 - 3_600)
    };
    let access = Access::new(format!("writer {id}")).with_clock(clock);
    let mut registry = Registry::open(store, access).unwrap();
    let parent = parent_id();
    for round in 0.. {
        if parent_id() != parent {
            return; // the test itself was killed
        }
        let run = Run::new("train", "nlp", "0.1.0", clock()).unwrap();
        runs.append(&run).unwrap();
        acknowledge("run", &run.id);
        let bytes = format!("model {round} of {id}");
        let content = Content::of_bytes(bytes.as_bytes());
        let added = registry.add("nlp", &content, Lineage::default(), Vec::new());
        let number = added.unwrap().number;
        acknowledge("model", &content.sha256);
        let note = String::new();
        let promoted = registry.promote("nlp", "champion", number, &Condition::Always { note });
        acknowledge("entry", &promoted.unwrap().hash);
        if round % 3 == 2 {
            // There may be nothing to go back to.
            match registry.rollback("nlp", "champion", "") {
                Ok(entry) => acknowledge("entry", &entry.hash),
                Err(RegistryError::Refused(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Says that something was written, in one write.
fn acknowledge(what: &str, which: &str) {
    let line = format!("ack {what} {which}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// A writer, which is killed at the latest when the test ends.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill(); // SIGKILL
        let _ = self.0.wait();
    }
}

/// Starts a writer whose acknowledgements go to a file.
fn start(store: &Path, acknowledged: &Path) -> Writer {
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "writer",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, store)
        .stdout(File::create(acknowledged).unwrap())
        .stderr(File::create(acknowledged.with_extension("err")).unwrap())
        .spawn()
        .unwrap();
    Writer(child)
}

fn assert_alive(children: &mut [(Writer, Duration)], folder: &Path) {
    for (writer, _) in children {
        let ended = writer.0.try_wait().unwrap();
        let said = || complaints(folder);
        assert!(ended.is_none(), "a writer ended by itself: {}", said());
    }
}

/// What all writers said on stderr.
fn complaints(folder: &Path) -> String {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let said = files.filter(|path| path.extension().is_some_and(|end| end == "err"));
    said.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// What writers have acknowledged.
#[derive(Default)]
struct Acknowledged {
    runs: BTreeSet<String>,
    models: BTreeSet<String>,
    entries: BTreeSet<String>,
}

impl Acknowledged {
    fn read(&mut self, path: &Path) {
        let text = fs::read_to_string(path).unwrap();
        // The last line may have been cut by the kill.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            // The harness may have begun the line.
            let Some((_, line)) = line.split_once("ack ") else {
                continue;
            };
            let (what, which) = line.split_once(' ').unwrap();
            let set = match what {
                "run" => &mut self.runs,
                "model" => &mut self.models,
                "entry" => &mut self.entries,
                _ => panic!("{line}"),
            };
            set.insert(which.to_owned());
        }
    }
}

#[test]
fn fifty_writers_killed_at_random_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let file = |writer: usize| -> PathBuf { dir.path().join(format!("acknowledged-{writer}")) };
    let mut children: Vec<(Writer, Duration)> = (0..WRITERS)
        .map(|writer| {
            // Spread over the time, in an order that has nothing to do with that of the starts.
            let share = (writer * 37 % WRITERS + 1) as u32;
            let drawn = Timestamp::now().subsec_nanosecond() % 50_000_000;
            let until = LONGEST * share / WRITERS as u32 + Duration::from_nanos(drawn as u64);
            (start(&folder, &file(writer)), until)
        })
        .collect();
    let mut acknowledged = Acknowledged::default();
    while acknowledged.entries.len() < 10 {
        assert_alive(&mut children, dir.path());
        (0..WRITERS).for_each(|writer| acknowledged.read(&file(writer)));
        std::thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    while !children.is_empty() {
        assert_alive(&mut children, dir.path());
        children.retain(|(_, until)| began.elapsed() < *until);
        std::thread::sleep(Duration::from_millis(1));
    }
    (0..WRITERS).for_each(|writer| acknowledged.read(&file(writer)));
    println!(
        "acknowledged: {} runs, {} models, {} promotions and rollbacks",
        acknowledged.runs.len(),
        acknowledged.models.len(),
        acknowledged.entries.len()
    );
    check(&folder, &acknowledged);
}

/// Nothing is torn, and everything that was acknowledged is there.
fn check(folder: &Path, acknowledged: &Acknowledged) {
    let store = Arc::new(Folder::open(folder).unwrap());
    let runs = Runs::new(store.clone());
    let found = runs.check(false).unwrap();
    assert!(found.is_clean(), "{:?}", found.problems);
    let (all, _) = runs.all().unwrap();
    let ids: BTreeSet<String> = all.into_iter().map(|run| run.id).collect();
    assert_eq!(acknowledged.runs.difference(&ids).count(), 0);

    let report = history::check(&*store, None, None, false).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    let mut registry = Registry::open(store.clone(), Access::new("test")).unwrap();
    let hashes: BTreeSet<String> = (registry.entries().iter())
        .map(|signed| signed.hash.clone())
        .collect();
    assert_eq!(acknowledged.entries.difference(&hashes).count(), 0);
    let versions = registry.versions("nlp").unwrap();
    let models: BTreeSet<String> = versions.iter().map(|there| there.sha256.clone()).collect();
    assert_eq!(acknowledged.models.difference(&models).count(), 0);
    // The time of the history never goes back, although the clocks did.
    let entries = registry.entries();
    assert!(entries.is_sorted_by_key(|signed| signed.entry.time));
    assert!(!entries.is_sorted_by_key(|signed| signed.entry.clock));
    replay(&registry);

    // The next writer goes on, and a repair leaves nothing that is worth a word but models whose
    // writer died before it named them.
    let note = String::new();
    registry
        .promote("nlp", "next", 1, &Condition::Always { note })
        .unwrap();
    runs.check(true).unwrap();
    let left = history::check(&*store, None, None, true).unwrap();
    let unnamed = |flaw: &Flaw| *flaw == Flaw::Unnamed;
    assert!(left.problems.iter().all(|problem| unnamed(&problem.flaw)));
}

/// Every promotion and rollback begins where the one before it ended.
fn replay(registry: &Registry) {
    let mut champion = None;
    for entry in registry.log("nlp").unwrap() {
        let (before, after) = match &entry.event {
            Event::Promote { version, from, .. } => (*from, *version),
            Event::Rollback { from, to, .. } => (Some(*from), *to),
            _ => continue,
        };
        assert_eq!(before, champion, "entry {}", entry.number);
        champion = Some(after);
    }
    let found = registry.resolve("nlp@champion").unwrap().number;
    assert_eq!(Some(found), champion);
}
