//! `easylife repro` killed (SIGKILL) at random points, then run again: the end is always the same
//! bytes, and no lock, object or output is torn. EASYLIFE_KILLS sets how often, by default 25.

mod support;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use support::Workdir;

/// Stages that write slowly, in several commands and processes, files and folders.
const SLOW: &str = "\
stages:
  a:
    cmd: for i in 1 2 3 4; do echo $i; sleep 0.01; done > a.txt && sleep 0.01
    outs: [a.txt]
  b:
    foreach: [x, y, z]
    do:
      cmd:
      - 'mkdir -p d/${item} && (for i in 1 2 3; do echo ${item} $i > d/${item}/f$i; sleep 0.01; done)'
      - cat a.txt >> d/${item}/f1
      deps: [a.txt]
      outs:
      - d/${item}
  c:
    cmd: '(for f in d/*/*; do cat $f; sleep 0.005; done) > c.txt; wc -l < c.txt > n.txt'
    deps: [d]
    outs: [c.txt]
    metrics:
    - n.txt: {cache: false}
";

fn project() -> Workdir {
    let dir = Workdir::empty();
    dir.write("dvc.yaml", SLOW);
    dir.write(".dvc/config", "");
    dir
}

/// Everything that a run leaves: outputs, lock, cache. Not the table of hashes and the locks.
fn left(dir: &Workdir) -> BTreeMap<String, Vec<u8>> {
    let files = dir.tree("").into_iter();
    files
        .filter(|(name, _)| !name.starts_with(".dvc/tmp"))
        .collect()
}

/// No object has another content than its name says.
fn check_objects(dir: &Workdir) {
    use md5::{Digest, Md5};
    for (name, content) in dir.tree("") {
        let Some(id) = name.strip_prefix(".dvc/cache/files/md5/") else {
            continue;
        };
        if id.contains(".easylife-") {
            continue; // a temporary file: no object
        }
        let id = id.replace('/', "");
        let found: String = Md5::digest(&content)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(found, id.trim_end_matches(".dir"), "a torn object");
    }
}

fn is_temporary(name: &str) -> bool {
    Path::new(name)
        .components()
        .any(|part| part.as_os_str().to_string_lossy().starts_with(".easylife-"))
}

#[test]
fn killed_anywhere_a_run_ends_in_the_same_bytes() {
    let kills: u64 = std::env::var("EASYLIFE_KILLS").map_or(25, |n| n.parse().unwrap());
    let reference = project();
    let started = Instant::now();
    reference.ok(&["repro", "-q", "-j", "2"]);
    let whole = started.elapsed().as_micros() as u64;
    let expected = left(&reference);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let dir = project();
    for round in 0..kills {
        // From the start, or from a state in which everything is there and runs again.
        if round % 2 == 0 {
            for name in ["dvc.lock", "a.txt", "c.txt", "n.txt"] {
                let _ = fs::remove_file(dir.path(name));
            }
            let _ = fs::remove_dir_all(dir.path("d"));
            let _ = fs::remove_dir_all(dir.path(".dvc/cache"));
        }
        let mut child = dir
            .command(&["repro", "-q", "-j", "2", "--force"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(random.next_u64() % whole));
        child.kill().unwrap();
        child.wait().unwrap();
        check_objects(&dir);
        dir.ok(&["repro", "-q", "-j", "2"]);
        let mut found = left(&dir);
        found.retain(|name, _| !is_temporary(name));
        for (name, content) in &expected {
            assert_eq!(found.get(name), Some(content), "round {round}: {name}");
        }
        let more: Vec<&String> = found
            .keys()
            .filter(|name| !expected.contains_key(*name))
            .collect();
        assert!(more.is_empty(), "round {round}: {more:?}");
        assert_eq!(dir.run(&["status", "-q"]).code, 0, "round {round}");
    }
}
