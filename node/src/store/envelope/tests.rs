//! Sealed files: whole, altered in any place, cut, to another receiver.

use super::*;
use danso_tier_config::limits::SEALED_CHUNK_BYTES;

fn receiver() -> ReceiverKey {
    ReceiverKey::from_bytes([7; 32])
}

fn sealed(plain: &[u8], purpose: Purpose) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(purpose, receiver().public(), &mut out);
    for part in plain.chunks(10_000) {
        sealer.write(part, &mut out);
    }
    sealer.finish(&mut out);
    out
}

fn unsealed(file: &[u8], step: usize) -> Result<Vec<u8>, EnvelopeError> {
    let key = receiver();
    let (mut plain, mut unsealer) = (Vec::new(), Unsealer::new(Purpose::Backup, &key));
    for part in file.chunks(step) {
        unsealer.push(part, &mut plain)?;
    }
    unsealer.finish().map(|()| plain)
}

#[test]
fn what_was_sealed_opens_whole_in_pieces_of_any_size() {
    for bytes in [0, 1, SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES + 1, 3 * SEALED_CHUNK_BYTES] {
        let plain: Vec<u8> = (0..bytes).map(|at| (at * 31) as u8).collect();
        let file = sealed(&plain, Purpose::Backup);
        assert!(bytes < 64 || !file.windows(64).any(|window| plain.starts_with(window)));
        for step in [1, 77, 65_536, file.len()] {
            assert!(unsealed(&file, step).as_ref() == Ok(&plain), "{bytes} bytes in steps of {step}");
        }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let file = sealed(b"the book of a commune", Purpose::Backup);
    for bit in 0..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(unsealed(&flipped, 1_000).is_err(), "bit {bit}");
    }
}

#[test]
fn a_file_cut_anywhere_or_with_something_behind_it_is_told_from_a_whole_one() {
    let plain = vec![5; 2 * SEALED_CHUNK_BYTES];
    let file = sealed(&plain, Purpose::Backup);
    // Also at the seam between two chunks, where every byte that is there verifies.
    let seam = HEAD_BYTES + CHUNK_HEAD_BYTES + 24 + SEALED_CHUNK_BYTES + 16;
    for (end, place) in [(0, 0), (5, 0), (HEAD_BYTES, 0), (seam, 1), (file.len() - 1, 1)] {
        assert_eq!(unsealed(&file[..end], 1_000), Err(EnvelopeError::Cut { place }), "cut at {end}");
    }
    let longer = [file.as_slice(), b"x"].concat();
    assert_eq!(unsealed(&longer, 1_000), Err(EnvelopeError::TooLong));
    // The chunks in another order.
    let (first, second) = file[HEAD_BYTES..].split_at(seam - HEAD_BYTES);
    let swapped = [&file[..HEAD_BYTES], second, first].concat();
    assert_eq!(unsealed(&swapped, 1_000), Err(EnvelopeError::Damaged { place: 0 }));
}

#[test]
fn another_receiver_purpose_or_format_has_an_error_of_its_own() {
    let file = sealed(b"x", Purpose::Backup);
    let other = ReceiverKey::from_bytes([8; 32]);
    let mut unsealer = Unsealer::new(Purpose::Backup, &other);
    let named = receiver().public();
    assert_eq!(unsealer.push(&file, &mut Vec::new()), Err(EnvelopeError::OtherReceiver { named }));
    assert_eq!(unsealed(&sealed(b"x", Purpose::Bundle), 9), Err(EnvelopeError::NotSealed));
    assert_eq!(unsealed(b"a letter to the editor", 9), Err(EnvelopeError::NotSealed));
    let mut newer = file;
    newer[13] = 2;
    assert_eq!(unsealed(&newer, 9), Err(EnvelopeError::Newer { format: 2 }));
}

#[test]
fn a_drawn_key_of_small_order_opens_nothing() {
    let mut file = sealed(b"x", Purpose::Backup);
    file[15..47].fill(0);
    assert_eq!(unsealed(&file, 9), Err(EnvelopeError::Damaged { place: 0 }));
}

#[test]
fn a_ledger_key_opens_what_was_sealed_to_its_public_half() {
    let ledger = danso_core::chain::LedgerKey::from_seed(&[3; 32]);
    let key = ReceiverKey::from_bytes(ledger.agreement());
    assert_eq!(key.public(), ledger.public().agreement());
}
