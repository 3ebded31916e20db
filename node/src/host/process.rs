//! What the system says of this process.

use std::fs;

/// Bytes of the process that are in the computer's memory; `None` where the system does not say (other than Linux).
pub fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_process_takes_memory() {
        if fs::exists("/proc/self/status").unwrap() {
            let bytes = resident_bytes().unwrap();
            assert!((100_000..1 << 50).contains(&bytes), "{bytes}");
        }
    }
}
