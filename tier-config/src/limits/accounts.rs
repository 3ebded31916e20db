//! Bounds of accounts, passwords, sessions and what is typed.

/// Longest name of an account or program, in characters.
pub const ACCOUNT_NAME_CHARS_MAX: usize = 40;
/// Most accounts of one node.
pub const ACCOUNTS_MAX: usize = 2_000;
/// Shortest new password, in characters after normalisation.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, in characters after normalisation.
pub const PASSWORD_CHARS_MAX: usize = 200;
/// Fewest different characters of a new password.
pub const PASSWORD_DISTINCT_CHARS_MIN: usize = 4;
/// Memory of one password hash, in KiB (argon2id as OWASP advises).
pub const PASSWORD_MEMORY_KIB: u32 = 19_456;
/// Largest memory of a password hash that is read, in KiB.
pub const PASSWORD_MEMORY_KIB_MAX: u32 = 262_144;
/// Passes of one password hash over its memory.
pub const PASSWORD_PASSES: u32 = 2;
/// Most passes of a password hash that is read.
pub const PASSWORD_PASSES_MAX: u32 = 16;
/// Lanes of one password hash.
pub const PASSWORD_LANES: u32 = 1;
/// Most passwords hashed at once; each takes its memory.
pub const PASSWORD_HASHES_AT_ONCE: usize = 2;
/// Most passwords that wait to be hashed.
pub const PASSWORD_HASHES_WAITING_MAX: usize = 64;
/// Failed sign-ins of one account before the first delay.
pub const SIGNIN_ACCOUNT_FAILURES_FREE: u32 = 5;
/// Failed sign-ins from one address before the first delay.
pub const SIGNIN_ADDRESS_FAILURES_FREE: u32 = 5;
/// First delay after failed sign-ins, in milliseconds; each further failure doubles it.
pub const SIGNIN_DELAY_FIRST_MS: u64 = 1_000;
/// Longest delay after failed sign-ins, in milliseconds.
pub const SIGNIN_DELAY_MS_MAX: u64 = 900_000;
/// Time without a failure after which earlier ones are forgotten, in milliseconds.
pub const SIGNIN_FORGET_MS: u64 = 86_400_000;
/// Most accounts, and most addresses, whose failed sign-ins are remembered.
pub const SIGNIN_REMEMBERED_MAX: usize = 10_000;
/// Time for which a session is good, in milliseconds.
pub const SESSION_MS: u64 = 12 * 3_600_000;
/// Most sessions of one account; the oldest ends for a new one.
pub const SESSIONS_PER_ACCOUNT_MAX: usize = 16;
/// Most days for which an API token is good.
pub const TOKEN_DAYS_MAX: u32 = 366;
/// Most API tokens of one node that are good at once.
pub const TOKENS_MAX: usize = 1_000;
/// Longest label of an API token, in characters.
pub const TOKEN_LABEL_CHARS_MAX: usize = 80;
/// Largest message of the accounts service, in bytes: strangers may call it.
pub const ACCOUNTS_MESSAGE_BYTES_MAX: usize = 16_384;
/// Most audit entries a minute about refused sign-ins, and as many about denied calls; all of them are counted.
pub const REFUSALS_NOTED_A_MINUTE_MAX: u32 = 60;
/// Largest file of a session or token, and longest line with a password, in bytes.
pub const SECRET_LINE_BYTES_MAX: usize = 4_096;
/// Longest answer to a question of `danso setup`, in bytes.
pub const SETUP_ANSWER_BYTES_MAX: usize = 4_096;
/// Units that `danso setup` lists where a name fits several.
pub const SETUP_UNITS_SHOWN: usize = 20;
