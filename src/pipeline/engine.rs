//! Describes easylife to the DVC engine (`crates/dvc`): its name, its environment variables and how model files
//! are compared; and adds hints to the engine's errors.

use dvc::{Error, Program};

use crate::exit;

/// Describes this program to the engine.
pub(super) const PROGRAM: Program = Program {
    name: "easylife",
    replacing_verbs: &[
        "sample", "validate", "prepare", "train", "evaluate", "gate", "predict",
    ],
    run_variable: "EASYLIFE_RUN",
    threads_variable: "EASYLIFE_THREADS",
    private_variables: &["EASYLIFE_PROJECT", "EASYLIFE_JSON", "EASYLIFE_THREADS"],
    // What a verification runs is no run of its own.
    verification_variables: &[("EASYLIFE_RUNS_KEEP", "0")],
    differences: &[("safetensors", artifact::difference::first)],
};

/// Adds to an error of the engine what to do about it on our command line; keeps the exit code.
pub(super) fn with_hint(error: Error) -> anyhow::Error {
    let hint = hint(&error);
    let error = anyhow::Error::from(error);
    match hint {
        None => error,
        Some(hint) => exit::coded(exit::code(&error), format!("{error:#}{hint}")),
    }
}

fn hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::NoPipeline => {
            Some("; start a project with `easylife init`, or name one with --project")
        }
        Error::Unreadable { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
            Some("; start a project with `easylife init`")
        }
        Error::Held { .. } | Error::InUse { .. } => Some("; wait for it with --wait"),
        Error::NotRecorded { .. } | Error::Stale { .. } => {
            Some(": run `easylife repro`, then commit dvc.lock")
        }
        Error::While { error, .. } => hint(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_hint_keeps_message_and_exit_code() {
        let error = with_hint(Error::NoPipeline);
        assert_eq!(exit::code(&error), Exit::Usage);
        assert_eq!(
            format!("{error:#}"),
            "no dvc.yaml here or in a folder above; start a project with `easylife init`, or name \
             one with --project"
        );
        let error = with_hint(Error::While {
            attempt: "cannot start".to_owned(),
            error: Box::new(Error::Held {
                lock: "lock".into(),
                process: None,
            }),
        });
        assert_eq!(exit::code(&error), Exit::Locked);
        assert_eq!(
            format!("{error:#}"),
            "cannot start: another run holds lock; wait for it with --wait"
        );
    }

    #[test]
    fn errors_without_a_hint_have_the_engines_code() {
        let error = with_hint(Error::Config("cache.type: wrong".to_owned()));
        assert_eq!(exit::code(&error), Exit::Usage);
        let error = with_hint(Error::Failed("no space".to_owned()));
        assert_eq!(exit::code(&error), Exit::Failed);
    }
}
