//! How orders reach the writer: to a thread of its own, or carried out at once.

use super::{
    Order, Writer,
    orders::{self, Orders},
    seat::{Panicked, Seat, WeakSeat},
    ticket::{Answer, Ticket},
};
use crate::{host::Threads, store::folder::Folder};
use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex},
    thread::JoinHandle,
};
use tokio::sync::Notify;

/// The way to the writer; cheap to clone. The folder's lock lives exactly as long as the writer.
#[derive(Clone)]
pub(in crate::store) struct Queue {
    orders: Orders,
    seat: Seat,
    runs: Runs,
}

/// Where the writer runs.
#[derive(Clone)]
enum Runs {
    /// On a thread of its own.
    Thread(Arc<Mutex<Option<JoinHandle<()>>>>),
    /// Where somebody orders: each order stands alone, and may change when something is due.
    Here(Arc<Notify>),
}

impl Queue {
    /// Seats the writer where blocking work is done. Without threads it must be called within a runtime.
    pub fn start(threads: Threads, writer: Writer, folder: Folder) -> Self {
        let (orders, received) = orders::channel();
        let seat = Seat::new(writer, received, folder);
        let runs = match threads {
            Threads::Own => {
                let served = seat.clone();
                let thread = std::thread::Builder::new().name("danso-writer".to_owned());
                let thread = thread.spawn(move || served.serve());
                let handle = thread.expect("the system starts a thread for the writer");
                Runs::Thread(Arc::new(Mutex::new(Some(handle))))
            }
            Threads::None => {
                here(seat.with(Writer::finish_scrubs));
                let ordered = Arc::new(Notify::new());
                tokio::spawn(wait(seat.weak(), Arc::clone(&ordered)));
                Runs::Here(ordered)
            }
        };
        Self { orders, seat, runs }
    }

    /// Hands over an order; an order to a closed writer is dropped.
    pub fn send(&self, order: Order) {
        self.orders.send(order);
        if let Runs::Here(ordered) = &self.runs {
            ordered.notify_one();
            here(self.seat.turn());
        }
    }

    /// Lets the writer look again what is due.
    pub fn look(&self) {
        match &self.runs {
            Runs::Thread(_) => self.seat.ring(),
            Runs::Here(ordered) => ordered.notify_one(),
        }
    }

    /// What somebody waits with for an answer; a writer without a thread has given it already.
    pub fn ticket(&self, answer: Answer) -> Ticket {
        Ticket::new(answer, matches!(self.runs, Runs::Thread(_)).then(|| self.seat.clone()))
    }

    /// Orders and seat, for tests of what is done with orders that wait.
    #[cfg(test)]
    pub fn parts(&self) -> (&Orders, &Seat) {
        (&self.orders, &self.seat)
    }

    /// Waits until a closed writer has let the folder go.
    pub async fn ended(&self) {
        if let Runs::Thread(handle) = &self.runs {
            let handle = handle.lock().expect("no holder of the writer's handle panics").take();
            if let Some(handle) = handle {
                let _ = tokio::task::spawn_blocking(move || handle.join()).await;
            }
        }
    }
}

/// Work on a thread of somebody else: a panic is that one's.
fn here<T>(worked: Result<T, Panicked>) -> T {
    worked.unwrap_or_else(|panicked| resume_unwind(panicked))
}

/// Lets a writer without a thread do what is due, until it is closed or gone.
async fn wait(seat: WeakSeat, ordered: Arc<Notify>) {
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

fn on<T>(seat: &WeakSeat, work: impl FnOnce(&mut Writer) -> T) -> Option<T> {
    here(seat.upgrade()?.with(work))
}
