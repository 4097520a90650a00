//! easylife and DVC on the same generated pipelines: 20 of the 200 of `make dvc-conformance`.
//!
//! DVC is found through EASYLIFE_DVC, which `make test` sets to its own virtual environment's.

mod support;

use std::path::Path;
use std::process::Command;

use support::dvc;

#[test]
fn dvc_and_we_agree_on_generated_pipelines() {
    let Some(dvc) = dvc() else { return };
    let python = dvc.with_file_name("python");
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/dvc-conformance");
    let output = Command::new(python)
        .arg(tool)
        .args([env!("CARGO_BIN_EXE_easylife"), "--count", "20"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{talk}");
    assert!(said.contains("20 of 20 pipelines agree"), "{said}");
}
