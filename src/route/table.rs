//! The table of all routes: built in one pass, asked once per request.

use std::fmt;

use super::allow::Allow;
use super::bucket::Routers;
use super::build::build;
use super::host::{HostId, find_host};
use super::key::hash_literal;
use super::pattern::{PatternError, Segment, matches, segments, slices};
use super::prefix::Asked;
use super::rank::{HostRank, Rank, Steps};
use super::store::{MethodCode, RouteId, Section, Store, index};
use crate::http::Method;

/// All routes of a config.
#[derive(Debug, Default)]
pub struct Table {
    store: Store,
    routers: Routers,
}

/// A path of a config, as the table takes it.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// May be `*.` and a name: one or more labels, then the name.
    pub host: Option<&'a str>,
    /// `None` is `ANY`.
    pub method: Option<Method>,
    pub pattern: &'a str,
    /// Whether it serves only some of the requests for its host, method and path.
    pub conditional: bool,
}

/// A path without conditions, from its host, method and pattern.
impl<'a> From<(Option<&'a str>, Option<Method>, &'a str)> for Entry<'a> {
    fn from((host, method, pattern): (Option<&'a str>, Option<Method>, &'a str)) -> Self {
        Entry {
            host,
            method,
            pattern,
            conditional: false,
        }
    }
}

/// The route for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<'t, 'p> {
    /// Place in the config.
    pub index: usize,
    /// In canonical spelling.
    pub pattern: &'t str,
    /// The path that was asked for.
    pub path: &'p str,
}

/// What [`Table::find`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'t, 'p> {
    Match(Match<'t, 'p>),
    /// Paths match, but none has the method.
    MethodNotAllowed(Allow),
    NotFound,
}

/// One of the routes that match a path, whatever their method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'t> {
    pub index: usize,
    pub rank: Rank,
    pub method: Option<Method>,
    pub pattern: &'t str,
}

/// Two routes that precedence cannot tell apart but by their place: `later` is never reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub earlier: usize,
    pub later: usize,
}

/// A pattern that the table cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// Place in the config.
    pub index: usize,
    pub error: PatternError,
}

impl Table {
    /// Builds the table from the paths in the config's order.
    pub fn build<'a>(
        paths: impl IntoIterator<Item = impl Into<Entry<'a>>>,
    ) -> Result<Table, TableError> {
        Table::build_within(paths, ROUTED_MAX)
    }

    /// [`Table::build`] with at most `routed_max` leaves in routers.
    pub(super) fn build_within<'a>(
        paths: impl IntoIterator<Item = impl Into<Entry<'a>>>,
        routed_max: u32,
    ) -> Result<Table, TableError> {
        Ok(Table::of(build(paths, routed_max)?))
    }

    /// The table as numbers and text, to be [opened](Table::open) on any target.
    pub fn parts(&self) -> (&[u8], &str) {
        self.store.parts()
    }

    /// Takes what [`Table::parts`] gave, as it is: nothing is built. `None` where that is plainly something else. The
    /// caller knows by a checksum that the rest is whole; if it is not, requests may find the wrong path or none.
    pub fn open(numbers: Vec<u8>, text: String) -> Option<Table> {
        Store::open(numbers, text).map(Table::of)
    }

    fn of(store: Store) -> Table {
        Table {
            routers: Routers::of(&store),
            store,
        }
    }

    /// The route for a request: its `Host` (with or without a port), its method as sent, its canonical path. `holds`
    /// tells of a route with conditions whether it serves the request; it is asked of no other.
    pub fn find<'t, 'p>(
        &'t self,
        host: &str,
        method: &str,
        path: &'p str,
        holds: &dyn Fn(&Match<'t, 'p>) -> bool,
    ) -> Found<'t, 'p> {
        let matched = |id| Match {
            index: index(id),
            pattern: self.store.pattern_of(id),
            path,
        };
        let holds = |id| holds(&matched(id));
        let serving = MethodCode::of(Method::serving(method));
        if let Some(id) = self.best(host, serving, path, &holds) {
            return Found::Match(matched(id));
        }
        // `ANY` does not serve the path, or it would have been found.
        let allow = self.served(host, path, &holds, |method| {
            self.store.methods.contains(method)
        });
        if allow.is_empty() {
            Found::NotFound
        } else {
            Found::MethodNotAllowed(allow)
        }
    }

    /// The methods that host and path are served by.
    pub fn allowed<'t, 'p>(
        &'t self,
        host: &str,
        path: &'p str,
        holds: &dyn Fn(&Match<'t, 'p>) -> bool,
    ) -> Allow {
        let matched = |id| Match {
            index: index(id),
            pattern: self.store.pattern_of(id),
            path,
        };
        self.served(host, path, &|id| holds(&matched(id)), |_| true)
    }

    fn served(
        &self,
        host: &str,
        path: &str,
        holds: &dyn Fn(RouteId) -> bool,
        worth_asking: impl Fn(Method) -> bool,
    ) -> Allow {
        let mut allow = Allow::default();
        for method in Method::ALL {
            let code = MethodCode::of(Some(method));
            if worth_asking(method) && self.best(host, code, path, holds).is_some() {
                allow.insert(method);
            }
        }
        allow
    }

    /// Every route that matches host and path, whatever its conditions, in the order of precedence: what `find`
    /// chooses from. It looks at
    /// all routes; for people, not for requests.
    pub fn candidates(&self, host: &str, path: &str) -> Vec<Candidate<'_>> {
        let mut hosts: Vec<(HostId, HostRank)> = Vec::new();
        find_host(&self.store, host, |id, rank| {
            hosts.push((id, rank));
            None::<()>
        });
        let mut found: Vec<Candidate<'_>> = Vec::new();
        for (place, route) in self.store.iter() {
            let pattern = self.store.pattern(&route);
            let host = hosts.iter().find(|(id, _)| *id == route.host);
            if let Some((_, host)) = host
                && matches(pattern, path)
            {
                found.push(Candidate {
                    index: place,
                    rank: Rank {
                        host: *host,
                        wildcard: route.wildcard,
                        steps: Steps::of(pattern),
                        any_method: route.method == MethodCode::ANY,
                        unconditional: !route.conditional,
                        position: place,
                    },
                    method: route.method.method(),
                    pattern,
                });
            }
        }
        found.sort_by_key(|candidate| candidate.rank);
        found
    }

    /// The routes that can never be reached because an earlier one has their host, method and shape.
    pub fn conflicts(&self) -> impl Iterator<Item = Conflict> {
        let (pairs, _) = self.store.words(Section::Conflicts).as_chunks();
        pairs.iter().map(|pair| {
            let [earlier, later] = pair.map(u32::from_le_bytes).map(index);
            Conflict { earlier, later }
        })
    }

    /// A route's pattern in canonical spelling, by its place in the config.
    pub fn pattern(&self, index: usize) -> &str {
        u32::try_from(index).map_or("", |id| self.store.pattern_of(id))
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn best(
        &self,
        host: &str,
        method: MethodCode,
        path: &str,
        holds: &dyn Fn(RouteId) -> bool,
    ) -> Option<RouteId> {
        let by_prefix = |host, wildcard| {
            let asked = Asked {
                store: &self.store,
                routers: &self.routers,
                host,
                wildcard,
                method,
                path,
                holds,
            };
            asked.find()
        };
        find_host(&self.store, host, |host, _| {
            self.literal(host, path)
                .and_then(|leaf| self.store.pick(leaf, method, holds))
                .or_else(|| by_prefix(host, false))
                .or_else(|| by_prefix(host, true))
        })
    }

    fn literal(&self, host: HostId, path: &str) -> Option<RouteId> {
        let literals = self.store.slots(Section::Literals);
        literals.find(hash_literal(host, path), |leaf| {
            let route = self.store.get(leaf);
            route.is_some_and(|r| r.host == host && self.store.pattern(&r) == path)
        })
    }
}

impl<'t, 'p> Match<'t, 'p> {
    /// The parameters by name, each with its segment of the canonical path, percent-encoded as it is there.
    pub fn params(&self) -> impl Iterator<Item = (&'t str, &'p str)> + use<'t, 'p> {
        segments(self.pattern)
            .zip(slices(self.path))
            .filter_map(|(segment, value)| match segment {
                Segment::Parameter(name) => Some((name, value)),
                _ => None,
            })
    }

    /// The value of one parameter.
    pub fn param(&self, name: &str) -> Option<&'p str> {
        self.params()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// The path in two: what is cut off on the way to a server, and what goes on. A wildcard's path loses what stands before
    /// `{.+}`, unless a parameter is there: then nothing is cut, as by the predecessor.
    pub fn cut(&self) -> (&'p str, &'p str) {
        let cuts = !segments(self.pattern).any(|segment| matches!(segment, Segment::Parameter(_)));
        let rest = self.rest().filter(|_| cuts).unwrap_or(self.path);
        let cut = self.path.strip_suffix(rest).unwrap_or_default();
        (cut, if rest.is_empty() { "/" } else { rest })
    }

    /// For a wildcard's path what `{.+}` stands for: empty, or with its slash in front. `/a/{.+}` gives nothing for
    /// `/a`, `/` for `/a/` and `/b/c` for `/a/b/c`.
    pub fn rest(&self) -> Option<&'p str> {
        let before = self.pattern.strip_suffix("/{.+}")?;
        match self.path.match_indices('/').nth(slices(before).count()) {
            Some((at, _)) => self.path.get(at..),
            None => Some(""),
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path {}: {}", self.index, self.error)
    }
}

impl std::error::Error for TableError {}

/// How many leaves may be in routers, for all buckets together: a leaf costs up to 700 bytes and 3 microseconds there.
const ROUTED_MAX: u32 = 4_096;
