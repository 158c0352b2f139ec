//! The keys under which hosts, leaves and buckets are kept, as hashes.

use super::hash::Hash;
use super::host::HostId;
use super::pattern::{Segment, before_slash, segments};
use super::store::{Route, Store};

pub(super) fn hash_host(name: &str) -> Hash {
    Hash::new(0).bytes(name.as_bytes())
}

pub(super) fn hash_literal(host: HostId, path: &str) -> Hash {
    Hash::new(host.0).bytes(path.as_bytes())
}

/// The hash of a bucket's key.
pub(super) fn hash_prefix(host: HostId, wildcard: bool, prefix: &str) -> Hash {
    let hash = Hash::new(host.0).word(u64::from(wildcard));
    hash.bytes(prefix.as_bytes())
}

/// The hash of the key of a leaf with parameters or a wildcard: its literals in their places.
pub(super) fn hash_leaf(host: HostId, prefix: &str, remainder: &str) -> Hash {
    // The literal prefix is a run of its own, so that it need not be searched for braces.
    let mut rest = remainder;
    let mut hash = write_part(Hash::new(host.0), prefix, END);
    while let Some(brace) = rest.bytes().position(|byte| byte == b'{') {
        let (literal, tail) = rest.split_at_checked(brace).unwrap_or((rest, ""));
        if tail == "{.+}" {
            let literal = literal.strip_suffix('/').unwrap_or(literal);
            return write_part(hash, literal, REST);
        }
        hash = write_part(hash, literal, PARAMETER);
        rest = tail
            .get(before_slash(tail.as_bytes())..)
            .unwrap_or_default();
    }
    write_part(hash, rest, END)
}

/// The hash of the leaf that would match `path` were it of the shape of `model`; `None` where the path is of
/// another shape.
pub(super) fn hash_as(store: &Store, model: &Route, path: &str) -> Option<Hash> {
    // What is not yet hashed, and how far into it the model's segments have been followed.
    let prefix = store.prefix(model);
    let mut hash = write_part(Hash::new(model.host.0), prefix, END);
    let mut pending = path.strip_prefix(prefix)?;
    let mut at = 0_usize;
    for segment in segments(store.remainder(model)) {
        let tail = pending.get(at..)?;
        if segment == Segment::Rest {
            hash = write_part(hash, pending.get(..at)?, REST);
            return (tail.is_empty() || tail.starts_with('/')).then_some(hash);
        }
        let value = tail.strip_prefix('/')?;
        let length = before_slash(value.as_bytes());
        let start = at.wrapping_add(1);
        let end = start.wrapping_add(length);
        if matches!(segment, Segment::Parameter(_)) {
            if length == 0 {
                return None;
            }
            hash = write_part(hash, pending.get(..start)?, PARAMETER);
            pending = pending.get(end..)?;
            at = 0;
        } else {
            at = end;
        }
    }
    (at == pending.len()).then(|| write_part(hash, pending, END))
}

/// Whether two patterns differ in nothing but their parameters' names.
pub(super) fn same_leaf(a: &str, b: &str) -> bool {
    segments(a).map(nameless).eq(segments(b).map(nameless))
}

/// A run of literals, and what ends it.
fn write_part(hash: Hash, literals: &str, end: u8) -> Hash {
    hash.bytes(literals.as_bytes()).word(u64::from(end))
}

fn nameless(segment: Segment<'_>) -> Segment<'_> {
    match segment {
        Segment::Parameter(_) => Segment::Parameter(""),
        other => other,
    }
}

/// What ends a run of literals in a hash.
const END: u8 = 0;
const PARAMETER: u8 = 1;
const REST: u8 = 2;
