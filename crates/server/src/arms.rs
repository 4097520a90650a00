//! Several models of one task at once. A model named `nlp@next` is an arm of `nlp`: it answers a share of the requests
//! to `nlp`, or, as a shadow, gets copies of them whose answers nobody sees. Which arm answers is decided by a key of
//! the request, so that the same user always meets the same one.
//!
//! - [`sequential`]: which arm is better, told at any moment
//! - [`difference`]: how two answers differ
//! - `shadow`: the queue of copies, and what came of them
//! - `feedback`: which answers were right, joined by the id of the request

pub mod difference;
mod feedback;
pub mod sequential;
mod shadow;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) use self::feedback::Report;
use self::feedback::{Answered, Memory};
use self::sequential::Test;
use self::shadow::Shadow;
use crate::fault::{Fault, FaultKind};
use crate::model::{InferRequest, InferResponse, Model};
use crate::models::{Loaded, Models, Slot, Target};

/// The header that names an arm.
pub(crate) const ARM: &str = "x-arm";
/// The header with the key that decides which arm answers.
const KEY: &str = "x-arm-key";
/// What the model of the task itself is called among its arms.
pub const MAIN: &str = "main";
/// Stands between the name of a task's model and that of an arm.
const AT: char = '@';
/// How often an A/B test may say that equal arms differ.
const ALPHA: f64 = 0.05;

/// Which models answer for others.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// Models that are arms, and the percentage of keys whose requests they answer.
    pub weights: Vec<(String, f64)>,
    /// Models that get copies.
    pub shadows: Vec<String>,
}

/// The name of the model whose arm this is, and that of the arm, if it is one.
pub fn parts(name: &str) -> (&str, Option<&str>) {
    match name.split_once(AT) {
        Some((main, arm)) => (main, Some(arm)),
        None => (name, None),
    }
}

/// The arms of all models.
pub(crate) struct Arms {
    groups: Vec<Group>,
    memory: Memory,
}

/// A model and its arms.
struct Group {
    /// The slot of the model.
    main: usize,
    name: String,
    /// Those that a request may choose.
    arms: Vec<Arm>,
    shadows: Vec<Shadow>,
    /// The weight of the model itself.
    weight: f64,
}

struct Arm {
    slot: usize,
    name: String,
    weight: f64,
    experiment: Mutex<Experiment>,
}

/// Outcomes of an arm beside those of its main model, while both stay the same.
#[derive(Default)]
struct Experiment {
    /// Versions of the main model and of the arm.
    versions: [String; 2],
    test: Test,
}

impl Experiment {
    /// The test of these versions; one of others is over.
    fn of(&mut self, versions: [&str; 2]) -> &mut Test {
        if self.versions != versions {
            self.versions = versions.map(str::to_owned);
            self.test = Test::default();
        }
        &mut self.test
    }
}

/// What the head of a request says about arms.
#[derive(Clone, Default)]
pub(crate) struct ArmChoice {
    arm: Option<String>,
    key: Option<String>,
}

impl ArmChoice {
    fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let text = |name: &str| match headers.get(name).map(|value| value.to_str()) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text.to_owned())),
            Some(Err(_)) => Err(Fault::invalid(format!("the header {name} must be ASCII"))),
        };
        Ok(Self {
            arm: text(ARM)?,
            key: text(KEY)?,
        })
    }
}

/// Who answers a request.
pub(crate) struct Chosen {
    /// The slot of the model that was asked.
    pub(crate) main: usize,
    pub(crate) target: Target,
    /// Whether the key decided; otherwise the client did, and the answer says nothing about the arms.
    is_random: bool,
}

impl Chosen {
    /// The model that was asked, whatever arms it has.
    pub(crate) fn itself(target: Target) -> Self {
        Self {
            main: target.0,
            target,
            is_random: false,
        }
    }
}

impl Arms {
    /// The arms among the configured models.
    ///
    /// # Errors
    /// A name that was not configured or is no arm, or weights that do not fit together.
    pub(crate) fn new(models: &Arc<Models>, split: &Split) -> io::Result<Self> {
        let slots = models.slots();
        let mut groups: Vec<Group> = Vec::new();
        for (position, slot) in slots.iter().enumerate() {
            let (main, Some(arm)) = parts(slot.name()) else {
                continue;
            };
            let Some(main) = slots.iter().position(|slot| slot.name() == main) else {
                return Err(wrong(format!("{}: there is no model {main}", slot.name())));
            };
            let group = match groups.iter().position(|group| group.main == main) {
                Some(known) => &mut groups[known],
                None => {
                    groups.push(Group::new(main, slots));
                    let last = groups.len() - 1;
                    &mut groups[last]
                }
            };
            if split.shadows.iter().any(|name| name == slot.name()) {
                let shadow = Shadow::start(Arc::clone(models), position, arm.to_owned())?;
                group.shadows.push(shadow);
            } else {
                let weight = split.weights.iter().find(|(name, _)| name == slot.name());
                group.arms.push(Arm {
                    slot: position,
                    name: arm.to_owned(),
                    weight: weight.map_or(0.0, |(_, weight)| *weight),
                    experiment: Mutex::default(),
                });
            }
        }
        for group in &mut groups {
            let sum: f64 = group.arms.iter().map(|arm| arm.weight).sum();
            if sum > 100.0 {
                let name = &group.name;
                return Err(wrong(format!(
                    "the arms of {name} have {sum} % of its requests"
                )));
            }
            group.weight = 100.0 - sum;
        }
        let has_arm =
            |name: &str| slots.iter().any(|slot| slot.name() == name) && parts(name).1.is_some();
        let mut named = split
            .weights
            .iter()
            .map(|(name, _)| name)
            .chain(&split.shadows);
        match named.find(|name| !has_arm(name)) {
            Some(name) => Err(wrong(format!("{name} is no arm of a model that is served"))),
            None => Ok(Self {
                groups,
                memory: Memory::default(),
            }),
        }
    }

    /// What the head of a request says, where it matters.
    pub(crate) fn choice(&self, headers: &HeaderMap) -> Result<ArmChoice, Fault> {
        match self.groups.is_empty() {
            true => Ok(ArmChoice::default()),
            false => ArmChoice::of(headers),
        }
    }

    fn group(&self, main: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.main == main)
    }

    /// The arm that answers a request to a model: the one that the client names, otherwise that of the key.
    pub(crate) fn choose(
        &self,
        models: &Models,
        asked: Target,
        choice: &ArmChoice,
        request: &InferRequest,
        id: &str,
    ) -> Result<Chosen, Fault> {
        let Some(group) = self.group(asked.0) else {
            return match &choice.arm {
                Some(arm) if arm != MAIN => Err(unknown(arm, models.slots()[asked.0].name(), &[])),
                _ => Ok(Chosen::itself(asked)),
            };
        };
        let (arm, is_random) = match &choice.arm {
            Some(name) if name == MAIN => (None, false),
            Some(name) => match group.arms.iter().find(|arm| arm.name == *name) {
                Some(arm) => (Some(arm), false),
                None => return Err(unknown(name, &group.name, &group.arms)),
            },
            None if group.is_split() => {
                let own = || asked.1.key(request);
                let key = match &choice.key {
                    Some(key) => key.as_bytes(),
                    None => own().unwrap_or(id.as_bytes()),
                };
                (group.of_key(key), true)
            }
            None => return Ok(Chosen::itself(asked)),
        };
        let main = asked.0;
        let Some(arm) = arm else {
            return Ok(Chosen {
                main,
                target: asked,
                is_random,
            });
        };
        let loaded = models.slots()[arm.slot].current();
        match loaded {
            Some(model) if takes_the_same(&**asked.1, &**model) => Ok(Chosen {
                main,
                target: (arm.slot, model),
                is_random,
            }),
            // Whoever asked for it by name is told; all others get an answer.
            _ if !is_random => Err(Fault::new(
                FaultKind::NotReady,
                format!(
                    "the arm `{}` of `{}` is not loaded, or takes other inputs",
                    arm.name, group.name
                ),
            )),
            _ => Ok(Chosen::itself(asked)),
        }
    }

    /// The name of an arm, where a model has any.
    pub(crate) fn name(&self, main: usize, slot: usize) -> Option<&str> {
        let group = self.group(main)?;
        match slot == main {
            true => Some(MAIN),
            false => group
                .arms
                .iter()
                .find(|arm| arm.slot == slot)
                .map(|arm| &*arm.name),
        }
    }

    /// Takes note of an answer: feedback may come about it, and shadows are asked, too.
    pub(crate) fn answered(
        &self,
        chosen: &Chosen,
        id: &str,
        request: InferRequest,
        response: InferResponse,
    ) {
        let Some(group) = self.group(chosen.main) else {
            return;
        };
        if chosen.is_random && group.is_split() {
            let answered = Answered::new(chosen.main, &chosen.target, &response);
            self.memory.remember(id, answered);
        }
        // Another arm's answer is not what the shadow is to be compared with.
        if chosen.target.0 != chosen.main {
            return;
        }
        let Some((last, rest)) = group.shadows.split_last() else {
            return;
        };
        for shadow in rest {
            shadow.ask(&chosen.target.1, request.clone(), response.clone());
        }
        last.ask(&chosen.target.1, request, response);
    }

    /// Whether it matters what was answered.
    pub(crate) fn wants(&self, chosen: &Chosen) -> bool {
        self.group(chosen.main).is_some_and(|group| {
            !group.shadows.is_empty() || (chosen.is_random && group.is_split())
        })
    }

    /// Takes feedback about an answer: what was right, or whether the answer was.
    pub(crate) fn feedback(&self, models: &Models, report: &Report) -> Result<(), Fault> {
        let (answered, is_right) = self.memory.take(report)?;
        let Some(group) = self.group(answered.main) else {
            return Ok(());
        };
        let version = |slot: usize| models.slots()[slot].current();
        let Some(main) = version(group.main) else {
            return Ok(());
        };
        for arm in &group.arms {
            let Some(model) = version(arm.slot) else {
                continue;
            };
            let (versions, side) = match answered.slot {
                slot if slot == group.main => ([main.version(), model.version()], 0),
                slot if slot == arm.slot => ([main.version(), model.version()], 1),
                _ => continue,
            };
            // An answer of a model that has been replaced says nothing about the new one.
            if !answered.is_of(versions[side]) {
                continue;
            }
            let mut experiment = lock(&arm.experiment);
            experiment.of(versions).add(side, is_right);
        }
        Ok(())
    }

    /// The report on all arms.
    pub(crate) fn report(&self, models: &Models, shows: impl Fn(&str) -> bool) -> Value {
        let shown = self.groups.iter().filter(|group| shows(&group.name));
        json!({"models": shown.map(|group| group.report(models)).collect::<Vec<_>>()})
    }

    /// Adds metrics as Prometheus' text.
    pub(crate) fn metrics(&self, out: &mut String) {
        let shadows = || {
            let of = |group| move |shadow| (group, shadow);
            self.groups
                .iter()
                .flat_map(move |group: &Group| group.shadows.iter().map(of(group.name.as_str())))
        };
        if shadows().next().is_none() {
            return;
        }
        shadow::write_metrics(shadows(), out);
    }
}

impl Group {
    fn new(main: usize, slots: &[Slot]) -> Self {
        Self {
            main,
            name: slots[main].name().to_owned(),
            arms: Vec::new(),
            shadows: Vec::new(),
            weight: 100.0,
        }
    }

    /// Whether requests are divided among arms.
    fn is_split(&self) -> bool {
        self.weight < 100.0
    }

    /// The arm of a key; none is the model itself. By weighted rendezvous hashing (Schindelhauer and Schomaker 2005):
    /// where weights change, a key moves only to an arm that gains against its own.
    fn of_key(&self, key: &[u8]) -> Option<&Arm> {
        let time = |name: &str, weight: f64| match weight > 0.0 {
            true => -libm::log(uniform(&self.name, name, key)) / weight,
            false => f64::INFINITY,
        };
        let mut best = (time(MAIN, self.weight), None);
        for arm in &self.arms {
            let own = time(&arm.name, arm.weight);
            if own < best.0 {
                best = (own, Some(arm));
            }
        }
        best.1
    }

    fn report(&self, models: &Models) -> Value {
        let current = |slot: usize| models.slots()[slot].current();
        let version =
            |model: &Option<Loaded>| model.as_ref().map(|model| model.version().to_owned());
        let counts = |slot: usize| {
            let counts = &models.slots()[slot].counts;
            json!({"answered": counts.answered(), "failed": counts.failed(), "micros": counts.answered_micros()})
        };
        let main = current(self.main);
        let tests = self.arms.iter().map(|arm| {
            let model = current(arm.slot);
            let test = match (&main, &model) {
                (Some(main), Some(model)) => {
                    let mut experiment = lock(&arm.experiment);
                    Some(*experiment.of([main.version(), model.version()]))
                }
                _ => None,
            };
            json!({
                "arm": arm.name,
                "weight": arm.weight,
                "version": version(&model),
                "requests": counts(arm.slot),
                "test": test.map(|test| verdict(&test, self.arms.len())),
            })
        });
        json!({
            "model": self.name,
            "weight": self.weight,
            "version": version(&main),
            "requests": counts(self.main),
            "arms": tests.collect::<Vec<_>>(),
            "shadows": self.shadows.iter().map(Shadow::report).collect::<Vec<_>>(),
        })
    }
}

/// What a test says, for an arm among so many: each gets its part of the errors that all may make (Bonferroni).
fn verdict(test: &Test, arms: usize) -> Value {
    let alpha = ALPHA / arms.max(1) as f64;
    let outcomes = [test.outcomes(0), test.outcomes(1)];
    let (low, high) = sequential::difference(outcomes, alpha);
    let rate = |outcomes: sequential::Outcomes| match outcomes.count {
        0 => Value::Null,
        count => json!(outcomes.successes as f64 / count as f64),
    };
    let arm = |outcomes: sequential::Outcomes| {
        let (low, high) = sequential::interval(outcomes, alpha);
        json!({"feedback": outcomes.count, "right": outcomes.successes, "rate": rate(outcomes), "interval": [low, high]})
    };
    let p_value = test.p_value();
    let rates = outcomes.map(|outcomes| outcomes.successes as f64 / outcomes.count.max(1) as f64);
    let verdict = match p_value <= alpha {
        true if rates[1] > rates[0] => "better",
        true => "worse",
        false => "undecided",
    };
    json!({
        "main": arm(outcomes[0]),
        "arm": arm(outcomes[1]),
        "difference": [low, high],
        "p_value": p_value,
        "alpha": alpha,
        "verdict": verdict,
    })
}

/// A number within 0 and 1, both excluded, of a key and an arm.
fn uniform(group: &str, arm: &str, key: &[u8]) -> f64 {
    let mut hash = Sha256::new();
    for part in [group.as_bytes(), arm.as_bytes(), key] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let first: [u8; 8] = std::array::from_fn(|place| digest[place]);
    ((u64::from_le_bytes(first) >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

/// Whether two models take the same inputs, so that a request to one fits the other.
fn takes_the_same(main: &dyn Model, arm: &dyn Model) -> bool {
    let inputs = |model: &dyn Model| model.metadata().inputs.len();
    inputs(main) == inputs(arm)
        && main
            .metadata()
            .inputs
            .iter()
            .zip(&arm.metadata().inputs)
            .all(|(a, b)| (&a.name, a.datatype, &a.shape) == (&b.name, b.datatype, &b.shape))
}

fn unknown(arm: &str, model: &str, arms: &[Arm]) -> Fault {
    let known: Vec<&str> = [MAIN]
        .into_iter()
        .chain(arms.iter().map(|arm| &*arm.name))
        .collect();
    Fault::invalid(format!(
        "unknown arm `{arm}` of `{model}`; there is {}",
        known.join(", ")
    ))
}

fn wrong(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

/// State under these locks is changed whole, so a poisoned one is whole, too.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(weights: &[(&str, f64)]) -> Group {
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let arm = |(name, weight): &(&str, f64)| Arm {
            slot: 1,
            name: (*name).to_owned(),
            weight: *weight,
            experiment: Mutex::default(),
        };
        Group {
            main: 0,
            name: "nlp".to_owned(),
            arms: weights.iter().map(arm).collect(),
            shadows: Vec::new(),
            weight: 100.0 - sum,
        }
    }

    fn name_of(group: &Group, key: u32) -> &str {
        let key = format!("user-{key}");
        group.of_key(key.as_bytes()).map_or(MAIN, |arm| &arm.name)
    }

    #[test]
    fn a_million_keys_are_divided_as_the_weights_say() {
        let group = group(&[("a", 10.0), ("b", 25.0)]);
        let mut counts = [0u32; 3];
        for key in 0..1_000_000 {
            match name_of(&group, key) {
                "a" => counts[0] += 1,
                "b" => counts[1] += 1,
                _ => counts[2] += 1,
            }
        }
        for (count, weight) in counts.into_iter().zip([10.0, 25.0, 65.0]) {
            let share = f64::from(count) / 1e4;
            assert!((share - weight).abs() < 0.2, "{share} of {weight}");
        }
    }

    #[test]
    fn a_key_moves_only_to_an_arm_that_gains_against_its_own() {
        let (before, after) = (
            group(&[("a", 10.0), ("b", 20.0)]),
            group(&[("a", 20.0), ("b", 20.0)]),
        );
        let mut moved = 0;
        for key in 0..20_000 {
            let pair = (name_of(&before, key), name_of(&after, key));
            let is_allowed = matches!(pair, (MAIN, "a" | "b") | ("b", "a"));
            assert!(pair.0 == pair.1 || is_allowed, "{key}: {pair:?}");
            moved += u32::from(pair.0 != pair.1);
        }
        // A tenth of all must.
        assert!((1800..3000).contains(&moved), "{moved}");
        // With one arm none moves that need not.
        let (before, after) = (group(&[("a", 10.0)]), group(&[("a", 20.0)]));
        for key in 0..20_000 {
            let pair = (name_of(&before, key), name_of(&after, key));
            assert!(pair.0 == pair.1 || pair == (MAIN, "a"), "{key}: {pair:?}");
        }
    }

    #[test]
    fn an_arm_without_weight_answers_no_key() {
        let group = group(&[("a", 0.0), ("b", 100.0)]);
        assert!((0..10_000).all(|key| name_of(&group, key) == "b"));
    }

    #[test]
    fn names_have_two_parts() {
        assert_eq!(parts("nlp"), ("nlp", None));
        assert_eq!(parts("nlp@next"), ("nlp", Some("next")));
    }
}
