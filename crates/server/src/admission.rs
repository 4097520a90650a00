//! Who is let in: rows and bytes in flight, and the bounded pool for work that takes long. What does not
//! fit is refused at once; nothing waits in a queue without bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fault::{Fault, FaultKind};
use crate::limits::Limits;
use crate::pool::Pool;

/// A bounded amount, of which permits are taken.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A budget of `limit`.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
        }
    }

    /// What is taken now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, amount: usize) -> bool {
        let before = self.used.fetch_add(amount, Ordering::Relaxed);
        // Whoever comes first is let in, so that no request is too large for ever.
        let fits = before == 0 || before.saturating_add(amount) <= self.limit;
        if !fits {
            self.used.fetch_sub(amount, Ordering::Relaxed);
        }
        fits
    }
}

/// A part of a budget, given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    amount: usize,
}

impl Reservation {
    /// Takes `amount`, if that much is left.
    pub fn take(budget: &Arc<Budget>, amount: usize) -> Option<Self> {
        budget.take(amount).then(|| Self {
            budget: Arc::clone(budget),
            amount,
        })
    }

    /// Takes more; if there is not enough, the reservation stays as it is and the answer is false.
    pub fn grow(&mut self, amount: usize) -> bool {
        let before = self.budget.used.fetch_add(amount, Ordering::Relaxed);
        // Whoever is alone may grow, as whoever comes first is let in.
        let fits = before == self.amount || before.saturating_add(amount) <= self.budget.limit;
        match fits {
            true => self.amount += amount,
            false => {
                self.budget.used.fetch_sub(amount, Ordering::Relaxed);
            }
        }
        fits
    }

    /// Gives a part back.
    pub fn shrink(&mut self, amount: usize) {
        let amount = amount.min(self.amount);
        self.budget.used.fetch_sub(amount, Ordering::Relaxed);
        self.amount -= amount;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

/// Rows, bytes and pool of a server.
pub struct Admission {
    /// Rows in flight.
    pub rows: Arc<Budget>,
    /// Bytes in flight.
    pub bytes: Arc<Budget>,
    pub(crate) pool: Pool,
}

impl Admission {
    /// With the limits of a server.
    ///
    /// # Errors
    /// Threads of the pool that cannot be started.
    pub fn new(limits: &Limits) -> std::io::Result<Self> {
        Ok(Self {
            rows: Arc::new(Budget::new(limits.rows_in_flight)),
            bytes: Arc::new(Budget::new(limits.bytes_in_flight)),
            pool: Pool::new(limits.pool, limits.pool_waiting)?,
        })
    }
}

/// The fault of a request that is not let in.
pub fn overloaded() -> Fault {
    Fault::new(
        FaultKind::Overloaded,
        "the server is at capacity; try again later",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_given_back() {
        let budget = Arc::new(Budget::new(10));
        let first = Reservation::take(&budget, 8).unwrap();
        assert!(Reservation::take(&budget, 3).is_none());
        assert_eq!(budget.used(), 8);
        drop(first);
        assert!(Reservation::take(&budget, 3).is_some());
    }

    #[test]
    fn the_first_one_is_let_in_whatever_its_size() {
        let budget = Arc::new(Budget::new(10));
        let mut large = Reservation::take(&budget, 100).unwrap();
        assert!(Reservation::take(&budget, 1).is_none());
        assert!(large.grow(100));
        drop(large);
        assert_eq!(budget.used(), 0);
    }
}
