//! A blueprint as bytes: shipped beside the worker, and laid out so that a worker reads next to nothing of it before
//! the first request. The route table is taken as it is, and a path is decoded when it is first asked for.

use std::fmt;
use std::ops::Range;

use super::blueprint::{BLUEPRINT_VERSION, Blueprint};
use super::load::holds_references;
use super::paths::Packed;
use crate::route::{Hash, Table};

/// What every artifact starts with, and no text of a config does. Little-endian, there follow its version (four bytes), a checksum of all behind it
/// (eight bytes), and the lengths of the first three of four parts (four bytes each):
/// - the blueprint without its paths, postcard;
/// - numbers and
/// - text of the route table;
/// - the paths.
pub const ARTIFACT_START: &[u8; 8] = b"causeway";

/// An artifact that has been read as far as a plan needs.
pub(super) struct Artifact {
    pub(super) head: Head,
    pub(super) table: Table,
    pub(super) paths: Packed,
}

/// The blueprint without its paths, and which of those are to be decoded at once: they hold references or faults.
pub(super) type Head = (Blueprint, Vec<u32>);

impl Blueprint {
    /// The artifact.
    ///
    /// # Errors
    /// If the blueprint's patterns cannot be routed. The encoder may fail too, for which a blueprint gives it no reason.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtifactError> {
        let table = Table::build(self.routes()).map_err(|_| ArtifactError::Unroutable)?;
        let (numbers, text) = table.parts();
        let failed = |_| ArtifactError::Damaged;
        let at_once = (0..).zip(&self.paths);
        let at_once = at_once.filter_map(|(index, path)| holds_references(path).then_some(index));
        let head: Head = (self.without_paths(), at_once.collect());
        let head = postcard::to_extend(&head, Vec::new()).map_err(failed)?;
        let paths = Packed::pack(&self.paths, &table).map_err(failed)?;
        let mut lengths = Vec::new();
        for part in [head.as_slice(), numbers, text.as_bytes()] {
            let length = u32::try_from(part.len()).map_err(|_| ArtifactError::Unroutable)?;
            lengths.extend(length.to_le_bytes());
        }
        // It tells bytes that were damaged on their way, nothing more.
        let parts = [&lengths, &head, numbers, text.as_bytes(), &paths];
        let hash = parts.into_iter().fold(Hash::new(0), Hash::bytes);

        let mut bytes = ARTIFACT_START.to_vec();
        bytes.extend(BLUEPRINT_VERSION.to_le_bytes());
        bytes.extend(hash.finish().to_le_bytes());
        bytes.extend(parts.concat());
        Ok(bytes)
    }

    /// Reads an artifact back, all of it.
    ///
    /// # Errors
    /// If the bytes are no artifact, are of another version, or are damaged or cut off.
    pub fn from_bytes(bytes: &[u8]) -> Result<Blueprint, ArtifactError> {
        let read = |range: Range<usize>| bytes.get(range).unwrap_or_default().to_vec();
        let Artifact { head, table, paths } = Artifact::open(bytes.len(), &read)?;
        let (mut blueprint, _) = head;
        let entries = (0..table.len()).map(|index| paths.unpack(index, table.pattern(index)));
        let entries: Option<_> = entries.collect();
        blueprint.paths = entries.ok_or(ArtifactError::Damaged)?;
        Ok(blueprint)
    }

    fn without_paths(&self) -> Blueprint {
        Blueprint {
            zones: self.zones.clone(),
            hosts: self.hosts.clone(),
            servers: self.servers.clone(),
            bindings: self.bindings.clone(),
            services: self.services.clone(),
            cors: self.cors.clone(),
            authorizers: self.authorizers.clone(),
            identities: self.identities.clone(),
            paths: Vec::new(),
        }
    }
}

impl Artifact {
    /// Reads an artifact but for its paths. It has `length` bytes, of which `read` gives any range.
    ///
    /// # Errors
    /// If the bytes are no artifact, are of another version, or are damaged or cut off.
    pub(super) fn open(
        length: usize,
        read: &impl Fn(Range<usize>) -> Vec<u8>,
    ) -> Result<Artifact, ArtifactError> {
        let start = read(0..length.min(START));
        let rest = start
            .strip_prefix(ARTIFACT_START)
            .ok_or(ArtifactError::NotAnArtifact)?;
        let (version, rest) = rest
            .split_first_chunk::<4>()
            .ok_or(ArtifactError::Damaged)?;
        let version = u32::from_le_bytes(*version);
        if version != BLUEPRINT_VERSION {
            return Err(ArtifactError::OtherVersion(version));
        }
        Artifact::read(rest, length, read).ok_or(ArtifactError::Damaged)
    }

    /// `start` is what follows the version, before the parts.
    fn read(
        start: &[u8],
        length: usize,
        read: &impl Fn(Range<usize>) -> Vec<u8>,
    ) -> Option<Artifact> {
        let (sum, lengths) = start.split_first_chunk::<8>()?;
        let mut hash = Hash::new(0).bytes(lengths);
        let mut at = START;
        // Each part is read into memory of its own, where it stays: nothing is copied again.
        let mut part = |length: usize| {
            let end = at.checked_add(length)?;
            let bytes = read(at..end);
            at = end;
            hash = hash.bytes(&bytes);
            (bytes.len() == length).then_some(bytes)
        };
        let (lengths, _) = lengths.as_chunks();
        let lengths = lengths.first_chunk::<3>()?.map(u32::from_le_bytes);
        let [head, numbers, text] = lengths.map(|length| usize::try_from(length).ok());
        let (head, numbers, text) = (head?, numbers?, text?);
        let known = START.checked_add(head)?.checked_add(numbers)?;
        let paths = length.checked_sub(known.checked_add(text)?)?;
        let (head, numbers, text) = (part(head)?, part(numbers)?, part(text)?);
        let paths = part(paths)?;
        if u64::from_le_bytes(*sum) != hash.finish() {
            return None;
        }
        let (head, []) = postcard::take_from_bytes::<Head>(&head).ok()? else {
            return None;
        };
        let table = Table::open(numbers, String::from_utf8(text).ok()?)?;
        let paths = Packed::open(paths, table.len())?;
        Some(Artifact { head, table, paths })
    }
}

/// How many bytes stand before the parts.
const START: usize = 32;

/// Why bytes are not a blueprint, or a blueprint cannot become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactError {
    NotAnArtifact,
    /// It was written by another version of the gateway: build it again.
    OtherVersion(u32),
    Damaged,
    /// The route table does not take its paths.
    Unroutable,
}

impl fmt::Display for ArtifactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArtifactError::NotAnArtifact => write!(f, "this is no compiled config"),
            ArtifactError::OtherVersion(version) => write!(
                f,
                "the compiled config is of format {version}, this gateway reads {BLUEPRINT_VERSION}"
            ),
            ArtifactError::Damaged => write!(f, "the compiled config is damaged"),
            ArtifactError::Unroutable => write!(f, "the config's paths cannot be routed"),
        }
    }
}

impl std::error::Error for ArtifactError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Plan, compile};
    use crate::route::{Found, Match};

    const CONFIG: &str = r#"{
        "servers": [{ "alias": "a", "url": "https://a.test" }, { "alias": "b", "url": "$env.UNSET" }],
        "paths": [
            { "method": "GET", "path": "/a/{id}", "integration": { "type": "http", "server": "a" },
              "mapping": { "headers": { "X-Id": "$request.path.id" } } },
            { "method": "POST", "path": "/a/{number}", "host": "*.a.test", "response": { "say": "hello" } },
            { "method": "GET", "path": "/set", "response": { "region": "$env.REGION" } },
            { "method": "ANY", "path": "/unset/{.+}", "response": { "key": "$env.UNSET" } }
        ]
    }"#;

    fn environment(name: &str) -> Option<String> {
        (name == "REGION").then(|| "north".to_owned())
    }

    #[test]
    fn an_artifact_is_read_back_whole_or_not_at_all() {
        for blueprint in [Blueprint::default(), compile(CONFIG).blueprint.unwrap()] {
            let bytes = blueprint.to_bytes().unwrap();
            assert_eq!(Blueprint::from_bytes(&bytes), Ok(blueprint));
            for length in 0..bytes.len() {
                assert!(Blueprint::from_bytes(&bytes[..length]).is_err(), "{length}");
            }
            for place in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[place] ^= 0x10;
                assert!(Blueprint::from_bytes(&damaged).is_err(), "{place}");
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert_eq!(Blueprint::from_bytes(&longer), Err(ArtifactError::Damaged));
            let mut other = bytes;
            other[ARTIFACT_START.len()] = 0xee;
            assert!(matches!(
                Blueprint::from_bytes(&other),
                Err(ArtifactError::OtherVersion(_))
            ));
        }
    }

    #[test]
    fn a_plan_of_an_artifact_is_the_plan_of_its_blueprint() {
        let blueprint = compile(CONFIG).blueprint.unwrap();
        let bytes = blueprint.to_bytes().unwrap();
        let read = |range: Range<usize>| bytes[range].to_vec();
        let (opened, told) = Plan::open(bytes.len(), &read, &environment).unwrap();
        let (loaded, faults) = Plan::load(blueprint, &environment).unwrap();
        assert_eq!(told, faults);
        let codes: Vec<&str> = told.iter().map(|fault| fault.code.as_str()).collect();
        assert_eq!(codes, ["missing_reference", "missing_reference"]);
        for (method, host, path, place) in [
            ("GET", "x", "/a/1", 0),
            ("POST", "b.a.test", "/a/1", 1),
            ("GET", "x", "/set", 2),
            ("PUT", "x", "/unset/1/2", 3),
        ] {
            let found = [&opened, &loaded].map(|plan| {
                match plan.table.find(host, method, path, &|_| true) {
                    Found::Match(found) => (found.index, plan.paths.get(&found).cloned()),
                    other => panic!("{path}: {other:?}"),
                }
            });
            assert_eq!(found[0], found[1]);
            let (index, entry) = &found[0];
            let closed = matches!(entry.as_ref().unwrap().action, Action::Fault(_));
            assert_eq!((*index, closed), (place, place == 3), "{path}");
        }
        let beyond = Match {
            index: 4,
            pattern: "",
            path: "",
        };
        assert!(opened.paths.get(&beyond).is_none() && loaded.paths.get(&beyond).is_none());
    }
}
