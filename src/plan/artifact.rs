//! A blueprint as bytes: shipped beside the worker and read back in a few milliseconds.

use std::fmt;

use super::blueprint::{BLUEPRINT_VERSION, Blueprint};
use super::memory::foresee;

/// What every artifact starts with; its version follows, little-endian.
const MAGIC: &[u8; 8] = b"causeway";

/// Memory that a plan needs, by the length of its artifact: the blueprint, and the route table made of it.
const BYTES_PER_BYTE: usize = 7;

impl Blueprint {
    /// The artifact: magic, version, postcard.
    ///
    /// # Errors
    /// If the encoder fails, for which a blueprint gives it no reason.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(BLUEPRINT_VERSION.to_le_bytes());
        postcard::to_extend(self, bytes).map_err(|_| ArtifactError::Damaged)
    }

    /// Reads an artifact back.
    ///
    /// # Errors
    /// If the bytes are no artifact, are of another version, or are damaged or cut off.
    pub fn from_bytes(bytes: &[u8]) -> Result<Blueprint, ArtifactError> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(ArtifactError::NotAnArtifact)?;
        let (version, rest) = rest
            .split_first_chunk::<4>()
            .ok_or(ArtifactError::Damaged)?;
        let version = u32::from_le_bytes(*version);
        if version != BLUEPRINT_VERSION {
            return Err(ArtifactError::OtherVersion(version));
        }
        foresee(rest.len().saturating_mul(BYTES_PER_BYTE));
        match postcard::take_from_bytes(rest) {
            Ok((blueprint, [])) => Ok(blueprint),
            _ => Err(ArtifactError::Damaged),
        }
    }
}

/// Why bytes are not a blueprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactError {
    NotAnArtifact,
    /// It was written by another version of the gateway: build it again.
    OtherVersion(u32),
    Damaged,
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
        }
    }
}

impl std::error::Error for ArtifactError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_read_back_whole_or_not_at_all() {
        let blueprint = Blueprint::default();
        let bytes = blueprint.to_bytes().unwrap();
        assert_eq!(Blueprint::from_bytes(&bytes), Ok(blueprint));
        for length in 0..bytes.len() {
            assert!(Blueprint::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Blueprint::from_bytes(&longer), Err(ArtifactError::Damaged));
        let mut other = bytes;
        other[MAGIC.len()] = 0xee;
        assert!(matches!(
            Blueprint::from_bytes(&other),
            Err(ArtifactError::OtherVersion(_))
        ));
    }
}
