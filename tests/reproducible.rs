//! The same bytes for every output: any number of threads, another folder, a second run.

mod support;
use support::Workdir;

/// Everything the pipeline writes, by path.
fn outputs(dir: &Workdir, threads: &str) -> Vec<(String, Vec<u8>)> {
    for verb in ["sample", "prepare", "train", "evaluate"] {
        dir.ok(&[verb, "nlp", "--threads", threads]);
    }
    for out in ["csv", "jsonl.gz", "tsv.zst", "parquet"] {
        let out = format!("data/scored/nlp.{out}");
        let input = "data/raw/nlp/incoming.csv";
        dir.ok(&[
            "predict",
            "nlp",
            "-i",
            input,
            "-o",
            &out,
            "--all-classes",
            "--threads",
            threads,
        ]);
    }
    ["data", "models", "metrics", "plots", "reports"]
        .iter()
        .flat_map(|folder| dir.tree(folder))
        .collect()
}

fn assert_same(a: &[(String, Vec<u8>)], b: &[(String, Vec<u8>)], what: &str) {
    let names = |outputs: &[(String, Vec<u8>)]| -> Vec<String> {
        outputs.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(a), names(b), "{what}");
    for ((name, x), (_, y)) in a.iter().zip(b) {
        assert!(x == y, "{what}: {name} differs");
    }
}

#[test]
fn threads_folders_and_repetition_change_nothing() {
    let dir = Workdir::project();
    let first = outputs(&dir, "1");
    assert!(first.len() > 12, "{first:?}");
    assert_same(&first, &outputs(&dir, "1"), "a second run");
    for threads in ["2", "8"] {
        assert_same(
            &first,
            &outputs(&Workdir::project(), threads),
            "another folder and threads",
        );
    }
}

#[test]
fn many_classes_too() {
    let run = |threads| {
        let mut csv = String::from("text,label\n");
        for i in 0..1500 {
            let label = i % 30;
            csv += &format!("word{label} and {} or {},intent_{label}\n", i % 7, i % 11);
        }
        let dir = Workdir::with_source("in.csv", csv);
        for verb in ["prepare", "train", "evaluate"] {
            dir.ok(&[verb, "nlp", "--threads", threads]);
        }
        ["models", "metrics", "plots", "reports"]
            .iter()
            .flat_map(|f| dir.tree(f))
            .collect::<Vec<_>>()
    };
    let one = run("1");
    for threads in ["2", "8"] {
        assert_same(&one, &run(threads), threads);
    }
}

#[test]
fn no_output_names_the_machine() {
    let dir = Workdir::project();
    let folder = dir.path("").display().to_string();
    for (name, bytes) in outputs(&dir, "2") {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains(folder.trim_end_matches('/')),
            "{name} holds the folder's path"
        );
    }
}
