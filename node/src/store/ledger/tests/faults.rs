//! Makes chosen steps of the file system fail, or all of them from one on, as a crash does.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::recorder::{Recorder, Recording};
use crate::host::{DiskWatch, Step, Steps};

/// A plan of failures, shared with the disk that follows it.
#[derive(Debug, Clone, Default)]
pub(in crate::store::ledger) struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// Steps that still succeed before every later one fails.
    crash_after: Option<usize>,
    /// Fails once at this step, after `skip` of its kind.
    once: Option<(Step, usize, io::ErrorKind)>,
    /// Most bytes that one write takes.
    write_bytes_max: Option<usize>,
    /// Notes every step that is done.
    recorder: Option<Recorder>,
}

impl Faults {
    pub fn crash_after(&self, steps: usize) {
        self.0.lock().unwrap().crash_after = Some(steps);
    }

    pub fn fail_once(&self, step: Step, skip: usize, kind: io::ErrorKind) {
        self.0.lock().unwrap().once = Some((step, skip, kind));
    }

    pub fn write_at_most(&self, bytes: usize) {
        self.0.lock().unwrap().write_bytes_max = Some(bytes);
    }

    /// Records every step from here on; everything in the folder is durable now.
    pub fn record(&self, folder: &Path) {
        self.0.lock().unwrap().recorder = Some(Recorder::new(folder));
    }

    pub fn recorded(&self) -> Recording {
        self.0.lock().unwrap().recorder.take().unwrap().finish()
    }

    /// Whether a failure that was planned did not happen yet.
    pub fn is_waiting(&self) -> bool {
        self.0.lock().unwrap().once.is_some()
    }

    /// For the disk that is to follow the plan.
    pub fn watch(&self) -> DiskWatch {
        DiskWatch::new(Arc::new(self.clone()))
    }
}

impl Steps for Faults {
    fn before(&self, step: Step, path: &Path) -> io::Result<()> {
        let mut plan = self.0.lock().unwrap();
        if let Some(left) = plan.crash_after {
            let Some(left) = left.checked_sub(1) else { return Err(io::Error::other("crashed")) };
            plan.crash_after = Some(left);
        }
        if let Some(recorder) = &mut plan.recorder {
            recorder.before(step, path);
        }
        match plan.once {
            Some((planned, 0, kind)) if planned == step => {
                plan.once = None;
                Err(kind.into())
            }
            Some((planned, skip, kind)) if planned == step => {
                plan.once = Some((planned, skip - 1, kind));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn writes(&self, _: &Path, _: &File, _: u64, bytes: usize) -> usize {
        bytes.min(self.0.lock().unwrap().write_bytes_max.unwrap_or(usize::MAX))
    }
}
