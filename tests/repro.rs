//! `easylife repro` and `status` on small pipelines of shell commands. Agreement with DVC is
//! `tests/conformance.rs`.

mod support;
use std::fs;
use std::time::{Duration, Instant};

use support::{Workdir, skip};

/// Two stages: `a` copies `in.txt`, `b` reads what `a` wrote and a parameter.
const TWO: &str = "\
stages:
  a:
    cmd: cat in.txt > a.txt
    deps: [in.txt]
    outs: [a.txt]
  b:
    cmd: cat a.txt > b.txt && echo ${n} >> b.txt
    deps: [a.txt]
    params: [n]
    outs: [b.txt]
";

fn pipeline(definition: &str) -> Workdir {
    let dir = Workdir::empty();
    dir.write("dvc.yaml", definition);
    dir.write("params.yaml", "n: 1\n");
    dir.write("in.txt", "one\n");
    dir
}

/// As after `dvc init`.
fn with_dvc(definition: &str) -> Workdir {
    let dir = pipeline(definition);
    dir.write(".dvc/config", "");
    dir
}

fn stages(json: &str, outcome: &str) -> Vec<String> {
    let ran: serde_json::Value = serde_json::from_str(json).unwrap();
    let all = ran["stages"].as_array().unwrap().iter();
    all.filter(|stage| stage["outcome"] == outcome)
        .map(|stage| stage["stage"].as_str().unwrap().to_owned())
        .collect()
}

fn ran(dir: &Workdir, args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = [&["repro", "--json", "-q"], args].concat();
    stages(&dir.ok(&args), "ran")
}

#[test]
fn what_has_changed_runs_and_nothing_else() {
    let dir = pipeline(TWO);
    assert_eq!(ran(&dir, &[]), ["a", "b"]);
    assert_eq!(dir.read("b.txt"), "one\n1\n");
    let lock = dir.bytes("dvc.lock");
    assert!(ran(&dir, &[]).is_empty());
    assert_eq!(dir.bytes("dvc.lock"), lock);

    dir.write("params.yaml", "n: 2\n");
    let status = dir.ok(&["status"]);
    assert_eq!(
        status,
        "b:\n  the command was `cat a.txt > b.txt && echo 1 >> b.txt`, is `cat a.txt > b.txt && \
         echo 2 >> b.txt`\n  the parameter n was 1, is 2\n"
    );
    assert_eq!(dir.ok(&["repro", "--dry"]), status);
    assert_eq!(dir.bytes("dvc.lock"), lock, "--dry changes nothing");
    assert_eq!(dir.run(&["status", "-q"]).code, 1);
    assert_eq!(ran(&dir, &[]), ["b"]);
    assert_eq!(dir.run(&["status", "-q"]).code, 0);

    fs::remove_file(dir.path("a.txt")).unwrap();
    let status = dir.ok(&["status"]);
    assert!(
        status.contains("a:\n  the output a.txt is missing\n"),
        "{status}"
    );
    assert!(status.contains("stage `a` runs before it"), "{status}");
    assert_eq!(ran(&dir, &[]), ["a"], "b's dependency is what it was");

    dir.write("in.txt", "two\n");
    assert_eq!(ran(&dir, &[]), ["a", "b"]);
}

#[test]
fn targets_choose_stages() {
    let dir = pipeline(TWO);
    assert_eq!(ran(&dir, &["a"]), ["a"]);
    dir.write("in.txt", "new\n");
    assert_eq!(ran(&dir, &["b", "-s"]), ["b"], "not what it needs");
    assert_eq!(ran(&dir, &["b"]), ["a", "b"]);
    assert_eq!(ran(&dir, &["a", "--downstream", "-f"]), ["a", "b"]);
    let message = dir.fails(2, &["repro", "c"]);
    assert!(message.contains("unknown stage `c`"), "{message}");
    let message = dir.fails(2, &["repro", "-S", "n=3"]);
    assert!(message.contains("params.yaml"), "{message}");
}

#[test]
fn the_run_cache_knows_earlier_runs() {
    let dir = with_dvc(TWO);
    assert_eq!(ran(&dir, &[]), ["a", "b"]);
    let first = dir.bytes("dvc.lock");
    dir.write("params.yaml", "n: 2\n");
    assert_eq!(ran(&dir, &[]), ["b"]);
    dir.write("params.yaml", "n: 1\n");
    let json = dir.ok(&["repro", "--json", "-q"]);
    assert_eq!(stages(&json, "restored"), ["b"]);
    assert_eq!(dir.read("b.txt"), "one\n1\n");
    assert_eq!(dir.bytes("dvc.lock"), first);
    // Outputs that are gone come back without a run.
    fs::remove_file(dir.path("a.txt")).unwrap();
    fs::remove_file(dir.path("b.txt")).unwrap();
    assert_eq!(
        stages(&dir.ok(&["repro", "--json", "-q"]), "restored"),
        ["a", "b"]
    );
    assert_eq!(ran(&dir, &["-f"]), ["a", "b"]);
}

#[test]
fn links_into_the_cache_are_made_as_configured() {
    use std::os::unix::fs::MetadataExt;
    for (kind, is_link) in [("hardlink", true), ("symlink", true), ("copy", false)] {
        let dir = with_dvc(TWO);
        dir.write(".dvc/config", format!("[cache]\n    type = {kind}\n"));
        dir.ok(&["repro", "-q"]);
        let meta = dir.path("a.txt").symlink_metadata().unwrap();
        assert_eq!(meta.is_symlink() || meta.nlink() > 1, is_link, "{kind}");
        let object = dir.path(".dvc/cache/files/md5/5b/bf5a52328e7439ae6e719dfe712200");
        assert_eq!(fs::read_to_string(&object).unwrap(), "one\n", "{kind}");
        assert_eq!(object.metadata().unwrap().mode() & 0o777, 0o444, "{kind}");
        dir.write("in.txt", "two\n");
        assert_eq!(ran(&dir, &[]), ["a", "b"], "{kind}");
        assert_eq!(
            fs::read_to_string(&object).unwrap(),
            "one\n",
            "{kind}: the object is whole"
        );
        assert!(ran(&dir, &[]).is_empty(), "{kind}");
    }
}

#[test]
fn a_stage_that_fails_leaves_the_lock_of_the_others() {
    let dir = pipeline(
        "stages:\n  good:\n    cmd: echo 1 > good.txt\n    outs: [good.txt]\n  bad:\n    cmd: echo \
         \"it broke\" && false\n    deps: [good.txt]\n    outs: [bad.txt]\n  after:\n    cmd: cp \
         bad.txt after.txt\n    deps: [bad.txt]\n    outs: [after.txt]\n  other:\n    cmd: echo 2 > \
         other.txt\n    outs: [other.txt]\n",
    );
    let message = dir.fails(1, &["repro"]);
    assert!(message.contains("dvc.yaml:6: stage `bad`"), "{message}");
    assert!(message.contains("ended with exit code 1"), "{message}");
    assert!(message.contains("reports/logs/bad.log"), "{message}");
    assert!(dir.read("reports/logs/bad.log").contains("it broke"));
    let lock = dir.read("dvc.lock");
    assert!(
        lock.contains("  good:\n") && !lock.contains("  bad:\n"),
        "{lock}"
    );
    assert!(!dir.exists("other.txt"), "nothing new after a failure");

    dir.fails(1, &["repro", "--keep-going"]);
    assert!(dir.exists("other.txt") && !dir.exists("after.txt"));
    assert!(dir.read("dvc.lock").contains("  other:\n"));
}

#[test]
fn stages_at_the_same_time_speak_in_order() {
    let mut text = String::from("stages:\n");
    for i in 0..6 {
        let wait = 0.05 * f64::from(6 - i);
        text += &format!(
            "  s{i}:\n    cmd: sleep {wait} && echo said {i} && echo {i} > o{i}\n    outs: [o{i}]\n"
        );
    }
    let dir = pipeline(&text);
    let ran = dir.run(&["repro", "-j", "6"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let said: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|l| l.starts_with("said"))
        .collect();
    assert_eq!(
        said,
        ["said 0", "said 1", "said 2", "said 3", "said 4", "said 5"]
    );
    let parallel = dir.bytes("dvc.lock");
    let dir = pipeline(&text);
    dir.ok(&["repro", "-q"]);
    assert_eq!(
        dir.bytes("dvc.lock"),
        parallel,
        "the lock keeps the order of dvc.yaml"
    );
}

fn refused(definition: &str, code: i32) -> String {
    let dir = pipeline(definition);
    let message = dir.fails(code, &["repro"]);
    assert!(!dir.exists("dvc.lock"), "{message}");
    message
}

#[test]
fn what_dvc_refuses_is_refused_with_file_line_and_stage() {
    for (definition, code, parts) in [
        (
            "stages:\n  a: {cmd: x, deps: [q], outs: [p]}\n  b: {cmd: x, deps: [p], outs: [q]}\n",
            2,
            &["dvc.yaml:2:", "in a cycle: a -> b -> a"][..],
        ),
        (
            "stages:\n  a: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [o]}\n",
            2,
            &[
                "dvc.yaml:3:",
                "stage `b`",
                "is also the output o of stage `a` (line 2)",
            ],
        ),
        (
            "stages:\n  a: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [o/p]}\n",
            2,
            &["dvc.yaml:3:", "is inside the output o"],
        ),
        (
            "stages:\n  a:\n    cmd: x\n    deps: [missing.csv]\n    outs: [o]\n",
            1,
            &[
                "dvc.yaml:",
                "stage `a`",
                "line 4",
                "missing.csv does not exist",
            ],
        ),
        (
            "stages:\n  a:\n    cmd: echo ${no.such}\n",
            2,
            &[
                "dvc.yaml:3:10",
                "stage `a`",
                "unknown name in `${no.such}`",
                "expected one of n",
            ],
        ),
        ("stages:\n  a: [\n", 2, &["dvc.yaml:", "invalid YAML"]),
        (
            "stages:\n  a:\n    cmd: x\n    checkpoint: true\n",
            2,
            &["dvc.yaml:4:5", "stage `a`", "`checkpoint`", "not supported"],
        ),
        (
            "stages:\n  a:\n    cmd: x\n    outs:\n    - o: {remote_x: y}\n",
            2,
            &["dvc.yaml:5:11", "`remote_x`"],
        ),
        (
            "stages:\n  a:\n    cmd: x\n    deps: [s3://bucket/x]\n",
            2,
            &["dvc.yaml:4:12", "s3://bucket/x", "only local"],
        ),
        (
            "stages:\n  a:\n    cmd: x\n    outs: [../o]\n",
            2,
            &["dvc.yaml:4:12", "is outside the project"],
        ),
        (
            "stages:\n  a:\n    cmd: x\n    params: [m]\n    outs: [o]\n",
            1,
            &["stage `a`", "line 4", "params.yaml has no m"],
        ),
        (
            "stages:\n  a:\n    foreach: ${n}\n    do: {cmd: x}\n",
            2,
            &["dvc.yaml:3:14", "expects a list or a mapping"],
        ),
        (
            "stages:\n  a:\n    cmd: 'true'\n    outs: [o]\n",
            1,
            &["stage `a`", "the output o (line 4) does not exist"],
        ),
        ("datasets: []\n", 2, &["dvc.yaml:1:1", "`datasets`"]),
    ] {
        let message = refused(definition, code);
        for part in parts {
            assert!(message.contains(part), "{definition}\n{part}\n{message}");
        }
    }
}

/// `dvc repro` would write the `.dvc` file anew, and run the other stage; here both are refused.
#[test]
fn what_others_keep_in_step_is_refused_when_it_is_not() {
    let dir = with_dvc(TWO);
    // MD5 of "one\n", as `dvc add in.txt` records it.
    dir.write(
        "in.txt.dvc",
        "outs:\n- md5: 5bbf5a52328e7439ae6e719dfe712200\n  size: 4\n  hash: md5\n  path: in.txt\n",
    );
    assert_eq!(ran(&dir, &[]), ["a", "b"]);
    dir.write("in.txt", "two\n");
    let message = dir.fails(1, &["repro", "-q"]);
    assert!(
        message.contains("in.txt is not what in.txt.dvc records"),
        "{message}"
    );
    assert!(message.contains("dvc commit in.txt.dvc"), "{message}");
    assert_eq!(dir.read("a.txt"), "one\n");

    let dir = pipeline(&TWO.replace("in.txt", "raw/in.txt"));
    dir.write("raw/in.txt", "one\n");
    dir.write(
        "raw/dvc.yaml",
        "stages:\n  fetch:\n    cmd: echo one > in.txt\n    outs: [in.txt]\n",
    );
    let message = dir.fails(1, &["repro", "-q"]);
    let told = "line 4: raw/in.txt is made by the stage `fetch` of raw/dvc.yaml";
    assert!(message.contains(told), "{message}");
}

#[test]
fn a_stage_that_deletes_or_changes_its_dependency_is_told() {
    let dir = pipeline(
        "stages:\n  a:\n    cmd: rm in.txt && echo 1 > o\n    deps: [in.txt]\n    outs: [o]\n",
    );
    let message = dir.fails(1, &["repro"]);
    assert!(
        message.contains("after the run") && message.contains("in.txt does not exist"),
        "{message}"
    );
    assert!(!dir.exists("dvc.lock"));
    let dir = pipeline(
        "stages:\n  a:\n    cmd: echo 1 >> in.txt && echo 1 > o\n    deps: [in.txt]\n    outs: [o]\n",
    );
    let ran = dir.run(&["repro"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stderr.contains("its run changed its dependency in.txt"),
        "{ran:?}"
    );
}

#[test]
fn of_two_runs_at_once_the_second_waits_or_ends_with_5() {
    let dir = pipeline("stages:\n  a:\n    cmd: sleep 1 && echo 1 > o\n    outs: [o]\n");
    let mut first = dir.command(&["repro", "-q"]).spawn().unwrap();
    let started = Instant::now();
    while !dir.exists(".easylife/run") {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it never began"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let message = dir.fails(5, &["repro"]);
    assert!(message.contains("--wait"), "{message}");
    assert!(
        ran(&dir, &["--wait"]).is_empty(),
        "it waited, and nothing was left to do"
    );
    assert_eq!(first.wait().unwrap().code(), Some(0));
}

#[test]
fn a_lock_of_dvcs_is_respected() {
    let dir = with_dvc(TWO);
    let folder = dir.path(".dvc/tmp");
    fs::create_dir_all(&folder).unwrap();
    let file = fs::File::create(folder.join("lock")).unwrap();
    file.lock().unwrap();
    let message = dir.fails(5, &["repro"]);
    assert!(message.contains(".dvc/tmp/lock"), "{message}");
    drop(file);
    // A process that is alive (this one) writes what stage b is to read.
    let path = dir.path("a.txt").display().to_string();
    let list =
        serde_json::json!({"write": {path: {"pid": std::process::id(), "cmd": "dvc"}}, "read": {}});
    dir.write(".dvc/tmp/rwlock", list.to_string());
    let message = dir.fails(5, &["repro"]);
    assert!(message.contains("a.txt is being written"), "{message}");
    // One that is gone does not count.
    dir.write(
        ".dvc/tmp/rwlock",
        dir.read(".dvc/tmp/rwlock")
            .replace(&std::process::id().to_string(), "999999999"),
    );
    assert_eq!(ran(&dir, &[]), ["a", "b"]);
}

#[test]
fn easylife_in_a_stage_is_this_binary() {
    let dir = pipeline(
        "stages:\n  a:\n    cmd: easylife --version > v && command -v easylife\n    outs: [v]\n",
    );
    dir.ok(&["repro"]);
    assert_eq!(dir.read("v"), dir.ok(&["--version"]));
}

/// A small file system of its own, where this machine lets us mount one.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: std::path::PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&at)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            skip("no file system can be mounted here; run the tests as root");
        }
        mounted.then_some(Self(at))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_run_and_leaves_the_lock() {
    let dir = Workdir::empty();
    let Some(small) = Small::mount(dir.path("small"), "1m") else {
        return;
    };
    let at = |name: &str| small.0.join(name);
    fs::create_dir_all(at(".dvc")).unwrap();
    let big = "head -c 700000 /dev/zero > big";
    fs::write(
        at("dvc.yaml"),
        format!("stages:\n  a: {{cmd: echo 1 > a, outs: [a]}}\n  b: {{cmd: {big}, deps: [a], outs: [big]}}\n"),
    )
    .unwrap();
    let project = small.0.display().to_string();
    // The output fits, its copy in the cache does not.
    let message = dir.fails(1, &["repro", "--project", &project]);
    assert!(message.contains("No space left"), "{message}");
    let lock = fs::read_to_string(at("dvc.lock")).unwrap();
    assert!(
        lock.contains("  a:\n") && !lock.contains("  b:\n"),
        "{lock}"
    );
    let mut objects = 0;
    for folder in fs::read_dir(at(".dvc/cache/files/md5")).unwrap() {
        for entry in fs::read_dir(folder.unwrap().path()).unwrap() {
            let size = entry.unwrap().metadata().unwrap().len();
            assert_eq!(size, 2, "a torn object");
            objects += 1;
        }
    }
    assert_eq!(objects, 1);
}

/// Sends a signal to the process alone, as a supervisor does.
fn terminate(child: &std::process::Child) {
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(sent.unwrap().success());
}

/// The shell that runs a stage's command was ended, what it had started was not.
#[test]
fn nothing_of_a_stage_works_on_after_the_run_has_ended() {
    let job = "for i in 1 2 3 4 5 6 7 8 9; do echo $i >> log-$1.txt; sleep 0.2; done";
    let stage =
        |name: &str, cmd: &str| format!("  {name}:\n    cmd: {cmd}\n    outs: [{name}.txt]\n");
    let two = format!(
        "stages:\n{}{}",
        stage("a", "sh job.sh a && echo 1 > a.txt"),
        // Deaf to SIGTERM, and one that has left the group.
        stage(
            "b",
            "(trap '' TERM; sh job.sh b); setsid sh job.sh c; echo 1 > b.txt"
        ),
    );
    for args in [&["repro"][..], &["repro", "-j", "2"]] {
        let dir = pipeline(&two);
        dir.write("job.sh", job);
        let mut run = dir
            .command(args)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let last = if args.len() > 1 {
            "log-b.txt"
        } else {
            "log-a.txt"
        };
        let started = Instant::now();
        while !dir.exists(last) {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "no stage has begun"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        terminate(&run);
        assert_eq!(run.wait().unwrap().code(), Some(130), "{args:?}");
        let logs = || {
            dir.tree(".")
                .into_iter()
                .filter(|(name, _)| name.starts_with("log-"))
                .collect::<Vec<_>>()
        };
        let at_the_end = logs();
        std::thread::sleep(Duration::from_millis(600));
        assert!(logs() == at_the_end, "{args:?}: something works on");
    }
}

#[test]
fn nothing_of_a_stage_works_on_after_verify_has_ended() {
    let dir = pipeline(
        "stages:\n  a:\n    cmd: test -e here/fast || (sleep 1 && echo late > here/late); echo 1 > a.txt\n    outs: [a.txt]\n",
    );
    let here = dir.path("here");
    fs::create_dir(&here).unwrap();
    let definition = dir
        .read("dvc.yaml")
        .replace("here/", &format!("{}/", here.display()));
    dir.write("dvc.yaml", definition);
    dir.write("here/fast", "");
    dir.ok(&["repro", "-q"]);
    fs::remove_file(here.join("fast")).unwrap();
    let mut run = dir
        .command(&["verify"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(400));
    terminate(&run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!dir.exists("here/late"), "the stage has worked on");
}

/// A line separator within quotes was read back as another value, so that the stage ran at every call.
#[test]
fn a_parameter_of_any_characters_is_up_to_date_when_it_has_run() {
    let dir =
        pipeline("stages:\n  a:\n    cmd: echo 1 > a.txt\n    params: [p]\n    outs: [a.txt]\n");
    for value in [
        "a\\u2028b",
        "a\\u2028 b",
        "a\\Nb",
        "\\u2029",
        "a\\rb",
        "\\0<<",
        "\\ufeff",
        " \\t\\e ",
    ] {
        dir.write(
            "params.yaml",
            format!("p: {{\"{value}\": [\"{value}\", x]}}\n"),
        );
        dir.ok(&["repro", "-q"]);
        assert_eq!(
            dir.ok(&["status"]),
            "up to date: nothing to run\n",
            "{value}"
        );
    }
}

#[test]
fn values_that_no_lock_can_hold_are_refused_where_a_stage_reads_them() {
    let stage = |params: &str| {
        format!(
            "stages:\n  a:\n    cmd: echo 1 > a.txt\n    params: [{params}]\n    outs: [a.txt]\n"
        )
    };
    for (file, text, read, date) in [
        ("p.toml", "d = 2024-01-01\nlr = 1\n", "lr", "d"),
        ("p.yaml", "d: 2024-01-01\nlr: 1\n", "lr", "d"),
        ("params.yaml", "d: 2024-01-01\nlr: 1\n", "lr", "d"),
        (
            "p.json",
            "{\"lr\": 1, \"best\": NaN, \"most\": -Infinity}",
            "lr",
            "",
        ),
        ("p.json", "{\"lr\": 1, \"best\": NaN}", "best", ""),
    ] {
        let dir = pipeline(&stage(&format!("{file}: [{read}]")));
        dir.write(file, text);
        dir.ok(&["repro", "-q"]);
        assert_eq!(
            dir.ok(&["status"]),
            "up to date: nothing to run\n",
            "{file} {read}"
        );
        if !date.is_empty() {
            dir.write("dvc.yaml", stage(&format!("{file}: [{date}]")));
            let message = dir.fails(2, &["status"]);
            assert!(
                message.contains(file) && message.contains("d: 2024-01-01 is a date"),
                "{message}"
            );
        }
    }
}

#[test]
fn marks_of_an_unfinished_merge_are_named_with_the_next_step() {
    let marks = "<<<<<<< HEAD\nn: 2\n=======\nn: 3\n>>>>>>> theirs\n";
    for (file, says) in [
        (
            "dvc.lock",
            "dvc.lock:1:1: dvc.lock has conflict markers of an unfinished merge; keep one side",
        ),
        (
            "params.yaml",
            "params.yaml:1:1: `<<<<<<< HEAD` is a conflict marker of an unfinished merge",
        ),
        (
            "dvc.yaml",
            "dvc.yaml:1:1: `<<<<<<< HEAD` is a conflict marker of an unfinished merge",
        ),
    ] {
        let dir = pipeline(TWO);
        dir.write(file, marks);
        let ran = dir.run(&["repro"]);
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains(says), "{file}: {}", ran.stderr);
    }
}

/// Of a task's stages, those that check the rules run again; DVC sees the same in `tests/dvc.rs`.
#[test]
fn rules_of_ones_own_are_a_dependency() {
    let dir = Workdir::project();
    dir.ok(&["repro", "-q", "validate@nlp"]);
    let status = |dir: &Workdir| dir.ok(&["status", "validate@nlp"]);
    assert_eq!(status(&dir), "up to date: nothing to run\n");
    dir.ok(&["validate", "nlp", "--init"]);
    assert!(status(&dir).contains("schema has changed"));
    dir.ok(&["repro", "-q", "validate@nlp"]);
    let rules = dir.read("schema/nlp.yaml");
    dir.write("schema/nlp.yaml", rules + "# looked at\n");
    assert!(status(&dir).contains("schema has changed"));
}

#[test]
fn what_a_verb_reads_and_its_stage_does_not_depend_on_is_said() {
    let dir = Workdir::project();
    dir.write("mine/reviews.csv", "text,label\na,b\n");
    dir.write("mine/test.csv", "text,label\na,b\n");
    dir.write("mine/ratings.csv", "user_id,item_id\n1,2\n");
    dir.write("mine/items.csv", "item_id,title\n2,b\n");
    let params = dir.read("params.yaml");
    let params = params
        .replace("data/raw/nlp/reviews.csv", "mine/reviews.csv")
        .replace(
            "    # test: data/raw/nlp/test.csv",
            "    test: mine/test.csv",
        )
        .replace(
            "data/raw/recsys/tables/interactions.csv",
            "mine/ratings.csv",
        );
    dir.write("params.yaml", params);
    let warnings = |dir: &Workdir| {
        let said = dir.run(&["status"]).stderr;
        let lines = said
            .lines()
            .filter(|line| line.contains(" according to params.yaml but "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let said = warnings(&dir);
    assert_eq!(said.len(), 3, "{said:?}");
    for (line, says) in said.iter().zip([
        "stage `validate@nlp` reads mine/test.csv",
        "stage `prepare@nlp` reads mine/test.csv",
        "stage `prepare@recsys` reads mine/items.csv",
    ]) {
        assert!(line.contains(says), "{line}");
    }
    let pipeline = dir.read("dvc.yaml");
    let pipeline = pipeline
        .replace("        # - ${nlp.data.test}", "        - ${nlp.data.test}")
        .replace("beside: data/raw/recsys/tables", "beside: mine/items.csv");
    dir.write("dvc.yaml", pipeline);
    assert!(warnings(&dir).is_empty());
    // Rules of one's own, where dvc.yaml is of an earlier version.
    dir.write("schema/nlp.yaml", "");
    let pipeline = dir.read("dvc.yaml").replace("        - schema\n", "");
    dir.write("dvc.yaml", pipeline);
    let said = warnings(&dir);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].contains("stage `validate@nlp` reads schema/nlp.yaml"),
        "{said:?}"
    );
}

#[test]
fn own_data_need_no_sample_and_are_what_is_scored() {
    let dir = Workdir::project();
    let rows = |i| format!("a good film of {i},fine\na bad film of {i},poor\n");
    let rows: String = (0..9).map(rows).collect();
    dir.write("mine.csv", format!("text,label\n{rows}"));
    let own = |params: String| {
        params
            .replace("source: data/raw/nlp/reviews.csv", "source: mine.csv")
            .replace("{min: 0.8}", "{min: 0.1}")
    };
    dir.write("params.yaml", own(dir.read("params.yaml")));
    let said = dir.run(&["repro", "predict@nlp"]);
    assert_eq!(said.code, 0, "{said:?}");
    for part in [
        "sample@nlp: left out: nlp.data.source is mine.csv",
        "predict@nlp is left out: nlp.predict.input in params.yaml is still a file of the sample",
    ] {
        assert!(said.stderr.contains(part), "{part}: {said:?}");
    }
    assert!(!dir.exists("data/raw") && !dir.exists("data/scored"));
    let params = dir.read("params.yaml");
    let params = params.replace("input: data/raw/nlp/incoming.csv", "input: mine.csv");
    dir.write("params.yaml", params);
    let said = dir.run(&["repro", "predict@nlp"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(dir.read("data/scored/nlp.csv").lines().count(), 19);
    assert!(!dir.exists("data/raw"));
    // The sample's stage, run by DVC, which cannot leave it out, says what to do.
    let said = dir.fails(2, &["sample", "nlp", "--as-source"]);
    assert!(
        said.contains("delete the line of nlp under `sample` in dvc.yaml"),
        "{said}"
    );
    // Named by itself it runs, as does the verb.
    assert!(
        dir.run(&["status", "sample@nlp"])
            .stdout
            .contains("sample@nlp")
    );
    dir.ok(&["sample", "nlp"]);
}

#[test]
fn a_gate_that_is_not_met_ends_with_its_exit_code_and_its_reason() {
    let dir = Workdir::project();
    let params = dir.read("params.yaml");
    let params = params
        .replace("accuracy: {min: 0.8}", "accuracy: {min: 0.99}")
        .replace("rows: 4000", "rows: 400");
    dir.write("params.yaml", params);
    let said = dir.run(&["repro", "gate@nlp", "-q"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("NOT MET accuracy = 0."), "{said:?}");
    assert!(said.stderr.contains(", at least 0.99"), "{said:?}");
    let log = dir.read("reports/logs/gate@nlp.log");
    assert!(log.contains("NOT MET accuracy"), "{log}");
    // Data that break a rule end the pipeline with 4, and the last lines say where.
    dir.write("mine.csv", "text,label\na,b\n\"never closed,b\n");
    let params = dir.read("params.yaml");
    let params = params.replace("source: data/raw/nlp/reviews.csv", "source: mine.csv");
    dir.write("params.yaml", params);
    let said = dir.run(&["repro", "train@nlp", "-q", "-j", "2"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(
        said.stderr.contains("ends with\n  error: mine.csv:3"),
        "{said:?}"
    );
}

#[test]
fn a_batch_is_named_by_the_project_where_no_file_is_named() {
    let dir = Workdir::project();
    let sets = ["-S", "nlp.sample.rows=400"];
    for verb in ["sample", "prepare", "train"] {
        dir.ok(&[&[verb, "nlp"][..], &sets].concat());
    }
    let said = dir.ok(&["predict", "nlp"]);
    assert_eq!(said, "data/scored/nlp.csv: 500 rows\n");
    let said = dir.fails(2, &["predict", "nlp", "-S", "nlp.predict.input=null"]);
    assert!(
        said.contains("set nlp.predict.input in params.yaml"),
        "{said}"
    );
    let said = dir.fails(2, &["predict", "nlp", "-S", "nlp.predict.output=null"]);
    assert!(
        said.contains("set nlp.predict.output in params.yaml"),
        "{said}"
    );
    let said = dir.fails(2, &["predict", "nlp", "-i", "data/raw/nlp/incoming.csv"]);
    assert!(said.contains("-o OUT"), "{said}");
}
