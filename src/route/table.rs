//! The table of all routes: built in one pass, asked once per request.

use std::fmt;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::allow::Allow;
use super::host::{HostId, Hosts};
use super::pattern::{Pattern, PatternError, PatternErrorKind, Segment, matches, segments, slices};
use super::prefix::{Asked, PrefixIndex};
use super::rank::{HostRank, Rank, Steps};
use super::store::{RouteId, Store, index, link};
use crate::http::Method;

/// All routes of a config.
#[derive(Debug, Default)]
pub struct Table {
    store: Store,
    hosts: Hosts,
    /// Leaves without parameters and wildcards, by their whole path.
    literals: HashTable<RouteId>,
    /// All other leaves, by their literals in their places.
    shapes: HashTable<RouteId>,
    prefixes: PrefixIndex,
    /// The methods that any route names.
    methods: Allow,
    conflicts: Vec<Conflict>,
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
    /// Builds the table from host, method (`None` is `ANY`) and pattern of each path, in the config's order. A host
    /// may be `*.` and a name: one or more labels, then the name.
    pub fn build<'a>(
        paths: impl IntoIterator<Item = (Option<&'a str>, Option<Method>, &'a str)>,
    ) -> Result<Table, TableError> {
        Table::build_within(paths, ROUTED_MAX)
    }

    /// [`Table::build`] with at most `routed_max` leaves in routers.
    pub(super) fn build_within<'a>(
        paths: impl IntoIterator<Item = (Option<&'a str>, Option<Method>, &'a str)>,
        routed_max: u32,
    ) -> Result<Table, TableError> {
        let mut table = Table::default();
        let paths = paths.into_iter();
        table.store.reserve(paths.size_hint().0);
        for (place, (host, method, source)) in paths.enumerate() {
            let fail = |error| TableError {
                index: place,
                error,
            };
            let pattern = Pattern::parse(source).map_err(fail)?;
            let host = table.hosts.intern(host);
            if let Some(method) = method {
                table.methods.insert(method);
            }
            table.store.push(host, method, &pattern).ok_or_else(|| {
                fail(PatternError {
                    range: 0..source.len(),
                    kind: PatternErrorKind::TooLong,
                })
            })?;
        }
        table.index(routed_max);
        Ok(table)
    }

    /// The route for a request: its `Host` (with or without a port), its method as sent, its canonical path.
    pub fn find<'t, 'p>(&'t self, host: &str, method: &str, path: &'p str) -> Found<'t, 'p> {
        if let Some(id) = self.best(host, Method::serving(method), path) {
            return Found::Match(Match {
                index: index(id),
                pattern: self.store.pattern_of(id),
                path,
            });
        }
        let mut allow = Allow::default();
        for method in Method::ALL {
            if self.methods.contains(method) && self.best(host, Some(method), path).is_some() {
                allow.insert(method);
            }
        }
        if allow.is_empty() {
            Found::NotFound
        } else {
            Found::MethodNotAllowed(allow)
        }
    }

    /// Every route that matches host and path, in the order of precedence: what `find` chooses from. It looks at
    /// all routes; for people, not for requests.
    pub fn candidates(&self, host: &str, path: &str) -> Vec<Candidate<'_>> {
        let mut hosts: Vec<(HostId, HostRank)> = Vec::new();
        self.hosts.find(host, |id, rank| {
            hosts.push((id, rank));
            None::<()>
        });
        let mut found: Vec<Candidate<'_>> = Vec::new();
        for (place, route) in self.store.iter() {
            let pattern = self.store.pattern(route);
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
                        any_method: route.method.is_none(),
                        position: place,
                    },
                    method: route.method,
                    pattern,
                });
            }
        }
        found.sort_by_key(|candidate| candidate.rank);
        found
    }

    /// The routes that can never be reached because an earlier one has their host, method and shape.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn best(&self, host: &str, method: Option<Method>, path: &str) -> Option<RouteId> {
        let by_prefix = |host, wildcard| {
            self.prefixes.find(&Asked {
                store: &self.store,
                shapes: &self.shapes,
                host,
                wildcard,
                method,
                path,
            })
        };
        self.hosts.find(host, |host, _| {
            self.literal(host, path)
                .and_then(|leaf| self.store.pick(leaf, method))
                .or_else(|| by_prefix(host, false))
                .or_else(|| by_prefix(host, true))
        })
    }

    fn literal(&self, host: HostId, path: &str) -> Option<RouteId> {
        let hash = self.store.hash_literal(host, path);
        let found = self.literals.find(hash, |leaf| {
            let route = self.store.get(*leaf);
            route.is_some_and(|r| r.host == host && self.store.pattern(r) == path)
        });
        found.copied()
    }

    /// Makes the look-ups, once all routes are known and nothing has to grow.
    fn index(&mut self, routed_max: u32) {
        self.store.seal();
        let literals = self
            .store
            .iter()
            .filter(|(_, route)| self.store.is_literal(route))
            .count();
        let others = self.store.len().saturating_sub(literals);
        self.literals.reserve(literals, |_| 0);
        self.shapes.reserve(others, |_| 0);
        for id in (0..).take(self.store.len()) {
            self.add(id);
        }
        self.prefixes.seal(routed_max);
    }

    fn add(&mut self, id: RouteId) {
        let store = &self.store;
        let Some(route) = store.get(id) else {
            return;
        };
        let hash_of = |leaf: &RouteId| store.get(*leaf).map_or(0, |route| store.hash_key(route));
        let same = |leaf: &RouteId| store.get(*leaf).is_some_and(|r| store.same_leaf(r, route));
        let literal = store.is_literal(route);
        let leaves = if literal {
            &mut self.literals
        } else {
            &mut self.shapes
        };
        match leaves.entry(store.hash_key(route), same, hash_of) {
            Entry::Occupied(entry) => {
                let leaf = *entry.get();
                self.join_leaf(leaf, id);
            }
            Entry::Vacant(entry) => {
                entry.insert(id);
                if !literal {
                    self.prefixes.add(&mut self.store, id);
                }
            }
        }
    }

    /// Adds a route to its leaf, or notes that it can never be reached.
    fn join_leaf(&mut self, leaf: RouteId, id: RouteId) {
        let method = self.store.get(id).and_then(|route| route.method);
        let mut last = leaf;
        for (other, route) in self.store.leaf(leaf) {
            if route.method == method {
                self.conflicts.push(Conflict {
                    earlier: index(other),
                    later: index(id),
                });
                return;
            }
            last = other;
        }
        if let Some(route) = self.store.get_mut(last) {
            route.next_in_leaf = link(id);
        }
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
