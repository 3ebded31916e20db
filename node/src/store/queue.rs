//! How orders reach the writer: through a queue to a thread of its own, or at once.

use super::{
    Inner, StoreError,
    folder::Folder,
    orders::{self, Orders},
    ticket::Nudge,
    writer::{Order, Writer},
};
use crate::host::Threads;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, Weak},
    thread::JoinHandle,
};
use tokio::sync::Notify;

/// The way to the writer; cheap to clone. The folder's lock lives exactly as long as the writer.
#[derive(Clone)]
pub(super) enum Queue {
    /// To a thread of its own.
    Thread { orders: Orders, writer: Arc<Mutex<Option<JoinHandle<()>>>> },
    /// To whoever orders: each order stands alone, and may change when something is due.
    Here { seat: Arc<Mutex<Option<Seat>>>, ordered: Arc<Notify> },
}

/// A writer without a thread, until it is closed.
pub(super) struct Seat {
    writer: Writer,
    _folder: Folder,
}

impl Queue {
    /// Seats the writer where blocking work is done. Without threads it must be called within a runtime.
    pub fn start(threads: Threads, mut writer: Writer, folder: Folder) -> Self {
        match threads {
            Threads::Own => {
                let (orders, received) = orders::channel();
                let handle = std::thread::Builder::new()
                    .name("danso-writer".to_owned())
                    .spawn(move || {
                        let _folder = folder;
                        let inner = Arc::clone(&writer.inner);
                        finish_scrubs(&mut writer, &inner);
                        if catch_unwind(AssertUnwindSafe(|| writer.run(&received))).is_err() {
                            inner.stop(StoreError::Index("the writer panicked".to_owned()));
                        }
                    })
                    .expect("the system starts a thread for the writer");
                Self::Thread { orders, writer: Arc::new(Mutex::new(Some(handle))) }
            }
            Threads::None => {
                let inner = Arc::clone(&writer.inner);
                finish_scrubs(&mut writer, &inner);
                let seat = Arc::new(Mutex::new(Some(Seat { writer, _folder: folder })));
                let ordered = Arc::new(Notify::new());
                tokio::spawn(wait(Arc::downgrade(&seat), Arc::clone(&ordered)));
                Self::Here { seat, ordered }
            }
        }
    }

    /// Hands over an order; an order to a closed writer is dropped.
    pub fn send(&self, order: Order) {
        match self {
            Self::Thread { orders, .. } => orders.send(order),
            Self::Here { seat, ordered } => {
                ordered.notify_one();
                let mut seat = lock(seat);
                let closed =
                    seat.as_mut().is_some_and(|seat| seat.writer.obey(order, &mut |_, _| None).is_break());
                if closed {
                    *seat = None;
                }
            }
        }
    }

    /// What tells the writer that somebody waits.
    pub fn nudge(&self) -> Nudge {
        Nudge(match self {
            Self::Thread { orders, .. } => Some(orders.clone()),
            Self::Here { .. } => None,
        })
    }

    /// The writer that has no thread, for tests of what it does with its orders.
    #[cfg(test)]
    pub fn seated<T>(&self, work: impl FnOnce(&mut Writer) -> T) -> T {
        let Self::Here { seat, .. } = self else { panic!("the writer has a thread") };
        work(&mut lock(seat).as_mut().expect("the store is open").writer)
    }

    /// Waits until a closed writer has let the folder go.
    pub async fn ended(&self) {
        if let Self::Thread { writer, .. } = self {
            let writer = writer.lock().expect("no holder of the writer's handle panics").take();
            if let Some(writer) = writer {
                let _ = tokio::task::spawn_blocking(move || writer.join()).await;
            }
        }
    }
}

/// What a crash left between writing anew and scrubbing.
fn finish_scrubs(writer: &mut Writer, inner: &Inner) {
    if let Err(error) = writer.scrub_or_wait() {
        tracing::error!(code = error.code(), %error, "erased names could not be scrubbed");
        inner.stop(error);
    }
}

fn lock(seat: &Mutex<Option<Seat>>) -> MutexGuard<'_, Option<Seat>> {
    seat.lock().expect("no writer panics")
}

/// Lets a writer without a thread do what is due, until it is closed or gone.
async fn wait(seat: Weak<Mutex<Option<Seat>>>, ordered: Arc<Notify>) {
    loop {
        let Some(patience) = on(&seat, |writer| writer.patience()) else { return };
        tokio::select! {
            biased;
            () = tokio::time::sleep(patience) => {}
            () = ordered.notified() => continue,
        }
        // Something may have come meanwhile; what is not due yet is not done.
        on(&seat, Writer::wait_ended);
    }
}

fn on<T>(seat: &Weak<Mutex<Option<Seat>>>, work: impl FnOnce(&mut Writer) -> T) -> Option<T> {
    let seat = seat.upgrade()?;
    let mut seat = lock(&seat);
    Some(work(&mut seat.as_mut()?.writer))
}
