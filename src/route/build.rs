//! Lays out the index of all routes, in one pass over them and a few over what they have in common.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::allow::Allow;
use super::bucket::{ROUTED_SEGMENTS_MAX, SCANNED_MAX};
use super::hash::Hash;
use super::host::{HostId, normal};
use super::key::{hash_host, hash_leaf, hash_literal, hash_prefix, same_leaf};
use super::pattern::{Pattern, PatternError, PatternErrorKind};
use super::prefix::depth_bit;
use super::rank::Steps;
use super::slots::{NUMBERS_MAX, SlotsDraft};
use super::store::{Bucket, Group, HostEntry, MethodCode, Route, RouteId, Sections, Store, index};
use super::table::{Entry, TableError};

/// Builds the index from the paths in the config's order, with at most `routed_max` leaves in routers.
pub(super) fn build<'a>(
    paths: impl IntoIterator<Item = impl Into<Entry<'a>>>,
    routed_max: u32,
) -> Result<Store, TableError> {
    let paths = paths.into_iter();
    let mut draft = Draft {
        hosts: vec![HostEntry::default()],
        ..Draft::default()
    };
    draft.routes.reserve_exact(paths.size_hint().0);
    for (place, entry) in paths.enumerate() {
        let entry: Entry<'a> = entry.into();
        let fail = |error| TableError {
            index: place,
            error,
        };
        let pattern = Pattern::parse(entry.pattern).map_err(fail)?;
        draft.add(&entry, &pattern).ok_or_else(|| {
            fail(PatternError {
                range: 0..entry.pattern.len(),
                kind: PatternErrorKind::TooLong,
            })
        })?;
    }
    Ok(draft.finish(routed_max))
}

#[derive(Default)]
struct Draft<'a> {
    text: String,
    routes: Vec<Route>,
    literals: usize,
    hosts: Vec<HostEntry>,
    host_ids: HashMap<Cow<'a, str>, HostId, FixedState>,
    methods: Allow,
    /// Leaves, and the routes that have the same pattern.
    joined: Vec<(RouteId, RouteId)>,
}

/// The groups of a table in the making.
#[derive(Default)]
struct Groups {
    words: Vec<u32>,
    count: u32,
    members: Vec<RouteId>,
    /// How many have routers.
    routers: u32,
}

impl<'a> Draft<'a> {
    /// Adds a route behind all others; `None` when there is no room for more.
    fn add(&mut self, entry: &Entry<'a>, pattern: &Pattern<'_>) -> Option<()> {
        let host = self.intern(entry.host)?;
        if self.routes.len() >= NUMBERS_MAX {
            return None;
        }
        let text = pattern.as_str();
        let prefix = pattern.literal_prefix();
        let (start, length) = self.write(text)?;
        self.routes.push(Route {
            start,
            length: u16::try_from(length).ok()?,
            literal_prefix: u16::try_from(prefix.len()).ok()?,
            host,
            next_in_leaf: None,
            method: MethodCode::of(entry.method),
            wildcard: pattern.is_wildcard(),
            conditional: entry.conditional,
        });
        if let Some(method) = entry.method {
            self.methods.insert(method);
        }
        if pattern.is_literal() {
            self.literals = self.literals.saturating_add(1);
        } else {
            let entry = self.hosts.get_mut(index(host.0))?;
            let known = entry.known.get_mut(usize::from(pattern.is_wildcard()))?;
            known.depths |= depth_bit(pattern.prefix_depth());
            known.longest = known.longest.max(u32::try_from(prefix.len()).ok()?);
        }
        Some(())
    }

    /// The number of a host as the config writes it.
    fn intern(&mut self, host: Option<&'a str>) -> Option<HostId> {
        let Some(host) = host else {
            return Some(HostId::EVERY);
        };
        let suffix = host.strip_prefix('*').filter(|s| s.starts_with('.'));
        let name = normal(suffix.unwrap_or(host));
        if let Some(id) = self.host_ids.get(&name) {
            return Some(*id);
        }
        let id = HostId(u32::try_from(self.hosts.len()).ok()?);
        let (start, length) = self.write(&name)?;
        self.hosts.push(HostEntry {
            start,
            length,
            ..HostEntry::default()
        });
        self.host_ids.insert(name, id);
        Some(id)
    }

    fn write(&mut self, text: &str) -> Option<(u32, u32)> {
        let start = u32::try_from(self.text.len()).ok()?;
        self.text.push_str(text);
        let end = u32::try_from(self.text.len()).ok()?;
        Some((start, end.checked_sub(start)?))
    }

    /// Makes the look-ups, now that all routes are known.
    fn finish(mut self, routed_max: u32) -> Store {
        let others = self.routes.len().saturating_sub(self.literals);
        let mut literals = SlotsDraft::with_room(self.literals);
        let mut shapes = SlotsDraft::with_room(others);
        let mut prefixes = SlotsDraft::with_room(others);
        // Each bucket, and how many leaves it has.
        let mut buckets: Vec<(Bucket, u32)> = Vec::new();
        // By leaf the bucket that it is in.
        let mut places: Vec<(u32, RouteId)> = Vec::with_capacity(others);
        for (id, route) in (0..).zip(&self.routes) {
            let leaves = if route.is_literal() {
                &mut literals
            } else {
                &mut shapes
            };
            let same = |leaf| {
                self.get(leaf).is_some_and(|other| {
                    other.host == route.host
                        && other.wildcard == route.wildcard
                        && same_leaf(self.pattern(other), self.pattern(route))
                })
            };
            if let Some(leaf) = leaves.enter(self.leaf_hash(route), id, same) {
                self.joined.push((leaf, id));
            } else if !route.is_literal() {
                let next = u32::try_from(buckets.len()).unwrap_or(u32::MAX);
                let same = |place| {
                    let other = buckets
                        .get(index(place))
                        .and_then(|(b, _)| self.get(b.leaf));
                    other.is_some_and(|other| {
                        other.host == route.host
                            && other.wildcard == route.wildcard
                            && self.prefix(other) == self.prefix(route)
                    })
                };
                let place = prefixes.enter(self.bucket_hash(route), next, same);
                match place.and_then(|place| buckets.get_mut(index(place))) {
                    Some((_, leaves)) => *leaves = leaves.saturating_add(1),
                    None => buckets.push((
                        Bucket {
                            leaf: id,
                            group: None,
                        },
                        1,
                    )),
                }
                places.push((place.unwrap_or(next), id));
            }
        }
        let literals = literals.fitted(|id| self.get(id).map(|route| self.leaf_hash(route)));
        let shapes = shapes.fitted(|id| self.get(id).map(|route| self.leaf_hash(route)));
        let prefixes = prefixes.fitted(|place| {
            let (bucket, _) = buckets.get(index(place))?;
            self.get(bucket.leaf).map(|route| self.bucket_hash(route))
        });
        let conflicts = self.join_leaves();
        let groups = self.group(&mut buckets, &places, routed_max);
        let mut names = SlotsDraft::with_room(self.host_ids.len());
        for (name, id) in &self.host_ids {
            names.enter(hash_host(name), id.0, |_| false);
        }
        let sections = Sections {
            routes: self.routes.iter().flat_map(Route::words).collect(),
            hosts: self.hosts.iter().flat_map(HostEntry::words).collect(),
            buckets: buckets.iter().flat_map(|(b, _)| b.words()).collect(),
            groups: groups.words,
            members: groups.members,
            conflicts,
            literals,
            shapes,
            prefixes,
            names: names.fitted(|_| None),
        };
        let numbers = sections.pack(self.methods, groups.routers);
        self.text.shrink_to_fit();
        Store::open(numbers, self.text).unwrap_or_default()
    }

    /// Adds routes to their leaves, or notes that they can never be reached: pairs of an earlier and a later route.
    fn join_leaves(&mut self) -> Vec<u32> {
        let mut conflicts = Vec::new();
        for (leaf, id) in std::mem::take(&mut self.joined) {
            // Of routes with conditions the table cannot tell whether one hides another.
            let plain = |route: &Route| (!route.conditional).then_some(route.method);
            let method = self.get(id).and_then(plain);
            let mut last = leaf;
            while let Some(route) = self.routes.get_mut(index(last)) {
                if method.is_some() && plain(route) == method {
                    conflicts.extend([last, id]);
                    break;
                }
                match route.next_in_leaf {
                    Some(next) => last = next,
                    None => {
                        route.next_in_leaf = Some(id);
                        break;
                    }
                }
            }
        }
        conflicts
    }

    /// Lays out what a bucket of several leaves has. `places` tells the bucket of each leaf.
    fn group(
        &self,
        buckets: &mut [(Bucket, u32)],
        places: &[(u32, RouteId)],
        routed_max: u32,
    ) -> Groups {
        let mut groups = Groups::default();
        // First the leaves bucket by bucket, in the config's order; `ends` goes up as they come.
        let mut ends: Vec<usize> = Vec::with_capacity(buckets.len());
        let mut end = 0_usize;
        for (_, leaves) in buckets.iter() {
            ends.push(end);
            end = end.saturating_add(index(*leaves));
        }
        let mut sorted: Vec<RouteId> = vec![0; end];
        for (place, leaf) in places {
            if let Some(end) = ends.get_mut(index(*place))
                && let Some(room) = sorted.get_mut(*end)
            {
                *room = *leaf;
                *end = end.saturating_add(1);
            }
        }
        let mut routed = 0_u32;
        let mut rest = sorted.as_slice();
        for (bucket, leaves) in buckets {
            let (own, others) = rest.split_at_checked(index(*leaves)).unwrap_or_default();
            rest = others;
            if *leaves == 1 {
                continue;
            }
            let mut by_rank: BTreeMap<Steps, Vec<RouteId>> = BTreeMap::new();
            for leaf in own {
                by_rank.entry(self.steps(*leaf)).or_default().push(*leaf);
            }
            let members = &mut groups.members;
            let mut group = Group {
                leaves: *leaves,
                first: u32::try_from(members.len()).unwrap_or(u32::MAX),
                shapes: 0,
                router: None,
            };
            if *leaves > SCANNED_MAX {
                group.shapes = u32::try_from(by_rank.len()).unwrap_or(u32::MAX);
                // matchit names parameters by letters, and panics when it has run out of them.
                let nameable = |steps: &Steps| steps.iter().count() <= ROUTED_SEGMENTS_MAX;
                // A router finds one leaf; where its conditions do not hold, the next is wanted.
                let plain = own.iter().all(|leaf| !self.is_conditional(*leaf));
                let with = routed.saturating_add(*leaves);
                if with <= routed_max && plain && by_rank.keys().all(nameable) {
                    group.router = Some(groups.routers);
                    groups.routers = groups.routers.saturating_add(1);
                    routed = with;
                }
                members.extend(own);
                members.extend(by_rank.values().filter_map(|leaves| leaves.first()));
            } else {
                members.extend(by_rank.values().flatten());
            }
            bucket.group = Some(groups.count);
            groups.count = groups.count.saturating_add(1);
            groups.words.extend(group.words());
        }
        groups
    }

    /// Whether any route of a leaf has conditions.
    fn is_conditional(&self, leaf: RouteId) -> bool {
        let first = self.get(leaf);
        let mut routes = std::iter::successors(first, |route| self.get(route.next_in_leaf?));
        routes.any(|route| route.conditional)
    }

    fn get(&self, id: RouteId) -> Option<&Route> {
        self.routes.get(index(id))
    }

    fn pattern(&self, route: &Route) -> &str {
        let start = index(route.start);
        let end = start.saturating_add(usize::from(route.length));
        self.text.get(start..end).unwrap_or_default()
    }

    fn split(&self, route: &Route) -> (&str, &str) {
        let prefix = usize::from(route.literal_prefix);
        let parts = self.pattern(route).split_at_checked(prefix);
        parts.unwrap_or_default()
    }

    fn prefix(&self, route: &Route) -> &str {
        self.split(route).0
    }

    fn steps(&self, leaf: RouteId) -> Steps {
        let remainder = self.get(leaf).map(|route| self.split(route).1);
        Steps::of(remainder.unwrap_or_default())
    }

    fn leaf_hash(&self, route: &Route) -> Hash {
        if route.is_literal() {
            return hash_literal(route.host, self.pattern(route));
        }
        let (prefix, remainder) = self.split(route);
        hash_leaf(route.host, prefix, remainder)
    }

    fn bucket_hash(&self, route: &Route) -> Hash {
        hash_prefix(route.host, route.wildcard, self.prefix(route))
    }
}
