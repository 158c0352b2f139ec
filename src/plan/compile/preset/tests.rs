//! Each preset with all that it fills in.

use serde_json::{Value, json};

use crate::plan::{AuthorizerKind, JwsAlgorithm, JwtKeys, JwtSpec, Text, TokenSource, compile};

/// What an authorizer with these members compiles to.
fn spec(mut authorizer: Value) -> JwtSpec {
    authorizer["type"] = "jwt".into();
    let config = json!({ "authorizer": authorizer, "paths": [] });
    let compiled = compile(&config.to_string());
    let lines = compiled.diagnostics.lines("config");
    assert_eq!(lines, Vec::<String>::new(), "{config}");
    let mut blueprint = compiled.blueprint.unwrap();
    match blueprint.authorizers.remove(0).kind {
        AuthorizerKind::Jwt(spec) => spec,
        other => panic!("{other:?}"),
    }
}

/// RS256 from a place, and nothing else.
fn rs256(issuer: &str, jwks_uri: &str) -> JwtSpec {
    JwtSpec {
        keys: JwtKeys::JwksUri(jwks_uri.into()),
        algorithms: vec![JwsAlgorithm::Rs256],
        issuers: vec![issuer.into()],
        audiences: Vec::new(),
        subject: None,
        token_type: None,
        leeway: 0,
        max_age: None,
        require_exp: true,
        required_claims: Vec::new(),
        expected_claims: Vec::new(),
        sources: vec![TokenSource::Bearer],
    }
}

fn expected(claim: &str, values: &[&str]) -> (String, Vec<String>) {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    (claim.to_owned(), values)
}

#[test]
fn a_preset_fills_in_what_is_known_of_its_issuer() {
    const API: &str = "https://api.example.com";
    const TENANT: &str = "2b9d4f6a-0c1e-4d3b-8a57-6f0e1d2c3b4a";
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E";
    let pool_keys = format!("{pool}/.well-known/jwks.json");
    let entra = format!("https://login.microsoftonline.com/{TENANT}");
    let audience = |name: &str| vec![Text::from(name)];
    for (preset, audience_given, filled) in [
        (
            json!({ "auth0": { "domain": "example.eu.auth0.com" } }),
            Some(API),
            JwtSpec {
                audiences: audience(API),
                ..rs256(
                    "https://example.eu.auth0.com/",
                    "https://example.eu.auth0.com/.well-known/jwks.json",
                )
            },
        ),
        (
            json!({ "supabase": { "project": "abcdefghijklmnopqrst" } }),
            None,
            JwtSpec {
                algorithms: vec![JwsAlgorithm::Rs256, JwsAlgorithm::Es256],
                audiences: audience("authenticated"),
                ..rs256(
                    "https://abcdefghijklmnopqrst.supabase.co/auth/v1",
                    "https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json",
                )
            },
        ),
        (
            json!({ "clerk": { "domain": "clerk.example.com" } }),
            None,
            rs256(
                "https://clerk.example.com",
                "https://clerk.example.com/.well-known/jwks.json",
            ),
        ),
        (
            json!({ "clerk": { "domain": "clerk.example.com", "origins": ["https://app.example.com"] } }),
            None,
            JwtSpec {
                expected_claims: vec![expected("azp", &["https://app.example.com"])],
                sources: vec![
                    TokenSource::Bearer,
                    TokenSource::Cookie("__session".to_owned()),
                ],
                ..rs256(
                    "https://clerk.example.com",
                    "https://clerk.example.com/.well-known/jwks.json",
                )
            },
        ),
        (
            json!({ "cognito": { "user_pool": "eu-west-1_Ab12Cd34E", "clients": ["web", "app"] } }),
            None,
            JwtSpec {
                expected_claims: vec![
                    expected("token_use", &["access"]),
                    expected("client_id", &["web", "app"]),
                ],
                ..rs256(pool, &pool_keys)
            },
        ),
        (
            json!({ "cognito": { "user_pool": "eu-west-1_Ab12Cd34E", "clients": ["web"], "tokens": "id" } }),
            None,
            JwtSpec {
                audiences: audience("web"),
                expected_claims: vec![expected("token_use", &["id"])],
                ..rs256(pool, &pool_keys)
            },
        ),
        (
            json!({ "firebase": { "project": "example-1" } }),
            None,
            JwtSpec {
                audiences: audience("example-1"),
                required_claims: vec!["sub".into(), "iat".into(), "auth_time".into()],
                ..rs256(
                    "https://securetoken.google.com/example-1",
                    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
                )
            },
        ),
        (
            json!({ "okta": { "domain": "example.okta.com" } }),
            Some("api://default"),
            JwtSpec {
                audiences: audience("api://default"),
                ..rs256(
                    "https://example.okta.com/oauth2/default",
                    "https://example.okta.com/oauth2/default/v1/keys",
                )
            },
        ),
        (
            json!({ "okta": { "domain": "login.example.com", "server": "aus9o8wv" } }),
            Some(API),
            JwtSpec {
                audiences: audience(API),
                ..rs256(
                    "https://login.example.com/oauth2/aus9o8wv",
                    "https://login.example.com/oauth2/aus9o8wv/v1/keys",
                )
            },
        ),
        (
            json!({ "keycloak": { "url": "https://login.example.com/", "realm": "staff", "clients": ["web"] } }),
            None,
            JwtSpec {
                expected_claims: vec![expected("azp", &["web"])],
                ..rs256(
                    "https://login.example.com/realms/staff",
                    "https://login.example.com/realms/staff/protocol/openid-connect/certs",
                )
            },
        ),
        (
            json!({ "keycloak": { "url": "https://example.com/auth", "realm": "staff" } }),
            Some(API),
            JwtSpec {
                audiences: audience(API),
                ..rs256(
                    "https://example.com/auth/realms/staff",
                    "https://example.com/auth/realms/staff/protocol/openid-connect/certs",
                )
            },
        ),
        (
            json!({ "entra": { "tenant": TENANT.to_ascii_uppercase() } }),
            Some("6e74172b-be56-4843-9ff4-e66a39bb12e3"),
            JwtSpec {
                audiences: audience("6e74172b-be56-4843-9ff4-e66a39bb12e3"),
                ..rs256(
                    &format!("{entra}/v2.0"),
                    &format!("{entra}/discovery/v2.0/keys"),
                )
            },
        ),
        (
            json!({ "cloudflare_access": { "team": "example" } }),
            Some("f70ff985a4ef1d643542bac0b6ba7ff0"),
            JwtSpec {
                audiences: audience("f70ff985a4ef1d643542bac0b6ba7ff0"),
                sources: vec![TokenSource::Header("cf-access-jwt-assertion".to_owned())],
                ..rs256(
                    "https://example.cloudflareaccess.com",
                    "https://example.cloudflareaccess.com/cdn-cgi/access/certs",
                )
            },
        ),
    ] {
        let mut authorizer = json!({ "preset": preset });
        if let Some(audience) = audience_given {
            authorizer["audience"] = audience.into();
        }
        assert_eq!(spec(authorizer), filled, "{preset}");
    }
}

#[test]
fn what_the_authorizer_itself_says_stays() {
    let firebase = json!({ "firebase": { "project": "example-1" } });
    let base = spec(json!({ "preset": firebase }));
    for (key, value, change) in [
        (
            "issuer",
            json!("http://127.0.0.1:9"),
            JwtSpec {
                issuers: vec!["http://127.0.0.1:9".into()],
                ..base.clone()
            },
        ),
        (
            "jwks_uri",
            json!("http://127.0.0.1:9/jwks"),
            JwtSpec {
                keys: JwtKeys::JwksUri("http://127.0.0.1:9/jwks".into()),
                ..base.clone()
            },
        ),
        (
            "audience",
            json!(["a", "b"]),
            JwtSpec {
                audiences: vec!["a".into(), "b".into()],
                ..base.clone()
            },
        ),
        (
            "algorithms",
            json!(["ES256"]),
            JwtSpec {
                algorithms: vec![JwsAlgorithm::Es256],
                ..base.clone()
            },
        ),
        (
            "token_from",
            json!([{ "cookie": "t" }]),
            JwtSpec {
                sources: vec![TokenSource::Cookie("t".into())],
                ..base.clone()
            },
        ),
        (
            "required_claims",
            json!(["email"]),
            JwtSpec {
                required_claims: ["email", "sub", "iat", "auth_time"]
                    .map(str::to_owned)
                    .to_vec(),
                ..base.clone()
            },
        ),
        (
            "secret",
            json!("$secret.JWT"),
            JwtSpec {
                keys: JwtKeys::Secrets(vec![Text::read("$secret.JWT")]),
                algorithms: vec![JwsAlgorithm::Hs256],
                ..base.clone()
            },
        ),
        (
            "discovery",
            json!(true),
            JwtSpec {
                keys: JwtKeys::Discovery,
                ..base.clone()
            },
        ),
    ] {
        let mut authorizer = json!({ "preset": firebase });
        authorizer[key] = value;
        assert_eq!(spec(authorizer), change, "{key}");
    }
}
