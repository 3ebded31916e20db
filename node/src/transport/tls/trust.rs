//! Which certificates of the right root are believed: each authority for its own subtree only, and nothing
//! that was revoked.

use super::{
    cause::Cause,
    identity::{Identity, IdentityError},
    serial::{Serial, issued_at_ms, serial_of},
};
use crate::host::Clock;
use danso_tier_config::{Date, Directory, UnitId};
use rustls::{CertificateError, pki_types::CertificateDer};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::watch;

/// What trust rests on beside the root.
#[derive(Debug, Clone, Default)]
pub struct Grounds {
    /// The units; without them, as on a person's command line, subtrees cannot be compared.
    pub directory: Option<Arc<Directory>>,
    /// By unit a time in Unix milliseconds: every certificate of the unit's node or authority that was
    /// issued at or before it is revoked.
    pub revoked_nodes: BTreeMap<UnitId, u64>,
    /// Single revoked certificates of anyone.
    pub revoked_serials: BTreeSet<Serial>,
}

/// The rules that every connection is checked by, in both directions. Clones share the same rules, and a
/// change counts for the next check everywhere.
#[derive(Debug, Clone)]
pub struct Trust(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    grounds: RwLock<Arc<Grounds>>,
    changes: watch::Sender<u64>,
}

impl Default for Trust {
    fn default() -> Self {
        Self::new(Grounds::default(), Clock::default())
    }
}

impl Trust {
    /// Trust on given grounds, by a clock.
    pub fn new(grounds: Grounds, clock: Clock) -> Self {
        let grounds = RwLock::new(Arc::new(grounds));
        Self(Arc::new(Shared { clock, grounds, changes: watch::Sender::new(0) }))
    }

    /// The clock by which certificates are good or expired.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Exchanges the grounds. Open connections are not touched: [`Connections::recheck`] does that.
    ///
    /// [`Connections::recheck`]: super::Connections::recheck
    pub fn set(&self, grounds: Grounds) {
        *self.0.grounds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(grounds);
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    /// The present grounds.
    pub fn grounds(&self) -> Arc<Grounds> {
        Arc::clone(&self.0.grounds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells when the grounds have changed; the value counts the changes.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Checks a leaf and the presented authorities above it, nearest first and without the root, all of
    /// them after the web PKI check. Since every presented one must fit, the path that the web PKI check
    /// took among them fits too.
    pub(super) fn check(
        &self,
        leaf: (Identity, &[u8]),
        authorities: &[CertificateDer<'_>],
        today: Date,
    ) -> Result<(), TrustFault> {
        let grounds = self.grounds();
        grounds.not_revoked(leaf)?;
        let Some(mut below) = leaf.0.unit() else { return Ok(()) };
        for (der, place) in authorities.iter().zip(2..) {
            let authority = match Identity::of_certificate(der) {
                Ok(Identity::Authority(unit)) => unit,
                Ok(found) => return Err(TrustFault::NotAuthority { place, found }),
                Err(source) => return Err(TrustFault::Unnamed { place, source }),
            };
            if !grounds.may_hold(below, authority, today) {
                return Err(TrustFault::OutsideSubtree { unit: below, authority });
            }
            grounds.not_revoked((Identity::Authority(authority), der))?;
            below = authority;
        }
        Ok(())
    }
}

impl Grounds {
    fn not_revoked(&self, (identity, der): (Identity, &[u8])) -> Result<(), TrustFault> {
        let cut = match identity {
            Identity::Node(unit) | Identity::Authority(unit) => self.revoked_nodes.get(&unit),
            Identity::Person { .. } | Identity::Guest => None,
        };
        // A certificate that does not tell when it was issued counts as an old one.
        let before_cut = cut.is_some_and(|cut| issued_at_ms(der).is_none_or(|issued| issued <= *cut));
        let singled_out = serial_of(der).is_some_and(|serial| self.revoked_serials.contains(&serial));
        if before_cut || singled_out { Err(TrustFault::Revoked { identity }) } else { Ok(()) }
    }

    /// May the authority of `authority` stand above `unit`? On the day, or for a unit that has ended, on
    /// its last one. Without a directory only what stands above the whole country is known to be wrong.
    fn may_hold(&self, unit: UnitId, authority: UnitId, today: Date) -> bool {
        let Some(directory) = &self.directory else {
            return unit == authority || unit != Directory::country();
        };
        let day = directory.valid_to(unit).map_or(today, |last| last.min(today));
        directory.at(day).is_within(unit, authority)
    }
}

/// Why a certificate of the right root is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustFault {
    /// It, or an authority above it, was revoked.
    #[error("a certificate of {identity} was revoked")]
    Revoked {
        /// Whose certificate it is.
        identity: Identity,
    },
    /// An authority issued for a unit that is not below its own.
    #[error("the authority of {authority} may not issue for {unit}")]
    OutsideSubtree {
        /// The unit of the certificate below.
        unit: UnitId,
        /// The unit of the authority.
        authority: UnitId,
    },
    /// A certificate presented above the first one is not an authority's.
    #[error("certificate {place} of the chain is that of {found}, which is no authority")]
    NotAuthority {
        /// Its place, the first being 1.
        place: usize,
        /// Whose it is.
        found: Identity,
    },
    /// A certificate presented above the first one names nobody, or several.
    #[error("certificate {place} of the chain is not that of a danso authority")]
    Unnamed {
        /// Its place, the first being 1.
        place: usize,
        /// What is wrong with its names.
        source: IdentityError,
    },
    /// The web PKI check refused the chain: path lengths, constraints, an authority as a leaf.
    #[error("the chain of certificates does not hold: {because}")]
    Chain {
        /// What the check said.
        because: String,
    },
}

impl TrustFault {
    /// The cause at the side that refuses.
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::Revoked { .. } => Cause::PeerRevoked,
            Self::OutsideSubtree { .. } => Cause::PeerOutsideSubtree,
            Self::NotAuthority { .. } | Self::Unnamed { .. } | Self::Chain { .. } => Cause::PeerPath,
        }
    }

    /// The error of the handshake; it has no room for the values, but makes the alert that the other side
    /// reads (`reason.rs` turns it back).
    pub(super) fn alert(&self) -> rustls::Error {
        rustls::Error::InvalidCertificate(match self {
            Self::Revoked { .. } => CertificateError::Revoked,
            Self::OutsideSubtree { .. } => CertificateError::ApplicationVerificationFailure,
            Self::NotAuthority { .. } | Self::Unnamed { .. } | Self::Chain { .. } => {
                CertificateError::UnhandledCriticalExtension
            }
        })
    }
}

tokio::task_local! {
    /// The fault of the handshake that is under way, with its values.
    static FOUND: std::cell::RefCell<Option<TrustFault>>;
}

/// Does a handshake and returns with its outcome the fault that it noted, for which rustls has no room.
pub(super) async fn noting<T>(handshake: impl Future<Output = T>) -> (T, Option<TrustFault>) {
    FOUND
        .scope(std::cell::RefCell::default(), async {
            let done = handshake.await;
            (done, FOUND.with(std::cell::RefCell::take))
        })
        .await
}

/// Notes the fault of the handshake under way; outside of [`noting`] it is not kept.
pub(super) fn note(fault: TrustFault) {
    let _ = FOUND.try_with(|found| *found.borrow_mut() = Some(fault));
}
