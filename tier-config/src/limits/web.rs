//! Bounds of the pages that a node serves to browsers and tools.

/// Most connections of browsers and tools to a node's pages at once.
pub const WEB_CONNECTIONS_MAX: usize = 256;
/// Most of them from one address at once; an office may share one (NAT).
pub const WEB_CONNECTIONS_PER_ADDRESS_MAX: usize = 64;
/// Longest TLS handshake of a browser, in milliseconds.
pub const WEB_HANDSHAKE_MS_MAX: u64 = 30_000;
/// Longest wait for the head of a request, and longest idle time of a connection to the pages, in milliseconds.
pub const WEB_HEAD_MS_MAX: u64 = 30_000;
/// Longest head of a request for a page, in bytes.
pub const WEB_HEAD_BYTES_MAX: usize = 16_384;
/// Longest time from a request for a page to its answer, its body included, in milliseconds.
pub const WEB_REQUEST_MS_MAX: u64 = 30_000;
/// Longest life of a connection to the pages, in milliseconds; a live page opens another one by itself.
pub const WEB_CONNECTION_MS_MAX: u64 = 3_600_000;
/// Largest body of a form that is posted, in bytes.
pub const WEB_BODY_BYTES_MAX: usize = 16_384;
/// Most rows of a table on one page.
pub const WEB_ROWS_MAX: usize = 200;
/// Most pages that are kept up to date at once.
pub const WEB_STREAMS_MAX: usize = 64;
/// Most of them for one account; further ones stay as they are. Fewer than the six connections that a browser opens to
/// one address, so that the next page still loads.
pub const WEB_STREAMS_PER_ACCOUNT_MAX: usize = 4;
/// Shortest time between two updates of a page, in milliseconds.
pub const WEB_UPDATE_MS: u64 = 1_000;
/// Longest time between two updates of a page that is kept up to date, in milliseconds: ages grow by themselves.
pub const WEB_UPDATE_MS_MAX: u64 = 15_000;
