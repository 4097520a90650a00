//! The request log: answered requests, for a replay against another model. Off by default; a share of the requests, and
//! what clients sent only where that is asked for.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

use server::record::Recorder;
use sha2::{Digest, Sha256};

use super::lines::Lines;

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What the server calls for each answered request: `share` of them are recorded, chosen by their id.
pub fn recorder(lines: Arc<Lines>, share: f64, with_content: bool) -> Recorder {
    Box::new(move |record| {
        if !is_chosen(record.id, share) {
            return;
        }
        // Formatted before the lock is taken: a request never waits for another one's text.
        LINE.with_borrow_mut(|line| {
            line.clear();
            record.write(SystemTime::now(), with_content, line);
            lines.add(|out| out.extend_from_slice(line));
        });
    })
}

/// Whether a request is among the share: by a hash of its id, so that servers behind each other record the same ones.
fn is_chosen(id: &str, share: f64) -> bool {
    if share >= 1.0 {
        return true;
    }
    let digest = Sha256::digest(id);
    let first: [u8; 8] = std::array::from_fn(|place| digest[place]);
    // Of a double's 53 bits.
    ((u64::from_le_bytes(first) >> 11) as f64) < share * (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_ids_is_chosen_always_the_same_ones() {
        let chosen = |share| {
            let ids = (0..20_000).map(|id: u32| format!("{id:016x}"));
            ids.filter(|id| is_chosen(id, share)).count()
        };
        assert_eq!((chosen(1.0), chosen(0.0)), (20_000, 0));
        let tenth = chosen(0.1);
        assert!((1800..2200).contains(&tenth), "{tenth}");
        assert_eq!(chosen(0.1), tenth);
    }
}
