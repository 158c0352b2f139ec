//! What a token's verification costs, by algorithm and by size.

#![allow(clippy::unwrap_used, reason = "a benchmark may stop")]
#![allow(clippy::arithmetic_side_effects, reason = "constants")]

use causeway::auth::Jwt;
use causeway::plan::{JwsAlgorithm, JwtKeys, JwtSpec, TokenSource};
use divan::{Bencher, black_box};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};

const SECRET: &str = "a secret of sixty-four bytes, which is enough for all three hash";
const NOW: u64 = 1_800_000_000;

fn main() {
    divan::main();
}

#[divan::bench]
fn hs256(bencher: Bencher) {
    bench::<Hmac<sha2::Sha256>>(bencher, "HS256", "");
}

#[divan::bench]
fn hs384(bencher: Bencher) {
    bench::<Hmac<sha2::Sha384>>(bencher, "HS384", "");
}

#[divan::bench]
fn hs512(bencher: Bencher) {
    bench::<Hmac<sha2::Sha512>>(bencher, "HS512", "");
}

#[divan::bench]
fn hs256_of_8_kilobytes(bencher: Bencher) {
    bench::<Hmac<sha2::Sha256>>(bencher, "HS256", &"x".repeat(5_800));
}

/// Refused before the signature is looked at.
#[divan::bench]
fn another_algorithm(bencher: Bencher) {
    let (jwt, token) = jwt_and_token::<Hmac<sha2::Sha256>>("RS256", "");
    bencher.bench_local(|| jwt.verify_by_secret(black_box(&token), NOW).unwrap_err());
}

fn bench<M: Mac + KeyInit>(bencher: Bencher, alg: &str, padding: &str) {
    let (jwt, token) = jwt_and_token::<M>(alg, padding);
    bencher.bench_local(|| jwt.verify_by_secret(black_box(&token), NOW).unwrap());
}

fn jwt_and_token<M: Mac + KeyInit>(alg: &str, padding: &str) -> (Jwt, String) {
    use base64::Engine;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let jwt = Jwt::new(JwtSpec {
        keys: JwtKeys::Secrets(vec![SECRET.into()]),
        algorithms: vec![
            JwsAlgorithm::Hs256,
            JwsAlgorithm::Hs384,
            JwsAlgorithm::Hs512,
        ],
        issuers: vec!["https://issuer.example/".into()],
        audiences: vec!["https://api.example/".into()],
        subject: None,
        token_type: None,
        leeway: 5,
        max_age: None,
        require_exp: true,
        required_claims: Vec::new(),
        expected_claims: Vec::new(),
        sources: vec![TokenSource::Bearer],
    })
    .unwrap();
    let header = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"2026-01"}}"#);
    let claims = format!(
        r#"{{"iss":"https://issuer.example/","aud":["https://api.example/"],"sub":"auth0|5f7c8ec7c33c6c004bbafe82","iat":{NOW},"exp":{},"scope":"openid profile email","email":"someone@example.com","https://example.com/roles":["reader","writer"],"padding":"{padding}"}}"#,
        NOW + 3600
    );
    let message = format!(
        "{}.{}",
        base64(header.as_bytes()),
        base64(claims.as_bytes())
    );
    let mut mac = <M as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    let tag = mac.finalize().into_bytes();
    (jwt, format!("{message}.{}", base64(&tag)))
}
