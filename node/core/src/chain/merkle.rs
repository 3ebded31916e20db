//! Merkle trees as in RFC 6962, section 2.1: leaves and nodes are hashed in different domains.

use super::Digest;

/// What the message of a leaf begins with, and that of a node.
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// Hash of one leaf, given in parts: SHA-256(0x00 ‖ parts).
pub fn leaf(parts: &[&[u8]]) -> Digest {
    Digest::of_domain(LEAF, parts)
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of_domain(NODE, &[&left.0, &right.0])
}

/// Root over leaf hashes in order; of no leaves it is SHA-256 of nothing.
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(&[]),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The largest power of two smaller than `count`, which is at least 2.
fn split(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

/// The audit path of one leaf, from the leaf's sibling up to the root's child.
///
/// `None` when `index` is not below the number of leaves.
pub fn path(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = if index < left.len() {
        (path(left, index)?, root(right))
    } else {
        (path(right, index - left.len())?, root(left))
    };
    path.push(sibling);
    Some(path)
}

/// Does `path` prove that `leaf` stands at `index` among `count` leaves under `root`?
pub fn proves(root: &Digest, leaf: &Digest, index: usize, count: usize, path: &[Digest]) -> bool {
    climb(leaf, index, count, path).is_some_and(|top| top == *root)
}

fn climb(leaf: &Digest, index: usize, count: usize, path: &[Digest]) -> Option<Digest> {
    if index >= count {
        return None;
    }
    if count == 1 {
        return path.is_empty().then_some(*leaf);
    }
    let (sibling, below) = path.split_last()?;
    let left = split(count);
    if index < left {
        Some(node(&climb(leaf, index, left, below)?, sibling))
    } else {
        Some(node(sibling, &climb(leaf, index - left, count - left, below)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of the RFC 6962 reference implementation.
    #[test]
    fn roots_equal_the_published_vectors() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let expected = [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        let leaves: Vec<Digest> = inputs.iter().map(|input| leaf(&[input])).collect();
        for (count, root_hex) in expected {
            assert_eq!(root(&leaves[..count]).to_string(), root_hex, "{count} leaves");
        }
    }

    #[test]
    fn every_leaf_has_a_path_and_no_other_leaf_uses_it() {
        for count in 1..40usize {
            let leaves: Vec<Digest> = (0..count).map(|n| leaf(&[&n.to_be_bytes()])).collect();
            let top = root(&leaves);
            for index in 0..count {
                let path = path(&leaves, index).unwrap();
                assert!(proves(&top, &leaves[index], index, count, &path));
                assert!(!proves(&top, &leaf(&[b"other"]), index, count, &path));
                assert!(!proves(&top, &leaves[index], (index + 1) % (count + 1), count, &path));
            }
            assert_eq!(path(&leaves, count), None);
        }
    }
}
