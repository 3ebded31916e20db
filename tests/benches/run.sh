#!/usr/bin/env bash
# Our figures, and those of the peers beside them where their harness is at hand: one run, medians and ratios.
#
#   tests/benches/run.sh [ROUNDS]      ROUNDS of the comparison, 3 unless told
#
# PEERS names the folder of the peers' harness (default: ../shared/bench beside the repository), DANSO_BENCH a scratch
# folder. The peers need PostgreSQL's server, python3 with psycopg, iproute2 and protoc; their sketch is built with cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."

export DANSO_BENCH="${DANSO_BENCH:-$PWD/target/peers}"
peers="$(realpath -m "${PEERS:-../shared/bench}")"
bench=(cargo bench --quiet --package danso-tests --bench figures --locked --)

"${bench[@]}" record batch pipeline query wire old-pc
echo
cargo bench --quiet --package danso-tests --bench nation --locked -- 100
echo
if [[ -d "$peers" ]]; then
  if [[ ! -x "$DANSO_BENCH/target/release/floor" ]]; then
    CARGO_TARGET_DIR="$DANSO_BENCH/target" cargo build --release --locked --quiet --manifest-path "$peers/rs/Cargo.toml"
  fi
  if [[ ! -e "$DANSO_BENCH/data/e500k.csv" ]]; then
    mkdir -p "$DANSO_BENCH/data"
    "$DANSO_BENCH/target/release/popgen" events 500000 332 1 "$DANSO_BENCH/data/e500k.csv"
  fi
  python3 tests/benches/beside.py "$peers" "${bench[*]} cascade" "${1:-3}"
else
  echo "SKIPPED: the peers' harness is not at $peers, our figures stand alone" >&2
  "${bench[@]}" cascade
fi
