//! Requests that are signed for AWS (Signature Version 4), and for whoever else takes such signatures.
//!
//! - Of the client's fields none that begins with `x-amz-` [goes on](crate::upstream::fields): they tell AWS what to do,
//!   such as to copy what another key names, and the gateway would sign for it. A path that wants one maps it, and then it
//!   is signed.
//! - It is signed for the host that it is sent to. Fields that name another one, the client's, would break the signature at
//!   servers that believe them, as SeaweedFS does.
//! - The URL is sent in its [one spelling](address) and signed so.
//! - A body that is not signed streams through; one that is signed is read first.

mod address;
mod credentials;
mod sigv4;
mod sts;
#[cfg(test)]
mod tests;
mod time;
mod xml;

use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::Outgoing;
use super::federation::{Federation, needed};
use crate::edits::{Edit, Edits};
use crate::exchange::Body;
use crate::host::{BodyError, Host};
use crate::plan::{AwsCredentials, AwsIdentity, AwsPayload, Fault};
use crate::problem::Problem;

use address::{Address, PREFIX, respell};
use credentials::{By, CredentialSource, Credentials};
use sigv4::{EMPTY_PAYLOAD, Fields, Scope, Subject, UNSIGNED_PAYLOAD, hex};
use sts::Role;

pub use sts::{is_external_id, is_role_arn, is_session_name};

/// Ready to sign.
pub struct Aws {
    scope: Scope,
    source: CredentialSource,
    payload: AwsPayload,
    max_body: usize,
}

impl Aws {
    /// # Errors
    /// Keys, role, region or service are not sound, or there is no federation to speak of.
    pub fn new(spec: AwsIdentity, federation: Option<&Rc<Federation>>) -> Result<Aws, Fault> {
        let (region, service) = (spec.region.literal()?, spec.service.literal()?);
        if !is_aws_name(&region) || !is_aws_name(&service) {
            return Err(Fault {
                code: "bad_aws_name".into(),
                message: "the region or the service is none".into(),
            });
        }
        let source = match spec.credentials {
            AwsCredentials::Static(keys) => {
                CredentialSource::Static(Rc::new(Credentials::new(keys)?))
            }
            AwsCredentials::AssumeRole { keys, role } => {
                let role = Role::new(role, &region)?;
                CredentialSource::role(role, By::Keys(Credentials::new(keys)?))
            }
            AwsCredentials::WebIdentity { role, audience } => {
                let role = Role::new(role, &region)?;
                let by = By::Token {
                    federation: needed(federation)?,
                    audience: audience.literal()?,
                };
                CredentialSource::role(role, by)
            }
        };
        let scope = Scope::new(region, service);
        let usual = match scope.is_s3() {
            true => AwsPayload::Unsigned,
            false => AwsPayload::Signed,
        };
        Ok(Aws {
            scope,
            source,
            payload: spec.payload.unwrap_or(usual),
            max_body: spec.max_body,
        })
    }

    /// Signs a request. Whether its keys are [due](super::Identities::due).
    ///
    /// # Errors
    /// There are no keys, or a body that is to be signed cannot be read.
    pub async fn prove<H: Host>(
        &self,
        host: &H,
        outgoing: Outgoing<'_>,
        edits: &mut Edits,
    ) -> Result<bool, Problem> {
        let got = self.source.get(host).await;
        let got = got.map_err(|reason| Problem::identity(format!("aws: {reason}")))?;
        let credentials = got.value;
        let payload = self.payload(host, outgoing.body).await?;
        *outgoing.url = respell(outgoing.url);
        let address = Address::of(outgoing.url);
        let stamp = time::stamp(host.now_ms());
        let mut fields = stated(host, edits);
        without_host(edits);
        fields.set("host", address.authority);
        for (name, value) in [
            ("x-amz-date", Some(stamp.as_str())),
            ("x-amz-content-sha256", Some(payload.as_str())),
            (
                "x-amz-security-token",
                credentials
                    .session_token
                    .as_ref()
                    .map(|token| token.expose()),
            ),
        ] {
            match value {
                Some(value) => {
                    edits.set(name, value);
                    fields.set(name, value);
                }
                None => {
                    edits.remove(name);
                    fields.remove(name);
                }
            }
        }
        let subject = Subject {
            method: outgoing.method,
            address,
            fields: &fields,
            payload: &payload,
        };
        let authorization = self.scope.sign(&credentials, &stamp, &subject);
        edits.set("authorization", &authorization);
        Ok(got.is_due)
    }

    /// # Errors
    /// No keys came; why, in words for the operator.
    pub async fn renew<H: Host>(&self, host: &H) -> Result<(), String> {
        let renewed = self.source.renew(host).await;
        renewed.map_err(|reason| format!("aws: {reason}"))
    }

    pub fn rests(&self, now: u64) -> bool {
        self.source.rests(now)
    }

    pub fn came_late(&self, now: u64) {
        self.source.came_late(now);
    }

    /// How many bytes of a body are signed at most; `None` where it is not signed.
    pub fn reads_body(&self) -> Option<usize> {
        (self.payload == AwsPayload::Signed).then_some(self.max_body)
    }

    async fn payload<H: Host>(&self, host: &H, body: Body) -> Result<String, Problem> {
        match (body, self.payload) {
            (Body::None, _) => Ok(EMPTY_PAYLOAD.to_owned()),
            (_, AwsPayload::Unsigned) => Ok(UNSIGNED_PAYLOAD.to_owned()),
            (_, AwsPayload::Signed) => match host.body(self.max_body).await {
                Ok(bytes) => Ok(hex(&Sha256::digest(bytes))),
                Err(error) => Err(unread(error)),
            },
        }
    }
}

/// What is answered where a body that is to be signed could not be had.
pub fn unread(error: BodyError) -> Problem {
    let large = error == BodyError::TooLong;
    let problem = Problem::unread(error, "The body is too large to be signed.");
    if large {
        problem.with_reason("the body is over max_body of the server's identity")
    } else {
        problem
    }
}

/// The fields that are signed besides the signature's own: `content-type`, and each `x-amz-*` that the edits set.
fn stated<H: Host>(host: &H, edits: &Edits) -> Fields {
    let mut fields = Fields::default();
    if let Some(kind) = host.header(CONTENT_TYPE).filter(|kind| !kind.is_empty()) {
        fields.set(CONTENT_TYPE, &kind);
    }
    for edit in edits.iter() {
        let (Edit::Set(name, _) | Edit::Append(name, _) | Edit::Remove(name)) = edit;
        if name != CONTENT_TYPE && !name.starts_with(PREFIX) {
            continue;
        }
        match edit {
            Edit::Set(_, value) => fields.set(name, value),
            Edit::Remove(_) => fields.remove(name),
            Edit::Append(_, value) => {
                let joined = match fields.get(name) {
                    Some(before) => [before, ", ", value].concat(),
                    None => value.to_owned(),
                };
                fields.set(name, &joined);
            }
        }
    }
    fields
}

/// Takes away what names the host, and the beginning of the path, that the client has asked for.
fn without_host(edits: &mut Edits) {
    let forwarded = edits.iter().filter_map(|edit| match edit {
        Edit::Set(FORWARDED, value) => Some(value),
        _ => None,
    });
    let rest = forwarded.last().map(|value| {
        let parts = value.split(';');
        let parts: Vec<_> = parts.filter(|part| !part.starts_with("host=")).collect();
        parts.join(";")
    });
    if let Some(rest) = rest {
        edits.set(FORWARDED, &rest);
    }
    edits.remove("x-forwarded-host");
    edits.remove("x-forwarded-prefix");
}

const FORWARDED: &str = "forwarded";

const CONTENT_TYPE: &str = "content-type";

/// Whether a text can be a region or the name that a service signs with, of AWS or of whoever takes its signatures.
pub fn is_aws_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
