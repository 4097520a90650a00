//! The origin of an evaluation, for its page: the command, the version, digests of data and model, and the
//! parameters. Only parameters that the model file records or that `evaluate` itself reads, so that the page does
//! not change with any other.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use crate::project::Project;
use crate::report::format::{count, plural};
use crate::report::page::{self, Digest, Origin};
use crate::task::{self, Part, Task};
use artifact::Header;

/// The block of the parameters that `evaluate` reads.
const EVAL: &str = "eval";

/// The footer of the page; `model` is the digest of the model file.
pub(super) fn of<T: Task>(
    project: &Project,
    header: &Header<T::Details>,
    model: &str,
) -> Result<Origin> {
    let training = &header.provenance.training;
    let test = task::part_path::<T>(project, Part::Test)?;
    let test =
        files::digest::file(&test).with_context(|| format!("cannot read {}", test.display()))?;
    let rows = plural(training.rows, "row", "rows");
    let digest = |of: &str, about: String, sha256: &str| Digest {
        of: of.to_owned(),
        about,
        sha256: sha256.to_owned(),
    };
    let trained = format!("trained with easylife {}", header.provenance.version);
    let mut parameters = vec![("seed".to_owned(), header.provenance.seed.to_string())];
    let block = serde_json::to_value(project.block::<T::Block>(T::NAME)?)?;
    if let Some(eval) = block.get(EVAL) {
        parameters.extend(page::parameters(EVAL, eval));
    }
    parameters.extend(recorded(&header.details)?);
    Ok(Origin {
        command: project.command(&["evaluate", T::NAME], &keys::<T>()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digests: vec![
            digest(
                "Training data",
                format!("{} {rows}", count(training.rows)),
                &training.sha256,
            ),
            digest("Test data", String::new(), &test),
            digest("Model", trained, model),
        ],
        parameters,
    })
}

/// The keys that `evaluate` itself reads; other parameters are in the model file.
fn keys<T: Task>() -> Vec<String> {
    let own = ["data", EVAL].map(|block| format!("{}.{block}", T::NAME));
    own.into_iter().chain(["seed".to_owned()]).collect()
}

/// The settings recorded in a model file, without the trials of a search.
fn recorded(details: &impl Serialize) -> Result<Vec<(String, String)>> {
    let mut out = Vec::new();
    if let Value::Object(entries) = serde_json::to_value(details)? {
        for (key, value) in entries.iter().filter(|(key, _)| *key != EVAL) {
            out.extend(page::parameters(key, value));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_named_by_their_place_and_trials_left_out() {
        let details = serde_json::json!({
            "data": {"text": "t"},
            "model": {"C": "auto", "ngrams": [1, 2]},
            "eval": {"slices": []},
            "search": {"rows": 3, "trials": [{"C": 1.0}]},
        });
        let got = recorded(&details).unwrap();
        let want = [
            ("data.text", "t"),
            ("model.C", "auto"),
            ("model.ngrams", "[1,2]"),
            ("search.rows", "3"),
        ];
        assert_eq!(
            got,
            want.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}
