//! What holds for every token.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_mutation_of_a_valid_token_is_refused(
        at in any::<prop::sample::Index>(),
        byte in 0x20_u8..0x7f,
        kind in 0..3,
    ) {
        let token = sign(HEADER, r#"{"iss":"i","sub":"s","exp":1900000000,"list":[1,2]}"#);
        let jwt = jwt(spec());
        prop_assert!(jwt.verify_by_secret(&token, NOW).is_ok());
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => {
                bytes.remove(at);
            }
        }
        let mutated = String::from_utf8(bytes).unwrap();
        prop_assume!(mutated != token);
        prop_assert!(jwt.verify_by_secret(&mutated, NOW).is_err(), "{mutated}");
    }

    #[test]
    fn arbitrary_text_never_panics_and_is_never_a_token(text in any::<String>()) {
        prop_assert!(jwt(spec()).verify_by_secret(&text, NOW).is_err());
    }

    #[test]
    fn arbitrary_bytes_in_signed_parts_never_panic(
        header in any::<Vec<u8>>(),
        payload in any::<Vec<u8>>(),
    ) {
        let jwt = jwt(spec());
        for token in [
            sign_parts(&base64(header), &base64("{}")),
            sign_parts(&base64(HEADER), &base64(payload)),
        ] {
            prop_assert!(jwt.verify_by_secret(&token, NOW).is_err(), "accepted");
        }
    }

    #[test]
    fn claims_are_read_as_serde_json_reads_them(
        strings in prop::collection::btree_map("[a-z]{1,6}", any::<String>(), 0..8),
        number in any::<i64>(),
        list in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let mut object = serde_json::json!({"EXP": number, "LIST": list, "exp": 1_900_000_000});
        for (name, value) in &strings {
            // `exp`, `nbf` and `iat` are not strings.
            object[format!("{name}.")] = value.as_str().into();
        }
        let claims = outcome(spec(), &object.to_string()).unwrap();
        for (name, value) in &strings {
            let claim = claims.claim(&format!("{name}."));
            prop_assert_eq!(claim.as_deref(), Some(value.as_str()));
        }
        prop_assert_eq!(claims.claim("EXP").unwrap(), number.to_string());
        prop_assert_eq!(claims.claim("LIST").unwrap(), object["LIST"].to_string());
        prop_assert_eq!(claims.to_json(), object.to_string());
    }

    #[test]
    fn looking_for_a_token_never_panics(value in any::<String>(), query in any::<String>()) {
        let spec = JwtSpec {
            sources: vec![
                TokenSource::Bearer,
                TokenSource::Header("h".to_owned()),
                TokenSource::Cookie("c".to_owned()),
                TokenSource::Query("q".to_owned()),
            ],
            ..spec()
        };
        let header = |_: &str| Some(Cow::Borrowed(value.as_str()));
        let _found = jwt(spec).find_token(&header, Some(&query));
    }
}
