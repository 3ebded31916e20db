//! The writer's seat: whoever has it does what was ordered.
//!
//! The writer has a thread of its own, which wakes for what nobody waits for and for what is due. Whoever waits off the
//! async threads takes the seat where it is free, and commits what he staged together with all that was staged by others:
//! two threads that wake each other take longer than a commit of a few changes. Other orders, flushes and what is sealed
//! later are the thread's.

use super::{Writer, bell::Bell, orders::Received};
use crate::store::{StoreError, folder::Folder};
use danso_tier_config::limits;
use std::{
    any::Any,
    fmt,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, TryLockError, Weak},
};

/// What panicked in the seat.
pub(super) type Panicked = Box<dyn Any + Send>;

/// The writer, and where its orders come from. The folder's lock lives as long.
struct Seated {
    writer: Writer,
    received: Received,
    _folder: Folder,
}

/// The seat, empty once the writer is closed, and what wakes the thread; cheap to clone.
#[derive(Clone)]
pub(in crate::store) struct Seat(Arc<Place>);

struct Place {
    seated: Mutex<Option<Seated>>,
    bell: Arc<Bell>,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat")
    }
}

/// A seat that goes when nobody else has it.
pub(super) struct WeakSeat(Weak<Place>);

impl WeakSeat {
    /// The seat, while somebody has it.
    pub fn upgrade(&self) -> Option<Seat> {
        self.0.upgrade().map(Seat)
    }
}

impl Seat {
    pub(super) fn new(writer: Writer, received: Received, folder: Folder) -> Self {
        let bell = Arc::clone(received.bell());
        let seated = Mutex::new(Some(Seated { writer, received, _folder: folder }));
        Self(Arc::new(Place { seated, bell }))
    }

    /// The same without keeping it.
    pub(super) fn weak(&self) -> WeakSeat {
        WeakSeat(Arc::downgrade(&self.0))
    }

    fn seated(&self) -> MutexGuard<'_, Option<Seated>> {
        self.0.seated.lock().expect("what panics in the seat is caught")
    }

    /// Wakes the thread: somebody waits, or something else may be due.
    pub fn ring(&self) {
        self.0.bell.ring();
    }

    /// Lets somebody work in the seat. It is empty after a break, and after a panic, with which the store stops.
    fn work(
        &self,
        mut seated: MutexGuard<'_, Option<Seated>>,
        work: impl FnOnce(&mut Seated) -> ControlFlow<()>,
    ) -> Result<(), Panicked> {
        let Some(found) = &mut *seated else { return Ok(()) };
        let inner = Arc::clone(&found.writer.inner);
        let worked = catch_unwind(AssertUnwindSafe(|| work(found)));
        if !matches!(worked, Ok(ControlFlow::Continue(()))) {
            *seated = None;
            drop(seated);
            self.ring();
        }
        worked.map(drop).inspect_err(|_| inner.stop(StoreError::Index("the writer panicked".to_owned())))
    }

    /// What work with the writer gives; `None` once it is closed.
    pub fn with<T>(&self, work: impl FnOnce(&mut Writer) -> T) -> Result<Option<T>, Panicked> {
        let mut done = None;
        self.work(self.seated(), |seated| {
            done = Some(work(&mut seated.writer));
            ControlFlow::Continue(())
        })?;
        Ok(done)
    }

    /// Commits what is there, or carries out another order, and does what is due.
    pub fn turn(&self) -> Result<(), Panicked> {
        self.work(self.seated(), Seated::turn)
    }

    /// The writer's thread, until the writer is closed or nobody can order any more.
    pub fn serve(&self) {
        let _ = self.with(Writer::finish_scrubs);
        loop {
            self.0.bell.plan();
            let Ok(Some(patience)) = self.with(|writer| writer.patience()) else { return };
            self.0.bell.wait(patience);
            // A panic leaves the seat empty.
            let _ = self.turn();
        }
    }

    /// Commits what is there, unless somebody sits there or the thread is about to. False where the thread must hear that
    /// somebody waits.
    pub fn help(&self) -> bool {
        if self.0.bell.is_awake() {
            return false;
        }
        match self.0.seated.try_lock() {
            Ok(seated) => {
                // A panic leaves the seat empty, and with it all answers.
                let _ = self.work(seated, Seated::help);
                true
            }
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Poisoned(_)) => unreachable!("what panics in the seat is caught"),
        }
    }
}

impl Seated {
    fn turn(&mut self) -> ControlFlow<()> {
        let Self { writer, received, .. } = self;
        received.begin(0);
        match received.next() {
            Some(first) => {
                writer.obey(first, &mut || received.next())?;
                received.leave();
            }
            None if received.is_cut_off() => {
                writer.flush();
                return ControlFlow::Break(());
            }
            None => writer.wait_ended(),
        }
        ControlFlow::Continue(())
    }

    fn help(&mut self) -> ControlFlow<()> {
        let Self { writer, received, .. } = self;
        // The thread that has been woken for what comes now goes on to gather: it need not be woken for what follows.
        received.begin(1);
        for _ in 0..limits::COMMIT_HELPED_GROUPS {
            if writer.must_flush() {
                received.bell().ring();
                break;
            }
            let Some(first) = received.next_append() else { break };
            writer.carry_out(first, &mut || received.next_append())?;
        }
        received.leave();
        if received.bell().sleeps_longer(writer.patience()) {
            received.bell().ring();
        }
        ControlFlow::Continue(())
    }
}
