//! Public keys: which are taken, and what none of them signs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey};

use super::*;
use crate::host::{SendError, Told};
use crate::plan::{Fault, JwsAlgorithm};

/// A pair of keys of the tests: what it signs with, its private half, and its public half in PEM.
struct Pair(Algorithm, EncodingKey, &'static str);

fn der(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).unwrap()
}

macro_rules! key {
    ($file:literal) => {
        include_str!(concat!("../../../../tests/jwks/keys/", $file))
    };
}

fn rsa(algorithm: Algorithm) -> Pair {
    let private = EncodingKey::from_rsa_der(&der(key!("rsa.pem")));
    Pair(algorithm, private, key!("rsa.pub"))
}

fn p256() -> Pair {
    let private = EncodingKey::from_ec_der(&der(key!("p256.pem")));
    Pair(Algorithm::ES256, private, key!("p256.pub"))
}

fn p384() -> Pair {
    let private = EncodingKey::from_ec_der(&der(key!("p384.pem")));
    Pair(Algorithm::ES384, private, key!("p384.pub"))
}

fn ed25519() -> Pair {
    let private = EncodingKey::from_ed_der(&der(key!("ed25519.pem")));
    Pair(Algorithm::EdDSA, private, key!("ed25519.pub"))
}

const USUAL: [JwsAlgorithm; 4] = [
    JwsAlgorithm::Ps512,
    JwsAlgorithm::Es256,
    JwsAlgorithm::Es384,
    JwsAlgorithm::EdDsa,
];

fn with_keys(
    keys: &[(&str, &str)],
    algorithms: &[JwsAlgorithm],
) -> Result<MessageSignature, Fault> {
    let mut spec = spec(&[("secret", SECRET)], &["@method"]);
    let keys = keys.iter().map(|(id, key)| ((*id).into(), (*key).into()));
    spec.public_keys = keys.collect();
    spec.algorithms = algorithms.to_vec();
    MessageSignature::new(spec)
}

/// The fields of a `GET` with these parameters behind `("@method")`.
fn signed(pair: &Pair, params: &str) -> (String, Vec<u8>) {
    let params = format!("(\"@method\"){params}");
    let base = format!("\"@method\": GET\n\"@signature-params\": {params}");
    let signature = jsonwebtoken::crypto::sign(base.as_bytes(), &pair.1, pair.0).unwrap();
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(signature)
        .unwrap();
    (format!("s={params}"), signature)
}

fn outcome(authorizer: &MessageSignature, input: &str, signature: &[u8]) -> &'static str {
    let signature = format!("s=:{}:", STANDARD.encode(signature));
    let headers = [("signature-input", input), ("signature", &signature)];
    let host = host(NOW, &headers, b"");
    code(run(
        authorizer.authenticate(&presented(&host, request("GET", "/", b"")))
    ))
}

fn named(id: &str) -> String {
    format!(";created={NOW};keyid=\"{id}\"")
}

#[test]
fn each_algorithm_is_checked_with_keys_of_its_type() {
    for (algorithm, name, pair) in [
        (JwsAlgorithm::Ps512, "rsa-pss-sha512", rsa(Algorithm::PS512)),
        (
            JwsAlgorithm::Rs256,
            "rsa-v1_5-sha256",
            rsa(Algorithm::RS256),
        ),
        (JwsAlgorithm::Es256, "ecdsa-p256-sha256", p256()),
        (JwsAlgorithm::Es384, "ecdsa-p384-sha384", p384()),
        (JwsAlgorithm::EdDsa, "ed25519", ed25519()),
    ] {
        let keys = [("k", pair.2)];
        for params in [named("k"), format!("{};alg=\"{name}\"", named("k"))] {
            let authorizer = with_keys(&keys, &[algorithm]).ok().unwrap();
            let (input, signature) = signed(&pair, &params);
            assert_eq!(outcome(&authorizer, &input, &signature), "in", "{name}");
            let again = outcome(&authorizer, &input, &signature);
            assert_eq!(again, "signature_replayed");
        }
        let authorizer = with_keys(&keys, &[algorithm]).ok().unwrap();
        let (input, signature) = signed(&pair, &named("k"));
        let zeros = vec![0; signature.len()];
        let long = [signature.as_slice(), &[0]].concat();
        let mut changed = signature.clone();
        changed[9] ^= 1;
        for wrong in [
            &zeros,
            &long,
            &changed,
            &signature[1..].to_vec(),
            &Vec::new(),
        ] {
            assert_eq!(outcome(&authorizer, &input, wrong), "signature_invalid");
        }
        for params in [
            named("other"),
            named("secret"),
            format!("{};alg=\"hmac-sha256\"", named("k")),
            format!("{};alg=\"rsa-v1_5-sha512\"", named("k")),
            format!("{};alg={name}", named("k")),
            format!(";created={NOW}"),
        ] {
            let (input, signature) = signed(&pair, &params);
            let outcome = outcome(&authorizer, &input, &signature);
            assert_eq!(outcome, "signature_invalid", "{params}");
        }
    }
}

/// With r and s, r and n - s hold too (SEC 1 section 4.1.4), and anybody can write them.
#[test]
fn the_other_signature_of_ecdsa_is_no_other_request() {
    let authorizer = with_keys(&[("k", p256().2)], &USUAL).ok().unwrap();
    let (input, signature) = signed(&p256(), &named("k"));
    // FIPS 186-5 and SP 800-186 section 3.2.1.3.
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let mut other = signature.clone();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i32::from(u8::from_str_radix(&order[at * 2..at * 2 + 2], 16).unwrap());
        let difference = digit - i32::from(signature[32 + at]) - borrow;
        borrow = i32::from(difference < 0);
        other[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    assert_ne!(other, signature);
    assert_eq!(outcome(&authorizer, &input, &other), "in");
    assert_eq!(
        outcome(&authorizer, &input, &signature),
        "signature_replayed"
    );
    assert_eq!(outcome(&authorizer, &input, &other), "signature_replayed");
}

#[test]
fn one_key_does_not_sign_for_another_and_no_secret_for_a_key() {
    let keys = [("a", p256().2), ("b", ed25519().2)];
    let authorizer = with_keys(&keys, &USUAL).ok().unwrap();
    let (input, signature) = signed(&p256(), &named("b"));
    assert_eq!(
        outcome(&authorizer, &input, &signature),
        "signature_invalid"
    );
    // A public key is no shared secret.
    let params = format!("(\"@method\"){}", named("a"));
    let base = format!("\"@method\": GET\n\"@signature-params\": {params}");
    let tag = mac(p256().2, base.as_bytes());
    let outcome = outcome(&authorizer, &format!("s={params}"), &tag);
    assert_eq!(outcome, "signature_invalid");
}

#[test]
fn an_rsa_key_is_used_as_the_config_says() {
    let (pss, v1_5) = (rsa(Algorithm::PS512), rsa(Algorithm::RS256));
    let usual = with_keys(&[("k", pss.2)], &USUAL).ok().unwrap();
    let (input, signature) = signed(&v1_5, &named("k"));
    assert_eq!(outcome(&usual, &input, &signature), "signature_invalid");
    let both = [JwsAlgorithm::Ps512, JwsAlgorithm::Rs256];
    for pair in [&pss, &v1_5] {
        let both = with_keys(&[("k", pss.2)], &both).ok().unwrap();
        let (input, signature) = signed(pair, &named("k"));
        assert_eq!(outcome(&both, &input, &signature), "in");
    }
}

#[test]
fn what_is_no_public_key_of_an_accepted_algorithm_is_a_fault() {
    for key in [
        key!("p256.pem"),
        key!("rsa_weak.pub"),
        key!("p521.pub"),
        key!("rsa.crt"),
        "",
        "{}",
        r#"{"keys":[]}"#,
        r#"{"kty":"oct","k":"c2VjcmV0"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs","d":"AA"}"#,
    ] {
        let fault = with_keys(&[("k", key)], &USUAL).err().unwrap();
        assert_eq!(fault.code, "jwt_bad_key", "{key}");
    }
    let mismatch = with_keys(&[("k", p256().2)], &[JwsAlgorithm::Ps512]);
    assert_eq!(mismatch.err().unwrap().code, "jwt_bad_key");
    let mut insecure = spec(&[], &[]);
    insecure.jwks_uri = Some("http://keys.example.com/jwks".into());
    let fault = MessageSignature::new(insecure).err().unwrap();
    assert_eq!(fault.code, "jwt_bad_url");
}

#[test]
fn keys_are_fetched_and_known_by_their_kid() {
    let fetching = || {
        let mut spec = spec(&[], &["@method"]);
        spec.jwks_uri = Some("https://keys.example.com/jwks".into());
        spec.algorithms = USUAL.to_vec();
        MessageSignature::new(spec).ok().unwrap()
    };
    let key = super::super::read_public_key(p256().2).unwrap().jwk;
    let named_key = key.replace('{', r#"{"kid":"k","#);
    let ask = |keys: Result<String, SendError>, id: &str| {
        let (input, signature) = signed(&p256(), &named(id));
        let signature = format!("s=:{}:", STANDARD.encode(signature));
        let headers = [
            ("signature-input", input.as_str()),
            ("signature", &signature),
        ];
        let host = host(NOW, &headers, b"").with_teller(move |_| {
            let told = keys.clone().map(|key| Told {
                status: 200,
                body: format!(r#"{{"keys":[{key}]}}"#),
                ..Told::default()
            });
            (0, told)
        });
        let request = request("GET", "/", b"");
        code(run(fetching().authenticate(&presented(&host, request))))
    };
    assert_eq!(ask(Ok(named_key.clone()), "k"), "in");
    assert_eq!(ask(Ok(named_key), "other"), "signature_invalid");
    // A key without a name is nobody's.
    assert_eq!(ask(Ok(key), "k"), "signature_invalid");
    let down = Err(SendError::Unreachable("down".into()));
    assert_eq!(ask(down, "k"), "authorizer_unavailable");
}
