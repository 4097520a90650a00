//! Feedback about answers, joined by the id of the request. Answers wait for it in memory, the newest ones only.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::lock;
use crate::fault::Fault;
use crate::model::InferResponse;
use crate::models::Target;

/// Answers that may wait.
const MOST: usize = 100_000;
/// How long one waits.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The output with the class.
const CLASS: &str = "prediction";

/// What a client says about an answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// The `X-Request-Id` of the answer.
    pub(crate) id: String,
    /// The right class.
    label: Option<String>,
    /// Whether the answer was right: a recommendation taken, a forecast close enough.
    correct: Option<bool>,
}

impl Report {
    /// Whether the answer was right.
    fn is_right(&self, answered: &Answered) -> Result<bool, Fault> {
        match (&self.label, self.correct) {
            (Some(label), None) => match answered.label {
                Some(given) => Ok(given == digest(label.as_bytes())),
                None => Err(Fault::invalid(
                    "the answer has no class, or several: say whether it was right by `correct`",
                )),
            },
            (None, Some(correct)) => Ok(correct),
            _ => Err(Fault::invalid("say either `label` or `correct`")),
        }
    }
}

/// An answer that was given.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    /// The slot that was asked.
    pub(super) main: usize,
    /// The slot that answered.
    pub(super) slot: usize,
    /// The digest of its version.
    version: u64,
    /// The digest of the class, where the answer is one.
    label: Option<u64>,
    time: Instant,
}

impl Answered {
    pub(super) fn new(main: usize, (slot, model): &Target, response: &InferResponse) -> Self {
        let class = response.outputs.iter().find(|tensor| tensor.name == CLASS);
        let label = class
            .and_then(|tensor| tensor.strings())
            .and_then(|labels| match labels.len() {
                1 => labels.get(0).map(digest),
                _ => None,
            });
        Self {
            main,
            slot: *slot,
            version: digest(model.version().as_bytes()),
            label,
            time: Instant::now(),
        }
    }

    /// Whether the model of this version gave it.
    pub(super) fn is_of(&self, version: &str) -> bool {
        self.version == digest(version.as_bytes())
    }
}

/// FNV-1a (Fowler, Noll and Vo): texts that are compared need not be kept.
fn digest(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Answers that wait for feedback.
#[derive(Default)]
pub(super) struct Memory {
    state: Mutex<State>,
    hasher: RandomState,
}

#[derive(Default)]
struct State {
    answers: HashMap<u64, Answered>,
    /// From the oldest to the newest; some have got their feedback.
    order: VecDeque<u64>,
}

impl Memory {
    /// Keeps an answer, in place of the oldest one where there are too many.
    pub(super) fn remember(&self, id: &str, answered: Answered) {
        let key = self.hasher.hash_one(id);
        let mut state = lock(&self.state);
        if state.answers.insert(key, answered).is_none() {
            state.order.push_back(key);
        }
        while state.order.len() > MOST {
            if let Some(oldest) = state.order.pop_front() {
                state.answers.remove(&oldest);
            }
        }
    }

    /// Takes an answer out, and whether it was right: feedback counts once. A report that does not fit takes nothing.
    pub(super) fn take(&self, report: &Report) -> Result<(Answered, bool), Fault> {
        let key = self.hasher.hash_one(&*report.id);
        let mut state = lock(&self.state);
        match state.answers.entry(key) {
            Entry::Occupied(waiting) if waiting.get().time.elapsed() < LONGEST => {
                let is_right = report.is_right(waiting.get())?;
                Ok((waiting.remove(), is_right))
            }
            _ => Err(Fault::unknown(
                "no answer with this id waits for feedback: it is unknown, too old, or has got it",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(label: &str) -> Answered {
        Answered {
            main: 0,
            slot: 1,
            version: digest(b"1"),
            label: Some(digest(label.as_bytes())),
            time: Instant::now(),
        }
    }

    #[test]
    fn feedback_counts_once_and_old_answers_go() {
        let memory = Memory::default();
        for id in 0..=MOST {
            memory.remember(&id.to_string(), answered("a"));
        }
        let report = |text: &str| serde_json::from_str::<Report>(text).unwrap();
        let take = |text| memory.take(&report(text)).map(|(_, is_right)| is_right);
        assert!(take(r#"{"id": "0", "correct": true}"#).is_err());
        assert_eq!(take(r#"{"id": "1", "correct": true}"#), Ok(true));
        assert!(take(r#"{"id": "1", "correct": true}"#).is_err());
        // An id that comes again is that of the last answer; a report that says nothing takes nothing.
        memory.remember("2", answered("b"));
        assert!(take(r#"{"id": "2"}"#).is_err());
        assert_eq!(take(r#"{"id": "2", "label": "b"}"#), Ok(true));
        assert_eq!(take(r#"{"id": "3", "label": "b"}"#), Ok(false));
    }
}
