//! Sealed vectors: fixed keys and nonces give these bytes for ever. They were computed by another
//! implementation (Python's cryptography), which was itself checked with the vector of the draft named below.

use super::super::{
    AtRestKey, Vault,
    sealing::{self, Nonce, encrypt},
    vault::{box_with, seal_with},
    wrapped::{DataKey, Wrapped},
};
use std::path::Path;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

const CONTEXT: &[u8] = b"record 41";
const PLAIN: &str = "Nguyễn Thị Ánh";
const FORMAT_1: &str = "01000102030405060708090a0b0c0d0e0f1011121314151617d89ab87979c574ab388db906b23bc996f96c640c22\
     f5ce4bb98dc077bbd41c42b380d1";
const FORMAT_2: &str = "0257db4b359f23ae5e146e4e2512056704722506348c150c14753d0c933d04d421000102030405060708090a0b0c\
     0d0e0f1011121314151617d112fc2eb194c6db081adac5206d572e472a3395eb7480232eb667c1a8616273912470";
const AT_REST: &str = "64616e736f2061742d726573740a01140250092a29041596bfbf10f1b236a600120275b3e8379c28b91f1a3214a4\
     1fa36c11c4af7d41f2000102030405060708090a0b0c0d0e0f1011121314151617a3f598dd02df58a1c8ff85453f\
     0941f3e9c50728c1ceaa7d8b961e45e9dbd81089e92b23ca12dc58132f06a3b6f028defa240015d217a64403a7c2\
     6a3a707f47b385e483460611e379e8bd41c462af57";
/// draft-irtf-cfrg-xchacha-03, A.3.1: ciphertext and tag.
const DRAFT: &str = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda\
     7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b23835\
     65d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn data_key() -> DataKey {
    DataKey::from_bytes([7; 32])
}

fn nonce() -> Nonce {
    std::array::from_fn(|at| at as u8)
}

#[test]
fn the_cipher_is_that_of_the_draft() {
    let key = Zeroizing::new(std::array::from_fn(|at| 0x80 + at as u8));
    let nonce = std::array::from_fn(|at| 0x40 + at as u8);
    let context = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
        future, sunscreen would be it.";
    let mut sealed = Vec::new();
    encrypt(&key, &nonce, &context, plain, &mut sealed);
    assert_eq!(hex(&sealed[sealing::NONCE_BYTES..]), DRAFT);
}

#[test]
fn a_value_sealed_with_the_key_is_these_bytes() {
    let sealed = seal_with(&data_key().sealing(), &nonce(), CONTEXT, PLAIN.as_bytes());
    assert_eq!(hex(&sealed), FORMAT_1);
    assert_eq!(Vault::from_data_key(&data_key()).open(CONTEXT, &sealed).unwrap(), PLAIN.as_bytes());
}

#[test]
fn a_value_sealed_to_the_public_key_is_these_bytes() {
    let recipient = PublicKey::from(&data_key().receiving());
    let sealed = box_with(&recipient, &StaticSecret::from([9; 32]), &nonce(), CONTEXT, PLAIN.as_bytes());
    assert_eq!(hex(&sealed), FORMAT_2);
    assert_eq!(Vault::from_data_key(&data_key()).open(CONTEXT, &sealed).unwrap(), PLAIN.as_bytes());
}

#[test]
fn the_file_is_these_bytes() {
    let kek = AtRestKey::from_bytes([5; 32]);
    let wrapped = Wrapped::wrap(&data_key(), &kek, &nonce());
    assert_eq!(hex(wrapped.bytes()), AT_REST);
    let data = wrapped.unwrap(&kek, Path::new("AT-REST")).unwrap();
    assert_eq!(data.sealing(), data_key().sealing());
}
