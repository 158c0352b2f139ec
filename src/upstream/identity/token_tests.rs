//! Identities that are tokens, against endpoints that check what they are shown with another library.

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
const KEY: &str = include_str!("../../auth/keys/private/rsa.pem");
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

fn oauth2(in_form: bool) -> Fetched {
    let spec = OAuth2Spec {
        token_url: "https://login.test/token".into(),
        client_id: "the client".into(),
        client_secret: "s:c+t&".into(),
        in_form,
        form: vec![
            ("scope".into(), "read write".into()),
            ("resource".into(), "https://a.test".into()),
            ("resource".into(), "https://b.test".into()),
        ],
    };
    Fetched::oauth2(&spec).unwrap()
}

#[test]
fn client_credentials_are_shown_as_rfc_6749_section_2_3_1_has_it() {
    for (in_form, fields, form) in [
        (
            false,
            "=accept\napplication/json\n=content-type\napplication/x-www-form-urlencoded\n\
             =authorization\nBasic dGhlK2NsaWVudDpzJTNBYyUyQnQlMjY=\n",
            "grant_type=client_credentials&scope=read+write&resource=https%3A%2F%2Fa.test&resource=https%3A%2F%2Fb.test",
        ),
        (
            true,
            "=accept\napplication/json\n=content-type\napplication/x-www-form-urlencoded\n",
            "grant_type=client_credentials&scope=read+write&resource=https%3A%2F%2Fa.test&resource=https%3A%2F%2Fb.test\
             &client_id=the+client&client_secret=s%3Ac%2Bt%26",
        ),
    ] {
        let (host, log) = host(&[token("t1")]);
        let client = oauth2(in_form);
        for _ in 0..3 {
            assert_eq!(
                expose(run(client.bearer(&host))),
                Ok("Bearer t1".to_owned())
            );
        }
        let [asked] = &log.borrow()[..] else {
            panic!("asked once")
        };
        assert_eq!(asked.fields, fields);
        assert_eq!(asked.body, form);
    }
}

#[test]
fn who_refused_and_why_is_told_without_the_secret() {
    let refusal = json!({ "error": "invalid_client", "error_description": "s:c+t& is wrong" });
    let (host, log) = host(&[(401, refusal)]);
    let client = oauth2(false);
    let expected = "the OAuth 2.0 server (https://login.test/token): it refused with status 401, invalid_client";
    for _ in 0..3 {
        assert_eq!(expose(run(client.bearer(&host))), Err(expected.to_owned()));
    }
    assert_eq!(log.borrow().len(), 1, "the next try waits");
    host.pass(1_000);
    assert_eq!(
        expose(run(client.bearer(&host))),
        Err(
            "the OAuth 2.0 server (https://login.test/token): it did not answer in time".to_owned()
        )
    );
}

fn google(credential: GoogleCredential, wanted: GoogleToken) -> Fetched {
    let spec = GoogleSpec {
        credential,
        wanted,
        token_url: None,
        iam_url: None,
    };
    Fetched::google(&spec, Some(&federation())).unwrap()
}

fn account_key(more: Value) -> GoogleCredential {
    let mut key = json!({
        "type": "service_account", "client_email": "a@p.iam.gserviceaccount.com", "private_key": KEY,
        "private_key_id": "k1", "token_uri": "https://oauth2.test/token",
    });
    key.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    GoogleCredential::Json(key.to_string().as_str().into())
}

fn id_token_of(exp_s: u64) -> String {
    use base64::Engine;
    let claims =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp_s}}}"));
    format!("e30.{claims}.c2ln")
}

#[test]
fn a_service_accounts_key_makes_an_assertion_for_either_token() {
    let scopes = GoogleToken::Access("https://a https://b".into());
    let (host_a, log) = host(&[token("t1")]);
    let account = google(account_key(json!({})), scopes);
    assert_eq!(
        expose(run(account.bearer(&host_a))),
        Ok("Bearer t1".to_owned())
    );
    let asked = log.borrow()[0].clone();
    assert_eq!(asked.url, "https://oauth2.test/token");
    assert_eq!(
        asked.form("grant_type").as_deref(),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
    );
    let assertion = asked.form("assertion").unwrap();
    assert_eq!(
        decode_header(&assertion).unwrap().kid.as_deref(),
        Some("k1")
    );
    assert_eq!(
        claims(
            &assertion,
            &of_rsa(),
            Algorithm::RS256,
            "https://oauth2.test/token"
        ),
        json!({
            "iss": "a@p.iam.gserviceaccount.com", "aud": "https://oauth2.test/token", "scope": "https://a https://b",
            "iat": 1_700_000_000, "exp": 1_700_003_600,
        })
    );

    let parts = GoogleCredential::Key {
        email: "a@p.iam.gserviceaccount.com".into(),
        key: KEY.replace('\n', "\\n").as_str().into(),
        key_id: None,
    };
    let id = id_token_of(1_700_003_600);
    let (host_b, log) = host(&[(200, json!({ "id_token": id }))]);
    let account = google(parts, GoogleToken::Id("https://run.test".into()));
    assert_eq!(
        expose(run(account.bearer(&host_b))),
        Ok(format!("Bearer {id}"))
    );
    let asked = log.borrow()[0].clone();
    let assertion = asked.form("assertion").unwrap();
    let audience = "https://oauth2.googleapis.com/token";
    assert_eq!(asked.url, audience);
    let claims = claims(&assertion, &of_rsa(), Algorithm::RS256, audience);
    assert_eq!(claims["target_audience"], "https://run.test");
    assert_eq!(claims["sub"], "a@p.iam.gserviceaccount.com");
    assert_eq!(claims.get("scope"), None);
}

#[test]
fn a_service_accounts_key_that_is_none_is_a_fault() {
    for (credential, code) in [
        (GoogleCredential::Json("x".into()), "bad_service_account"),
        (
            account_key(json!({ "type": "authorized_user" })),
            "bad_service_account",
        ),
        (
            account_key(json!({ "private_key": "x" })),
            "bad_private_key",
        ),
        (
            account_key(json!({ "token_uri": "http://oauth2.test/token" })),
            "insecure_url",
        ),
        (
            GoogleCredential::Federated {
                audience: "//iam".into(),
                service_account: Some("../x@y".into()),
            },
            "bad_service_account",
        ),
    ] {
        let spec = GoogleSpec {
            credential,
            wanted: GoogleToken::Access("a".into()),
            token_url: None,
            iam_url: None,
        };
        let fault = Fetched::google(&spec, Some(&federation())).map(|_| ());
        assert_eq!(fault.map_err(|fault| fault.code), Err(code.to_owned()));
    }
}

const POOL: &str =
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";

fn pool(account: Option<&str>) -> GoogleCredential {
    GoogleCredential::Federated {
        audience: POOL.into(),
        service_account: account.map(Into::into),
    }
}

#[test]
fn google_exchanges_a_token_of_our_own() {
    let (host, log) = host(&[token("t1")]);
    let account = google(pool(None), GoogleToken::Access("https://a".into()));
    assert_eq!(
        expose(run(account.bearer(&host))),
        Ok("Bearer t1".to_owned())
    );
    let asked = log.borrow()[0].clone();
    assert_eq!(asked.url, "https://sts.googleapis.com/v1/token");
    for (name, value) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("audience", POOL),
        ("scope", "https://a"),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ] {
        assert_eq!(asked.form(name).as_deref(), Some(value));
    }
    let own = checked(&federation(), &asked.form("subject_token").unwrap(), POOL);
    assert_eq!(own["iss"], ISSUER);
    assert_eq!(own["sub"], "gateway");
    assert_eq!(own["iat"], 1_700_000_000);
    assert_eq!(own["exp"], 1_700_000_300);
    assert_eq!(own["jti"].as_str().map(str::len), Some(32));
}

#[test]
fn google_lets_the_gateway_take_on_a_service_account() {
    let account = Some("a@p.iam.gserviceaccount.com");
    let ends = json!({ "accessToken": "t2", "expireTime": "2023-11-14T23:13:20Z" });
    let (host_a, log) = host(&[token("t1"), (200, ends)]);
    let google_a = google(
        pool(account),
        GoogleToken::Access("https://a https://b".into()),
    );
    assert_eq!(
        expose(run(google_a.bearer(&host_a))),
        Ok("Bearer t2".to_owned())
    );
    {
        let log = log.borrow();
        assert_eq!(
            log[0].form("scope").as_deref(),
            Some("https://www.googleapis.com/auth/cloud-platform")
        );
        assert_eq!(
            log[1].url,
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken"
        );
        assert!(log[1].fields.contains("=authorization\nBearer t1\n"));
        assert_eq!(log[1].body, r#"{"scope":["https://a","https://b"]}"#);
    }

    let id = id_token_of(1_700_003_600);
    let denied = json!({ "error": { "status": "PERMISSION_DENIED", "message": "no iam.serviceAccounts.getOpenIdToken" } });
    let (host_b, log) = host(&[
        token("t1"),
        (403, denied),
        token("t1"),
        (200, json!({ "token": id })),
    ]);
    let google_b = google(pool(account), GoogleToken::Id("https://run.test".into()));
    let url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateIdToken";
    assert_eq!(
        expose(run(google_b.bearer(&host_b))),
        Err(format!(
            "Google IAM Credentials ({url}): it refused with status 403, PERMISSION_DENIED, no iam.serviceAccounts.getOpenIdToken"
        ))
    );
    host_b.pass(1_000);
    assert_eq!(
        expose(run(google_b.bearer(&host_b))),
        Ok(format!("Bearer {id}"))
    );
    assert_eq!(
        log.borrow()[3].body,
        r#"{"audience":"https://run.test","includeEmail":true}"#
    );
}

fn azure(credential: AzureCredential) -> Fetched {
    let spec = AzureSpec {
        authority: "https://login.test/".into(),
        tenant: "example.onmicrosoft.com".into(),
        client_id: "app".into(),
        scope: "https://storage.azure.com/.default".into(),
        credential,
    };
    Fetched::azure(&spec, Some(&federation())).unwrap()
}

#[test]
fn entra_takes_a_secret_a_certificate_or_a_token_of_our_own() {
    const CERTIFICATE: &str = include_str!("../../../tests/certificates/service.pem");
    let url = "https://login.test/example.onmicrosoft.com/oauth2/v2.0/token";
    let asked_with = |credential: AzureCredential| {
        let (host, log) = host(&[token("t1")]);
        assert_eq!(
            expose(run(azure(credential).bearer(&host))),
            Ok("Bearer t1".to_owned())
        );
        let asked = log.borrow()[0].clone();
        assert_eq!(asked.url, url);
        for (name, value) in [
            ("grant_type", "client_credentials"),
            ("client_id", "app"),
            ("scope", "https://storage.azure.com/.default"),
        ] {
            assert_eq!(asked.form(name).as_deref(), Some(value));
        }
        asked
    };
    let asked = asked_with(AzureCredential::Secret("s3cret".into()));
    assert_eq!(asked.form("client_secret").as_deref(), Some("s3cret"));

    let jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let asked = asked_with(AzureCredential::Certificate {
        certificate: CERTIFICATE.into(),
        key: KEY.into(),
    });
    assert_eq!(
        asked.form("client_assertion_type").as_deref(),
        Some(jwt_bearer)
    );
    let assertion = asked.form("client_assertion").unwrap();
    let header = decode_header(&assertion).unwrap();
    // `openssl x509 -fingerprint -sha256`
    assert_eq!(
        header.x5t_s256.as_deref(),
        Some("ge7TpGXsGbYew7fmjyPJMEbxvvmibIG7JJMOkfiEQ8w")
    );
    let claims = claims(&assertion, &of_rsa(), Algorithm::PS256, url);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("app"), &json!("app"))
    );
    assert_eq!(claims["exp"], 1_700_000_300);

    let asked = asked_with(AzureCredential::Federated {
        audience: "api://AzureADTokenExchange".into(),
    });
    assert_eq!(
        asked.form("client_assertion_type").as_deref(),
        Some(jwt_bearer)
    );
    let own = asked.form("client_assertion").unwrap();
    let claims = checked(&federation(), &own, "api://AzureADTokenExchange");
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!(ISSUER), &json!("gateway"))
    );
}

#[test]
fn a_role_of_aws_takes_a_token_of_our_own() {
    let lent = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
                <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s1</SecretAccessKey><SessionToken>t1</SessionToken>\
                <Expiration>2023-11-14T23:13:20Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                </AssumeRoleWithWebIdentityResponse>";
    let log = Log::default();
    let asked = Rc::clone(&log);
    let host = MemoryHost::new(NOW_MS, &[]).with_teller(move |ask: &Ask<'_>| {
        asked.borrow_mut().push(Asked {
            url: ask.url.to_owned(),
            fields: ask.fields.as_str().to_owned(),
            body: ask.body.unwrap_or_default().to_owned(),
        });
        let told = Told {
            status: 200,
            body: lent.to_owned(),
            ..Told::default()
        };
        (10, Ok(told))
    });
    let identity = AwsIdentity {
        service: "execute-api".into(),
        region: "eu-west-1".into(),
        credentials: AwsCredentials::WebIdentity {
            role: AwsRole {
                role_arn: "arn:aws:iam::123456789012:role/gateway".into(),
                session_name: "causeway".into(),
                external_id: None,
                duration_seconds: 3600,
                endpoint: None,
            },
            audience: "sts.amazonaws.com".into(),
        },
        payload: None,
        max_body: 0,
    };
    let kind = || IdentityKind::Aws(Box::new(identity.clone()));
    let without = Identity::new(kind(), None).map(|_| ());
    assert_eq!(
        without.map_err(|fault| fault.code),
        Err("federation_unusable".to_owned())
    );
    let identity = Identity::new(kind(), Some(&federation())).unwrap();
    for _ in 0..3 {
        let mut edits = Edits::default();
        let outgoing = Outgoing {
            method: "GET",
            url: &mut "https://a.test/".to_owned(),
            body: Body::None,
        };
        run(identity.prove(&host, outgoing, &mut edits)).unwrap();
        assert!(
            edits
                .as_str()
                .contains("Credential=ASIA1/20231114/eu-west-1/")
        );
        assert!(edits.as_str().contains("=x-amz-security-token\nt1\n"));
    }
    let [asked] = &log.borrow()[..] else {
        panic!("asked once")
    };
    assert_eq!(asked.url, "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(
        asked.fields,
        "=content-type\napplication/x-www-form-urlencoded\n"
    );
    for (name, value) in [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::123456789012:role/gateway"),
        ("RoleSessionName", "causeway"),
        ("DurationSeconds", "3600"),
    ] {
        assert_eq!(asked.form(name).as_deref(), Some(value));
    }
    let own = asked.form("WebIdentityToken").unwrap();
    let claims = checked(&federation(), &own, "sts.amazonaws.com");
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!(ISSUER), &json!("gateway"))
    );
}

#[test]
fn a_federation_publishes_all_keys_and_signs_with_the_first() {
    let old = KEY_2;
    let spec = |keys: [&str; 2]| FederationSpec {
        issuer: "https://api.example.com/gateway/".into(),
        subject: "gateway".into(),
        lifetime_seconds: 300,
        keys: keys.map(Into::into).into(),
    };
    let federation = Federation::new(&spec([KEY, old])).unwrap();
    let rotated = Federation::new(&spec([old, KEY])).unwrap();
    let host = MemoryHost::new(NOW_MS, &[]);
    let first = run(federation.token(&Moment::of(&host), "x").signed(&host)).unwrap();
    let second = run(rotated.token(&Moment::of(&host), "x").signed(&host)).unwrap();
    assert_ne!(
        decode_header(&first).unwrap().kid,
        decode_header(&second).unwrap().kid
    );
    for keys in [&federation, &rotated] {
        checked(keys, &first, "x");
        checked(keys, &second, "x");
        assert!(!keys.document(FederationDocument::Keys).contains("\"d\""));
    }
    let document: Value =
        serde_json::from_str(federation.document(FederationDocument::Discovery)).unwrap();
    assert_eq!(document["issuer"], "https://api.example.com/gateway/");
    assert_eq!(
        document["jwks_uri"],
        "https://api.example.com/gateway/.well-known/jwks.json"
    );
    let none = Federation::new(&spec([KEY, "x"])).map(|_| ());
    assert_eq!(
        none.map_err(|fault| fault.code),
        Err("bad_private_key".to_owned())
    );
}

const KEY_2: &str = include_str!("../../auth/keys/private/rsa2.pem");
