//! Client certificates: the platform checks the certificate and its chain in the TLS handshake; here is decided whose
//! certificate may come in.

mod spiffe;
#[cfg(test)]
mod tests;
mod x509;

pub use spiffe::{Workloads, is_spiffe_id, spiffe_id};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Claims, Denied, Presented, Way};
use crate::host::Host;
use crate::plan::{CertificateSpec, Fault};

const MISSING: Way = Way {
    status: 401,
    code: "certificate_missing",
    text: "The request came without a client certificate.",
    challenge: Some(CHALLENGE),
    absent: true,
};

const INVALID: Way = Way {
    status: 401,
    code: "certificate_invalid",
    text: "The client certificate is not one that is accepted here.",
    challenge: Some(CHALLENGE),
    absent: false,
};

/// 401 must have a challenge (RFC 9110 section 15.5.2); there is no registered scheme for a certificate.
const CHALLENGE: &str = r#"Certificate realm="causeway""#;

/// An authorizer by client certificates, ready to check requests.
pub struct ClientCertificate {
    /// SHA-256, 64 lower-case hexadecimal digits. Empty: not looked at.
    fingerprints: Vec<String>,
    /// Distinguished names (RFC 2253). Empty: not looked at.
    issuers: Vec<String>,
    subjects: Vec<String>,
    /// Empty: not looked at.
    workloads: Vec<Workloads>,
}

/// What the platform says of the connection's certificate (`request.cf.tlsClientAuth`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TlsClientAuth {
    /// `1` or `0`
    cert_presented: String,
    /// `SUCCESS`, `NONE`, or `FAILED:` and why.
    cert_verified: String,
    /// `1` or `0`
    cert_revoked: String,
    #[serde(rename = "certFingerprintSHA256")]
    fingerprint: String,
    #[serde(rename = "certIssuerDNRFC2253")]
    issuer: String,
    #[serde(rename = "certSubjectDNRFC2253")]
    subject: String,
    #[serde(rename = "certSerial")]
    serial: String,
    /// The certificate itself (RFC 9440 section 2.2): base64 of DER between colons. Empty where it is too large.
    #[serde(rename = "certRFC9440")]
    certificate: String,
}

/// Characters of a certificate in base64; the platform gives no more.
const MAX_ENCODED: usize = 16 * 1024;

impl ClientCertificate {
    /// `spec` with its references looked up. A fault where a value is empty.
    pub fn new(spec: CertificateSpec) -> Result<ClientCertificate, Fault> {
        let literals = |texts: Vec<crate::plan::Text>| -> Result<Vec<String>, Fault> {
            let texts = texts.into_iter().map(crate::plan::Text::literal);
            texts.collect()
        };
        let workloads = literals(spec.spiffe_ids)?.into_iter().map(|written| {
            Workloads::read(&written).ok_or_else(|| Fault {
                code: "bad_spiffe_id".into(),
                message: "the name of a workload is no SPIFFE id".into(),
            })
        });
        let certificate = ClientCertificate {
            workloads: workloads.collect::<Result<_, Fault>>()?,
            fingerprints: spec.fingerprints,
            issuers: literals(spec.issuers)?,
            subjects: literals(spec.subjects)?,
        };
        let mut names = certificate.issuers.iter().chain(&certificate.subjects);
        if names.any(String::is_empty) {
            return Err(Fault {
                code: "empty_value".into(),
                message: "the name of an issuer or subject is empty".into(),
            });
        }
        Ok(certificate)
    }

    pub fn authenticate<H: Host>(&self, presented: &Presented<'_, H>) -> Result<Claims, Denied> {
        let told = presented.host.client_certificate();
        let told = told.map(|json| serde_json::from_str::<TlsClientAuth>(&json));
        let tls = match told {
            None => return Err(missing("the connection has no TLS client authentication")),
            Some(Err(_)) => return Err(invalid("what the platform says of it is not readable")),
            Some(Ok(tls)) => tls,
        };
        if tls.cert_presented != "1" {
            return Err(missing("no certificate was presented"));
        }
        if tls.cert_verified != "SUCCESS" {
            return Err(invalid("its chain was not verified"));
        }
        if tls.cert_revoked != "0" {
            return Err(invalid("it is revoked"));
        }
        let fingerprint = tls.fingerprint.to_ascii_lowercase();
        let accepted = |list: &[String], value: &str| {
            list.is_empty() || list.iter().any(|one| !value.is_empty() && one == value)
        };
        if !accepted(&self.fingerprints, &fingerprint) {
            return Err(invalid("its fingerprint is not listed"));
        }
        if !accepted(&self.issuers, &tls.issuer) {
            return Err(invalid("its issuer is not listed"));
        }
        if !accepted(&self.subjects, &tls.subject) {
            return Err(invalid("its subject is not listed"));
        }
        let workload = match self.workloads.as_slice() {
            [] => String::new(),
            accepted => self::workload(&tls.certificate, accepted).map_err(invalid)?,
        };
        let subject = match workload.as_str() {
            "" => &tls.subject,
            workload => workload,
        };
        let mut claims = serde_json::Map::new();
        for (name, value) in [
            ("sub", subject.to_owned()),
            ("subject", tls.subject),
            ("spiffe_id", workload),
            ("iss", tls.issuer),
            ("fingerprint", fingerprint),
            ("serial", tls.serial),
        ] {
            if !value.is_empty() {
                claims.insert(name.into(), value.into());
            }
        }
        Claims::of(claims).ok_or_else(|| invalid("its names are no text"))
    }
}

/// The name of the workload whose certificate it is, if that is accepted. `Err` is in the operator's words.
fn workload(encoded: &str, accepted: &[Workloads]) -> Result<String, &'static str> {
    if encoded.is_empty() {
        return Err("the platform does not give the certificate itself, so its names are unknown");
    }
    let sequence = encoded.strip_prefix(':').and_then(|s| s.strip_suffix(':'));
    let der = sequence
        .filter(|base64| base64.len() <= MAX_ENCODED)
        .and_then(|base64| STANDARD.decode(base64).ok())
        .ok_or("what the platform gives is no certificate (RFC 9440)")?;
    let id = spiffe_id(&der)?;
    if !accepted.iter().any(|workloads| workloads.accept(id)) {
        return Err("its SPIFFE id is not listed");
    }
    Ok(id.to_owned())
}

fn missing(reason: &'static str) -> Denied {
    Denied::of(&MISSING, reason)
}

fn invalid(reason: &'static str) -> Denied {
    Denied::of(&INVALID, reason)
}
