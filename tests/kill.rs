//! Killed at any point, `train` and `predict` leave nothing half-written under a final name, and
//! `--resume` ends in the same bytes.

mod support;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::Workdir;

const POINTS: u32 = 30;

/// Random but repeatable shares of a duration (a linear congruential generator; Knuth's MMIX).
fn shares() -> impl Iterator<Item = f64> {
    let mut state = 42u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    })
}

/// Starts a run, kills it after `wait` (SIGKILL); whether it had ended by itself before.
fn kill_after(dir: &Workdir, args: &[&str], wait: Duration) -> bool {
    let mut child = dir
        .command(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(wait);
    let ended = child.try_wait().unwrap().is_some();
    let _ = child.kill();
    child.wait().unwrap();
    ended
}

fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

#[test]
fn train_is_whole_or_not_there() {
    let dir = Workdir::trained();
    let model = "models/nlp.safetensors";
    let before = dir.bytes(model);
    let args = ["train", "nlp", "-S", "nlp.model.C=5"];
    let length = timed(|| drop(dir.ok(&args)));
    let after = dir.bytes(model);
    assert_ne!(before, after);
    let mut killed = 0;
    for share in shares().take(POINTS as usize) {
        dir.write(model, &before);
        if !kill_after(&dir, &args, length.mul_f64(share * 1.1)) {
            killed += 1;
        }
        let now = dir.bytes(model);
        assert!(now == before || now == after, "half a model");
        dir.ok(&["inspect", model]);
    }
    assert!(
        killed > 0,
        "no run was killed in time: the test shows nothing"
    );
}

/// Killed while it writes over its own files, with other parameters: they are still its own.
#[test]
fn sample_knows_its_own_files_after_a_kill() {
    let dir = Workdir::project();
    let sample = |seed: &'static str| ["sample", "cv", "-S", "cv.sample.scenes=6", "-S", seed];
    let length = timed(|| drop(dir.ok(&sample("seed=1"))));
    let expected = dir.tree("data/raw/cv");
    let mut killed = 0;
    for share in shares().take(POINTS as usize) {
        if !kill_after(&dir, &sample("seed=2"), length.mul_f64(share)) {
            killed += 1;
        }
        dir.ok(&sample("seed=1"));
        let mut found = dir.tree("data/raw/cv");
        found.retain(|(name, _)| !name.contains("/.easylife-"));
        assert!(found == expected, "another sample than without a kill");
    }
    assert!(
        killed > 0,
        "no run was killed in time: the test shows nothing"
    );
}

#[test]
fn predict_is_whole_or_not_there_and_resumes_to_the_same_bytes() {
    let dir = Workdir::trained();
    let mut text = String::from("id,text\n");
    for i in 0..400_000 {
        text += &format!(
            "{i},the film number {i} was {} to me\n",
            ["great", "bad"][i % 2]
        );
        if i % 50_000 == 5 {
            text += "ragged\n";
        }
    }
    dir.write("in.csv", text);
    for (out, points) in [("out.csv", POINTS), ("out.csv.gz", 4), ("out.parquet", 4)] {
        let base = [
            "predict",
            "nlp",
            "-i",
            "in.csv",
            "-o",
            out,
            "--on-error",
            "skip",
        ];
        let length = timed(|| assert_eq!(dir.run(&base).code, 7));
        let rejects_name = format!("{out}.rejects.csv");
        let (whole, rejects) = (dir.bytes(out), dir.bytes(&rejects_name));
        let resume: Vec<&str> = base.iter().copied().chain(["--resume"]).collect();
        let (mut killed, mut resumed) = (0, 0);
        for share in shares().take(points as usize) {
            let _ = std::fs::remove_file(dir.path(out));
            let _ = std::fs::remove_file(dir.path(&rejects_name));
            if !kill_after(&dir, &resume, length.mul_f64(share)) {
                killed += 1;
                assert!(
                    !dir.exists(out) || dir.bytes(out) == whole,
                    "{out}: half an output"
                );
            }
            let ran = dir.run(&resume);
            assert_eq!(ran.code, 7, "{ran:?}");
            resumed += u32::from(ran.stderr.contains("resuming after"));
            assert!(
                dir.bytes(out) == whole,
                "{out}: other bytes after a resumed run"
            );
            assert!(dir.bytes(&rejects_name) == rejects, "{out}: other rejects");
            let left: Vec<String> = dir
                .names(".")
                .into_iter()
                .filter(|n| n.starts_with(".out"))
                .collect();
            assert!(left.is_empty(), "left behind: {left:?}");
        }
        assert!(killed > 0, "{out}: no run was killed in time");
        assert!(resumed > 0 || points < POINTS, "{out}: no run was resumed");
    }
}

#[test]
fn resume_refuses_another_input_or_model() {
    let dir = Workdir::trained();
    let text: String = (0..300_000).map(|i| format!("text number {i}\n")).collect();
    dir.write("in.csv", format!("text\n{text}"));
    let args = [
        "predict", "nlp", "-i", "in.csv", "-o", "out.csv", "--resume",
    ];
    let mut child = dir.command(&args).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !dir.exists(".out.csv.journal") {
        assert!(started.elapsed().as_secs() < 30, "no checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    dir.write("in.csv", format!("text\nother{text}"));
    let message = dir.fails(2, &args);
    assert!(
        message.contains("the input has changed since the interrupted run"),
        "{message}"
    );
    dir.write("in.csv", format!("text\n{text}"));
    dir.ok(&["train", "nlp", "-S", "nlp.model.C=3"]);
    let message = dir.fails(2, &args);
    assert!(message.contains("another model"), "{message}");
    assert!(!dir.exists("out.csv"));
    dir.ok(&args[..6]);
    assert!(dir.exists("out.csv"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_says_how_to_go_on() {
    let dir = Workdir::trained();
    let args = ["predict", "nlp", "-i", "-", "-o", "out.csv"];
    let mut child = dir
        .command(&args)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"text\nfine\n").unwrap(); // and never an end
    let started = Instant::now();
    while !dir.exists(".out.csv.part") {
        assert!(started.elapsed().as_secs() < 20, "it never started");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    let asked = Instant::now();
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("--resume"),
        "{output:?}"
    );
    assert!(!dir.exists("out.csv"));
    // It waits for its input and cannot stop by itself: it is ended, and soon.
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
    assert!(!dir.exists(".out.csv.lock"));
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args([name, &pid])
        .status()
        .unwrap();
}

/// `predict` stops between batches: what it has checked in can be resumed, and nobody has to end it.
#[cfg(unix)]
#[test]
fn a_signal_stops_a_run_that_goes_on_to_the_same_bytes() {
    let dir = Workdir::trained();
    let rows: String = (0..400_000)
        .map(|row| format!("good or bad {row}\n"))
        .collect();
    dir.write("in.csv", format!("text\n{rows}").as_bytes());
    let args = [
        "predict",
        "nlp",
        "-i",
        "in.csv",
        "-o",
        "out.csv",
        "--threads",
        "1",
    ];
    let child = dir.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while !dir.exists(".out.csv.journal") {
        assert!(started.elapsed().as_secs() < 20, "no checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("--resume").count(), 1, "{said}");
    assert!(!dir.exists("out.csv") && !dir.exists(".out.csv.lock"));
    dir.ok(&[&args[..], &["--resume"]].concat());
    let resumed = dir.bytes("out.csv");
    dir.ok(&args);
    assert_eq!(resumed, dir.bytes("out.csv"));
}

#[cfg(unix)]
#[test]
fn a_signal_in_the_middle_of_training_ends_it_at_once() {
    let dir = Workdir::trained();
    let before = dir.bytes("models/nlp.safetensors");
    // So long a training that it is in its middle when the signal comes, on any machine.
    let words = |row: usize| -> String {
        let word = |place: usize| format!("w{} ", row * 31 + place * 7_919 % 50_000);
        (0..30).map(word).collect()
    };
    let rows: String = (0..200_000)
        .map(|row| format!("{},{}\n", words(row), row % 20))
        .collect();
    dir.write("large.csv", format!("text,label\n{rows}"));
    dir.ok(&["prepare", "nlp", "-S", "nlp.data.source=large.csv"]);
    let args = ["train", "nlp", "-S", "nlp.data.source=large.csv"];
    let child = dir.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    // Not after minutes, when the training would have ended by itself.
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("--resume"),
        "{output:?}"
    );
    assert_eq!(dir.bytes("models/nlp.safetensors"), before);
    let left = std::fs::read_dir(dir.path("models")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!left.into_iter().any(|name| name.starts_with('.')));
}
