//! The way of orders to the writer.

use super::{
    Order,
    bell::{AT_ONCE, Bell},
};
use std::sync::{
    Arc,
    mpsc::{self, TryRecvError},
};

/// Where orders go in; cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::store) struct Orders(Arc<Inlet>);

#[derive(Debug)]
struct Inlet {
    channel: Option<mpsc::Sender<Order>>,
    bell: Arc<Bell>,
}

/// Where they are taken out, by one at a time.
pub(super) struct Received {
    channel: mpsc::Receiver<Order>,
    /// One that was taken and given back.
    back: Option<Order>,
    /// Whether nothing was there when it was last looked.
    emptied: bool,
    /// Whether nobody can order any more.
    cut_off: bool,
    bell: Arc<Bell>,
}

/// A way for orders.
pub(super) fn channel() -> (Orders, Received) {
    let (orders, received) = mpsc::channel();
    let bell = Arc::<Bell>::default();
    let inlet = Inlet { channel: Some(orders), bell: Arc::clone(&bell) };
    let received = Received { channel: received, back: None, emptied: true, cut_off: false, bell };
    (Orders(Arc::new(inlet)), received)
}

impl Orders {
    /// Hands an order over; one to a closed writer is dropped, and with it the way to answer it.
    pub fn send(&self, order: Order) {
        let weight = order.may_wait().unwrap_or(AT_ONCE);
        let channel = self.0.channel.as_ref().expect("it is there until the last handle goes");
        if channel.send(order).is_ok() {
            self.0.bell.add(weight);
        }
    }
}

impl Drop for Inlet {
    /// Nobody can order any more: the thread ends.
    fn drop(&mut self) {
        self.channel = None;
        self.bell.ring();
    }
}

impl Received {
    /// From now on the bell weighs what comes anew, on top of so many records.
    pub fn begin(&self, records: usize) {
        self.bell.begin(records);
    }

    /// The next order that is there.
    pub fn next(&mut self) -> Option<Order> {
        let next = self.back.take().ok_or(TryRecvError::Empty).or_else(|_| self.channel.try_recv());
        self.emptied = next.is_err();
        self.cut_off = matches!(next, Err(TryRecvError::Disconnected));
        next.ok()
    }

    /// The next order that is there, if it appends. Another one is given back, to be the next.
    pub fn next_append(&mut self) -> Option<Order> {
        let order = self.next()?;
        if order.is_append() {
            return Some(order);
        }
        (self.back, self.emptied) = (Some(order), false);
        None
    }

    /// Whether nobody can order any more.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// Leaves what may still be there to the thread, and the end of all handles. What was not seen to be there weighs for
    /// itself.
    pub fn leave(&self) {
        if !self.emptied || self.cut_off {
            self.bell.ring();
        }
    }

    /// The bell.
    pub fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::store::{AuditNote, Record};
    use danso_core::chain::Deed;
    use std::{thread, time::Duration};
    use tokio::sync::oneshot;

    /// Longer than any test may take.
    const EVER: Duration = Duration::from_hours(1);

    fn noted(records: usize) -> Order {
        let note = AuditNote::text("a test", Deed::PersonalWritten, "nothing", 0);
        let records = vec![Record::Note(note).into(); records];
        Order::Append { records, generation: 0, done: oneshot::channel().0 }
    }

    fn other() -> Order {
        Order::Limits(Box::default())
    }

    fn records(order: Option<Order>) -> Option<usize> {
        match order? {
            Order::Append { records, .. } => Some(records.len()),
            _ => None,
        }
    }

    #[test]
    fn what_is_there_is_taken_in_order_and_what_may_be_left_rings() {
        let (orders, mut received) = channel();
        let bell = Arc::clone(received.bell());
        let rung = || bell.sleep(AT_ONCE, Duration::ZERO);
        assert!(received.next().is_none() && !received.is_cut_off());
        orders.send(noted(1));
        orders.send(noted(2));
        assert!(bell.sleep(3, EVER) && !bell.sleep(4, Duration::ZERO));
        received.begin(0);
        assert!(!bell.sleep(1, Duration::ZERO), "they are not waited for any more");
        assert_eq!(records(received.next()), Some(1));
        received.leave();
        assert!(rung());
        received.begin(0);
        assert_eq!((records(received.next()), records(received.next())), (Some(2), None));
        received.leave();
        assert!(!rung(), "nothing was left");
    }

    #[test]
    fn what_is_given_back_is_the_next_one_and_rings() {
        let (orders, mut received) = channel();
        orders.send(noted(1));
        orders.send(other());
        orders.send(noted(2));
        assert_eq!(records(received.next_append()), Some(1));
        received.begin(0);
        assert!(received.next_append().is_none());
        received.leave();
        assert!(received.bell().sleep(AT_ONCE, EVER));
        assert!(received.next().is_some_and(|order| !order.is_append()));
        assert_eq!(records(received.next_append()), Some(2));
    }

    #[test]
    fn what_cannot_wait_and_the_end_of_all_handles_ring_at_once() {
        let (orders, mut received) = channel();
        let bell = Arc::clone(received.bell());
        orders.clone().send(other());
        assert!(bell.sleep(AT_ONCE, EVER));
        assert!(received.next().is_some());
        received.begin(0);
        drop(orders.clone());
        assert!(!bell.sleep(1, Duration::ZERO));
        drop(orders);
        assert!(bell.sleep(AT_ONCE, EVER));
        assert!(received.next().is_none() && received.is_cut_off());
    }

    /// A wake-up that is lost once in all of it would end in a wait for an hour.
    #[test]
    fn no_wake_up_is_lost_neither_by_enough_nor_by_who_waits() {
        let (orders, mut received) = channel();
        let (ready, begin) = mpsc::channel::<bool>();
        let bell = Arc::clone(received.bell());
        bell.plan();
        let ringing = Arc::clone(&bell);
        thread::scope(|threads| {
            threads.spawn(move || {
                for waits in begin {
                    orders.send(noted(1));
                    if waits { ringing.ring() } else { orders.send(noted(2)) }
                }
            });
            for round in 0..20_000 {
                let waits = round % 2 == 0;
                received.begin(0);
                ready.send(waits).unwrap();
                assert!(bell.sleep(1, EVER) && bell.sleep(3, EVER));
                let come = std::iter::from_fn(|| records(received.next())).sum::<usize>();
                assert_eq!(come, if waits { 1 } else { 3 });
            }
            drop(ready);
        });
    }
}
