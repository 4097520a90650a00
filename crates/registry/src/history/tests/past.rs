//! Tests of questions about the past: clocks that jump back, and "who was champion at time t".

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::*;
use super::{Bench, always};
use crate::lineage::Lineage;
use crate::store::Content;

fn epoch(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn a_clock_that_jumps_back_does_not_change_the_past() {
    let now = Arc::new(AtomicI64::new(100));
    let clock = Arc::clone(&now);
    let access = Access::new("tester").with_clock(move || epoch(clock.load(Ordering::SeqCst)));
    let mut bench = Bench::with(access);
    bench.add("a", None);
    bench.add("b", None);
    bench.promote(1).unwrap();
    now.store(50, Ordering::SeqCst);
    let late = bench.promote(2).unwrap().entry;
    assert_eq!((late.time, late.clock), (epoch(100), epoch(50)));
    let at = |time| {
        let found = bench.registry.at("nlp", "champion", epoch(time)).unwrap();
        found.map(|(version, _)| version)
    };
    assert_eq!(at(99), None);
    assert_eq!(at(100), Some(2)); // both at 100: the later one counts
    assert!(bench.registry.at("nlp", "champoin", epoch(0)).is_err());
    let first_ahead = |now| {
        bench
            .registry
            .ahead_of(epoch(now))
            .map(|entry| entry.number)
    };
    assert_eq!((first_ahead(100), first_ahead(99)), (None, Some(1)));
}

/// What is done in one step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Add,
    Promote(usize, u64),
    Rollback(usize),
    Retire(u64),
    Unset(usize),
}

fn steps() -> impl Strategy<Value = Vec<(Step, i64)>> {
    let alias = 0..2_usize;
    let step = prop_oneof![
        2 => Just(Step::Add),
        4 => (alias.clone(), 1..6_u64).prop_map(|(alias, version)| Step::Promote(alias, version)),
        2 => alias.clone().prop_map(Step::Rollback),
        1 => (1..6_u64).prop_map(Step::Retire),
        1 => alias.prop_map(Step::Unset),
    ];
    // Seconds by which the clock moves: often not at all, sometimes back.
    prop::collection::vec((step, -3..6_i64), 1..40)
}

const ALIASES: [&str; 2] = ["champion", "challenger"];

/// Where both aliases pointed from a time on, written down after every step.
type Diary = Vec<(Timestamp, [Option<u64>; 2])>;

/// A registry as simple as it can be: the versions that each alias went through, in full.
#[derive(Default)]
struct Naive {
    versions: u64,
    retired: Vec<u64>,
    trail: [Vec<u64>; 2],
    diary: Diary,
}

impl Naive {
    fn step(&mut self, step: &Step, time: Timestamp) -> bool {
        let current = |trail: &Vec<u64>| trail.last().copied();
        let done = match *step {
            Step::Add => {
                self.versions += 1;
                true
            }
            Step::Promote(alias, version) => {
                let fine = version <= self.versions
                    && !self.retired.contains(&version)
                    && current(&self.trail[alias]) != Some(version);
                if fine {
                    self.trail[alias].push(version);
                }
                fine
            }
            Step::Rollback(alias) => {
                let trail = &self.trail[alias];
                let back = trail.iter().rposition(|version| {
                    Some(*version) != current(trail) && !self.retired.contains(version)
                });
                if let Some(back) = back {
                    self.trail[alias].truncate(back + 1);
                }
                back.is_some()
            }
            Step::Retire(version) => {
                let used = self
                    .trail
                    .iter()
                    .any(|trail| current(trail) == Some(version));
                let fine = version <= self.versions && !self.retired.contains(&version) && !used;
                if fine {
                    self.retired.push(version);
                }
                fine
            }
            Step::Unset(alias) => {
                let set = !self.trail[alias].is_empty();
                self.trail[alias].clear();
                set
            }
        };
        let last = self.diary.last().map_or(time, |(last, _)| *last);
        let now = [current(&self.trail[0]), current(&self.trail[1])];
        if done {
            self.diary.push((time.max(last), now));
        }
        done
    }

    fn at(&self, alias: usize, time: Timestamp) -> Option<u64> {
        let mut found = None;
        for (from, points) in &self.diary {
            if *from <= time {
                found = points[alias];
            }
        }
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// "Who was champion at time t" for 1,000 random times a history.
    #[test]
    fn the_past_is_as_a_naive_model_says(
        steps in steps(),
        times in prop::collection::vec((0..2_usize, 0..300_i64), 1_000),
    ) {
        let now = Arc::new(AtomicI64::new(50));
        let clock = Arc::clone(&now);
        let access = Access::new("tester").with_clock(move || epoch(clock.load(Ordering::SeqCst)));
        let mut bench = Bench::with(access);
        let content = Content::of_bytes(b"model");
        let registry = &mut bench.registry;
        let mut naive = Naive::default();
        for (step, passed) in &steps {
            let time = epoch(now.fetch_add(*passed, Ordering::SeqCst) + passed);
            let done = match *step {
                Step::Add => registry.add("nlp", &content, Lineage::default(), vec![]).is_ok(),
                Step::Promote(alias, version) => {
                    registry.promote("nlp", ALIASES[alias], version, &always()).is_ok()
                }
                Step::Rollback(alias) => registry.rollback("nlp", ALIASES[alias], "").is_ok(),
                Step::Retire(version) => registry.retire("nlp", version, "").is_ok(),
                Step::Unset(alias) => registry.unset("nlp", ALIASES[alias], "").is_ok(),
            };
            prop_assert_eq!(done, naive.step(step, time), "{:?}", step);
        }
        let again = Registry::open(bench.store.clone(), Access::new("tester")).unwrap();
        for (alias, time) in times {
            let time = epoch(time) + SignedDuration::from_millis(time % 3 * 300);
            let found = again.at("nlp", ALIASES[alias], time);
            let found = found.ok().flatten().map(|(version, _)| version);
            prop_assert_eq!(found, naive.at(alias, time));
        }
    }
}
