//! Which stage depends on which.

use proptest::prelude::*;

use super::*;
use crate::graph::Graph;

fn graph(stages: &[Stage]) -> Result<Graph, Error> {
    Graph::of(stages, Path::new("dvc.yaml"))
}

/// Why stages cannot be ordered.
fn refusal(pipeline: &str) -> String {
    match graph(&stages(pipeline)) {
        Ok(_) => panic!("must be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_stage_needs_the_makers_of_what_it_reads() {
    let found = stages(
        "stages:
  c: {cmd: x, deps: [b/deep/file, a], outs: [c]}
  b: {cmd: x, outs: [b]}
  a: {cmd: x, outs: [a]}
  all: {cmd: x, deps: [sub]}
  sub1: {cmd: x, outs: [sub/one]}
  sub2: {cmd: x, params: [p.yaml: [k]], outs: [sub/two]}
  p: {cmd: x, outs: [p.yaml: {cache: false}]}
",
    );
    let graph = graph(&found).unwrap();
    let needs = |stage: usize| -> Vec<&str> {
        let needed = graph.needs(stage).iter();
        needed.map(|&need| &*found[need].name).collect()
    };
    assert_eq!(needs(0), ["b", "a"], "in the order of the dependencies");
    assert_eq!(
        needs(3),
        ["sub1", "sub2"],
        "a folder needs all that is made in it"
    );
    assert_eq!(needs(5), ["p"], "a parameter file is a dependency too");
    let order = |stages: Vec<usize>| -> Vec<&str> {
        stages
            .into_iter()
            .map(|stage| &*found[stage].name)
            .collect()
    };
    assert_eq!(order(graph.upstream(&[3])), ["sub1", "p", "sub2", "all"]);
    assert_eq!(order(graph.downstream(&[6])), ["p", "sub2", "all"]);
}

#[test]
fn names_that_start_alike_are_other_files() {
    let found = stages("stages:\n  a: {cmd: x, outs: [data]}\n  b: {cmd: x, deps: [data2, dat]}\n");
    assert!(graph(&found).unwrap().needs(1).is_empty());
}

#[test]
fn a_frozen_stage_needs_nothing() {
    let found =
        stages("stages:\n  a: {cmd: x, outs: [o]}\n  b: {cmd: x, deps: [o], frozen: true}\n");
    let mut graph = graph(&found).unwrap();
    assert_eq!(graph.needs(1), [0]);
    graph.freeze(&found);
    assert!(graph.needs(1).is_empty());
}

#[test]
fn outputs_that_overlap_are_refused() {
    for (second, how) in [
        ("out", "is also the output out of stage `a` (line 2)"),
        ("./out", "is also the output out"),
        ("out/in", "is inside the output out"),
    ] {
        let pipeline =
            format!("stages:\n  a: {{cmd: x, outs: [out]}}\n  b: {{cmd: x, outs: [{second}]}}\n");
        let message = refusal(&pipeline);
        assert!(message.starts_with("dvc.yaml:3:"), "{message}");
        assert!(message.contains(how), "{message}");
    }
    let message = refusal("stages:\n  a: {cmd: x, outs: [out/in]}\n  b: {cmd: x, outs: [out]}\n");
    assert!(
        message.contains("contains the output out/in of stage `a`"),
        "{message}"
    );
}

#[test]
fn a_cycle_is_told_from_stage_to_stage() {
    let message = refusal(
        "stages:
  a: {cmd: x, deps: [three], outs: [one]}
  b: {cmd: x, deps: [one], outs: [two]}
  c: {cmd: x, deps: [two], outs: [three]}
",
    );
    assert!(
        message.contains("in a cycle: a -> c -> b -> a"),
        "{message}"
    );
    let itself = refusal("stages: {a: {cmd: x, deps: [o], outs: [o]}}");
    assert!(itself.contains("a -> a"), "{itself}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Stages in any order of the file, each of which reads what some earlier ones write.
    #[test]
    fn prerequisites_always_run_first(
        reads in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..12),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut lines: Vec<String> = reads
            .iter()
            .enumerate()
            .map(|(stage, reads)| {
                let deps = reads.iter().filter(|_| stage > 0);
                let deps: Vec<String> = deps.map(|i| format!("o{}", i.index(stage))).collect();
                format!("  s{stage}: {{cmd: x, deps: [{}], outs: [o{stage}]}}\n", deps.join(", "))
            })
            .collect();
        let middle = turn.index(lines.len());
        lines.rotate_left(middle);
        let found = stages(&format!("stages:\n{}", lines.concat()));
        let graph = graph(&found).unwrap();
        let all: Vec<usize> = (0..found.len()).collect();
        let order = graph.upstream(&all);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(&sorted, &all, "each stage once");
        for (place, &stage) in order.iter().enumerate() {
            for need in graph.needs(stage) {
                prop_assert!(order[..place].contains(need), "{:?}", order);
            }
        }
        // A stage is upstream of those, and only of those, that are downstream of it.
        for &stage in &all {
            for below in graph.downstream(&[stage]) {
                prop_assert!(graph.upstream(&[below]).contains(&stage));
            }
        }
    }
}
