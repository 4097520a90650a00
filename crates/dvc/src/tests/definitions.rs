//! `dvc.yaml` to stages.

use super::*;
use crate::stage::{Cmd, Kind};

fn commands(pipeline: &str) -> Vec<String> {
    let lines = |stage: &Stage| stage.cmd.lines().join(";");
    stages(pipeline).iter().map(lines).collect()
}

#[test]
fn a_stage_has_what_is_written() {
    let found = stages(
        "stages:
  train:
    cmd: [one, two]
    wdir: sub
    deps: [../in, data]
    params: [seed, other.yaml: [a.b, c], whole.json:]
    outs: [model, big: {cache: false, persist: true}]
    metrics: [m.json: {cache: false}]
    plots: [p.csv: {x: step, title: T}]
    frozen: true
    always_changed: true
    desc: text
",
    );
    let [stage] = &found[..] else { panic!() };
    assert_eq!((&*stage.name, stage.at.line), ("train", 3));
    assert_eq!(stage.cmd.lines(), ["one", "two"]);
    assert!(stage.frozen && stage.always_changed && !stage.is_callback());
    assert_eq!(name_of(&stage.wdir), "sub");
    let deps: Vec<(&str, &str)> = (stage.deps.iter())
        .map(|dep| (&*dep.name, name_of(&dep.path)))
        .collect();
    assert_eq!(deps, [("../in", "in"), ("data", "data")]);
    assert_eq!(stage.deps[0].path.parent(), stage.wdir.parent());
    let params: Vec<(&str, String)> = (stage.params.iter())
        .map(|params| (&*params.name, params.keys.join(",")))
        .collect();
    let of = |name, keys: &str| (name, keys.to_owned());
    assert_eq!(
        params,
        [
            of("params.yaml", "seed"),
            of("other.yaml", "a.b,c"),
            of("whole.json", "")
        ]
    );
    let outs: Vec<(&str, Kind, bool, bool)> = (stage.outs.iter())
        .map(|out| (&*out.name, out.kind, out.cache, out.persist))
        .collect();
    assert_eq!(
        outs,
        [
            ("model", Kind::Plain, true, false),
            ("big", Kind::Plain, false, true),
            ("m.json", Kind::Metric, false, false),
            ("p.csv", Kind::Plot, true, false),
        ]
    );
}

#[test]
fn lines_of_a_command_are_commands() {
    let found = stages("stages: {a: {cmd: \"one\\ntwo\"}, b: {cmd: x}}");
    assert_eq!(found[0].cmd.lines(), ["one", "two"]);
    assert!(matches!(&found[1].cmd, Cmd::One(text) if text == "x"));
    assert!(found[1].is_callback(), "it has neither inputs nor outputs");
}

#[test]
fn an_empty_pipeline_has_no_stages() {
    for text in [
        "",
        "# nothing\n",
        "stages:\n",
        "stages: {}\n",
        "vars: [{a: 1}]\n",
    ] {
        assert!(stages(text).is_empty(), "{text:?}");
    }
}

#[test]
fn a_list_makes_a_stage_of_each_value() {
    let pipeline = "stages:\n  a:\n    foreach: [x, 2, true]\n    do: {cmd: 'run ${item}'}\n";
    assert_eq!(names(&stages(pipeline)), ["a@x", "a@2", "a@true"]);
    assert_eq!(commands(pipeline), ["run x", "run 2", "run true"]);
    // Lists with mappings are numbered.
    let pipeline = "stages:\n  a:\n    foreach: [{n: 5}, {n: 6}]\n    do: {cmd: 'run ${item.n}'}\n";
    assert_eq!(names(&stages(pipeline)), ["a@0", "a@1"]);
    assert_eq!(commands(pipeline), ["run 5", "run 6"]);
}

#[test]
fn a_mapping_makes_a_stage_of_each_key() {
    let pipeline = "stages:
  a:
    foreach: {uk: {epochs: 3}, us: {epochs: 10}}
    do:
      cmd: run ${key} ${item.epochs}
      outs: ['out-${key}']
";
    assert_eq!(names(&stages(pipeline)), ["a@uk", "a@us"]);
    assert_eq!(commands(pipeline), ["run uk 3", "run us 10"]);
    assert_eq!(stages(pipeline)[1].outs[0].name, "out-us");
}

#[test]
fn a_matrix_makes_a_stage_of_each_combination() {
    let pipeline = "stages:
  a:
    matrix:
      model: [cnn, xgb]
      size: [1, {big: 9}]
    cmd: run ${item.model} ${key}
";
    assert_eq!(
        names(&stages(pipeline)),
        ["a@cnn-1", "a@cnn-size1", "a@xgb-1", "a@xgb-size1"]
    );
    assert_eq!(commands(pipeline)[3], "run xgb xgb-size1");
    assert!(stages("stages: {a: {matrix: {m: []}, cmd: x}}").is_empty());
}

#[test]
fn values_come_from_parameters_files_and_vars() {
    let project = Project::of(
        "vars: [more.yaml:deep, {own: 1}]
stages:
  a:
    cmd: run ${seed} ${deep.n} ${own} ${local}
    vars: [{local: 7}]
",
    );
    project.write("params.yaml", "seed: 42\n");
    project.write("more.yaml", "deep: {n: 5}\nother: 6\n");
    assert_eq!(project.stages().unwrap()[0].cmd.lines(), ["run 42 5 1 7"]);
    project.write(
        "dvc.yaml",
        "vars: [more.yaml:deep]\nstages: {a: {cmd: 'x ${other}'}}\n",
    );
    let message = project.refusal();
    assert!(message.contains("unknown name in `${other}`"), "{message}");
    assert!(message.contains("expected one of seed, deep"), "{message}");
}

#[test]
fn a_working_folder_has_its_own_vars() {
    let project = Project::of("stages: {a: {cmd: 'x ${n}', wdir: sub, vars: [v.yaml]}}\n");
    project.write("sub/v.yaml", "n: 3\n");
    assert_eq!(project.stages().unwrap()[0].cmd.lines(), ["x 3"]);
}

/// Each with its place and what to do.
#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, place, reason) in [
        ("[1]", "1:1", "must be a mapping with `stages`"),
        (
            "stages: [a]",
            "1:9",
            "`stages` must be a mapping from names to stages",
        ),
        (
            "stage: {}",
            "1:1",
            "the key `stage` in dvc.yaml is not supported",
        ),
        (
            "stages: {a: x}",
            "1:13",
            "stage `a`: a stage must be a mapping with `cmd`",
        ),
        ("stages: {a: {deps: [b]}}", "1:13", "`cmd` is missing"),
        (
            "stages: {a: {cmd: ''}}",
            "1:19",
            "`cmd` must be a command or a list of commands",
        ),
        (
            "stages: {a: {cmd: [[x]]}}",
            "1:19",
            "`cmd` must be a command or a list",
        ),
        (
            "stages: {a: {cmd: x, dep: [b]}}",
            "1:22",
            "the key `dep` in a stage is not supported",
        ),
        (
            "stages: {a: {cmd: x, deps: b}}",
            "1:28",
            "`deps` must be a list",
        ),
        (
            "stages: {a: {cmd: x, deps: [1]}}",
            "1:29",
            "`deps` must list paths, not",
        ),
        (
            "stages: {a: {cmd: x, deps: ['s3://b/c']}}",
            "1:29",
            "only local files and folders",
        ),
        (
            "stages: {a: {cmd: x, params: ['lr.*']}}",
            "1:31",
            "patterns are not supported",
        ),
        (
            "stages: {a: {cmd: x, frozen: 1}}",
            "1:30",
            "`frozen` must be true or false",
        ),
        (
            "stages: {a: {cmd: x, outs: [b: {cache: 1}]}}",
            "1:40",
            "`cache` must be true or false",
        ),
        (
            "stages: {a: {cmd: x, outs: [b: {chache: true}]}}",
            "1:33",
            "the flag `chache` in `outs`",
        ),
        (
            "stages: {a: {cmd: x, outs: [b: yes]}}",
            "1:32",
            "for example `cache: false`",
        ),
        (
            "stages: {a: {cmd: x, outs: [dvc.yaml]}}",
            "1:29",
            "one of DVC's own files",
        ),
        (
            "stages: {a: {cmd: x, outs: [b.dvc]}}",
            "1:29",
            "one of DVC's own files",
        ),
        (
            "stages: {a: {cmd: x, outs: [../b]}}",
            "1:29",
            "is outside the project",
        ),
        (
            "stages: {a: {cmd: x, outs: [.: {cache: false}]}}",
            "1:29",
            "contains dvc.yaml",
        ),
        (
            "stages: {a: {foreach: [1]}}",
            "1:23",
            "`foreach` needs a `do`",
        ),
        (
            "stages: {a: {do: {cmd: x}}}",
            "1:18",
            "`do` needs a `foreach`",
        ),
        (
            "stages: {a: {foreach: 3, do: {cmd: x}}}",
            "1:23",
            "expects a list or a mapping, not",
        ),
        (
            "stages: {a: {foreach: [1], do: {cmd: x}, deps: [b]}}",
            "1:42",
            "in a `foreach` stage",
        ),
        (
            "stages: {a: {foreach: [1], do: {matrix: {b: [1]}}}}",
            "1:32",
            "cannot contain another loop",
        ),
        (
            "stages: {a: {matrix: [1], cmd: x}}",
            "1:22",
            "`matrix` must be a mapping",
        ),
        (
            "stages: {a: {matrix: {m: 1}, cmd: x}}",
            "1:26",
            "`matrix.m` must be a list",
        ),
        (
            "vars: [{a: '${b}'}]",
            "1:12",
            "`vars` cannot contain a template",
        ),
        ("vars: {a: 1}", "1:7", "`vars` must be a list"),
        ("vars: [3]", "1:8", "`vars` must list files and mappings"),
        ("vars: [no.yaml]", "1:8", "no.yaml does not exist"),
        ("vars: [{a: 1}, {a: 2}]", "1:17", "`a` is defined twice"),
    ] {
        let message = Project::of(text).refusal();
        assert!(
            message.starts_with(&format!("dvc.yaml:{place}: ")),
            "{text}: {message}"
        );
        assert!(message.contains(reason), "{text}: {message}");
    }
}

#[test]
fn a_template_may_not_insert_a_list_into_a_path() {
    let message =
        Project::of("vars: [{l: [1]}]\nstages: {a: {cmd: x, deps: ['${l}']}}\n").refusal();
    assert!(
        message.contains("`${l}` is a list, which cannot be inserted"),
        "{message}"
    );
}

#[test]
fn names_of_a_generated_stage_are_reserved() {
    let message =
        Project::of("stages: {a: {foreach: [1], do: {cmd: x, vars: [{item: 2}]}}}\n").refusal();
    assert!(
        message.contains("`item` is reserved for the generated stage"),
        "{message}"
    );
}

#[test]
fn old_outputs_stay_only_while_a_verb_replaces_them_whole() {
    let replaces = |cmd: &str| {
        let pipeline = format!("stages: {{a: {{cmd: {cmd:?}}}}}");
        stages(&pipeline)[0].replaces_whole(&PROGRAM)
    };
    assert!(replaces("tool train nlp -o out/x.csv"));
    assert!(replaces("tool train\ntool predict"));
    for other in [
        "tool",
        "tool sample",
        "other train",
        "tool train && rm x",
        "tool train > x",
        "tool train\nrm x",
        "tool train $(x)",
    ] {
        assert!(!replaces(other), "{other}");
    }
}
