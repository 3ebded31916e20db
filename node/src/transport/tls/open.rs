//! The register of open connections: how many from where and by whom, and the means to cut each.

use super::{
    config::Keys,
    identity::Identity,
    reason::Reason,
    verifier::{PeerVerifier, unix_time},
};
use rustls::pki_types::CertificateDer;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::oneshot;

/// The part of an IPv6 address that belongs to the network; the rest its holder chooses freely.
const NETWORK_BITS: u128 = !0 << 64;

/// The open connections of one listener. Clones share the same register.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<Register>>);

#[derive(Debug, Default)]
struct Register {
    next: u64,
    open: BTreeMap<u64, Open>,
    addresses: HashMap<IpAddr, Crowd>,
    identities: HashMap<Identity, Crowd>,
    rechecks: u64,
    /// By which the latest recheck went.
    verifier: Option<Arc<PeerVerifier>>,
    refusals: Refusals,
}

/// Who is told of every connection that is refused or cut, with the code.
#[derive(Clone, Default)]
struct Refusals(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "counted" } else { "not counted" })
    }
}

#[derive(Debug)]
struct Open {
    identity: Identity,
    address: SocketAddr,
    chain: Arc<[CertificateDer<'static>]>,
    cut: oneshot::Sender<()>,
}

/// How many there are of one kind, and whether it was told that there are too many.
#[derive(Debug, Default)]
struct Crowd {
    open: usize,
    told: bool,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overfull {
    /// There are as many as are allowed; `first` where that was not told since there was none.
    Full { first: bool },
    /// The rules were exchanged while its handshake went on under the earlier ones.
    Outdated,
}

/// A connection's place among those of its address, held until dropped.
#[derive(Debug)]
pub(super) struct AddressPlace {
    connections: Connections,
    from: IpAddr,
    rechecks: u64,
}

/// A connection's line in the register, held until dropped.
#[derive(Debug)]
pub(super) struct Line {
    number: u64,
    identity: Identity,
    place: AddressPlace,
}

impl Connections {
    /// From now on `count` is called for every connection that is refused or cut, with the stable code.
    pub fn count_refusals(&self, count: impl Fn(&'static str) + Send + Sync + 'static) {
        self.register().refusals = Refusals(Some(Arc::new(count)));
    }

    pub(super) fn refused(&self, code: &'static str) {
        let refusals = self.register().refusals.clone();
        if let Refusals(Some(count)) = refusals {
            count(code);
        }
    }

    /// How many connections are open, those in their handshake not counted.
    pub fn count(&self) -> usize {
        self.register().open.len()
    }

    /// Checks the certificates of every open connection again, by the roots and rules of `keys` at `now`,
    /// and cuts those that no longer pass; returns how many. Each is logged with its reason. Guests have no
    /// certificate and stay. To be called after every change of roots, directory or revocations, and now
    /// and then for those that expire; takes a fraction of a millisecond for each connection.
    ///
    /// A connection whose handshake began before the call and ends after it is checked again before it is taken,
    /// since it may have been checked by what was true before.
    pub fn recheck(&self, keys: &Keys, now: SystemTime) -> usize {
        let now = unix_time(now);
        let chains: Vec<_> = {
            let mut register = self.register();
            register.rechecks += 1;
            register.verifier = Some(keys.verifier());
            register.open.iter().map(|(number, open)| (*number, Arc::clone(&open.chain))).collect()
        };
        let mut cut = 0;
        for (number, chain) in chains {
            let Some((leaf, above)) = chain.split_first() else { continue };
            if let Err(refused) = keys.verifier().client(leaf, above, now) {
                cut += usize::from(self.cut(number, &refused.reason()));
            }
        }
        cut
    }

    /// False where the connection has ended meanwhile.
    fn cut(&self, number: u64, reason: &Reason) -> bool {
        let Some(open) = self.register().open.remove(&number) else { return false };
        tracing::warn!(
            code = reason.code(), peer = %open.address, identity = %open.identity, %reason, "connection cut"
        );
        self.refused(reason.code());
        open.cut.send(()).is_ok()
    }

    /// Takes a place for one more connection from an address.
    pub(super) fn admit(&self, from: IpAddr, most: usize) -> Result<AddressPlace, Overfull> {
        let from = network(from);
        let mut register = self.register();
        enter(&mut register.addresses, from, most)?;
        Ok(AddressPlace { connections: self.clone(), from, rechecks: register.rechecks })
    }

    /// Enters a connection whose handshake has ended. The receiver tells when it is to be cut.
    pub(super) fn enter(
        &self,
        place: AddressPlace,
        (identity, address): (Identity, SocketAddr),
        chain: Arc<[CertificateDer<'static>]>,
        most: usize,
    ) -> Result<(Line, oneshot::Receiver<()>), Overfull> {
        let mut register = self.register();
        if register.rechecks != place.rechecks && identity != Identity::Guest && !register.passes(&chain) {
            return Err(Overfull::Outdated);
        }
        if identity != Identity::Guest {
            enter(&mut register.identities, identity, most)?;
        }
        let number = register.next;
        register.next += 1;
        let (cut, order) = oneshot::channel();
        register.open.insert(number, Open { identity, address, chain, cut });
        Ok((Line { number, identity, place }, order))
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Counts that this connection is cut for a reason of its own.
    pub(super) fn refused(&self, code: &'static str) {
        self.place.connections.refused(code);
    }
}

impl Register {
    /// Whether a chain passes by what is true now.
    fn passes(&self, chain: &[CertificateDer<'static>]) -> bool {
        let checked = self.verifier.as_ref().zip(chain.split_first());
        checked.is_some_and(|(verifier, (leaf, above))| verifier.client(leaf, above, verifier.now()).is_ok())
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        leave(&mut self.connections.register().addresses, &self.from);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut register = self.place.connections.register();
        register.open.remove(&self.number);
        leave(&mut register.identities, &self.identity);
    }
}

fn enter<K: Eq + Hash>(crowds: &mut HashMap<K, Crowd>, key: K, most: usize) -> Result<(), Overfull> {
    let crowd = crowds.entry(key).or_default();
    if crowd.open >= most {
        return Err(Overfull::Full { first: !std::mem::replace(&mut crowd.told, true) });
    }
    crowd.open += 1;
    Ok(())
}

/// Guests are in no crowd of identities; leaving it changes nothing.
fn leave<K: Eq + Hash>(crowds: &mut HashMap<K, Crowd>, key: &K) {
    let Some(crowd) = crowds.get_mut(key) else { return };
    crowd.open -= 1;
    if crowd.open == 0 {
        crowds.remove(key);
    }
}

/// What counts as one address: an IPv4 address, or the network of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK_BITS).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_full_address_is_told_once_until_it_has_emptied() {
        let connections = Connections::default();
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let first = connections.admit(ip("10.0.0.1"), 2).unwrap();
        let second = connections.admit(ip("::ffff:10.0.0.1"), 2).unwrap();
        let refusal = |first| Err(Overfull::Full { first });
        assert_eq!(connections.admit(ip("10.0.0.1"), 2).map(drop), refusal(true));
        assert_eq!(connections.admit(ip("10.0.0.1"), 2).map(drop), refusal(false));
        connections.admit(ip("10.0.0.2"), 2).unwrap();
        drop((first, second));
        let _again = connections.admit(ip("10.0.0.1"), 1).unwrap();
        assert_eq!(connections.admit(ip("10.0.0.1"), 1).map(drop), refusal(true));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_together() {
        let connections = Connections::default();
        let _one = connections.admit("2001:db8::1".parse().unwrap(), 1).unwrap();
        assert!(connections.admit("2001:db8::2:2".parse().unwrap(), 1).is_err());
        connections.admit("2001:db8:0:1::1".parse().unwrap(), 1).unwrap();
    }

    #[test]
    fn a_handshake_that_a_recheck_overtook_is_not_entered_unless_it_passes_that() {
        let connections = Connections::default();
        let address: SocketAddr = "10.0.0.1:1".parse().unwrap();
        let whom = (Identity::Node("01@2004-07-08".parse().unwrap()), address);
        let chain = || Arc::from([]);
        let early = connections.admit(address.ip(), 8).unwrap();
        connections.register().rechecks += 1;
        assert_eq!(connections.enter(early, whom, chain(), 8).map(drop), Err(Overfull::Outdated));
        let late = connections.admit(address.ip(), 8).unwrap();
        let (line, _order) = connections.enter(late, whom, chain(), 8).unwrap();
        assert_eq!(connections.count(), 1);
        drop(line);
        assert_eq!(connections.count(), 0);
        assert!(connections.register().addresses.is_empty() && connections.register().identities.is_empty());
    }
}
