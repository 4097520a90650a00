//! The engine as a program uses it, through its public interface, on pipelines of shell commands.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use easylife_dvc::runner::{self, Ended, RunOptions};
use easylife_dvc::verify::{VerifyOptions, verify};
use easylife_dvc::why::{How, Reason};
use easylife_dvc::{Error, ErrorKind, Observer, Pipeline, Program, Selection};

const PROGRAM: Program = Program {
    name: "tool",
    replacing_verbs: &[],
    run_variable: "TOOL_RUN",
    threads_variable: "TOOL_THREADS",
    private_variables: &[],
    verification_variables: &[],
    differences: &[],
};

const OPTIONS: RunOptions = RunOptions {
    force: false,
    keep_going: false,
    no_run_cache: false,
    jobs: 1,
    wait: false,
    threads: None,
};

/// Three stages in a row, each of which copies its input and adds a line.
const CHAIN: &str = "stages:
  c: {cmd: cat b > c && echo c >> c, deps: [b], outs: [c]}
  b: {cmd: cat a params.yaml > b, deps: [a], params: [add], outs: [b]}
  a: {cmd: cat in > a, deps: [in], outs: [a]}
";

/// Everything that a run said.
#[derive(Default)]
struct Heard {
    lines: Mutex<Vec<String>>,
    output: Mutex<Vec<u8>>,
}

impl Heard {
    fn add(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn output(&self) -> String {
        String::from_utf8(self.output.lock().unwrap().clone()).unwrap()
    }
}

impl Observer for Heard {
    fn note(&self, message: &str) {
        self.add(message.to_owned());
    }

    fn detail(&self, _: &str) {}

    fn warn(&self, message: &str) {
        self.add(format!("warning: {message}"));
    }

    fn output(&self, bytes: &[u8]) {
        self.output.lock().unwrap().extend(bytes);
    }

    fn started(&self, stage: &str) {
        self.add(format!("started {stage}"));
    }
}

/// A project; gone when dropped.
struct Project(tempfile::TempDir);

impl Project {
    fn of(pipeline: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        fs::create_dir(project.path(".dvc")).unwrap();
        project.write("dvc.yaml", pipeline);
        project
    }

    fn chain() -> Self {
        let project = Self::of(CHAIN);
        project.write("params.yaml", "add: one\n");
        project.write("in", "input\n");
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn open(&self) -> Pipeline {
        Pipeline::open(Some(self.0.path()), PROGRAM).unwrap()
    }

    /// The pipeline with all its stages selected.
    fn all(&self) -> (Pipeline, Vec<usize>) {
        let mut pipeline = self.open();
        let plan = pipeline.select(&Selection::default()).unwrap();
        (pipeline, plan)
    }

    fn heard(&self, options: &RunOptions, heard: &Heard) -> Vec<(String, Ended)> {
        let (pipeline, plan) = self.all();
        runner::run(&pipeline, &plan, options, heard).unwrap()
    }

    fn run(&self, options: &RunOptions) -> Vec<(String, Ended)> {
        self.heard(options, &Heard::default())
    }

    /// The stages that were not up to date, in order.
    fn ran(&self) -> Vec<String> {
        let ended = self.run(&OPTIONS).into_iter();
        let done = ended.filter(|(_, ended)| *ended != Ended::UpToDate);
        done.map(|(name, _)| name).collect()
    }

    /// What would run, and why: `stage: reason`.
    fn plan(&self) -> Vec<String> {
        let (pipeline, plan) = self.all();
        let plan = runner::plan(&pipeline, &plan, false, false).unwrap();
        let told = |(name, reasons): &(String, Vec<Reason>)| {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            format!("{name}: {}", reasons.join(", "))
        };
        let stale = plan.iter().filter(|(_, reasons)| !reasons.is_empty());
        stale.map(told).collect()
    }
}

#[test]
fn stages_run_in_order_once() {
    let project = Project::chain();
    assert_eq!(project.open().names(), ["c", "b", "a"], "as in the file");
    assert_eq!(project.ran(), ["a", "b", "c"]);
    assert_eq!(project.read("c"), "input\nadd: one\nc\n");
    let lock = project.read("dvc.lock");
    assert!(project.ran().is_empty());
    assert_eq!(project.read("dvc.lock"), lock);
}

#[test]
fn only_what_depends_on_a_change_runs() {
    let project = Project::chain();
    project.ran();
    project.write("params.yaml", "add: two\nother: 3\n");
    assert_eq!(
        project.plan(),
        [
            "b: the parameter add was \"one\", is \"two\"",
            "c: stage `b` runs before it"
        ]
    );
    assert_eq!(project.ran(), ["b", "c"]);
    // An output that was changed by hand is made again.
    project.write("b", "changed");
    assert!(project.plan()[0].starts_with("b: the output b has changed"));
    project.ran();
    assert_eq!(project.read("b"), "input\nadd: two\nother: 3\n");
    fs::remove_file(project.path("c")).unwrap();
    assert_eq!(project.plan(), ["c: the output c is missing"]);
}

#[test]
fn earlier_results_come_from_the_cache() {
    let project = Project::chain();
    project.ran();
    project.write("params.yaml", "add: two\n");
    project.ran();
    project.write("params.yaml", "add: one\n");
    let heard = Heard::default();
    let ended = project.heard(&OPTIONS, &heard);
    let restored = |(_, ended): &(String, Ended)| matches!(ended, Ended::Restored(_));
    assert!(ended[1..].iter().all(restored), "{ended:?}");
    assert_eq!(project.read("c"), "input\nadd: one\nc\n");
    let lines = heard.lines();
    assert!(
        !lines.iter().any(|line| line.starts_with("started")),
        "{lines:?}"
    );
    // Unless that is not wanted.
    project.write("params.yaml", "add: two\n");
    let ended = project.run(&RunOptions {
        no_run_cache: true,
        ..OPTIONS
    });
    assert!(matches!(&ended[1].1, Ended::Ran(_)), "{ended:?}");
}

#[test]
fn forced_stages_run_though_nothing_changed() {
    let project = Project::chain();
    project.ran();
    let lock = project.read("dvc.lock");
    let ended = project.run(&RunOptions {
        force: true,
        ..OPTIONS
    });
    assert_eq!(ended.len(), 3);
    for (name, ended) in &ended {
        let is_forced = matches!(ended, Ended::Ran(reasons) if reasons.contains(&Reason::Forced));
        assert!(is_forced, "{name}: {ended:?}");
    }
    assert_eq!(project.read("dvc.lock"), lock);
}

#[test]
fn what_commands_print_is_passed_on_in_the_order_of_stages() {
    let project = Project::of(
        "stages:
  slow: {cmd: 'sleep 0.2; echo slow', always_changed: true}
  fast: {cmd: echo fast; echo error >&2, always_changed: true}
",
    );
    let heard = Heard::default();
    project.heard(&RunOptions { jobs: 2, ..OPTIONS }, &heard);
    let output = heard.output();
    assert!(
        output.starts_with("> sleep 0.2; echo slow\nslow\n> echo fast"),
        "{output:?}"
    );
    assert!(output.contains("\nerror\n"), "{output:?}");
}

#[test]
fn a_failed_stage_stops_the_others_or_only_those_behind_it() {
    let project = Project::of(
        "stages:
  bad: {cmd: 'echo half > x; echo why >&2; exit 3', outs: [x]}
  after: {cmd: cat x > y, deps: [x], outs: [y]}
  apart: {cmd: echo 1 > z, outs: [z]}
",
    );
    let ended = project.run(&OPTIONS);
    let Ended::Failed(failure) = &ended[0].1 else {
        panic!("{ended:?}")
    };
    let (command, code) = failure.command.as_ref().unwrap();
    assert!(command.contains("exit 3"), "{command}");
    assert_eq!(*code, 3);
    let message = &failure.message;
    assert!(
        message.contains("dvc.yaml:2") && message.contains("`bad`"),
        "{message}"
    );
    assert!(message.contains("why"), "the last lines: {message}");
    assert!(!project.path("z").exists());

    let ended = project.run(&RunOptions {
        keep_going: true,
        ..OPTIONS
    });
    let of = |name: &str| &ended.iter().find(|(stage, _)| stage == name).unwrap().1;
    assert!(matches!(of("bad"), Ended::Failed(_)));
    assert_eq!(*of("after"), Ended::Skipped);
    assert!(matches!(of("apart"), Ended::Ran(_)));
    // What failed is not recorded, what succeeded is.
    let lock = project.read("dvc.lock");
    assert!(!lock.contains("bad") && lock.contains("apart"), "{lock}");
    assert_eq!(project.plan()[0], "bad: it has not run yet");
}

#[test]
fn an_output_that_is_not_made_is_a_failure() {
    let project = Project::of("stages: {a: {cmd: 'true', outs: [x]}}");
    let ended = project.run(&OPTIONS);
    let Ended::Failed(failure) = &ended[0].1 else {
        panic!("{ended:?}")
    };
    assert!(failure.message.contains('x'), "{}", failure.message);
    assert_eq!(project.plan(), ["a: it has not run yet"]);
}

#[test]
fn stages_are_selected_with_what_they_need_or_with_what_needs_them() {
    let project = Project::chain();
    let select = |targets: &[&str], downstream, single_item| {
        let mut pipeline = project.open();
        let selection = Selection {
            targets: targets.iter().map(|&target| target.to_owned()).collect(),
            downstream,
            single_item,
        };
        let names = pipeline.names();
        let plan = pipeline.select(&selection)?;
        Ok(plan
            .into_iter()
            .map(|i| names[i].clone())
            .collect::<Vec<_>>())
    };
    assert_eq!(select(&["b"], false, false).unwrap(), ["a", "b"]);
    assert_eq!(select(&["b"], true, false).unwrap(), ["b", "c"]);
    assert_eq!(select(&["dvc.yaml:b"], false, true).unwrap(), ["b"]);
    assert_eq!(select(&["dvc.yaml"], false, true).unwrap(), ["c", "b", "a"]);
    let error: Error = select(&["d"], false, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let message = error.to_string();
    assert!(message.contains("unknown stage `d`"), "{message}");
    assert!(message.ends_with("expected one of c, b, a"), "{message}");
}

#[test]
fn a_group_is_selected_by_its_name() {
    let project = Project::of(
        "stages:\n  t:\n    foreach: [x, y]\n    do: {cmd: 'echo ${item}'}\n  tt: {cmd: x}\n",
    );
    let selection = Selection {
        targets: vec!["t".to_owned()],
        ..Selection::default()
    };
    assert_eq!(
        project.open().select(&selection).unwrap(),
        [0, 1],
        "and not `tt`"
    );
}

#[test]
fn a_run_in_a_folder_where_another_runs_is_refused() {
    let project = Project::of("stages: {a: {cmd: touch started; sleep 1, always_changed: true}}");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| project.run(&OPTIONS));
        while !project.path("started").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (pipeline, plan) = project.all();
        let error = runner::run(&pipeline, &plan, &OPTIONS, &Heard::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(
            matches!(
                error,
                Error::Held {
                    process: Some(_),
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(matches!(first.join().unwrap()[0].1, Ended::Ran(_)));
    });
}

#[test]
fn outputs_that_come_out_again_are_verified_and_others_named() {
    let project = Project::of(
        "stages:
  same: {cmd: echo 1 > same, outs: [same]}
  other: {cmd: date +%N > other, outs: [other]}
",
    );
    project.ran();
    let (pipeline, plan) = project.all();
    let options = VerifyOptions {
        threads: vec![1, 2],
        wait: false,
    };
    let heard = Heard::default();
    let verdicts = verify(&pipeline, &plan, &options, &heard).unwrap();
    let told: Vec<_> = (verdicts.iter())
        .map(|v| (&*v.stage, v.threads, v.same, v.wrong.is_empty()))
        .collect();
    assert_eq!(
        told,
        [
            ("same", Some(1), 1, true),
            ("other", Some(1), 0, false),
            ("same", Some(2), 1, true),
            ("other", Some(2), 0, false),
        ]
    );
    let line = "same with 1 thread: 1 outputs, the same bytes".to_owned();
    assert!(heard.lines().contains(&line), "{:?}", heard.lines());
}

#[test]
fn what_never_ran_or_has_changed_cannot_be_verified() {
    let project = Project::chain();
    let check = || {
        let (pipeline, plan) = project.all();
        let options = VerifyOptions {
            threads: Vec::new(),
            wait: false,
        };
        verify(&pipeline, &plan, &options, &Heard::default())
    };
    assert!(matches!(check(), Err(Error::NotRecorded { .. })));
    project.ran();
    assert!(
        check()
            .unwrap()
            .iter()
            .all(|verdict| verdict.wrong.is_empty())
    );
    project.write("params.yaml", "add: two\n");
    let error = check().unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
    assert!(
        error.to_string().contains("is not what dvc.lock records"),
        "{error}"
    );
}

#[test]
fn reasons_are_sentences_and_records() {
    let path = || "data".to_owned();
    let dependency = Reason::Dependency {
        path: path(),
        how: How::Changed,
    };
    let output = Reason::Output {
        path: path(),
        how: How::NotInCache,
    };
    let file = Reason::ParameterFile {
        path: path(),
        how: How::New,
    };
    let command = Reason::Command {
        was: "a".to_owned(),
        is: "b".to_owned(),
    };
    let parameter = |file: &str, was: Option<&str>, is: Option<&str>| Reason::Parameter {
        file: file.to_owned(),
        key: "lr".to_owned(),
        was: was.map(str::to_owned),
        is: is.map(str::to_owned),
    };
    for (reason, sentence) in [
        (dependency, "the dependency data has changed"),
        (output, "the output data is not in the cache"),
        (file, "the parameter file data is new"),
        (command, "the command was `a`, is `b`"),
        (
            parameter("params.yaml", Some("1"), Some("2")),
            "the parameter lr was 1, is 2",
        ),
        (
            parameter("x.json", None, Some("2")),
            "the parameter lr of x.json is new: 2",
        ),
        (
            parameter("x.json", Some("1"), None),
            "the parameter lr of x.json is missing",
        ),
    ] {
        assert_eq!(reason.to_string(), sentence);
    }
    let after = Reason::After {
        stage: "a".to_owned(),
    };
    let json = serde_json::to_value(after).unwrap();
    assert_eq!(json, serde_json::json!({"what": "after", "stage": "a"}));
}

#[test]
fn a_pipeline_that_is_not_there_or_not_understood_is_refused() {
    let open = |folder: &tempfile::TempDir| {
        let opened = Pipeline::open(Some(folder.path()), PROGRAM);
        opened.err().unwrap()
    };
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(open(&empty), Error::Unreadable { .. }));
    let project = Project::of("stages: {a: {cmd: x, deps: [b], outs: [b]}}");
    let error = open(&project.0);
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("a -> a"), "{error}");
}
