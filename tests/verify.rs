//! `easylife verify`: the recorded bytes come out again, or the place where they do not is shown.

mod support;
use support::Workdir;

fn pipeline(definition: &str) -> Workdir {
    let dir = Workdir::empty();
    dir.write("dvc.yaml", definition);
    dir.write("in.txt", "one\n");
    dir.ok(&["repro", "-q"]);
    dir
}

/// Verifies, must end with 6; what it said on stdout.
fn differs(dir: &Workdir, args: &[&str]) -> String {
    let ran = dir.run(&[&["verify", "-q"], args].concat());
    assert_eq!(ran.code, 6, "{ran:?}");
    ran.stdout
}

#[test]
fn a_clone_with_nothing_but_the_lock_is_enough() {
    let dir = pipeline(
        "stages:\n  a:\n    cmd: mkdir -p d && echo 1 > d/x\n    outs: [d]\n  b:\n    cmd: cat d/x > \
         deep/b.txt\n    deps: [d]\n    outs: [deep/b.txt]\n"
            .replace("cat d/x", "mkdir -p deep && cat d/x")
            .as_str(),
    );
    let clone = Workdir::empty();
    for name in ["dvc.yaml", "dvc.lock"] {
        clone.write(name, dir.read(name));
    }
    let said = clone.ok(&["verify", "--threads", "1,2"]);
    assert_eq!(
        said,
        "reproducible: 4 stage runs, 4 outputs, the same bytes\n"
    );
    assert!(!clone.exists("d"), "the project itself is left alone");
}

#[test]
fn a_difference_is_shown_where_it_starts() {
    let count = "echo x >> $COUNT; n=$(wc -l < $COUNT)";
    let dir = Workdir::empty();
    dir.write(
        "dvc.yaml",
        format!(
            "stages:\n  a:\n    cmd: {count}; echo \"{{\\\"m\\\":{{\\\"n\\\":[1,$n]}}}}\" > m.json\n    \
             outs: [m.json]\n  t:\n    cmd: {count}; mkdir -p t; printf 'id,p\\n1,2\\n2,%s\\n' $n > \
             t/t.csv\n    outs: [t]\n"
        ),
    );
    let counter = dir.path("count").display().to_string();
    let run = |args: &[&str]| dir.command(args).env("COUNT", &counter).output().unwrap();
    assert!(run(&["repro", "-q"]).status.success());
    let output = run(&["verify", "-q"]);
    assert_eq!(output.status.code(), Some(6));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("NOT REPRODUCED a\n  m.json: $.m.n[1]: was "),
        "{said}"
    );
    assert!(said.contains("t/t.csv: row 3, column `p`: was "), "{said}");
}

#[test]
fn only_recorded_dependencies_are_there() {
    let dir = pipeline("stages:\n  a:\n    cmd: cat in.txt > o\n    outs: [o]\n");
    let said = differs(&dir, &[]);
    assert!(said.contains("is one missing in dvc.yaml?"), "{said}");
}

#[test]
fn a_dependency_that_is_not_as_recorded_is_told() {
    let dir =
        pipeline("stages:\n  a:\n    cmd: cat in.txt > o\n    deps: [in.txt]\n    outs: [o]\n");
    assert!(dir.ok(&["verify"]).starts_with("reproducible"));
    dir.write("in.txt", "two\n");
    let said = differs(&dir, &[]);
    assert!(
        said.contains("its dependency in.txt as recorded in dvc.lock was not found"),
        "{said}"
    );
}

#[test]
fn a_stage_that_is_not_the_recorded_one_ends_it() {
    let dir = pipeline("stages:\n  a:\n    cmd: echo 1 > o\n    outs: [o]\n");
    dir.write("dvc.yaml", dir.read("dvc.yaml").replace("echo 1", "echo 2"));
    let message = dir.fails(1, &["verify"]);
    assert!(
        message.contains("the command was `echo 1 > o`"),
        "{message}"
    );
    assert!(message.contains("easylife repro"), "{message}");
}

#[test]
fn a_number_of_threads_that_changes_bytes_is_found() {
    let dir = pipeline("stages:\n  a:\n    cmd: echo $EASYLIFE_THREADS > o\n    outs: [o]\n");
    let said = differs(&dir, &["--threads", "1,8"]);
    assert!(
        said.contains("NOT REPRODUCED a (8 threads)\n  o: line 1: was ``, is `8`"),
        "{said}"
    );
}

#[test]
fn models_and_tables_of_a_real_pipeline_come_out_again() {
    let dir = Workdir::project();
    let params = dir.read("params.yaml").replace("rows: 4000", "rows: 400");
    dir.write("params.yaml", params);
    dir.ok(&["repro", "-q", "evaluate@nlp"]);
    let said = dir.ok(&[
        "verify",
        "prepare@nlp",
        "train@nlp",
        "evaluate@nlp",
        "--threads",
        "1,2,8",
    ]);
    assert_eq!(
        said,
        "reproducible: 9 stage runs, 15 outputs, the same bytes\n"
    );
}
