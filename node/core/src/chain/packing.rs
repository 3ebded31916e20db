//! zstd, with its contexts kept from one frame to the next: making one takes longer than packing a few changes.

use danso_tier_config::limits::ZSTD_CONTEXTS_MAX;
use std::sync::{Mutex, PoisonError};
use zstd::bulk::{Compressor, Decompressor};

/// zstd level: 3, its default, takes three times as long at our sizes and saves two bytes in a hundred.
const LEVEL: i32 = 1;

static PACKERS: Kept<Compressor<'static>> = Kept(Mutex::new(Vec::new()));
static UNPACKERS: Kept<Decompressor<'static>> = Kept(Mutex::new(Vec::new()));

/// The bytes as a frame of zstd that says how many they are.
pub(super) fn pack(plain: &[u8]) -> Vec<u8> {
    let new = || Compressor::new(LEVEL).expect("zstd knows its own levels");
    let mut context = PACKERS.take().unwrap_or_else(new);
    let packed = context.compress(plain).expect("zstd compresses memory into memory");
    PACKERS.keep(context);
    packed
}

/// The plain bytes of a frame, for which room for so many is taken; `None` for one that is damaged or has more.
pub(super) fn unpack(frame: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut context = UNPACKERS.take().or_else(|| Decompressor::new().ok())?;
    // One that failed is not used again.
    let plain = context.decompress(frame, bytes).ok()?;
    UNPACKERS.keep(context);
    Some(plain)
}

/// Contexts that nobody uses now, a few at most.
struct Kept<Context>(Mutex<Vec<Context>>);

impl<Context> Kept<Context> {
    fn take(&self) -> Option<Context> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, context: Context) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < ZSTD_CONTEXTS_MAX {
            kept.push(context);
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn frames_do_not_depend_on_what_was_packed_or_unpacked_before() {
        let plain =
            [0, 1, 400, 70_000].map(|bytes: u32| (0..bytes).map(|at| (at % 7) as u8).collect::<Vec<_>>());
        for plain in plain.iter().chain(plain.iter().rev()) {
            let packed = pack(plain);
            assert_eq!(packed, zstd::bulk::compress(plain, LEVEL).unwrap());
            assert_eq!(unpack(&packed[..packed.len() - 1], plain.len()), None);
            assert_eq!(unpack(&packed, plain.len()).as_ref(), Some(plain));
        }
    }

    #[test]
    fn no_more_contexts_are_kept_than_the_limit() {
        let kept = Kept(Mutex::new(Vec::new()));
        (0..2 * ZSTD_CONTEXTS_MAX).for_each(|context| kept.keep(context));
        assert_eq!(std::iter::from_fn(|| kept.take()).count(), ZSTD_CONTEXTS_MAX);
    }
}
