//! Client certificates: the platform checks the certificate and its chain in the TLS handshake; here is decided whose
//! certificate may come in.

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
}

impl ClientCertificate {
    /// `spec` with its references looked up. A fault where a value is empty.
    pub fn new(spec: CertificateSpec) -> Result<ClientCertificate, Fault> {
        let literals = |texts: Vec<crate::plan::Text>| -> Result<Vec<String>, Fault> {
            let texts = texts.into_iter().map(crate::plan::Text::literal);
            texts.collect()
        };
        let certificate = ClientCertificate {
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
        let mut claims = serde_json::Map::new();
        for (name, value) in [
            ("sub", tls.subject),
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

fn missing(reason: &'static str) -> Denied {
    Denied::of(&MISSING, reason)
}

fn invalid(reason: &'static str) -> Denied {
    Denied::of(&INVALID, reason)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::exchange::Request;
    use crate::host::memory::MemoryHost;

    const FINGERPRINT: &str = "aa11";

    fn good() -> Value {
        json!({
            "certPresented": "1", "certVerified": "SUCCESS", "certRevoked": "0", "certFingerprintSHA256": "AA11",
            "certIssuerDNRFC2253": "CN=ca,O=example", "certSubjectDNRFC2253": "CN=device-7", "certSerial": "01",
            "certNotBefore": "Dec 22 19:39:00 2018 GMT",
        })
    }

    fn asked(certificate: Option<Value>) -> Result<Claims, Denied> {
        let spec = CertificateSpec {
            fingerprints: vec![FINGERPRINT.into(), "bb22".into()],
            issuers: vec!["CN=ca,O=example".into()],
            subjects: Vec::new(),
        };
        let mut host = MemoryHost::new(0, &[]);
        if let Some(certificate) = certificate {
            host = host.with_client_certificate(&certificate.to_string());
        }
        let request = Request::new("GET", "https://a/").unwrap();
        let presented = Presented {
            host: &host,
            request,
            path: "/",
            query: None,
            effects: Box::leak(Box::default()),
        };
        let authorizer = ClientCertificate::new(spec).ok().unwrap();
        authorizer.authenticate(&presented)
    }

    #[test]
    fn a_verified_and_listed_certificate_comes_in() {
        let claims = asked(Some(good())).unwrap();
        assert_eq!(claims.claim("sub").unwrap(), "CN=device-7");
        assert_eq!(claims.claim("fingerprint").unwrap(), FINGERPRINT);
    }

    #[test]
    fn every_other_is_refused() {
        for (member, value, code) in [
            ("certPresented", json!("0"), "certificate_missing"),
            ("certPresented", json!(null), "certificate_invalid"),
            (
                "certVerified",
                json!("FAILED:self signed certificate"),
                "certificate_invalid",
            ),
            ("certVerified", json!("NONE"), "certificate_invalid"),
            ("certVerified", json!("success"), "certificate_invalid"),
            ("certRevoked", json!("1"), "certificate_invalid"),
            ("certRevoked", json!(""), "certificate_invalid"),
            (
                "certFingerprintSHA256",
                json!("cc33"),
                "certificate_invalid",
            ),
            ("certFingerprintSHA256", json!(""), "certificate_invalid"),
            (
                "certIssuerDNRFC2253",
                json!("CN=ca,O=other"),
                "certificate_invalid",
            ),
            (
                "certIssuerDNRFC2253",
                json!("cn=ca,o=example"),
                "certificate_invalid",
            ),
            ("certSerial", json!(1), "certificate_invalid"),
        ] {
            let mut certificate = good();
            certificate[member] = value.clone();
            let denied = asked(Some(certificate)).unwrap_err();
            assert_eq!(denied.code(), code, "{member} {value}");
        }
        assert_eq!(asked(None).unwrap_err().code(), "certificate_missing");
        assert_eq!(
            asked(Some(json!({}))).unwrap_err().code(),
            "certificate_missing"
        );
        assert_eq!(
            asked(Some(json!("x"))).unwrap_err().code(),
            "certificate_invalid"
        );
    }
}
