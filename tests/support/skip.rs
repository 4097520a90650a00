//! What a test needs and a machine may lack. A test that cannot run says so here, and nowhere else.
//!
//! With `EASYLIFE_STRICT=1`, which `.ci/run` sets, it fails. Otherwise a line goes to the file named by
//! `EASYLIFE_SKIPPED`, since a test runner shows nothing of tests that pass; `make test` prints it at
//! the end.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Says that this test is skipped, and why; the caller returns.
pub fn skip(reason: &str) {
    let strict = std::env::var("EASYLIFE_STRICT").is_ok_and(|value| value == "1");
    assert!(
        !strict,
        "cannot run: {reason}; EASYLIFE_STRICT=1 allows no test to be skipped"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    eprintln!("SKIPPED {test}: {reason}");
    let Some(path) = std::env::var_os("EASYLIFE_SKIPPED") else {
        return;
    };
    // One write a line: tests run at the same time.
    let line = format!("{reason}\t{}::{test}\n", env!("CARGO_CRATE_NAME"));
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

/// The folder of real data of a task, otherwise the test is skipped.
pub fn real_data(task: &str) -> Option<PathBuf> {
    let root = std::env::var_os("EASYLIFE_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let folder = root.join(task);
    if !folder.is_dir() {
        skip(&format!(
            "no real data at {}; set EASYLIFE_DATA",
            root.display()
        ));
        return None;
    }
    Some(folder)
}

/// DVC's program, otherwise the test is skipped.
pub fn dvc() -> Option<PathBuf> {
    let path = std::env::var_os("EASYLIFE_DVC").map(PathBuf::from);
    if path.is_none() {
        skip("no DVC; `make test` installs it and sets EASYLIFE_DVC");
    }
    path
}
