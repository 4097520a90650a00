//! The log of entries in a store: reading and verifying it, and adding an entry at its end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use p256::elliptic_curve::Generate;

use super::access::Access;
use super::entry::{Entry, GENESIS, HEAD, Head, PREFIX, Signed, key_of, number_of};
use super::error::RegistryError;
use super::event::Event;
use super::refusal::Refusal;
use super::state::State;
use crate::signing::PublicKey;
use crate::store::{Flaw, Key, Problem, Store, StoreError};

/// The history as it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    pub entries: Vec<Signed>,
    pub state: State,
    pub head: Option<Head>,
}

impl Log {
    /// Reads the whole history. Every entry must follow from the one before it, and the last one
    /// that the head covers must be the one that it names, so a signed head vouches for all of
    /// them; entries past the head must be signed themselves. With `every`, the signature of each
    /// entry that has one is checked as well.
    ///
    /// What is wrong is added to `problems`; the log then ends before the first such entry.
    pub fn read(
        store: &dyn Store,
        keys: Option<&[PublicKey]>,
        every: bool,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, StoreError> {
        let head_key = Key::new(HEAD)?;
        let found = problems.len();
        // The head first: entries that are written meanwhile are then past it, not missing.
        let head = store.read(&head_key)?;
        let headless = head.is_none();
        let mut log = Self {
            head: head.and_then(|bytes| check_head(&bytes, keys, problems)),
            ..Self::default()
        };
        let covered = log.head.as_ref().map_or(0, |head| head.count);
        let mut previous = Previous::default();
        for number in numbers(store, problems)? {
            let key = key_of(number)?;
            if number > previous.number + 1 {
                let needed_by = key.to_string();
                let missing = key_of(previous.number + 1)?;
                problems.push(Problem::new(missing, Flaw::Missing { needed_by }));
                previous.hash = None;
            }
            let Some(bytes) = store.read(&key)? else {
                continue; // never removed by us; the hole shows with the next one or the head
            };
            let needs_seal = number > covered;
            let found = check_entry(&bytes, number, &previous).and_then(|signed| {
                let sealed = signed.seal.is_some() && every;
                match keys.filter(|_| needs_seal || sealed) {
                    Some(keys) => signed.verify(keys).map(|()| signed),
                    None => Ok(signed),
                }
            });
            let whole = log.entries.len() as u64 + 1 == number;
            match found {
                Ok(signed) if whole => {
                    if let Err(flaw) = log.push(signed) {
                        problems.push(Problem::new(&key, flaw));
                    }
                }
                Ok(_) => {} // behind a flaw that was reported
                Err(flaw) => problems.push(Problem::new(&key, flaw)),
            }
            previous = Previous {
                number,
                hash: Some(files::digest::bytes(&bytes)),
                time: log.entries.last().map(|last| last.entry.time),
            };
            log.compare_head(number, previous.hash.as_deref(), problems);
        }
        if headless && previous.number > 1 && store.read(&head_key)?.is_some() {
            // The first entries were written between the two looks: read what is there now.
            problems.truncate(found);
            return Self::read(store, keys, every, problems);
        }
        log.check_count(headless, previous.number, problems);
        Ok(log)
    }

    /// Adds an entry that was checked, if its event is allowed after those before it.
    fn push(&mut self, signed: Signed) -> Result<(), Flaw> {
        self.state
            .apply(&signed.entry)
            .map_err(|refusal| Flaw::Contradiction {
                reason: refusal.to_string(),
            })?;
        self.entries.push(signed);
        Ok(())
    }

    /// Compares the head with the entry that it names.
    fn compare_head(&self, number: u64, hash: Option<&str>, problems: &mut Vec<Problem>) {
        let Some(head) = self.head.as_ref().filter(|head| head.count == number) else {
            return;
        };
        if Some(head.hash.as_str()) != hash {
            let reason = format!(
                "entry {number} is not the one that the head names: one of the two was edited"
            );
            problems.push(Problem::new(HEAD, Flaw::Head { reason }));
        }
    }

    fn check_count(&self, headless: bool, last: u64, problems: &mut Vec<Problem>) {
        let reason = match &self.head {
            Some(head) if head.count > last => format!(
                "it counts {} entries, but the history ends with entry {last}: it was cut off",
                head.count
            ),
            // A writer moves a head that is behind before it adds an entry, so only the very first
            // entry is ever without one.
            None if headless && last > 1 => format!("missing, although there are {last} entries"),
            _ => return,
        };
        problems.push(Problem::new(HEAD, Flaw::Head { reason }));
    }

    /// Reads the entries that were added since; returns whether there are any.
    pub fn refresh(
        &mut self,
        store: &dyn Store,
        keys: Option<&[PublicKey]>,
    ) -> Result<bool, RegistryError> {
        let before = self.entries.len();
        loop {
            let key = key_of(self.entries.len() as u64 + 1)?;
            let Some(bytes) = store.read(&key)? else {
                return Ok(self.entries.len() > before);
            };
            let last = self.entries.last();
            let previous = Previous {
                number: self.entries.len() as u64,
                hash: last.map(|last| last.hash.clone()),
                time: last.map(|last| last.entry.time),
            };
            check_entry(&bytes, previous.number + 1, &previous)
                .and_then(|signed| {
                    keys.map_or(Ok(()), |keys| signed.verify(keys))?;
                    self.push(signed)
                })
                .map_err(|flaw| RegistryError::Broken {
                    problems: vec![Problem::new(&key, flaw)],
                })?;
        }
    }

    /// Adds the entry that `decide` makes of the state. If another writer is first, the state is
    /// brought up to date and `decide` asked again.
    ///
    /// Once the entry is written it counts, even if the head cannot be moved: the next writer does.
    pub fn append(
        &mut self,
        store: &Arc<dyn Store>,
        access: &Access,
        mut decide: impl FnMut(&State) -> Result<Event, Refusal>,
    ) -> Result<Signed, RegistryError> {
        let mut lost = 0;
        loop {
            if !self.refresh(&**store, access.trusted())? && lost > 0 {
                let key = key_of(self.entries.len() as u64 + 1)?;
                let error = io::Error::other("its name is taken, but it cannot be read");
                return Err(StoreError::write(key.as_str(), error).into());
            }
            self.move_head(&**store, access)?;
            let entry = self.next(access, decide(&self.state)?);
            let mut state = self.state.clone();
            state.apply(&entry)?;
            let (signed, bytes) = Signed::encode(entry, access.signer())?;
            if store.create(&key_of(signed.entry.number)?, &bytes)? {
                self.state = state;
                self.entries.push(signed.clone());
                let _ = self.move_head(&**store, access);
                return Ok(signed);
            }
            lost += 1;
            give_way(lost);
        }
    }

    fn next(&self, access: &Access, event: Event) -> Entry {
        let last = self.entries.last();
        let clock = access.now();
        Entry {
            number: self.entries.len() as u64 + 1,
            time: last.map_or(clock, |last| last.entry.time.max(clock)),
            clock,
            who: access.who().to_owned(),
            previous: last.map_or(GENESIS, |last| &last.hash).to_owned(),
            event,
        }
    }

    /// Moves the head to the last entry, if it is behind. Another writer that moved it further is
    /// left alone; if one added an entry meanwhile and moved it before us, it is moved again.
    fn move_head(&mut self, store: &dyn Store, access: &Access) -> Result<(), RegistryError> {
        loop {
            let Some(last) = self.entries.last() else {
                return Ok(());
            };
            let there = store.read(&Key::new(HEAD)?)?;
            let there = there.map(|bytes| Head::decode(&bytes)).transpose();
            let broken = |flaw| RegistryError::Broken {
                problems: vec![Problem::new(HEAD, flaw)],
            };
            let there = there.map_err(broken)?;
            if let Some(head) = &there {
                if let Some(keys) = access.trusted() {
                    head.verify(keys).map_err(broken)?;
                }
                access.may_follow(head)?;
                if head.count >= last.entry.number {
                    self.head = there;
                    return Ok(());
                }
            }
            let head = Head::of(last, access.signer());
            store.replace(&Key::new(HEAD)?, &head.encode()?)?;
            self.head = Some(head);
            self.refresh(store, access.trusted())?;
        }
    }
}

/// Waits after a writer was not the first for the `lost`-th time, so that of many at once most do not
/// write in vain again: a random time up to 2^`lost` milliseconds, at most half a second.
fn give_way(lost: u32) {
    const LONGEST: u32 = 9;
    let drawn = u64::try_generate().unwrap_or_default();
    let milliseconds = drawn % (1 << lost.min(LONGEST));
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// What the next entry must follow.
#[derive(Default)]
struct Previous {
    number: u64,
    /// `None` before the first entry, and behind a missing one.
    hash: Option<String>,
    time: Option<Timestamp>,
}

/// Checks that bytes are entry `number`, and that it follows from the one before.
fn check_entry(bytes: &[u8], number: u64, previous: &Previous) -> Result<Signed, Flaw> {
    let signed = Signed::decode(bytes)?;
    let entry = &signed.entry;
    if entry.number != number {
        let expected = key_of(entry.number).map_or_else(|e| e.to_string(), |key| key.to_string());
        return Err(Flaw::Misnamed { expected });
    }
    let expected = match (&previous.hash, number) {
        (_, 1) => Some(GENESIS),
        (hash, _) => hash.as_deref(),
    };
    if expected.is_some_and(|expected| entry.previous != expected) {
        return Err(Flaw::Chain);
    }
    if previous.time.is_some_and(|time| entry.time < time) {
        return Err(Flaw::Contradiction {
            reason: "it is older than the entry before it".to_owned(),
        });
    }
    Ok(signed)
}

/// A head whose signature is right.
fn check_head(
    bytes: &[u8],
    keys: Option<&[PublicKey]>,
    problems: &mut Vec<Problem>,
) -> Option<Head> {
    let head = Head::decode(bytes).and_then(|head| {
        keys.map_or(Ok(()), |keys| head.verify(keys))?;
        Ok(head)
    });
    head.map_err(|flaw| problems.push(Problem::new(HEAD, flaw)))
        .ok()
}

/// The numbers of the entries in order. A list of names may leave out some that were written while
/// it was made, so that holes are looked at once more.
fn numbers(store: &dyn Store, problems: &mut Vec<Problem>) -> Result<Vec<u64>, StoreError> {
    let mut numbers = Vec::new();
    for key in store.list(PREFIX)? {
        let Some(number) = number_of(&key) else {
            problems.push(Problem::new(&key, Flaw::Stranger));
            continue;
        };
        let mut next = numbers.last().map_or(1, |last| last + 1);
        while next < number && store.open(&key_of(next)?)?.is_some() {
            numbers.push(next);
            next += 1;
        }
        numbers.push(number);
    }
    Ok(numbers)
}
