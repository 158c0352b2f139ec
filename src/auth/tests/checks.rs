//! What a sound token's claims must be, and what is read from them.

use hmac::Hmac;

use super::*;

#[test]
fn the_example_of_rfc_7515_appendix_a_1_is_accepted_until_it_expires() {
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    // The key is not text, so it goes in where a secret's bytes end up.
    let key = jsonwebtoken::DecodingKey::from_secret(&URL_SAFE_NO_PAD.decode(key).unwrap());
    let mut jwt = jwt(spec());
    let verifier = crate::auth::hmac::verifier(jsonwebtoken::Algorithm::HS256, &key).unwrap();
    jwt.use_secret(vec![verifier]);

    let claims = jwt.verify_by_secret(token, 1_300_819_379).unwrap();
    assert_eq!(claims.claim("iss").as_deref(), Some("joe"));
    let is_root = claims.claim("http://example.com/is_root");
    assert_eq!(is_root.as_deref(), Some("true"));
    assert_eq!(
        cause(jwt.verify_by_secret(token, 1_300_819_380)),
        Some(Cause::Expired)
    );
}

#[test]
fn hmac_is_that_of_rfc_4231() {
    // Test case 2: a key shorter than the block; test case 6: one longer than it.
    let long_key = [0xaa; 131];
    let long_message = "Test Using Larger Than Block-Size Key - Hash Key First";
    let jefe = "what do ya want for nothing?";
    let cases: [(&str, &[u8], &str, &str); 4] = [
        (
            "HS256",
            b"Jefe",
            jefe,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "HS384",
            b"Jefe",
            jefe,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "HS512",
            b"Jefe",
            jefe,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
        (
            "HS256",
            &long_key,
            long_message,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ];
    for (name, key, message, tag) in cases {
        let key = jsonwebtoken::DecodingKey::from_secret(key);
        let verifier = crate::auth::hmac::verifier(name.parse().unwrap(), &key).unwrap();
        let mut tag: Vec<u8> = (0..tag.len() / 2)
            .map(|i| u8::from_str_radix(&tag[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        assert!(verifier.verify(message.as_bytes(), &tag).is_ok(), "{name}");
        tag.pop();
        assert!(
            verifier.verify(message.as_bytes(), &tag).is_err(),
            "{name}, cut"
        );
    }
}

#[test]
fn each_allowed_algorithm_is_accepted_and_no_other() {
    use JwsAlgorithm::{Hs256, Hs384, Hs512};
    type Tag = fn(&[u8], &str) -> Vec<u8>;
    let tags: [(JwsAlgorithm, &str, Tag); 3] = [
        (Hs256, "HS256", mac::<Hmac<sha2::Sha256>>),
        (Hs384, "HS384", mac::<Hmac<sha2::Sha384>>),
        (Hs512, "HS512", mac::<Hmac<sha2::Sha512>>),
    ];
    let allow_lists = [
        vec![Hs256],
        vec![Hs384],
        vec![Hs512],
        vec![Hs256, Hs512],
        vec![Hs512, Hs384, Hs256],
    ];
    for algorithms in allow_lists {
        for (algorithm, name, tag) in tags {
            let message = format!(
                "{}.{}",
                base64(format!(r#"{{"alg":"{name}"}}"#)),
                base64(r#"{"exp":1900000000}"#)
            );
            let token = format!("{message}.{}", base64(tag(SECRET.as_bytes(), &message)));
            let jwt = jwt(JwtSpec {
                algorithms: algorithms.clone(),
                ..spec()
            });
            let expected = (!algorithms.contains(&algorithm)).then_some(Cause::NotJws);
            assert_eq!(
                cause(jwt.verify_by_secret(&token, NOW)),
                expected,
                "{name} of {algorithms:?}"
            );
        }
    }
}

#[test]
fn times_are_checked() {
    use Cause::{Claims, Expired, NotActive};
    // leeway, max_age, require_exp, claims, refusal; now is 1800000000.
    type Case = (u32, Option<u32>, bool, &'static str, Option<Cause>);
    let cases: [Case; 31] = [
        (0, None, true, r#"{"exp":1800000001}"#, None),
        (0, None, true, r#"{"exp":1800000000}"#, Some(Expired)),
        (0, None, true, r#"{"exp":1799999999}"#, Some(Expired)),
        (0, None, true, r#"{"exp":1800000000.5}"#, None),
        (0, None, true, r#"{"exp":1.8000000005e9}"#, None),
        (0, None, true, r#"{"exp":1799999999.9}"#, Some(Expired)),
        (0, None, true, r#"{"exp":0}"#, Some(Expired)),
        (0, None, true, r#"{"exp":-1}"#, Some(Expired)),
        (10, None, true, r#"{"exp":1799999991}"#, None),
        (10, None, true, r#"{"exp":1799999990}"#, Some(Expired)),
        (0, None, true, r#"{}"#, Some(Claims)),
        (0, None, false, r#"{}"#, None),
        (0, None, false, r#"{"exp":1799999999}"#, Some(Expired)),
        (0, None, false, r#"{"exp":null}"#, Some(Claims)),
        (0, None, true, r#"{"exp":"1900000000"}"#, Some(Claims)),
        (0, None, true, r#"{"exp":[1900000000]}"#, Some(Claims)),
        (0, None, true, r#"{"exp":true}"#, Some(Claims)),
        (0, None, true, r#"{"exp":1e400}"#, Some(Claims)),
        (0, None, false, r#"{"nbf":1800000000}"#, None),
        (0, None, false, r#"{"nbf":1800000001}"#, Some(NotActive)),
        (1, None, false, r#"{"nbf":1800000001}"#, None),
        (0, None, false, r#"{"nbf":"0"}"#, Some(Claims)),
        (0, None, false, r#"{"iat":1800000000}"#, None),
        // A minute ahead is no harm, and a longer leeway counts.
        (0, None, false, r#"{"iat":1800000060}"#, None),
        (0, None, false, r#"{"iat":1800000061}"#, Some(Claims)),
        (61, None, false, r#"{"iat":1800000061}"#, None),
        (0, None, false, r#"{"iat":"0"}"#, Some(Claims)),
        (0, Some(60), false, r#"{"iat":1799999940}"#, None),
        (0, Some(60), false, r#"{"iat":1799999939}"#, Some(Expired)),
        (1, Some(60), false, r#"{"iat":1799999939}"#, None),
        (0, Some(60), false, r#"{}"#, Some(Claims)),
    ];
    for (leeway, max_age, require_exp, claims, expected) in cases {
        let spec = JwtSpec {
            leeway,
            max_age,
            require_exp,
            ..spec()
        };
        assert_eq!(cause(outcome(spec, claims)), expected, "{claims}");
    }
}

#[test]
fn issuer_audience_and_subject_are_compared_whole() {
    let cases = [
        (r#""iss":"a","aud":"x","sub":"s""#, true),
        (r#""iss":"b","aud":["x"],"sub":"s""#, true),
        (r#""iss":"b","aud":["z","y"],"sub":"s""#, true),
        (r#""iss":"\u0061","aud":"\u0078","sub":"\u0073""#, true),
        (r#""aud":"x","sub":"s""#, false),
        (r#""iss":"c","aud":"x","sub":"s""#, false),
        (r#""iss":"A","aud":"x","sub":"s""#, false),
        (r#""iss":"a ","aud":"x","sub":"s""#, false),
        (r#""iss":["a"],"aud":"x","sub":"s""#, false),
        (r#""iss":null,"aud":"x","sub":"s""#, false),
        (r#""iss":"a","sub":"s""#, false),
        (r#""iss":"a","aud":"z","sub":"s""#, false),
        (r#""iss":"a","aud":[],"sub":"s""#, false),
        (r#""iss":"a","aud":["x",1],"sub":"s""#, false),
        (r#""iss":"a","aud":[["x"]],"sub":"s""#, false),
        (r#""iss":"a","aud":{"x":1},"sub":"s""#, false),
        (r#""iss":"a","aud":null,"sub":"s""#, false),
        (r#""iss":"a","aud":"x""#, false),
        (r#""iss":"a","aud":"x","sub":"t""#, false),
        (r#""iss":"a","aud":"x","sub":["s"]"#, false),
    ];
    for (claims, accepted) in cases {
        let spec = JwtSpec {
            issuers: vec!["a".into(), "b".into()],
            audiences: vec!["x".into(), "y".into()],
            subject: Some("s".into()),
            ..spec()
        };
        let expected = (!accepted).then_some(Cause::Claims);
        let claims = format!(r#"{{{claims},"exp":1900000000}}"#);
        assert_eq!(cause(outcome(spec, &claims)), expected, "{claims}");
    }
}

#[test]
fn the_type_is_compared_without_case_and_prefix() {
    let cases = [
        ("at+jwt", r#","typ":"at+jwt""#, true),
        ("at+jwt", r#","typ":"AT+JWT""#, true),
        ("at+jwt", r#","typ":"application/at+jwt""#, true),
        ("application/at+jwt", r#","typ":"at+jwt""#, true),
        ("at+jwt", r#","typ":"JWT""#, false),
        ("at+jwt", "", false),
    ];
    for (expected, typ, accepted) in cases {
        let jwt = jwt(JwtSpec {
            token_type: Some(expected.to_owned()),
            ..spec()
        });
        let token = sign(
            &format!(r#"{{"alg":"HS256"{typ}}}"#),
            r#"{"exp":1900000000}"#,
        );
        let refusal = (!accepted).then_some(Cause::Claims);
        assert_eq!(
            cause(jwt.verify_by_secret(&token, NOW)),
            refusal,
            "{expected} {typ}"
        );
    }
}

#[test]
fn a_required_claim_must_be_there_and_not_null() {
    let cases = [
        (r#""email":"a@b","org.id":0"#, true),
        (r#""email":"","org.id":false"#, true),
        (r#""email":"a@b""#, false),
        (r#""email":"a@b","org":{"id":1}"#, false),
        (r#""email":null,"org.id":0"#, false),
    ];
    for (claims, accepted) in cases {
        let spec = JwtSpec {
            required_claims: vec!["email".to_owned(), "org.id".to_owned()],
            ..spec()
        };
        let refusal = (!accepted).then_some(Cause::Claims);
        let claims = format!(r#"{{{claims},"exp":1900000000}}"#);
        assert_eq!(cause(outcome(spec, &claims)), refusal, "{claims}");
    }
}

#[test]
fn a_claim_is_read_by_its_flat_name_as_text() {
    let json = r#"{ "exp": 1900000000, "s": "a\"b\u00e9\n", "plain": "x", "empty": "", "int": 12345678901234567890123,
        "float": 1.50, "yes": true, "no": false, "nothing": null, "list": [ 1, "a b", { "k" : "\" ]" } ],
        "object": {"a" : { } }, "org.id": "dot", "x-y": "dash", "https://example.com/roles": ["r"], "na\u006de": "n" }"#;
    let claims = outcome(spec(), json).unwrap();
    let cases = [
        ("s", Some("a\"bé\n")),
        ("plain", Some("x")),
        ("empty", Some("")),
        ("int", Some("12345678901234567890123")),
        ("float", Some("1.50")),
        ("yes", Some("true")),
        ("no", Some("false")),
        ("nothing", None),
        ("absent", None),
        ("list", Some(r#"[1,"a b",{"k":"\" ]"}]"#)),
        ("object", Some(r#"{"a":{}}"#)),
        ("object.a", Some("{}")),
        ("object.b", None),
        ("object.", None),
        ("list.0", None),
        ("s.x", None),
        ("org.id", Some("dot")),
        ("x-y", Some("dash")),
        ("https://example.com/roles", Some(r#"["r"]"#)),
        ("name", Some("n")),
    ];
    for (name, expected) in cases {
        assert_eq!(claims.claim(name).as_deref(), expected, "{name}");
    }
    let again: serde_json::Value = serde_json::from_str(&claims.to_json()).unwrap();
    assert_eq!(
        again,
        serde_json::from_str::<serde_json::Value>(json).unwrap()
    );
    assert!(claims.to_json().starts_with(r#"{"exp":1900000000,"s":"a"#));
    assert!(
        !format!("{claims:?}").contains("dash"),
        "Debug shows no values"
    );
}

#[test]
fn an_authorizer_that_could_check_nothing_safely_is_a_fault() {
    use JwsAlgorithm::{Hs256, Hs384, Hs512};
    let cases = [
        (vec![Hs256], 0, Some("jwt_weak_secret")),
        (vec![Hs256], 31, Some("jwt_weak_secret")),
        (vec![Hs256], 32, None),
        (vec![Hs384], 47, Some("jwt_weak_secret")),
        (vec![Hs384], 48, None),
        (vec![Hs512], 63, Some("jwt_weak_secret")),
        (vec![Hs512], 64, None),
        (vec![Hs512, Hs256], 32, Some("jwt_weak_secret")),
        (vec![], 64, Some("jwt_no_algorithm")),
    ];
    for (algorithms, length, expected) in cases {
        let what = format!("{algorithms:?} with {length} bytes");
        let fault = Jwt::new(JwtSpec {
            keys: JwtKeys::Secrets(vec![Text::Literal("k".repeat(length))]),
            algorithms,
            ..spec()
        })
        .err();
        assert_eq!(fault.as_ref().map(|f| f.code.as_str()), expected, "{what}");
        assert!(!fault.is_some_and(|f| f.message.contains("kkk")), "{what}");
    }
    let empty_issuer = JwtSpec {
        issuers: vec!["".into()],
        ..spec()
    };
    let fault = Jwt::new(empty_issuer).err().unwrap();
    assert_eq!(fault.code, "jwt_empty_value");
}
