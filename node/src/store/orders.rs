//! The way of orders to the writer's thread. While that gathers it sleeps until enough has come, not until anything has: a
//! transaction of a thousand changes would wake it a thousand times.

use super::writer::Order;
use danso_tier_config::limits::COMMIT_RECORDS_MAX;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, Thread},
    time::Duration,
};
use tokio::time::Instant;

/// What an order weighs that is not kept waiting: more than all records of a group.
const AT_ONCE: usize = 1 << 20;
const _: () = assert!(COMMIT_RECORDS_MAX < AT_ONCE);

/// Where orders go in; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    channel: mpsc::Sender<Order>,
    bell: Arc<Bell>,
}

/// Where the writer takes them out.
pub(super) struct Received {
    channel: mpsc::Receiver<Order>,
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Bell {
    /// Records that have come since the writer lay down.
    come: AtomicUsize,
    /// As many wake it.
    enough: AtomicUsize,
    writer: OnceLock<Thread>,
}

/// A way for orders.
pub(super) fn channel() -> (Orders, Received) {
    let ((orders, received), bell) = (mpsc::channel(), Arc::<Bell>::default());
    bell.enough.store(usize::MAX, Ordering::SeqCst);
    (Orders { channel: orders, bell: Arc::clone(&bell) }, Received { channel: received, bell })
}

impl Orders {
    /// Hands an order over; one to a closed writer is dropped, and with it the way to answer it.
    pub fn send(&self, order: Order) {
        let weight = order.may_wait().unwrap_or(AT_ONCE);
        if self.channel.send(order).is_err() {
            return;
        }
        // Added after the order is there: the writer that sees the sum finds the order.
        let come = self.bell.come.fetch_add(weight, Ordering::SeqCst) + weight;
        if come >= self.bell.enough.load(Ordering::SeqCst)
            && let Some(writer) = self.bell.writer.get()
        {
            writer.unpark();
        }
    }
}

impl Received {
    /// The next order, once one is there. Only the writer's thread takes orders.
    pub fn first(&self, patience: Duration) -> Result<Order, RecvTimeoutError> {
        self.bell.writer.get_or_init(thread::current);
        self.channel.recv_timeout(patience)
    }

    /// The next order. Where none is there it is waited for until orders of so many records have come, or one that is not
    /// kept waiting, or the patience ends.
    pub fn next(&self, patience: Duration, records: usize) -> Option<Order> {
        let taken = self.channel.try_recv().ok();
        if taken.is_some() || patience.is_zero() {
            return taken;
        }
        let since = Instant::now();
        self.bell.come.store(0, Ordering::SeqCst);
        self.bell.enough.store(records, Ordering::SeqCst);
        // What came before rang no bell: it is looked for once more.
        let mut taken = self.channel.try_recv().ok();
        while taken.is_none() {
            let left = patience.saturating_sub(since.elapsed());
            thread::park_timeout(left);
            let rung = self.bell.come.load(Ordering::SeqCst) >= records;
            if rung || left.is_zero() {
                taken = self.channel.try_recv().ok();
                break;
            }
        }
        self.bell.enough.store(usize::MAX, Ordering::SeqCst);
        taken
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::store::{AuditNote, Record};
    use danso_core::chain::Deed;
    use tokio::sync::oneshot;

    /// Longer than any test may take.
    const EVER: Duration = Duration::from_hours(1);

    fn noted(records: usize) -> Order {
        let note = AuditNote::text("a test", Deed::PersonalWritten, "nothing", 0);
        let records = vec![Record::Note(note).into(); records];
        Order::Append { records, generation: 0, done: oneshot::channel().0 }
    }

    fn records(order: Option<Order>) -> Option<usize> {
        match order {
            Some(Order::Append { records, .. }) => Some(records.len()),
            _ => None,
        }
    }

    #[test]
    fn what_is_there_is_taken_at_once_and_in_order() {
        let (orders, received) = channel();
        assert_eq!(records(received.next(Duration::ZERO, 9)), None);
        orders.send(noted(1));
        orders.send(noted(2));
        assert_eq!(records(received.first(EVER).ok()), Some(1));
        assert_eq!(records(received.next(EVER, 9)), Some(2));
        assert_eq!(records(received.next(Duration::from_millis(1), 9)), None);
        drop(received);
        orders.send(noted(1));
    }

    /// A wake-up that is lost once in all of it would end in a wait for an hour.
    #[test]
    fn no_wake_up_is_lost_neither_by_enough_nor_by_what_cannot_wait() {
        let (orders, received) = channel();
        let (ready, begin) = mpsc::channel::<bool>();
        thread::scope(|threads| {
            threads.spawn(move || {
                for at_once in begin {
                    orders.send(noted(1));
                    orders.send(if at_once { Order::Wanted } else { noted(2) });
                }
            });
            assert!(received.first(Duration::ZERO).is_err(), "nothing has come");
            for round in 0..20_000 {
                let at_once = round % 2 == 0;
                ready.send(at_once).unwrap();
                let mut wanting = if at_once { 100 } else { 3 };
                for _ in 0..2 {
                    let taken = received.next(EVER, wanting);
                    assert!(taken.is_some());
                    wanting -= records(taken).unwrap_or(0);
                }
            }
            drop(ready);
        });
    }
}
