//! Refused sign-ins and denied calls: every one is counted; so many a minute are noted in the audit log.

use super::super::{accounts::AccountName, actor::Actor, meters, node::Node};
use crate::store::{AuditNote, Record};
use danso_core::chain::Deed;
use danso_tier_config::limits::REFUSALS_NOTED_A_MINUTE_MAX;
use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;

/// So many entries a minute and no more: whoever is refused does not fill the disk by it.
#[derive(Debug, Default)]
pub(super) struct Bounded(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    began_ms: u64,
    noted: u32,
    passed_over: u64,
}

impl Bounded {
    /// Whether one more entry may be made, and how many were passed over since the one before.
    fn take(&self, now_ms: u64) -> Option<u64> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back begins a minute, too.
        if now_ms.checked_sub(minute.began_ms).is_none_or(|since| since >= MINUTE_MS) {
            (minute.began_ms, minute.noted) = (now_ms, 0);
        }
        if minute.noted >= REFUSALS_NOTED_A_MINUTE_MAX {
            minute.passed_over += 1;
            return None;
        }
        minute.noted += 1;
        Some(std::mem::take(&mut minute.passed_over))
    }
}

/// An entry's text, and how many went before it that have none.
fn with_passed_over(text: String, passed_over: u64) -> String {
    if passed_over == 0 { text } else { format!("{text}, after {passed_over} not noted") }
}

impl Node {
    /// Counts a denied call by the code of its answer. One of a known caller is noted in the audit log soon,
    /// within the bound of a minute.
    pub fn call_denied(&self, caller: Option<&Actor>, asked: &str, code: &str) {
        self.meters.count(meters::CALLS_DENIED, code);
        let now = self.now_ms();
        let noted = caller.and_then(|caller| Some((caller, self.office.calls_denied.take(now)?)));
        if let Some((caller, passed_over)) = noted {
            let text = with_passed_over(format!("{asked} {code}"), passed_over);
            let note = AuditNote::text(&caller.words(), Deed::Denied, text, now);
            // Nobody waits for it: a denial is answered at once, whatever the disk does.
            drop(self.store.stage(vec![Record::Note(note).into()], self.store.generation()));
        }
    }

    /// Notes a refused sign-in. A name that no account has is not written down: it may be a password.
    pub(super) async fn note_refused_sign_in(&self, name: &str, from: IpAddr) {
        let Some(passed_over) = self.office.sign_ins_refused.take(self.now_ms()) else { return };
        let name: Option<AccountName> = name.parse().ok();
        let known = name.filter(|name| self.office.accounts().credentials(name).is_some());
        let actor = known.map_or_else(Actor::guest, |name| Actor::account(name.as_str()));
        let text = with_passed_over(format!("from {from}"), passed_over);
        if let Err(error) = self.note(&actor, Deed::SignInRefused, text).await {
            tracing::error!(code = error.code(), %error, "a refused sign-in was not noted");
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_entries_and_the_next_tells_what_was_passed_over() {
        let bounded = Bounded::default();
        let most = u64::from(REFUSALS_NOTED_A_MINUTE_MAX);
        let began = 1_000_000;
        let noted = (0..most + 40).filter(|at| bounded.take(began + at) == Some(0)).count() as u64;
        assert_eq!(noted, most);
        assert_eq!(bounded.take(began + MINUTE_MS - 1), None);
        assert_eq!(bounded.take(began + MINUTE_MS), Some(41));
        assert_eq!(bounded.take(began + MINUTE_MS), Some(0));
    }

    #[test]
    fn a_clock_set_back_does_not_silence_the_log() {
        let bounded = Bounded::default();
        while bounded.take(9_000_000).is_some() {}
        assert_eq!(bounded.take(1_000), Some(1));
    }
}
