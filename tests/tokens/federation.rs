//! The gateway as an issuer: what it publishes, and how clouds take its tokens.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use peers::{Answer, Request};

use super::*;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Asks the gateway as a cloud would that knows nothing but the issuer.
fn published(gateway: &Gateway, path: &str) -> Answer {
    gateway.send(&Request::get(path).header("Host", "api.example.com"))
}

/// The claims of a token of the gateway's, checked by what it publishes.
fn checked(gateway: &Gateway, token: &str, audience: &str) -> Value {
    let document = published(gateway, WELL_KNOWN).json();
    assert_eq!(document["issuer"], ISSUER);
    let keys = document["jwks_uri"].as_str().unwrap();
    let keys = published(gateway, keys.strip_prefix(ISSUER).unwrap());
    let keys: JwkSet = serde_json::from_slice(&keys.body).unwrap();
    assert_eq!(keys.keys.len(), 2);
    let header = decode_header(token).unwrap();
    let key = keys
        .find(&header.kid.unwrap())
        .expect("the key is published");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation);
    claims.expect("a sound token").claims
}

#[test]
fn its_document_and_keys_are_public_and_on_the_issuers_host_alone() {
    let upstream = Upstream::start();
    let gateway = proving(&upstream, &[]);
    for path in [WELL_KNOWN, "/.well-known/jwks.json"] {
        let answer = published(&gateway, path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(gateway.get(path).status, 404, "another host");
        let posted = Request::new("POST", path).header("Host", "api.example.com");
        assert_eq!(gateway.send(&posted).status, 405);
    }
    let document = published(&gateway, WELL_KNOWN).json();
    assert_eq!(
        document["id_token_signing_alg_values_supported"],
        json!(["RS256"])
    );
    let keys = published(&gateway, "/.well-known/jwks.json").json();
    for key in keys["keys"].as_array().unwrap() {
        let mut members: Vec<&str> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    }
}

#[test]
fn google_takes_the_gateways_token_for_its_own() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    let pool =
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
    let account = "orders@p.iam.gserviceaccount.com";
    let of_account = format!("/v1/projects/-/serviceAccounts/{account}");
    answers(&cloud, "/sts", 200, &token("federated"));
    let generated = json!({ "accessToken": "generated", "expireTime": "2099-01-01T00:00:00Z" });
    answers(
        &cloud,
        &format!("{of_account}:generateAccessToken"),
        200,
        &generated,
    );
    let direct = json!({
        "type": "google", "federated": true, "audience": pool, "scopes": ["https://www.googleapis.com/auth/devstorage.read_only"],
        "token_url": format!("{}/sts", cloud.url()),
    });
    let mut taken_on = direct.clone();
    taken_on["service_account"] = account.into();
    taken_on["iam_url"] = cloud.url().into();
    let gateway = proving(&upstream, &[("direct", direct), ("taken-on", taken_on)]);

    let request = Request::get("/direct").header("X-Serverless-Authorization", "Bearer mine");
    assert_eq!(gateway.send(&request).status, 200);
    assert_eq!(shown(&upstream), "Bearer federated");
    assert_eq!(
        support::arrived(&upstream.last(), "x-serverless-authorization").len(),
        0
    );
    let asked = cloud.last();
    assert_eq!(form(&asked, "audience").as_deref(), Some(pool));
    let claims = checked(&gateway, &form(&asked, "subject_token").unwrap(), pool);
    assert_eq!(claims["sub"], "gateway");
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(lifetime, 300);

    assert_eq!(gateway.get("/taken-on").status, 200);
    assert_eq!(shown(&upstream), "Bearer generated");
    let asked = cloud.last();
    assert_eq!(
        support::arrived(&asked, "authorization"),
        ["Bearer federated"]
    );
    assert_eq!(
        support::target(&asked),
        format!("{of_account}:generateAccessToken")
    );
}

#[test]
fn entra_takes_the_gateways_token_for_its_own() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    answers(&cloud, "/tenant/oauth2/v2.0/token", 200, &token("entra"));
    let identity = json!({
        "type": "azure", "federated": true, "tenant": "tenant", "client_id": "app",
        "scope": "https://storage.azure.com/.default", "authority": cloud.url(),
    });
    let gateway = proving(&upstream, &[("blobs", identity)]);
    assert_eq!(gateway.get("/blobs").status, 200);
    assert_eq!(shown(&upstream), "Bearer entra");
    let asked = cloud.last();
    for (name, value) in [
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_id", "app"),
        ("scope", "https://storage.azure.com/.default"),
        ("grant_type", "client_credentials"),
    ] {
        assert_eq!(form(&asked, name).as_deref(), Some(value));
    }
    let assertion = form(&asked, "client_assertion").unwrap();
    let claims = checked(&gateway, &assertion, "api://AzureADTokenExchange");
    assert_eq!(claims["sub"], "gateway");
}

#[test]
fn a_role_of_aws_takes_the_gateways_token() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    let lent = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
                <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s1</SecretAccessKey><SessionToken>t1</SessionToken>\
                <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                </AssumeRoleWithWebIdentityResponse>";
    let script = Script {
        status: 200,
        body: lent.to_owned(),
        ..Script::default()
    };
    cloud.script("/sts", script);
    let gateway = proving(
        &upstream,
        &[("files", aws(&format!("{}/sts", cloud.url())))],
    );
    for _ in 0..3 {
        assert_eq!(gateway.get("/files").status, 200);
    }
    assert!(shown(&upstream).contains("Credential=ASIA1/"));
    assert_eq!(
        support::arrived(&upstream.last(), "x-amz-security-token"),
        ["t1"]
    );
    assert_eq!(cloud.count("/sts"), 1);
    let asked = cloud.last();
    assert_eq!(support::arrived(&asked, "authorization").len(), 0);
    assert_eq!(
        form(&asked, "Action").as_deref(),
        Some("AssumeRoleWithWebIdentity")
    );
    let token = form(&asked, "WebIdentityToken").unwrap();
    let claims = checked(&gateway, &token, "sts.amazonaws.com");
    assert_eq!(claims["sub"], "gateway");

    let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>No OpenIDConnect provider found\
                   </Message></Error></ErrorResponse>";
    let script = Script {
        status: 400,
        body: refusal.to_owned(),
        ..Script::default()
    };
    cloud.script("/refused", script);
    let gateway = proving(
        &upstream,
        &[("files", aws(&format!("{}/refused", cloud.url())))],
    );
    support::assert_problem(&gateway.get("/files"), 502, "upstream_identity_failed");
    assert!(gateway.logs("InvalidIdentityToken: No OpenIDConnect provider found"));
    assert!(!gateway.log().contains("eyJ"));
}

fn aws(endpoint: &str) -> Value {
    json!({
        "type": "aws", "service": "s3", "region": "eu-west-1",
        "web_identity": { "role_arn": "arn:aws:iam::123456789012:role/gateway", "endpoint": endpoint },
    })
}

#[test]
fn a_refused_exchange_is_told_of_without_the_token() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    let refusal = json!({
        "error": "invalid_client", "error_description": "AADSTS70021: No matching federated identity record found",
    });
    answers(&cloud, "/tenant/oauth2/v2.0/token", 401, &refusal);
    let identity = json!({
        "type": "azure", "federated": true, "tenant": "tenant", "client_id": "app", "scope": "s", "authority": cloud.url(),
    });
    let gateway = proving(&upstream, &[("blobs", identity)]);
    support::assert_problem(&gateway.get("/blobs"), 502, "upstream_identity_failed");
    assert!(gateway.logs("Microsoft Entra ID (http://127.0.0.1:"));
    assert!(
        gateway.logs("invalid_client, AADSTS70021: No matching federated identity record found")
    );
    let assertion = form(&cloud.last(), "client_assertion").unwrap();
    assert!(!gateway.log().contains(&assertion));
    assert!(!gateway.log().contains("eyJ"));
}

#[test]
fn a_key_that_is_none_closes_what_depends_on_it_and_is_not_told() {
    let upstream = Upstream::start();
    let config = json!({
        "federation": { "issuer": ISSUER, "keys": ["$secret.KEY", "$secret.OLD_KEY"] },
        "servers": [
            { "alias": "blobs", "url": upstream.url(), "identity": {
                "type": "azure", "federated": true, "tenant": "t", "client_id": "app", "scope": "s",
            } },
            { "alias": "open", "url": upstream.url() },
        ],
        "paths": [
            { "method": "GET", "path": "/blobs", "integration": { "type": "http", "server": "blobs" } },
            { "method": "GET", "path": "/open", "integration": { "type": "http", "server": "open" } },
        ],
    });
    let options = Options::default()
        .text("KEY", "hunter2 hunter2")
        .text("OLD_KEY", OLD_KEY);
    let gateway = support::gateway(config, options);
    support::assert_problem(&gateway.get("/blobs"), 500, "config_error");
    support::assert_problem(&published(&gateway, WELL_KNOWN), 500, "config_error");
    assert_eq!(gateway.get("/open").status, 200);
    assert!(gateway.logs("federation: this is no private key in PEM that can be read"));
    assert!(!gateway.log().contains("hunter2"));
    assert_eq!(upstream.requests().len(), 1);
}

/// The keys change places: what the old one has signed can be checked on.
#[test]
fn keys_are_rotated_without_a_moment_in_which_a_token_cannot_be_checked() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    answers(&cloud, "/sts", 200, &token("federated"));
    let identity = json!({
        "type": "google", "federated": true, "audience": "//iam.googleapis.com/x", "scopes": ["s"],
        "token_url": format!("{}/sts", cloud.url()),
    });
    let server = json!([{ "alias": "up", "url": upstream.url(), "identity": identity }]);
    let start = |first: &str, second: &str| {
        let config = json!({
            "federation": { "issuer": ISSUER, "keys": ["$secret.FIRST", "$secret.SECOND"] },
            "servers": server,
            "paths": [{ "method": "GET", "path": "/", "integration": { "type": "http", "server": "up" } }],
        });
        let options = Options::default()
            .text("FIRST", first)
            .text("SECOND", second);
        support::gateway(config, options)
    };
    let token_of = |gateway: &Gateway| {
        assert_eq!(gateway.get("/").status, 200);
        form(&cloud.last(), "subject_token").unwrap()
    };
    let (before, after) = (start(OLD_KEY, KEY), start(KEY, OLD_KEY));
    let tokens = [token_of(&before), token_of(&after)];
    let kids = tokens
        .each_ref()
        .map(|token| decode_header(token).unwrap().kid);
    assert_ne!(kids[0], kids[1]);
    for gateway in [&before, &after] {
        for token in &tokens {
            checked(gateway, token, "//iam.googleapis.com/x");
        }
    }
}
