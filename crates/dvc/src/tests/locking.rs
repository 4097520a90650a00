//! Locks and DVC's list of what is being read and written.

use super::*;
use crate::locks::Locks;

const PIPELINE: &str = "stages: {a: {cmd: x, deps: [in], outs: [out]}}";

/// DVC's list with a process that writes or reads a path of the project.
fn in_use(project: &Project, how: &str, path: &str, pid: u32) {
    let path = project.path(path).display().to_string();
    let who = serde_json::json!({"pid": pid, "cmd": "dvc repro"});
    let list = match how {
        "write" => serde_json::json!({"write": {path: who}, "read": {}}),
        _ => serde_json::json!({"write": {}, "read": {path: [who]}}),
    };
    project.write(".dvc/tmp/rwlock", list.to_string());
}

#[test]
fn a_second_run_is_refused_with_the_process_of_the_first() {
    let project = Project::of(PIPELINE);
    let locks = Locks::of(&project.folder(), false);
    let first = locks.run().unwrap();
    let error = Locks::of(&project.folder(), false).run().err().unwrap();
    let process = std::process::id();
    assert!(
        error
            .to_string()
            .contains(&format!("another run (process {process}) holds")),
        "{error}"
    );
    drop(first);
    locks.run().unwrap();
}

#[test]
fn without_dvc_there_is_nothing_to_agree_on() {
    let project = Project::of(PIPELINE);
    let stages = project.stages().unwrap();
    let locks = Locks::of(&project.folder(), false);
    assert!(locks.dvc().unwrap().is_none());
    assert!(locks.enter(&[&stages[0]]).unwrap().is_none());
    assert!(locks.announce(&stages[0]).unwrap().is_none());
}

#[test]
fn what_a_stage_uses_is_announced_while_it_runs() {
    let project = Project::with_dvc(PIPELINE);
    let stages = project.stages().unwrap();
    let locks = Locks::of(&project.folder(), false);
    let list =
        || -> serde_json::Value { serde_json::from_str(&project.read(".dvc/tmp/rwlock")).unwrap() };
    let (input, output) = (project.path("in"), project.path("out"));
    let announced = locks.announce(&stages[0]).unwrap();
    assert_eq!(
        list()["read"][input.to_str().unwrap()][0]["pid"],
        std::process::id()
    );
    assert_eq!(
        list()["write"][output.to_str().unwrap()]["pid"],
        std::process::id()
    );
    drop(announced);
    assert!(
        !list().to_string().contains(input.to_str().unwrap()),
        "{}",
        list()
    );
    assert!(
        !list().to_string().contains(output.to_str().unwrap()),
        "{}",
        list()
    );
}

#[test]
fn files_that_another_process_uses_are_waited_for_and_named() {
    let project = Project::with_dvc(PIPELINE);
    let stages = project.stages().unwrap();
    let locks = Locks::of(&project.folder(), false);
    let enter = || {
        locks
            .enter(&[&stages[0]])
            .map(drop)
            .map_err(|error| error.to_string())
    };
    // Process 1 is always there.
    in_use(&project, "write", "in/part", 1);
    let message = enter().unwrap_err();
    assert!(
        message.contains("in/part is being written by process 1 (\"dvc repro\")"),
        "{message}"
    );
    in_use(&project, "read", "in", 1);
    enter().expect("others may read what the stage reads");
    in_use(&project, "write", "elsewhere", 1);
    enter().expect("the stage does not use it");
    in_use(&project, "write", "in", 999_999_999);
    enter().expect("the process has ended");
    in_use(&project, "write", "in", std::process::id());
    enter().expect("it is this process");
}
