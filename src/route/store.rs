//! The routes themselves, packed: every pattern's text in one string, every route a few numbers.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::host::HostId;
use super::pattern::{Pattern, Segment, before_slash, segments};
use crate::http::Method;

/// A route by its position in the config.
pub(super) type RouteId = u32;

/// Routes of the same host whose patterns differ in nothing but their parameters' names form a *leaf*. It is known
/// by its first route; the others follow it, each with a method of its own.
#[derive(Debug)]
pub(super) struct Route {
    start: u32,
    length: u16,
    literal_prefix: u16,
    /// How many segments the literal prefix has.
    pub(super) depth: u8,
    pub(super) host: HostId,
    pub(super) method: Option<Method>,
    pub(super) wildcard: bool,
    /// The next route of the leaf.
    pub(super) next_in_leaf: Option<Link>,
    /// For a leaf: the next one in its bucket.
    pub(super) next_in_bucket: Option<Link>,
}

/// A route's number plus one, so that none takes no room.
pub(super) type Link = std::num::NonZeroU32;

pub(super) fn link(id: RouteId) -> Option<Link> {
    Link::new(id.wrapping_add(1))
}

pub(super) fn linked(link: Option<Link>) -> Option<RouteId> {
    link.map(|l| l.get().wrapping_sub(1))
}

#[derive(Debug, Default)]
pub(super) struct Store {
    text: String,
    routes: Vec<Route>,
    /// Fixed: the keys are the config's own, so no client can choose them to collide.
    state: FixedState,
}

impl Store {
    pub(super) fn reserve(&mut self, routes: usize) {
        self.routes.reserve_exact(routes);
    }

    /// Adds a route behind all others; `None` when there is no room for more.
    pub(super) fn push(
        &mut self,
        host: HostId,
        method: Option<Method>,
        pattern: &Pattern<'_>,
    ) -> Option<RouteId> {
        let id = RouteId::try_from(self.routes.len()).ok()?;
        let text = pattern.as_str();
        self.routes.push(Route {
            start: u32::try_from(self.text.len()).ok()?,
            length: u16::try_from(text.len()).ok()?,
            literal_prefix: u16::try_from(pattern.literal_prefix().len()).ok()?,
            depth: u8::try_from(pattern.prefix_depth()).ok()?,
            host,
            method,
            wildcard: pattern.is_wildcard(),
            next_in_leaf: None,
            next_in_bucket: None,
        });
        self.text.push_str(text);
        Some(id)
    }

    pub(super) fn seal(&mut self) {
        self.text.shrink_to_fit();
    }

    pub(super) fn len(&self) -> usize {
        self.routes.len()
    }

    pub(super) fn get(&self, id: RouteId) -> Option<&Route> {
        self.routes.get(index(id))
    }

    pub(super) fn get_mut(&mut self, id: RouteId) -> Option<&mut Route> {
        self.routes.get_mut(index(id))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Route)> {
        self.routes.iter().enumerate()
    }

    pub(super) fn pattern(&self, route: &Route) -> &str {
        let start = index(route.start);
        let end = start.wrapping_add(usize::from(route.length));
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn pattern_of(&self, id: RouteId) -> &str {
        self.get(id).map_or("", |route| self.pattern(route))
    }

    pub(super) fn is_literal(&self, route: &Route) -> bool {
        route.literal_prefix == route.length
    }

    /// The pattern's literals before its first parameter or wildcard.
    pub(super) fn prefix(&self, route: &Route) -> &str {
        let length = usize::from(route.literal_prefix);
        self.pattern(route).get(..length).unwrap_or_default()
    }

    /// The pattern from its first parameter or wildcard on.
    pub(super) fn remainder(&self, route: &Route) -> &str {
        let length = usize::from(route.literal_prefix);
        self.pattern(route).get(length..).unwrap_or_default()
    }

    pub(super) fn remainder_of(&self, id: RouteId) -> &str {
        self.get(id).map_or("", |route| self.remainder(route))
    }

    /// The routes of a leaf, in the config's order.
    pub(super) fn leaf(&self, first: RouteId) -> impl Iterator<Item = (RouteId, &Route)> {
        let mut next = Some(first);
        std::iter::from_fn(move || {
            let id = next?;
            let route = self.get(id)?;
            next = linked(route.next_in_leaf);
            Some((id, route))
        })
    }

    /// The leaf's route for a method: its own, else that of `ANY`.
    pub(super) fn pick(&self, leaf: RouteId, method: Option<Method>) -> Option<RouteId> {
        let mut any = None;
        for (id, route) in self.leaf(leaf) {
            match route.method {
                None => any = any.or(Some(id)),
                own if own == method => return Some(id),
                Some(_) => {}
            }
        }
        any
    }

    /// Whether two routes differ in nothing but their parameters' names.
    pub(super) fn same_leaf(&self, a: &Route, b: &Route) -> bool {
        a.host == b.host && a.wildcard == b.wildcard && {
            let left = segments(self.pattern(a)).map(nameless);
            left.eq(segments(self.pattern(b)).map(nameless))
        }
    }

    pub(super) fn hash_literal(&self, host: HostId, path: &str) -> u64 {
        let mut hasher = self.hasher(host);
        hasher.write(path.as_bytes());
        hasher.finish()
    }

    /// The hash of the key under which a leaf is kept.
    pub(super) fn hash_key(&self, route: &Route) -> u64 {
        if self.is_literal(route) {
            self.hash_literal(route.host, self.pattern(route))
        } else {
            self.hash_leaf(route)
        }
    }

    /// The hash of a bucket's key.
    pub(super) fn hash_prefix(&self, host: HostId, wildcard: bool, prefix: &str) -> u64 {
        let mut hasher = self.hasher(host);
        hasher.write_u8(u8::from(wildcard));
        hasher.write(prefix.as_bytes());
        hasher.finish()
    }

    /// The hash of a leaf's key: its literals in their places.
    fn hash_leaf(&self, route: &Route) -> u64 {
        let mut hasher = self.hasher(route.host);
        // The literal prefix is a run of its own, so that it need not be searched for braces.
        let mut rest = self.remainder(route);
        write_part(&mut hasher, self.prefix(route), END);
        while let Some(brace) = rest.bytes().position(|byte| byte == b'{') {
            let (literal, tail) = rest.split_at_checked(brace).unwrap_or((rest, ""));
            if tail == "{.+}" {
                write_part(
                    &mut hasher,
                    literal.strip_suffix('/').unwrap_or(literal),
                    REST,
                );
                return hasher.finish();
            }
            write_part(&mut hasher, literal, PARAMETER);
            rest = tail
                .get(before_slash(tail.as_bytes())..)
                .unwrap_or_default();
        }
        write_part(&mut hasher, rest, END);
        hasher.finish()
    }

    /// The hash of the leaf that would match `path` were it of the shape of `model`; `None` where the path is of
    /// another shape.
    pub(super) fn hash_as(&self, model: &Route, path: &str) -> Option<u64> {
        let mut hasher = self.hasher(model.host);
        // What is not yet hashed, and how far into it the model's segments have been followed.
        let prefix = self.prefix(model);
        write_part(&mut hasher, prefix, END);
        let mut pending = path.strip_prefix(prefix)?;
        let mut at = 0_usize;
        for segment in segments(self.remainder(model)) {
            let tail = pending.get(at..)?;
            if segment == Segment::Rest {
                write_part(&mut hasher, pending.get(..at)?, REST);
                return (tail.is_empty() || tail.starts_with('/')).then(|| hasher.finish());
            }
            let value = tail.strip_prefix('/')?;
            let length = before_slash(value.as_bytes());
            let start = at.wrapping_add(1);
            let end = start.wrapping_add(length);
            if is_parameter(segment) {
                if length == 0 {
                    return None;
                }
                write_part(&mut hasher, pending.get(..start)?, PARAMETER);
                pending = pending.get(end..)?;
                at = 0;
            } else {
                at = end;
            }
        }
        if at != pending.len() {
            return None;
        }
        write_part(&mut hasher, pending, END);
        Some(hasher.finish())
    }

    fn hasher(&self, host: HostId) -> impl Hasher + use<> {
        let mut hasher = self.state.build_hasher();
        hasher.write_u32(host.0);
        hasher
    }
}

/// A run of literals, and what ends it.
fn write_part(hasher: &mut impl Hasher, literals: &str, end: u8) {
    hasher.write(literals.as_bytes());
    hasher.write_u8(end);
}

fn nameless(segment: Segment<'_>) -> Segment<'_> {
    match segment {
        Segment::Parameter(_) => Segment::Parameter(""),
        other => other,
    }
}

fn is_parameter(segment: Segment<'_>) -> bool {
    matches!(segment, Segment::Parameter(_))
}

/// Every target has at least 32 bits: this never saturates.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What ends a run of literals in a hash.
const END: u8 = 0;
const PARAMETER: u8 = 1;
const REST: u8 = 2;
