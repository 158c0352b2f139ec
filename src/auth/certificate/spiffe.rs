//! SPIFFE: the names of workloads, and the certificates that carry them (the SPIFFE-ID and X509-SVID standards).

use super::x509;

/// The longest name (SPIFFE-ID section 2.3).
const MAX_BYTES: usize = 2048;

/// The longest trust domain (SPIFFE-ID section 2.1).
const MAX_DOMAIN_BYTES: usize = 255;

const SCHEME: &str = "spiffe://";

/// The workload's name that a certificate carries.
///
/// # Errors
/// In the operator's words: it is no certificate of a workload (X509-SVID sections 2, 4 and 5).
pub fn spiffe_id(der: &[u8]) -> Result<&str, &'static str> {
    let certificate = x509::read(der).ok_or("it is no certificate that can be read")?;
    // Whoever could pick one of several could pick another than the next reader.
    let [id] = certificate.uris.as_slice() else {
        return Err("it has not one URI among its names");
    };
    if !is_spiffe_id(id) {
        return Err("the URI among its names is no SPIFFE id of a workload");
    }
    if certificate.signs_others {
        return Err("it is one that signs others, not a workload's");
    }
    Ok(id)
}

/// Whether a text is the name of a workload: `spiffe://`, a trust domain, and a path (SPIFFE-ID section 2).
pub fn is_spiffe_id(id: &str) -> bool {
    let Some((domain, path)) = id.strip_prefix(SCHEME).and_then(|id| id.split_once('/')) else {
        return false;
    };
    id.len() <= MAX_BYTES && is_domain(domain) && path.split('/').all(is_segment)
}

/// Which workloads are accepted: one by its name, or those below a path of a trust domain.
#[derive(Debug, PartialEq, Eq)]
pub enum Workloads {
    One(String),
    /// Ends with a slash.
    Below(String),
}

impl Workloads {
    /// Reads `spiffe://DOMAIN/PATH`, `spiffe://DOMAIN/*` or `spiffe://DOMAIN/PATH/*`.
    pub fn read(written: &str) -> Option<Workloads> {
        let Some(below) = written.strip_suffix('*') else {
            return is_spiffe_id(written).then(|| Workloads::One(written.to_owned()));
        };
        // Any name below must be one.
        let sound = below.ends_with('/') && is_spiffe_id(&[below, "x"].concat());
        sound.then(|| Workloads::Below(below.to_owned()))
    }

    pub fn accept(&self, id: &str) -> bool {
        match self {
            Workloads::One(one) => one == id,
            Workloads::Below(below) => id.starts_with(below.as_str()),
        }
    }
}

fn is_domain(domain: &str) -> bool {
    (1..=MAX_DOMAIN_BYTES).contains(&domain.len())
        && domain
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b))
}

fn is_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}
