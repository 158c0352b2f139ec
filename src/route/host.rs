//! Which hosts a table knows, and which of them a request's host is.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::key::hash_host;
use super::rank::HostRank;
use super::store::{Section, Store};

/// A host of the config by its number; `EVERY` for paths without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HostId(pub(super) u32);

impl HostId {
    pub(super) const EVERY: HostId = HostId(0);
}

/// Calls `visit` for each host that a request to `host` may use, the strongest first, until it finds something.
pub(super) fn find_host<T>(
    store: &Store,
    host: &str,
    mut visit: impl FnMut(HostId, HostRank) -> Option<T>,
) -> Option<T> {
    if store.hosts() > 1 {
        let host = normal(host);
        // A name is at most 253 characters (RFC 1035 section 2.3.4): more is no host of a config.
        let host = if host.len() > HOST_MAX {
            ""
        } else {
            host.as_ref()
        };
        if let Some(id) = named(store, host).filter(|_| !host.starts_with('.'))
            && let Some(found) = visit(id, HostRank::Exact)
        {
            return Some(found);
        }
        // The star stands for at least one label.
        for (dot, _) in host.match_indices('.').filter(|(dot, _)| *dot > 0) {
            let suffix = host.get(dot..).unwrap_or_default();
            if let Some(id) = named(store, suffix)
                && let Some(found) = visit(id, HostRank::Suffix(Reverse(suffix.len())))
            {
                return Some(found);
            }
        }
    }
    visit(HostId::EVERY, HostRank::Every)
}

/// Exact names, and wildcards without their star: `.example.com`. A name never starts with a dot.
fn named(store: &Store, name: &str) -> Option<HostId> {
    let names = store.slots(Section::Names);
    let same = |id| {
        let entry = store.host(HostId(id));
        entry.is_some_and(|entry| store.text(entry.start, entry.length) == name)
    };
    names.find(hash_host(name), same).map(HostId)
}

/// Lower case, without the port, without the dot of the root.
pub(super) fn normal(host: &str) -> Cow<'_, str> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

const HOST_MAX: usize = 253;
