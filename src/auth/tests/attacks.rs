//! Tokens that somebody made in order to get in, and what each refusal tells.

use hmac::Hmac;

use super::*;

const CLAIMS: &str = r#"{"sub":"s","exp":1900000000}"#;

fn refusal(token: &str) -> Option<Cause> {
    cause(jwt(spec()).verify_by_secret(token, NOW))
}

#[test]
fn none_and_algorithms_of_other_families_are_refused_however_spelt() {
    let algorithms = [
        r#""none""#,
        r#""None""#,
        r#""NONE""#,
        r#""nOnE""#,
        r#"" none""#,
        r#""none\u0000""#,
        r#""""#,
        "null",
        "0",
        r#"["HS256"]"#,
        r#"{"HS256":null}"#,
        r#""hs256""#,
        r#""HS256 ""#,
        r#""HS384""#,
        r#""HS512""#,
        r#""RS256""#,
        r#""PS256""#,
        r#""ES256""#,
        r#""EdDSA""#,
        r#""dir""#,
    ];
    for alg in algorithms {
        let signed = sign(&format!(r#"{{"alg":{alg}}}"#), CLAIMS);
        assert_eq!(refusal(&signed), Some(Cause::NotJws), "{alg}, signed");
        let (message, _) = signed.rsplit_once('.').unwrap();
        let unsigned = format!("{message}.");
        assert_eq!(refusal(&unsigned), Some(Cause::NotJws), "{alg}, unsigned");
    }
    let no_alg = sign(r#"{"typ":"JWT"}"#, CLAIMS);
    assert_eq!(refusal(&no_alg), Some(Cause::NotJws));
}

#[test]
fn a_header_that_brings_a_key_or_asks_for_an_extension_is_refused() {
    let members = [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""\u0063rit":["exp"]"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""b64":false,"crit":["b64"]"#,
        r#""jwk":{"kty":"oct","k":"AA"}"#,
        r#""jku":"https://evil.example/jwks""#,
        r#""x5u":"https://evil.example/cert""#,
        r#""x5c":["AA"]"#,
        r#""enc":"A256GCM""#,
        r#""zip":"DEF""#,
    ];
    for member in members {
        let token = sign(&format!(r#"{{"alg":"HS256",{member}}}"#), CLAIMS);
        assert_eq!(refusal(&token), Some(Cause::NotJws), "{member}");
    }
}

#[test]
fn a_key_id_is_never_looked_up() {
    for kid in ["../../dev/null", "' OR 1=1 --", "|id", "x\\u0000"] {
        let token = sign(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), CLAIMS);
        assert_eq!(refusal(&token), None, "{kid}");
    }
    // What such an attack hopes for: an empty key, or one that everybody knows.
    for key in ["", "\0", "AA"] {
        let message = format!("{}.{}", base64(HEADER), base64(CLAIMS));
        let tag = mac::<Hmac<sha2::Sha256>>(key.as_bytes(), &message);
        let token = format!("{message}.{}", base64(tag));
        assert_eq!(refusal(&token), Some(Cause::Signature), "{key:?}");
    }
}

#[test]
fn json_that_readers_could_disagree_about_is_refused() {
    let headers = [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256"}x"#,
        r#"{"alg":"HS256"}{}"#,
        r#"{"alg":"HS256",}"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "",
        "{",
        "\u{feff}{\"alg\":\"HS256\"}",
    ];
    for header in headers {
        let token = sign(header, CLAIMS);
        assert_eq!(refusal(&token), Some(Cause::NotJws), "{header}");
    }
    let claims = [
        r#"{"exp":1900000000,"exp":1}"#,
        r#"{"exp":1,"exp":1900000000}"#,
        r#"{"exp":1900000000,"sub":"a","s\u0075b":"b"}"#,
        r#"{"exp":1900000000}x"#,
        r#"{"exp":1900000000}{}"#,
        r#"{"exp":1900000000,}"#,
        r#"{"exp":01900000000}"#,
        r#"{"exp":NaN}"#,
        r#"{"exp":Infinity}"#,
        r#"{'exp':1900000000}"#,
        r#"{"exp":1900000000,"s":"\ud800"}"#,
        r#"[{"exp":1900000000}]"#,
        r#""text""#,
        "1900000000",
        "null",
        "",
        "{",
    ];
    for claims in claims {
        let token = sign(HEADER, claims);
        assert_eq!(refusal(&token), Some(Cause::NotJws), "{claims}");
    }
}

#[test]
fn invalid_utf_8_is_refused_in_both_parts() {
    let claims = b"{\"exp\":1900000000,\"s\":\"\xff\"}";
    let token = sign_parts(&base64(HEADER), &base64(claims));
    assert_eq!(refusal(&token), Some(Cause::NotJws));
    for header in [
        b"{\"alg\":\"HS256\",\"k\xc0\xaf\":1}",
        b"{\"alg\":\"HS256\",\"k\":\"\xc0\"}",
    ] {
        let token = sign_parts(&base64(header), &base64(CLAIMS));
        assert_eq!(refusal(&token), Some(Cause::NotJws));
    }
}

#[test]
fn deep_nesting_is_refused_and_costs_no_stack() {
    for depth in [65, 200, 6_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let unknown = format!(r#"{{"exp":1900000000,"deep":{nested}}}"#);
        assert_eq!(
            refusal(&sign(HEADER, &unknown)),
            Some(Cause::NotJws),
            "{depth}"
        );
        let header = format!(r#"{{"alg":"HS256","deep":{nested}}}"#);
        let with_bad_signature = format!("{}.e30.AAAA", base64(header));
        assert!(refusal(&with_bad_signature).is_some(), "{depth}");
        // The whole of it nested.
        assert_eq!(
            refusal(&sign(HEADER, &nested)),
            Some(Cause::NotJws),
            "{depth}"
        );
    }
    let nested = format!("{}{}", "[".repeat(64), "]".repeat(64));
    let claims = format!(r#"{{"exp":1900000000,"deep":{nested},"brackets":"{{[[\"["}}"#);
    assert_eq!(refusal(&sign(HEADER, &claims)), None);
}

#[test]
fn base64url_that_is_not_canonical_is_refused() {
    let token = sign(HEADER, CLAIMS);
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts[2].len(), 43, "one character has bits to spare");
    let changed: [fn(&str) -> String; 9] = [
        |p| format!("{p}="),
        |p| format!("{p}=="),
        |p| format!(" {p}"),
        |p| format!("{p}\n"),
        |p| format!("{}\t{}", &p[..4], &p[4..]),
        |p| format!("{}+{}", &p[..4], &p[5..]),
        |p| format!("{}/{}", &p[..4], &p[5..]),
        |p| format!("{p}%3D"),
        |p| format!("{p}\0"),
    ];
    for change in changed {
        for which in 0..3 {
            let mut parts: Vec<String> = parts.iter().map(|p| (*p).to_owned()).collect();
            parts[which] = change(&parts[which]);
            // Signed anew where that matters, so that the spelling alone is wrong.
            let token = match which {
                2 => parts.join("."),
                _ => sign_parts(&parts[0], &parts[1]),
            };
            assert_eq!(refusal(&token), Some(Cause::NotJws), "{token:?}");
        }
    }
    // The same bytes with other spare bits: the last character moves within its group of four.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(&parts[2][42..]).unwrap();
    for spare in 1..4 {
        let other = &alphabet[last + spare..=last + spare];
        let token = format!("{}.{}.{}{other}", parts[0], parts[1], &parts[2][..42]);
        assert_eq!(refusal(&token), Some(Cause::NotJws), "{token}");
    }
}

#[test]
fn a_token_has_exactly_three_parts() {
    let token = sign(HEADER, CLAIMS);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let cases = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        message.to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{message}..{signature}"),
        format!(
            "{}..iv.text.tag",
            base64(r#"{"alg":"dir","enc":"A256GCM"}"#)
        ),
        r#"{"payload":"e30","signatures":[]}"#.to_owned(),
    ];
    for token in cases {
        assert_eq!(refusal(&token), Some(Cause::NotJws), "{token:?}");
    }
}

#[test]
fn a_signature_of_other_length_content_or_key_does_not_hold() {
    let token = sign(HEADER, CLAIMS);
    let (message, _) = token.rsplit_once('.').unwrap();
    let tag = mac::<Hmac<sha2::Sha256>>(SECRET.as_bytes(), message);
    let other_key = "b".repeat(64);
    let tags = [
        vec![],
        vec![0; 32],
        tag[..31].to_vec(),
        tag[..1].to_vec(),
        [tag.as_slice(), &[0]].concat(),
        [tag.as_slice(), &tag].concat(),
        mac::<Hmac<sha2::Sha512>>(SECRET.as_bytes(), message),
        mac::<Hmac<sha2::Sha256>>(other_key.as_bytes(), message),
    ];
    for tag in tags {
        let token = format!("{message}.{}", base64(&tag));
        assert_eq!(refusal(&token), Some(Cause::Signature), "{tag:?}");
    }
}

#[test]
fn nothing_is_told_of_claims_before_the_signature_holds() {
    let spec = JwtSpec {
        issuers: vec!["expected".into()],
        token_type: Some("at+jwt".to_owned()),
        ..spec()
    };
    let jwt = jwt(spec);
    for claims in [
        r#"{"exp":1}"#,
        r#"{"iss":"other"}"#,
        "not json",
        r#"{"a":1,"a":2}"#,
    ] {
        let token = format!(
            "{}.{}.{}",
            base64(HEADER),
            base64(claims),
            base64([7_u8; 32])
        );
        assert_eq!(
            cause(jwt.verify_by_secret(&token, NOW)),
            Some(Cause::Signature),
            "{claims}"
        );
    }
}

#[test]
fn a_huge_token_is_refused_by_its_size() {
    let claims = |padding: usize| format!(r#"{{"exp":1900000000,"p":"{}"}}"#, "x".repeat(padding));
    let fits = sign(HEADER, &claims(12_100));
    assert!(fits.len() > 16_000 && fits.len() <= crate::auth::MAX_TOKEN_BYTES);
    assert_eq!(refusal(&fits), None);
    for padding in [12_300, 75_000] {
        let denied = jwt(spec())
            .verify_by_secret(&sign(HEADER, &claims(padding)), NOW)
            .unwrap_err();
        assert_eq!(
            (denied.cause, denied.reason.as_ref()),
            (Cause::NotJws, "the token is too long")
        );
    }
    assert_eq!(refusal(&".".repeat(100_000)), Some(Cause::NotJws));
}

#[test]
fn the_number_of_members_is_bounded() {
    let members = |n: usize| -> String { (0..n).map(|i| format!(r#","m{i}":{i}"#)).collect() };
    let header = |n| format!(r#"{{"alg":"HS256"{}}}"#, members(n));
    let claims = |n| format!(r#"{{"exp":1900000000{}}}"#, members(n));
    assert_eq!(refusal(&sign(&header(31), &claims(255))), None);
    assert_eq!(refusal(&sign(&header(32), CLAIMS)), Some(Cause::NotJws));
    assert_eq!(refusal(&sign(HEADER, &claims(256))), Some(Cause::NotJws));
}

#[test]
fn each_refusal_has_its_code_text_and_challenge() {
    let table = [
        (
            Cause::NoToken,
            "AUTH_ERROR",
            "No token provided or token format is invalid.",
        ),
        (Cause::NotJws, "ERR_JWS_INVALID", "Invalid JWS"),
        (
            Cause::Signature,
            "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
            "Signature verification failed",
        ),
        (Cause::Expired, "ERR_JWT_EXPIRED", "Token has expired."),
        (
            Cause::Claims,
            "ERR_JWT_CLAIM_VALIDATION_FAILED",
            "JWT claim validation failed",
        ),
    ];
    for (cause, code, text) in table {
        let denied = Denied::new(cause, "");
        assert_eq!((denied.code(), denied.text()), (code, text));
        let challenge = match cause {
            Cause::NoToken => r#"Bearer realm="causeway""#.to_owned(),
            _ => format!(
                r#"Bearer realm="causeway", error="invalid_token", error_description="{text}""#
            ),
        };
        assert_eq!(denied.www_authenticate(), Some(challenge.as_str()));
    }
}

#[test]
fn a_reason_never_quotes_token_secret_or_expected_value() {
    let spec = || JwtSpec {
        issuers: vec!["expected-iss".into()],
        audiences: vec!["expected-aud".into()],
        subject: Some("expected-sub".into()),
        token_type: Some("expected-typ".to_owned()),
        ..spec()
    };
    let all =
        r#"{"iss":"expected-iss","sub":"expected-sub","aud":"expected-aud","exp":1900000000}"#;
    let mut tokens = vec![
        sign(HEADER, all),
        sign(r#"{"alg":"given-alg"}"#, all),
        sign(HEADER, "given-payload"),
    ];
    for name in ["iss", "sub", "aud"] {
        let claims = all.replace(&format!("expected-{name}"), "given-value");
        tokens.push(sign(r#"{"alg":"HS256","typ":"expected-typ"}"#, &claims));
    }
    for token in tokens {
        let denied = jwt(spec()).verify_by_secret(&token, NOW).unwrap_err();
        for hidden in ["expected-", "given-", SECRET, &token] {
            assert!(
                !denied.reason.contains(hidden),
                "{} tells {hidden}",
                denied.reason
            );
        }
    }
}
