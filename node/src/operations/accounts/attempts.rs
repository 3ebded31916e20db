//! Failed sign-ins, counted by account and by address, and the delays that follow.

use super::{error::AccountError, names::AccountName};
use danso_tier_config::limits::{
    SIGNIN_ACCOUNT_FAILURES_FREE, SIGNIN_ADDRESS_FAILURES_FREE, SIGNIN_DELAY_FIRST_MS, SIGNIN_DELAY_MS_MAX,
    SIGNIN_FORGET_MS, SIGNIN_REMEMBERED_MAX,
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

/// Failures over the free ones after which the delay is the longest and no more are counted.
const DOUBLINGS: u32 = (SIGNIN_DELAY_MS_MAX / SIGNIN_DELAY_FIRST_MS).ilog2() + 1;

/// Who failed to sign in lately: in memory only, bounded, the oldest are forgotten first.
///
/// An attempt counts as failed from [`Attempts::begin`] until it is known to have succeeded, so that many at
/// once get no more tries than one after the other.
#[derive(Debug)]
pub struct Attempts {
    accounts: Counters<AccountName>,
    addresses: Counters<IpAddr>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            accounts: Counters::new(SIGNIN_ACCOUNT_FAILURES_FREE),
            addresses: Counters::new(SIGNIN_ADDRESS_FAILURES_FREE),
        }
    }
}

impl Attempts {
    /// Lets an attempt begin, or refuses it as [`AccountError::SigninDelayed`]; a refused one is not counted.
    /// `account` is `None` for a text that is no name.
    pub fn begin(
        &mut self,
        account: Option<&AccountName>,
        from: IpAddr,
        now_ms: u64,
    ) -> Result<(), AccountError> {
        let network = network_of(from);
        let by_account = account.map_or(0, |name| self.accounts.wait_ms(name, now_ms));
        let retry_after_ms = by_account.max(self.addresses.wait_ms(&network, now_ms));
        if retry_after_ms > 0 {
            return Err(AccountError::SigninDelayed { retry_after_ms });
        }
        if let Some(name) = account {
            self.accounts.count(name, now_ms);
        }
        self.addresses.count(&network, now_ms);
        Ok(())
    }

    /// The attempt succeeded: the account starts anew, of the address's failures half are kept.
    pub fn succeeded(&mut self, account: &AccountName, from: IpAddr) {
        self.accounts.counts.remove(account);
        self.addresses.change(&network_of(from), |failures| failures.saturating_sub(1) / 2);
    }

    /// The attempt was not looked at: it counts for nothing.
    pub fn withdrawn(&mut self, account: Option<&AccountName>, from: IpAddr) {
        if let Some(name) = account {
            self.accounts.change(name, |failures| failures.saturating_sub(1));
        }
        self.addresses.change(&network_of(from), |failures| failures.saturating_sub(1));
    }

    /// How many accounts and addresses must wait at this moment; names that no account has count too.
    pub fn delayed(&self, now_ms: u64) -> (usize, usize) {
        (self.accounts.delayed(now_ms), self.addresses.delayed(now_ms))
    }
}

/// What is counted together: an IPv4 address, or the /64 that one IPv6 customer gets.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last_ms: u64,
}

#[derive(Debug)]
struct Counters<K> {
    counts: BTreeMap<K, Count>,
    free: u32,
}

impl<K: Ord + Clone> Counters<K> {
    fn new(free: u32) -> Self {
        Self { counts: BTreeMap::new(), free }
    }

    /// Milliseconds until the next attempt of `key` may begin, 0 for at once.
    fn wait_ms(&mut self, key: &K, now_ms: u64) -> u64 {
        let Some(count) = self.counts.get_mut(key) else {
            return 0;
        };
        // The clock was set back: a delay runs from now, not from a time that may be years away.
        count.last_ms = count.last_ms.min(now_ms);
        if now_ms - count.last_ms >= SIGNIN_FORGET_MS {
            self.counts.remove(key);
            return 0;
        }
        wait_ms(*count, self.free, now_ms)
    }

    fn count(&mut self, key: &K, now_ms: u64) {
        if !self.counts.contains_key(key) && self.counts.len() >= SIGNIN_REMEMBERED_MAX {
            let oldest = self.counts.iter().min_by_key(|(_, count)| count.last_ms);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.counts.remove(&oldest);
            }
        }
        let count = self.counts.entry(key.clone()).or_insert(Count { failures: 0, last_ms: now_ms });
        count.failures = (count.failures + 1).min(self.free + DOUBLINGS);
        count.last_ms = now_ms;
    }

    fn change(&mut self, key: &K, new: impl Fn(u32) -> u32) {
        if let Some(count) = self.counts.get_mut(key) {
            count.failures = new(count.failures);
            if count.failures == 0 {
                self.counts.remove(key);
            }
        }
    }

    fn delayed(&self, now_ms: u64) -> usize {
        self.counts.values().filter(|count| wait_ms(**count, self.free, now_ms) > 0).count()
    }
}

fn wait_ms(count: Count, free: u32, now_ms: u64) -> u64 {
    let Some(over) = count.failures.checked_sub(free) else {
        return 0;
    };
    let delay = (SIGNIN_DELAY_FIRST_MS << over).min(SIGNIN_DELAY_MS_MAX);
    (count.last_ms + delay).saturating_sub(now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn name(text: &str) -> AccountName {
        text.parse().unwrap()
    }

    /// Address number `n` of many.
    fn address(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + n))
    }

    fn retry(result: Result<(), AccountError>) -> u64 {
        match result {
            Ok(()) => 0,
            Err(AccountError::SigninDelayed { retry_after_ms }) => retry_after_ms,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn delays_of_an_account_double_from_a_second_to_a_quarter_of_an_hour() {
        let (mut attempts, lan) = (Attempts::default(), name("lan"));
        let (mut now, mut delays) = (1_000_000, Vec::new());
        for n in 0..20 {
            // Another address each time: only the account is delayed.
            assert_eq!(retry(attempts.begin(Some(&lan), address(n), now)), 0);
            let delay = retry(attempts.begin(Some(&lan), address(1_000 + n), now));
            if delay == 0 {
                attempts.withdrawn(Some(&lan), address(1_000 + n));
            }
            delays.push(delay / 1_000);
            now += delay;
        }
        let expected = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900];
        assert_eq!(delays, expected);
    }

    #[test]
    fn an_address_is_delayed_whatever_names_it_tries() {
        let mut attempts = Attempts::default();
        for n in 0..SIGNIN_ADDRESS_FAILURES_FREE {
            assert_eq!(retry(attempts.begin(Some(&name(&format!("a{n}"))), address(1), 5_000)), 0);
        }
        assert_eq!(retry(attempts.begin(Some(&name("another")), address(1), 5_400)), 600);
        assert_eq!(retry(attempts.begin(None, address(1), 5_400)), 600);
        assert_eq!(retry(attempts.begin(Some(&name("another")), address(2), 5_400)), 0);
        assert_eq!(attempts.delayed(5_400), (0, 1));
        assert_eq!(attempts.delayed(6_000), (0, 0));
    }

    #[test]
    fn a_success_clears_the_account_and_halves_the_address() {
        let (mut attempts, lan) = (Attempts::default(), name("lan"));
        for _ in 0..4 {
            attempts.begin(Some(&lan), address(1), 0).unwrap();
        }
        attempts.begin(Some(&lan), address(1), 0).unwrap();
        attempts.succeeded(&lan, address(1));
        assert!(attempts.accounts.counts.is_empty());
        assert_eq!(attempts.addresses.counts[&address(1)].failures, 2);
    }

    #[test]
    fn attempts_begun_at_once_count_before_their_answer_is_known() {
        let (mut attempts, lan) = (Attempts::default(), name("lan"));
        let begun = (0..100).filter(|n| attempts.begin(Some(&lan), address(*n), 7).is_ok()).count();
        assert_eq!(begun as u32, SIGNIN_ACCOUNT_FAILURES_FREE);
        for n in 0..SIGNIN_ACCOUNT_FAILURES_FREE {
            attempts.withdrawn(Some(&lan), address(n));
        }
        assert!(attempts.accounts.counts.is_empty() && attempts.addresses.counts.is_empty());
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_and_mapped_ipv4_is_ipv4() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:aaaa::1"), of("2001:db8:1:2:bbbb::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.7"), of("10.0.0.7"));
        assert_ne!(of("10.0.0.7"), of("10.0.0.8"));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_are_forgotten() {
        let mut attempts = Attempts::default();
        let many = SIGNIN_REMEMBERED_MAX as u32 + 50;
        for n in 0..many {
            attempts.begin(Some(&name(&format!("a{n}"))), address(n), u64::from(n)).unwrap();
        }
        assert_eq!(attempts.accounts.counts.len(), SIGNIN_REMEMBERED_MAX);
        assert_eq!(attempts.addresses.counts.len(), SIGNIN_REMEMBERED_MAX);
        assert!(!attempts.accounts.counts.contains_key(&name("a49")));
        assert!(attempts.accounts.counts.contains_key(&name("a50")));
    }

    #[test]
    fn a_clock_set_back_never_lengthens_a_delay() {
        let (mut attempts, lan, later) = (Attempts::default(), name("lan"), 4_000_000_000_000);
        for n in 0..SIGNIN_ACCOUNT_FAILURES_FREE {
            attempts.begin(Some(&lan), address(n), later).unwrap();
        }
        assert_eq!(retry(attempts.begin(Some(&lan), address(9), 1_000)), SIGNIN_DELAY_FIRST_MS);
        assert_eq!(retry(attempts.begin(Some(&lan), address(9), 2_000)), 0);
    }

    #[test]
    fn failures_are_forgotten_after_a_quiet_day() {
        let (mut attempts, lan) = (Attempts::default(), name("lan"));
        for n in 0..SIGNIN_ACCOUNT_FAILURES_FREE {
            attempts.begin(Some(&lan), address(n), 0).unwrap();
        }
        attempts.begin(Some(&lan), address(9), SIGNIN_FORGET_MS).unwrap();
        assert_eq!(attempts.accounts.counts[&lan].failures, 1);
    }
}
