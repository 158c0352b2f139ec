//! The routes and their index, packed: every text in one string, all else in numbers of four bytes that are read where
//! they lie. What a build lays out here is shipped as it is, so that a worker has nothing to build at a cold start.

use std::ops::Range;

use super::allow::Allow;
use super::host::HostId;
use super::slots::Slots;
use crate::http::Method;

/// A route by its position in the config.
pub(super) type RouteId = u32;

/// A number of an index, little-endian.
pub(super) type Word = [u8; 4];

/// Routes of the same host whose patterns differ in nothing but their parameters' names form a *leaf*. It is known
/// by its first route; the others follow it, each with a method or conditions of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) start: u32,
    pub(super) length: u16,
    pub(super) literal_prefix: u16,
    pub(super) host: HostId,
    /// The next route of the leaf, further down in the config.
    pub(super) next_in_leaf: Option<RouteId>,
    pub(super) method: MethodCode,
    pub(super) wildcard: bool,
    /// Whether more than host, method and path decide if it serves a request.
    pub(super) conditional: bool,
}

/// 0 for `ANY`, else the place in [`Method::ALL`] plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MethodCode(u8);

/// Leaves of one host and kind (with or without wildcard) with the same literal prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// One of its leaves.
    pub(super) leaf: RouteId,
    /// The place in [`Section::Groups`], if there are more.
    pub(super) group: Option<u32>,
}

/// The leaves of a bucket that has several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) leaves: u32,
    /// Where they begin in [`Section::Members`]: in the order of their rank if they are few.
    pub(super) first: u32,
    /// If they are many, one leaf of each shape follows them, so many of them, in the order of their rank.
    pub(super) shapes: u32,
    /// The number of its routers, if it may have some.
    pub(super) router: Option<u32>,
}

/// A host, and which literal prefixes its patterns with parameters have, then those with wildcards.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HostEntry {
    pub(super) start: u32,
    pub(super) length: u32,
    pub(super) known: [Known; 2],
}

/// Which literal prefixes exist for a host: enough to pass over most of those that do not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// One bit per number of segments.
    pub(super) depths: u64,
    /// Bytes.
    pub(super) longest: u32,
}

/// The parts of an index, in their order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Section {
    /// [`Route`]s.
    Routes,
    /// [`HostEntry`]s; the first stands for every host.
    Hosts,
    /// [`Bucket`]s.
    Buckets,
    /// [`Group`]s.
    Groups,
    /// Leaves, group by group.
    Members,
    /// Pairs of routes of which the second is never reached.
    Conflicts,
    /// [`Slots`] of leaves without parameters and wildcards, by their whole path.
    Literals,
    /// [`Slots`] of all other leaves, by their literals in their places.
    Shapes,
    /// [`Slots`] of buckets, by prefix.
    Prefixes,
    /// [`Slots`] of hosts, by name.
    Names,
}

const SECTIONS: usize = 10;

/// What stands before the sections: how many words each has, the methods that any route names, the number of routers.
const HEAD: usize = 12;

/// The words of all sections, in their order.
pub(super) struct Sections {
    pub(super) routes: Vec<u32>,
    pub(super) hosts: Vec<u32>,
    pub(super) buckets: Vec<u32>,
    pub(super) groups: Vec<u32>,
    pub(super) members: Vec<u32>,
    pub(super) conflicts: Vec<u32>,
    pub(super) literals: Vec<u32>,
    pub(super) shapes: Vec<u32>,
    pub(super) prefixes: Vec<u32>,
    pub(super) names: Vec<u32>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    text: String,
    numbers: Vec<u8>,
    sections: [Range<usize>; SECTIONS],
    /// The methods that any route names.
    pub(super) methods: Allow,
    /// How many buckets may have routers.
    pub(super) routers: u32,
}

impl Sections {
    /// The numbers that [`Store::open`] takes.
    pub(super) fn pack(self, methods: Allow, routers: u32) -> Vec<u8> {
        let sections: [Vec<u32>; SECTIONS] = [
            self.routes,
            self.hosts,
            self.buckets,
            self.groups,
            self.members,
            self.conflicts,
            self.literals,
            self.shapes,
            self.prefixes,
            self.names,
        ];
        let length = sections.iter().map(Vec::len).sum::<usize>();
        let mut numbers = Vec::with_capacity(length.saturating_add(HEAD).saturating_mul(4));
        let mut put = |number: u32| numbers.extend_from_slice(&number.to_le_bytes());
        for section in &sections {
            put(u32::try_from(section.len()).unwrap_or(u32::MAX));
        }
        put(methods.bits());
        put(routers);
        sections.into_iter().flatten().for_each(put);
        numbers
    }
}

impl Store {
    /// `None` if the numbers are no index. What they point at is looked at when it is asked for.
    pub(super) fn open(numbers: Vec<u8>, text: String) -> Option<Store> {
        let words: &[Word] = exact_chunks(&numbers)?;
        let mut end = HEAD;
        let head = words.first_chunk::<HEAD>()?.map(u32::from_le_bytes);
        let [lengths @ .., methods, routers] = head;
        let mut sections = [const { 0..0 }; SECTIONS];
        for (section, length) in sections.iter_mut().zip(lengths) {
            let start = end;
            end = start.checked_add(index(length))?;
            *section = start..end;
        }
        // Routers are of groups, which have words.
        let sound = end == words.len() && index(routers) <= words.len();
        sound.then_some(Store {
            text,
            numbers,
            sections,
            methods: Allow::from_bits(methods),
            routers,
        })
    }

    /// What [`Store::open`] takes.
    pub(super) fn parts(&self) -> (&[u8], &str) {
        (&self.numbers, &self.text)
    }

    pub(super) fn words(&self, section: Section) -> &[Word] {
        let (words, _) = self.numbers.as_chunks();
        let range = self.sections.get(section as usize).cloned();
        words.get(range.unwrap_or_default()).unwrap_or_default()
    }

    pub(super) fn slots(&self, section: Section) -> Slots<'_> {
        Slots(self.words(section))
    }

    pub(super) fn len(&self) -> usize {
        self.routes().len()
    }

    pub(super) fn get(&self, id: RouteId) -> Option<Route> {
        self.routes()
            .get(index(id))
            .map(|words| Route::read(*words))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Route)> {
        self.routes()
            .iter()
            .map(|words| Route::read(*words))
            .enumerate()
    }

    pub(super) fn bucket(&self, place: u32) -> Option<Bucket> {
        let (buckets, _) = self.words(Section::Buckets).as_chunks();
        buckets.get(index(place)).map(|words| Bucket::read(*words))
    }

    pub(super) fn group(&self, place: u32) -> Option<Group> {
        let (groups, _) = self.words(Section::Groups).as_chunks();
        groups.get(index(place)).map(|words| Group::read(*words))
    }

    /// So many leaves from a place on; none if there are not so many.
    pub(super) fn members(&self, first: usize, count: u32) -> impl Iterator<Item = RouteId> {
        let end = first.saturating_add(index(count));
        let members = self.words(Section::Members).get(first..end);
        members
            .unwrap_or_default()
            .iter()
            .map(|word| u32::from_le_bytes(*word))
    }

    pub(super) fn hosts(&self) -> usize {
        self.host_words().len()
    }

    pub(super) fn host(&self, host: HostId) -> Option<HostEntry> {
        self.host_words()
            .get(index(host.0))
            .map(|words| HostEntry::read(*words))
    }

    pub(super) fn text(&self, start: u32, length: u32) -> &str {
        let start = index(start);
        let end = start.saturating_add(index(length));
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn pattern(&self, route: &Route) -> &str {
        self.text(route.start, u32::from(route.length))
    }

    pub(super) fn pattern_of(&self, id: RouteId) -> &str {
        self.get(id).map_or("", |route| self.pattern(&route))
    }

    /// The pattern's literals before its first parameter or wildcard.
    pub(super) fn prefix(&self, route: &Route) -> &str {
        self.text(route.start, u32::from(route.literal_prefix))
    }

    /// The pattern from its first parameter or wildcard on.
    pub(super) fn remainder(&self, route: &Route) -> &str {
        let length = usize::from(route.literal_prefix);
        self.pattern(route).get(length..).unwrap_or_default()
    }

    pub(super) fn remainder_of(&self, id: RouteId) -> &str {
        self.get(id).map_or("", |route| self.remainder(&route))
    }

    /// The routes of a leaf, in the config's order.
    pub(super) fn leaf(&self, first: RouteId) -> impl Iterator<Item = (RouteId, Route)> {
        let mut next = Some(first);
        std::iter::from_fn(move || {
            let id = next?;
            let route = self.get(id)?;
            // They go down in the config, so they end.
            next = route.next_in_leaf.filter(|next| *next > id);
            Some((id, route))
        })
    }

    /// The leaf's route for a method: its own before that of `ANY`, and of these first one with conditions that hold.
    pub(super) fn pick(
        &self,
        leaf: RouteId,
        method: MethodCode,
        holds: &dyn Fn(RouteId) -> bool,
    ) -> Option<RouteId> {
        let mut best = None;
        for (id, route) in self.leaf(leaf) {
            let any = route.method == MethodCode::ANY;
            if !any && route.method != method {
                continue;
            }
            let rank = (any, !route.conditional);
            if best.is_none_or(|(best, _)| rank < best) && (!route.conditional || holds(id)) {
                best = Some((rank, id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn routes(&self) -> &[[Word; ROUTE]] {
        self.words(Section::Routes).as_chunks().0
    }

    fn host_words(&self) -> &[[Word; HOST]] {
        self.words(Section::Hosts).as_chunks().0
    }
}

impl MethodCode {
    pub(super) const ANY: MethodCode = MethodCode(0);

    pub(super) fn of(method: Option<Method>) -> MethodCode {
        let place = method.and_then(|m| Method::ALL.iter().position(|other| *other == m));
        let code = place.and_then(|place| u8::try_from(place.saturating_add(1)).ok());
        code.map_or(MethodCode::ANY, MethodCode)
    }

    pub(super) fn method(self) -> Option<Method> {
        Method::ALL
            .get(usize::from(self.0.checked_sub(1)?))
            .copied()
    }
}

/// How many words a route has.
const ROUTE: usize = 4;
const BUCKET: usize = 2;
const GROUP: usize = 4;
const HOST: usize = 8;

impl Route {
    pub(super) fn words(&self) -> [u32; ROUTE] {
        let lengths = u32::from(self.literal_prefix).wrapping_shl(16) | u32::from(self.length);
        // No leaf goes on with the config's first route.
        let next = self.next_in_leaf.unwrap_or(0);
        let flags = u8::from(self.wildcard) | u8::from(self.conditional).wrapping_shl(1);
        let kind = self.method.0.wrapping_shl(2) | flags;
        // There are no more hosts than routes, whose numbers have three bytes.
        let kind = self.host.0.wrapping_shl(8) | u32::from(kind);
        [self.start, lengths, next, kind]
    }

    fn read(words: [Word; ROUTE]) -> Route {
        let [start, [a, b, c, d], next, [kind, x, y, z]] = words;
        Route {
            start: u32::from_le_bytes(start),
            length: u16::from_le_bytes([a, b]),
            literal_prefix: u16::from_le_bytes([c, d]),
            host: HostId(u32::from_le_bytes([x, y, z, 0])),
            next_in_leaf: Some(u32::from_le_bytes(next)).filter(|next| *next != 0),
            method: MethodCode(kind.wrapping_shr(2)),
            wildcard: kind & 1 != 0,
            conditional: kind & 2 != 0,
        }
    }

    pub(super) fn is_literal(&self) -> bool {
        self.literal_prefix == self.length
    }
}

impl Bucket {
    pub(super) fn words(&self) -> [u32; BUCKET] {
        [
            self.leaf,
            self.group.map_or(0, |place| place.wrapping_add(1)),
        ]
    }

    fn read(words: [Word; BUCKET]) -> Bucket {
        let [leaf, group] = words.map(u32::from_le_bytes);
        Bucket {
            leaf,
            group: group.checked_sub(1),
        }
    }
}

impl Group {
    pub(super) fn words(&self) -> [u32; GROUP] {
        let router = self.router.map_or(0, |router| router.wrapping_add(1));
        [self.leaves, self.first, self.shapes, router]
    }

    fn read(words: [Word; GROUP]) -> Group {
        let [leaves, first, shapes, router] = words.map(u32::from_le_bytes);
        Group {
            leaves,
            first,
            shapes,
            router: router.checked_sub(1),
        }
    }
}

impl HostEntry {
    pub(super) fn words(&self) -> [u32; HOST] {
        let [parameters, wildcards] = self.known;
        let halves = |known: Known| [known.depths as u32, known.depths.wrapping_shr(32) as u32];
        let ([a, b], [c, d]) = (halves(parameters), halves(wildcards));
        let (p, w) = (parameters.longest, wildcards.longest);
        [self.start, self.length, a, b, p, c, d, w]
    }

    fn read(words: [Word; HOST]) -> HostEntry {
        let [start, length, a, b, p, c, d, w] = words.map(u32::from_le_bytes);
        let known = |low, high, longest| Known {
            depths: u64::from(high).wrapping_shl(32) | u64::from(low),
            longest,
        };
        HostEntry {
            start,
            length,
            known: [known(a, b, p), known(c, d, w)],
        }
    }
}

/// Every target has at least 32 bits: this never saturates.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn exact_chunks(bytes: &[u8]) -> Option<&[Word]> {
    let (words, rest) = bytes.as_chunks();
    rest.is_empty().then_some(words)
}
