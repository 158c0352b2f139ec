//! A condition: any text. What compiles is evaluated over a caller and a request, and comes to an end.

use std::borrow::Cow;

use causeway::auth::Claims;
use causeway::plan::{Blueprint, compile};
use causeway::policy::require::{Facts, check as allowed};

const CLAIMS: &str = r#"{"sub":"42","n":3,"x":2.5,"t":true,"nil":null,"org":{"id":"o","tags":["a",["b"],{"c":1}]},
    "list":["a","b","c"],"nums":[1,2,3,4,5,6,7,8],"https://x.test/y":["z"]}"#;

pub fn check(data: &[u8]) {
    let Ok(expression) = std::str::from_utf8(data) else {
        return;
    };
    let config = serde_json::json!({
        "authorizer": { "type": "jwt", "secret": "$secret.S" },
        "paths": [{
            "method": "GET", "path": "/a/{id}", "response": 1, "auth": true, "require": { "expression": expression },
        }],
    });
    let compiled = compile(&config.to_string());
    let blueprint = &compiled.blueprint;
    assert!(blueprint.is_some(), "one path's mistake closed everything");
    let Some(blueprint) = blueprint else { return };
    let Some(require) = blueprint.paths.first().and_then(|p| p.require.as_ref()) else {
        assert!(compiled.diagnostics.has_errors(), "refused without a word");
        return;
    };
    let bytes = blueprint.to_bytes();
    let back = bytes.as_deref().map(Blueprint::from_bytes);
    assert_eq!(back, Ok(Ok(blueprint.clone())));
    for claims in [CLAIMS, "{}"] {
        let claims = serde_json::from_str::<Claims>(claims);
        assert!(claims.is_ok());
        let Ok(claims) = claims else { return };
        if let Err(refused) = allowed(require, &claims, &Asked) {
            assert_eq!((refused.status, refused.code), (403, "forbidden"));
        }
    }
}

struct Asked;

impl Facts for Asked {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/a/42"
    }

    fn host(&self) -> Cow<'_, str> {
        "gateway.test".into()
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "x-team").then_some("blue".into())
    }

    fn query(&self) -> Option<&str> {
        Some("a=1&b=2&b=3")
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "id").then_some("42".into())
    }
}
