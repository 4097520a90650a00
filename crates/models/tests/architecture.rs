//! The arrows between the modules of this crate: tasks do not name each other, and what they share names
//! no task.

#[path = "../../../tests/support/arrows.rs"]
mod arrows;

use std::path::Path;

/// Each module, and those that it may name beside itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("cv", &["kernels", "linear", "metrics", "sparse", "state"]),
    ("nlp", TASK),
    ("recsys", &["kernels", "metrics", "state"]),
    ("ts", &["kernels", "metrics", "optim", "state"]),
    (
        "tabular",
        // A text column is what `nlp` says of it.
        &[
            "kernels", "linear", "metrics", "nlp", "optim", "sparse", "state", "trees",
        ],
    ),
    ("trees", &["kernels", "state"]),
    ("linear", &["kernels", "optim", "sparse"]),
    ("optim", &["kernels"]),
    ("sparse", &["kernels"]),
    ("metrics", &["kernels"]),
    ("kernels", &[]),
    ("state", &[]),
];

const TASK: &[&str] = &["kernels", "linear", "metrics", "optim", "sparse", "state"];

#[test]
fn arrows_point_down_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let wrong = arrows::wrong(&arrows::sources(&src), ALLOWED, &["lib"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
