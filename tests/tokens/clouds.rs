//! Clouds that are shown a key of theirs.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use peers::Request;

use super::*;

/// The claims of an assertion that a key of the tests has signed.
fn checked(assertion: &str, algorithm: Algorithm, audience: &str) -> Value {
    let key = causeway::auth::PrivateKey::read(KEY).unwrap();
    let jwk = serde_json::from_str(key.public_jwk()).unwrap();
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[audience]);
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    decode::<Value>(assertion, &key, &validation)
        .expect("a sound assertion")
        .claims
}

#[test]
fn a_service_account_of_google_gets_either_token() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    let url = format!("{}/token", cloud.url());
    let key = json!({
        "type": "service_account", "client_email": "a@p.iam.gserviceaccount.com", "private_key": KEY,
        "private_key_id": "k1", "token_uri": url,
    });
    let config = json!({
        "servers": [
            { "alias": "storage", "url": upstream.url(), "identity": {
                "type": "google", "credentials": "$secret.ACCOUNT", "scopes": ["https://a", "https://b"],
            } },
            { "alias": "run", "url": upstream.url(), "identity": {
                "type": "google", "client_email": "a@p.iam.gserviceaccount.com", "private_key": "$secret.KEY",
                "target_audience": "https://run.test", "token_url": format!("{}/id", cloud.url()),
            } },
        ],
        "paths": [
            { "method": "GET", "path": "/storage", "integration": { "type": "http", "server": "storage" } },
            { "method": "GET", "path": "/run", "integration": { "type": "http", "server": "run" } },
        ],
    });
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    let options = Options::default()
        .text("ACCOUNT", &key.to_string())
        .text("KEY", &KEY.replace('\n', "\\n"));
    let gateway = support::gateway(config, options);
    answers(&cloud, "/token", 200, &token("access"));
    assert_eq!(gateway.get("/storage").status, 200);
    assert_eq!(shown(&upstream), "Bearer access");
    let assertion = form(&cloud.last(), "assertion").unwrap();
    assert_eq!(
        decode_header(&assertion).unwrap().kid.as_deref(),
        Some("k1")
    );
    let claims = checked(&assertion, Algorithm::RS256, &url);
    assert_eq!(claims["scope"], "https://a https://b");
    assert_eq!(claims["iss"], "a@p.iam.gserviceaccount.com");

    // An ID token says itself when it ends.
    let id = support::token(json!({ "aud": "https://run.test" }));
    answers(&cloud, "/id", 200, &json!({ "id_token": id }));
    let smuggled = Request::get("/run").header("X-Serverless-Authorization", "Bearer mine");
    assert_eq!(gateway.send(&smuggled).status, 200);
    assert_eq!(shown(&upstream), format!("Bearer {id}"));
    assert_eq!(
        support::arrived(&upstream.last(), "x-serverless-authorization").len(),
        0
    );
    let assertion = form(&cloud.last(), "assertion").unwrap();
    let claims = checked(&assertion, Algorithm::RS256, &format!("{}/id", cloud.url()));
    assert_eq!(claims["target_audience"], "https://run.test");
    assert!(!gateway.log().contains("error"), "{}", gateway.log());
}

#[test]
fn an_application_of_entra_shows_its_secret_or_its_certificate() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    let path = "/example.onmicrosoft.com/oauth2/v2.0/token";
    let url = format!("{}{path}", cloud.url());
    answers(&cloud, path, 200, &token("entra"));
    let identity = |more: &Value| {
        let mut identity = json!({
            "type": "azure", "tenant": "example.onmicrosoft.com", "client_id": "app", "scope": "api://orders/.default",
            "authority": cloud.url(),
        });
        let more = more.as_object().unwrap().clone();
        identity.as_object_mut().unwrap().extend(more);
        identity
    };
    let identities = [
        (
            "secret",
            identity(&json!({ "client_secret": "$secret.SECRET" })),
        ),
        (
            "certificate",
            identity(&json!({
                "certificate": include_str!("../certificates/service.pem"), "private_key": "$secret.KEY",
            })),
        ),
    ];
    let gateway = proving(&upstream, &identities);
    assert_eq!(gateway.get("/secret").status, 200);
    assert_eq!(shown(&upstream), "Bearer entra");
    assert_eq!(
        form(&cloud.last(), "client_secret").as_deref(),
        Some("machine-secret")
    );
    assert_eq!(gateway.get("/certificate").status, 200);
    assert_eq!(form(&cloud.last(), "client_secret"), None);
    let assertion = form(&cloud.last(), "client_assertion").unwrap();
    let header = decode_header(&assertion).unwrap();
    assert!(header.x5t_s256.is_some());
    let claims = checked(&assertion, Algorithm::PS256, &url);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("app"), &json!("app"))
    );
}
