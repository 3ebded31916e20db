//! A simulated commune: its A0 book at the first day of a month and the P0 rows of the months after.
//!
//! Ages, sexes, births, deaths, marriages and methods follow Viet Nam's figures of 2019-2020
//! (`tables.rs`), so that counts, rates and speed can be tried at the size of the real programme.
//! The register is composed from the age structure: couples first, then their children, then their
//! parents. Afterwards each month draws what may happen to whom, and an agenda lets it happen in
//! the order of days if it still can.
//!
//! | file | holds |
//! |---|---|
//! | `dice.rs` | the seeded stream of chance |
//! | `tables.rs` | the national figures drawn from |
//! | `names.rs` | Vietnamese names |
//! | `numbers.rs` | insurance, citizen and telephone numbers |
//! | `world.rs` | persons and households as simulated, and how a row names them |
//! | `people.rs` | ages, marital status and couples of the first day |
//! | `homes.rs` | who lives with whom on the first day |
//! | `book.rs` | the A0 book written from the world |
//! | `months.rs` | what is drawn each month, and the agenda |
//! | `family.rs` | births, deaths, marriages, divorces |
//! | `health.rs` | methods, pregnancies, screenings, elderly checks, corrections |
//! | `moves.rs` | arrivals and departures |
//! | `check.rs` | (tests) a small register that replays the rows and finds contradictions |
//!
//! Invariants:
//! 1. The same plan gives the same rows on every machine.
//! 2. Rows stand in the order of their dates; nobody acts before arriving or after dying or leaving.
//! 3. Within a household no two persons ever share a name, so a household number and a name name one person.
//! 4. Insurance and citizen numbers are unique in the commune.
//! 5. `figures` is what a register that took every row must count.
