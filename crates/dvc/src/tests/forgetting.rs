//! Contents that are removed from the cache, with all that was made from them.

use super::*;
use crate::cache;
use crate::runner::{self, Ended, RunOptions};
use crate::{Forgotten, Observer, Pipeline, Selection};

struct Silent;

impl Observer for Silent {
    fn note(&self, _: &str) {}
    fn detail(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn output(&self, _: &[u8]) {}
}

/// `rows` and `other` are inputs; the sizes of the outputs say nothing of who is in them.
const PIPELINE: &str = "
stages:
  count:
    cmd: wc -l < rows > size
    deps: [rows]
    outs: [size]
  model:
    cmd: mkdir -p model && cat size > model/weights && echo fixed > model/form
    deps: [size]
    outs: [model]
  aside:
    cmd: cat other > copy
    deps: [other]
    outs: [copy]
";

fn run(project: &Project) -> Pipeline {
    let mut pipeline = Pipeline::open(Some(&project.path("")), PROGRAM).unwrap();
    let plan = pipeline.select(&Selection::default()).unwrap();
    let options = RunOptions {
        force: false,
        keep_going: false,
        no_run_cache: false,
        jobs: 1,
        wait: false,
        threads: None,
    };
    let ends = runner::run(&pipeline, &plan, &options, &Silent).unwrap();
    assert!(!ends.iter().any(|(_, end)| matches!(end, Ended::Failed(_))));
    pipeline
}

/// The texts of all contents in the cache.
fn cached(project: &Project) -> Vec<String> {
    let files = cache::files_below(&project.path(".dvc/cache/files/md5")).unwrap();
    let mut texts: Vec<String> = (files.iter())
        .map(|path| fs::read_to_string(path).unwrap())
        .filter(|text| !text.starts_with('['))
        .collect();
    texts.sort();
    texts
}

#[test]
fn what_was_made_from_a_content_goes_with_it() {
    let project = Project::with_dvc(PIPELINE);
    project.write("other", "older\n");
    project.write("rows", "ann\nbob\ncid\n");
    run(&project);
    project.write("other", "other\n");
    // An older run, which dvc.lock knows no more.
    project.write("rows", "ann\nbob\n");
    let pipeline = run(&project);
    let before = pipeline.snapshot().unwrap();
    project.write("rows", "bob\n");
    assert_eq!(pipeline.readers(&project.path("rows")), ["count"]);
    assert_eq!(
        pipeline.downstream(&["count".to_owned()]),
        ["count", "model"]
    );
    let pipeline = run(&project);
    let all = ["1\n", "2\n", "3\n", "fixed\n", "older\n", "other\n"];
    assert_eq!(cached(&project), all);

    // The cache holds no rows: what was made from them, ever, is known from the lock file and the run cache.
    let rows = [project.path("rows")];
    let forgotten = pipeline.forget(&before, &rows, &mut |_| Ok(false)).unwrap();
    // Two counts and two folders, each with its run.
    assert_eq!((forgotten.contents, forgotten.runs), (4, 4));
    assert_eq!(cached(&project), ["1\n", "fixed\n", "older\n", "other\n"]);

    // A content in which something is found goes, too.
    let holds = &mut |path: &Path| Ok(fs::read_to_string(path)? == "older\n");
    let forgotten = pipeline.forget(&before, &rows, holds).unwrap();
    assert_eq!(cached(&project), ["1\n", "fixed\n", "other\n"]);
    assert_eq!((forgotten.contents, forgotten.runs), (1, 1));
    let again = pipeline.forget(&before, &rows, holds).unwrap();
    assert_eq!(again, Forgotten::default());

    // Nothing has to run for what is there now.
    let plan = runner::plan(&pipeline, &[0, 1, 2], false, false).unwrap();
    assert!(plan.iter().all(|(_, why)| why.is_empty()));
}
