//! With a certified OpenID provider: discovery, access tokens, and keys that change.

use peers::Oidc;

use super::*;

const AUDIENCE: &str = "https://api.test";

#[test]
fn tokens_of_a_real_provider_are_accepted_before_and_after_it_changes_its_keys() {
    let provider = Oidc::start();
    let gateway = protected(json!({
        "issuer": provider.issuer(), "discovery": true, "audience": AUDIENCE, "token_type": "at+jwt",
    }));
    let before = provider.access_token(AUDIENCE, "ES256");
    for _ in 0..10 {
        assert_eq!(outcome(&gateway, &before), "200");
    }
    for alg in ["RS256", "ES256"] {
        let token = provider.access_token(AUDIENCE, alg);
        assert_eq!(outcome(&gateway, &token), "200", "{alg}");
    }
    let elsewhere = provider.access_token("https://other.test", "ES256");
    assert_eq!(
        outcome(&gateway, &elsewhere),
        "401 ERR_JWT_CLAIM_VALIDATION_FAILED"
    );
    let asked = |path: &str| provider.asked(path);
    assert_eq!(asked("/.well-known/openid-configuration"), 1);
    assert_eq!(asked("/jwks"), 1);

    provider.rotate();
    for alg in ["ES256", "RS256"] {
        let token = provider.access_token(AUDIENCE, alg);
        assert_eq!(outcome(&gateway, &token), "200", "{alg}");
    }
    assert_eq!(outcome(&gateway, &before), "401 ERR_JWKS_NO_MATCHING_KEY");
    assert_eq!(asked("/.well-known/openid-configuration"), 1);
    assert_eq!(asked("/jwks"), 2);
}

#[test]
fn a_document_of_another_issuer_closes_the_door() {
    let provider = Oidc::start();
    // The same provider under another name: its document says whose it is.
    let alias = provider.issuer().replace("127.0.0.1", "localhost");
    let gateway = protected(json!({ "issuer": alias, "discovery": true }));
    let token = provider.access_token(AUDIENCE, "ES256");
    assert_eq!(outcome(&gateway, &token), "503 authorizer_unavailable");
    assert!(gateway.logs("another issuer"), "{}", gateway.log());
}
