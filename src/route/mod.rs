//! Which path: canonical form, patterns, precedence. This page is the specification; the tests walk it in its order.
//!
//! # The canonical path
//!
//! [`canonicalise`] gives a request target the one spelling that is both matched and forwarded. `request.url` is raw,
//! but `fetch` normalises what it sends (WHATWG URL, section 4.4): a match on anything but the result of that could
//! be walked around. So the canonical path is one that the URL parser leaves as it is, and every accepted spelling
//! that the parser would bring to the same path has the same canonical path.
//!
//! 1. A path starts with a slash; an empty one is `/`. Path and query together have at most [`TARGET_MAX`] bytes, as
//!    they came and as they are forwarded (414; all else is 400).
//! 2. Dot segments are resolved, never above the root (RFC 3986 section 5.2.4). Refused is every segment that only
//!    some readers take for one: dots of which any is encoded, dots before a semicolon (`..;x`), dots beside an
//!    encoded slash or backslash (`..%2Fx`).
//! 3. Encoded unreserved characters are decoded, the digits of other triplets become capitals (RFC 3986 section
//!    6.2.2). Reserved characters keep the spelling they have: `,` and `%2C` are two paths (section 2.2). A `%`
//!    without two digits is refused.
//! 4. Refused: a raw backslash, a raw `#`, control characters raw or encoded (`%00` to `%1F`, `%7F`), and bytes that
//!    are not UTF-8, overlong forms among them (RFC 3629 section 3). So is a raw space at the very end.
//! 5. What may not stand in a path (RFC 3986 section 3.3, `pchar`) is percent-encoded: a space, `"<>^`{|}[]`, and
//!    everything beyond ASCII.
//! 6. The query is kept byte for byte; in it only raw control characters and `#` are refused.
//! 7. [`Risks`] are spellings that are sound here but that some upstreams read differently: `%2F`, `%5C`, `;` and
//!    `%3B`, and empty segments (`//`, also such as appear once encoded slashes are decoded and path parameters cut
//!    off). They are those of the path that is forwarded, and refused unless the matched route tolerates them.
//!
//! # Patterns
//!
//! A [`Pattern`] is segments: literals (brought to the same canonical spelling; case counts), `{name}` for exactly
//! one segment that is not empty, and as the last `{.+}` for zero or more segments: `/a/{.+}` matches `/a`, `/a/` and
//! `/a/b/c`, not `/ab`. A trailing slash is an empty last segment and counts. Names are unique.
//!
//! # Hosts
//!
//! A route may name a host, or `*.` and a name for one or more labels before it. Case, port and a final dot of the
//! request's host do not count.
//!
//! # Precedence
//!
//! [`Rank`] is the whole of it, its members compared one after the other:
//! 1. an exact host, then a host wildcard (the longer first), then no host;
//! 2. a path without a wildcard before one with;
//! 3. position by position a literal before a parameter before the wildcard, so the longer of two equal wildcard
//!    prefixes;
//! 4. the exact method before `ANY`; `HEAD` is served by `GET`;
//! 5. a path with conditions on header fields or the query before one without;
//! 6. the place in the file.
//!
//! The first route that also has the method and whose conditions hold is taken, whatever else matches better: a path
//! that lacks the method falls through, to other hosts too. If none has it, the answer is 405 with the methods of all that match, and if
//! none matches, 404.
//!
//! # How it is looked up
//!
//! [`Table`] finds paths of literals alone by one probe of a hash table. Others are in buckets by host and literal
//! prefix (the literals before the first parameter or wildcard), asked from the longest to the shortest; `bucket.rs`
//! tells what happens inside, where `matchit` carries all but the smallest and the very largest. The cost of a
//! look-up depends on the path's length and on how many prefixes of it the config has, not on the number of routes.
//! All of it but the routers of `matchit` is laid out ahead of time, as text and numbers that are read where they lie
//! (`store.rs`): a worker takes it from its bundle as it is, and builds it only for a config of KV.

mod allow;
mod bucket;
mod build;
mod canonical;
mod error;
mod hash;
mod host;
mod key;
mod pattern;
mod prefix;
mod rank;
mod risk;
mod slots;
mod store;
mod table;

pub use allow::Allow;
pub use canonical::{Canonical, TARGET_MAX, canonicalise};
pub use error::PathError;
pub(crate) use hash::Hash;
pub use pattern::{Pattern, PatternError, PatternErrorKind, SEGMENTS_MAX, Segment};
pub use rank::{HostRank, Rank, Step, Steps};
pub use risk::Risks;
pub use table::{Candidate, Conflict, Entry, Found, Match, Table, TableError};

#[cfg(test)]
mod tests;
