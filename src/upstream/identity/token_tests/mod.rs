//! Identities that are tokens, against endpoints that check what they are shown with another library.

mod azure;
mod federation;
mod google;
mod oauth2;

use std::cell::RefCell;
use std::rc::Rc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use super::assertion::Moment;
use super::lent::Got;
use super::token::Bearer;
use super::*;
use crate::host::memory::{MemoryHost, run};
use crate::host::{Ask, SendError, Told};
use crate::plan::{
    AwsCredentials, AwsIdentity, AwsRole, AzureCredential, AzureSpec, FederationDocument,
    FederationSpec, GoogleCredential, GoogleSpec, GoogleToken, OAuth2Spec,
};

const NOW_MS: u64 = 1_700_000_000_000;
const KEY: &str = include_str!("../../../auth/keys/private/rsa.pem");
const ISSUER: &str = "https://api.example.com";

/// What an endpoint was asked.
#[derive(Clone, Debug)]
struct Asked {
    url: String,
    fields: String,
    body: String,
}

impl Asked {
    fn form(&self, name: &str) -> Option<String> {
        let pairs: Vec<_> = form_urlencoded::parse(self.body.as_bytes()).collect();
        let values: Vec<_> = pairs.iter().filter(|(n, _)| n == name).collect();
        assert!(values.len() < 2, "{name} once: {}", self.body);
        values.first().map(|(_, value)| value.clone().into_owned())
    }
}

type Log = Rc<RefCell<Vec<Asked>>>;

/// A host whose endpoints answer these bodies, each with its status, one after the other.
fn host(answers: &[(u16, Value)]) -> (MemoryHost, Log) {
    let log = Log::default();
    let asked = Rc::clone(&log);
    let answers = answers.to_vec();
    let host = MemoryHost::new(NOW_MS, &[]).with_teller(move |ask: &Ask<'_>| {
        let mut log = asked.borrow_mut();
        let answer = answers.get(log.len()).cloned();
        log.push(Asked {
            url: ask.url.to_owned(),
            fields: ask.fields.as_str().to_owned(),
            body: ask.body.unwrap_or_default().to_owned(),
        });
        let told = answer.map(|(status, body)| Told {
            status,
            body: body.to_string(),
            ..Told::default()
        });
        (10, told.ok_or(SendError::TimedOut))
    });
    (host, log)
}

fn token(token: &str) -> (u16, Value) {
    (
        200,
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }),
    )
}

fn federation() -> Rc<Federation> {
    let spec = FederationSpec {
        issuer: ISSUER.into(),
        subject: "gateway".into(),
        lifetime_seconds: 300,
        keys: vec![KEY.into()],
    };
    Rc::new(Federation::new(&spec).unwrap())
}

/// The claims of a token of ours, by the published keys.
fn checked(federation: &Federation, token: &str, audience: &str) -> Value {
    let keys: JwkSet = serde_json::from_str(federation.document(FederationDocument::Keys)).unwrap();
    let kid = decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    claims(token, &key, Algorithm::RS256, audience)
}

fn claims(token: &str, key: &DecodingKey, algorithm: Algorithm, audience: &str) -> Value {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[audience]);
    // The clock is the host's.
    validation.validate_exp = false;
    decode::<Value>(token, key, &validation).unwrap().claims
}

fn of_rsa() -> DecodingKey {
    let key = crate::auth::PrivateKey::read(KEY).unwrap();
    DecodingKey::from_jwk(&serde_json::from_str(key.public_jwk()).unwrap()).unwrap()
}

fn expose(bearer: Result<Got<Bearer>, String>) -> Result<String, String> {
    bearer.map(|got| got.value.expose().to_owned())
}
