//! Which hosts a table knows, and which of them a request's host is.

use std::borrow::Cow;
use std::cmp::Reverse;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::rank::HostRank;

/// A host of the config by its number; `EVERY` for paths without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HostId(pub(super) u32);

impl HostId {
    pub(super) const EVERY: HostId = HostId(0);
}

/// The hosts of a table.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// Exact names, and wildcards without their star: `.example.com`. A name never starts with a dot.
    ids: HashMap<Box<str>, HostId, FixedState>,
}

impl Hosts {
    /// The number of a host as the config writes it.
    pub(super) fn intern(&mut self, host: Option<&str>) -> HostId {
        let Some(host) = host else {
            return HostId::EVERY;
        };
        let suffix = host.strip_prefix('*').filter(|s| s.starts_with('.'));
        let name = normal(suffix.unwrap_or(host));
        if let Some(id) = self.ids.get(name.as_ref()) {
            return *id;
        }
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let id = HostId(next.saturating_add(1));
        self.ids.insert(name.into(), id);
        id
    }

    /// Calls `visit` for each host that a request to `host` may use, the strongest first, until it finds something.
    pub(super) fn find<T>(
        &self,
        host: &str,
        mut visit: impl FnMut(HostId, HostRank) -> Option<T>,
    ) -> Option<T> {
        if !self.ids.is_empty() {
            let host = normal(host);
            // A name is at most 253 characters (RFC 1035 section 2.3.4): more is no host of a config.
            let host = if host.len() > HOST_MAX {
                ""
            } else {
                host.as_ref()
            };
            if let Some(id) = self.ids.get(host).filter(|_| !host.starts_with('.'))
                && let Some(found) = visit(*id, HostRank::Exact)
            {
                return Some(found);
            }
            // The star stands for at least one label.
            for (dot, _) in host.match_indices('.').filter(|(dot, _)| *dot > 0) {
                let suffix = host.get(dot..).unwrap_or_default();
                if let Some(id) = self.ids.get(suffix)
                    && let Some(found) = visit(*id, HostRank::Suffix(Reverse(suffix.len())))
                {
                    return Some(found);
                }
            }
        }
        visit(HostId::EVERY, HostRank::Every)
    }
}

/// Lower case, without the port, without the dot of the root.
fn normal(host: &str) -> Cow<'_, str> {
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
