//! What becomes of a config: good ones word by word, bad ones closed, and none of them a crash.

use causeway::config::{MAX_BYTES, draw};
use causeway::http::Method;
use causeway::plan::{
    Access, Action, AuthorizerKind, Blueprint, Compiled, JwsAlgorithm, JwtKeys, OriginPattern,
    Piece, Reference, ReferenceKind, Source, Text, TokenSource, compile,
};

const EXAMPLE: &str = include_str!("../api-config.json");

fn codes(compiled: &Compiled) -> Vec<&'static str> {
    compiled.diagnostics.iter().map(|d| d.code).collect()
}

fn sound(text: &str) -> Blueprint {
    let compiled = compile(text);
    let lines = compiled.diagnostics.lines("");
    assert!(!compiled.diagnostics.has_errors(), "{lines:?}");
    assert!(compiled.blueprint.is_some());
    compiled.blueprint.unwrap_or_default()
}

#[test]
fn the_example_means_what_it_says() {
    let blueprint = sound(EXAMPLE);
    let orders = &blueprint.paths[1];
    assert_eq!(orders.method, Some(Method::Get));
    assert_eq!(orders.pattern, "/orders/{id}");
    assert_eq!(orders.access, Access::Any(vec![0]));
    assert_eq!(orders.timeout_ms, 30_000);
    let Action::Proxy {
        server: 1,
        zones: None,
        mapping: Some(mapping),
        mirror: None,
        post_process: None,
    } = &orders.action
    else {
        panic!("{:?}", orders.action);
    };
    let literal = |text: &str| Text::Literal(text.to_owned());
    assert_eq!(
        mapping.headers,
        [
            ("x-user-id".to_owned(), Source::Claim("sub".to_owned())),
            ("x-user-email".to_owned(), Source::Claim("email".to_owned())),
            ("x-gateway".to_owned(), Source::Config(literal("causeway"))),
        ]
    );
    assert_eq!(
        mapping.query,
        [
            ("order".to_owned(), Source::Path("id".to_owned())),
            ("api_version".to_owned(), Source::Config(literal("1"))),
        ]
    );
    let AuthorizerKind::Jwt(jwt) = &blueprint.authorizers[0].kind else {
        panic!("no JWT");
    };
    assert_eq!(
        jwt.keys,
        JwtKeys::Secrets(vec![Text::Reference(Reference {
            kind: ReferenceKind::Secret,
            name: "JWT_SECRET".to_owned()
        })])
    );
    assert_eq!(jwt.algorithms, [JwsAlgorithm::Hs256]);
    assert_eq!(jwt.sources, [TokenSource::Bearer]);
    assert!(jwt.require_exp);
    let cors = blueprint.cors.as_ref().unwrap();
    assert_eq!(
        cors.allow_origins[1],
        OriginPattern::Subdomains {
            scheme: "https".to_owned(),
            suffix: ".example.com".to_owned()
        }
    );
    assert_eq!(blueprint.paths[3].method, None);
    assert_eq!(blueprint.paths[3].timeout_ms, 60_000);
    let Action::Respond {
        status: 200,
        headers,
        body,
    } = &blueprint.paths[5].action
    else {
        panic!("{:?}", blueprint.paths[5].action);
    };
    assert_eq!(headers[0].0, "cache-control");
    assert_eq!(
        body.0,
        [Piece::Json(r#"{"name":"causeway","api":1}"#.to_owned())]
    );
    let bytes = blueprint.to_bytes().unwrap();
    assert_eq!(Blueprint::from_bytes(&bytes), Ok(blueprint));
}

#[test]
fn references_are_cut_out_of_a_constant_body() {
    let blueprint = sound(
        r#"{"paths": [{"method": "GET", "path": "/a",
            "response": {"a": "$env.REGION", "b": ["x\"y", null, true, 1.50], "$env.K": "ü"}}]}"#,
    );
    let Action::Respond { body, .. } = &blueprint.paths[0].action else {
        panic!();
    };
    assert_eq!(
        body.0,
        [
            Piece::Json(r#"{"a":"#.to_owned()),
            Piece::Reference(Reference {
                kind: ReferenceKind::Env,
                name: "REGION".to_owned()
            }),
            Piece::Json(r#","b":["x\"y",null,true,1.50],"$env.K":"ü"}"#.to_owned()),
        ]
    );
}

#[test]
fn a_binding_gives_only_the_named_variables() {
    let blueprint = sound(
        r#"{"servicesBindings": [{"alias": "guard", "binding": "GUARD"}],
            "services": [{"alias": "hello", "entrypoint": "./hello"}],
            "paths": [
              {"method": "GET", "path": "/a",
               "integration": {"type": "service_binding", "binding": "guard", "function": "run", "env": ["REGION"]},
               "pre_process": {"binding": "guard", "function": "check"}},
              {"method": "ANY", "path": "/b", "integration": {"type": "service", "binding": "hello"}}]}"#,
    );
    let Action::Call { hook, .. } = &blueprint.paths[0].action else {
        panic!();
    };
    assert_eq!(hook.env, ["REGION"]);
    assert_eq!(
        blueprint.paths[0].pre_process.as_ref().unwrap().env,
        [""; 0]
    );
    assert!(matches!(
        blueprint.paths[1].action,
        Action::Service { service: 0, .. }
    ));
    assert_eq!(blueprint.services[0].entrypoint, "hello");
}

/// How `auth` is understood: the config's other members, what stands in the path, and the authorizer or the code.
#[test]
fn auth_means_one_authorizer_or_is_refused() {
    const ONE: &str = r#""authorizer": {"type": "jwt", "secret": "$secret.A"},"#;
    const NAMED: &str = r#""authorizers": {"a": {"type": "jwt", "secret": "$secret.A"}},"#;
    const TWO: &str = r#""authorizers": {"a": {"type": "jwt", "secret": "$secret.A"}, "b": {"type": "jwt", "secret": "$secret.B"}},"#;
    const TWO_AND_DEFAULT: &str = r#""authorizers": {"a": {"type": "jwt", "secret": "$secret.A"}, "b": {"type": "jwt", "secret": "$secret.B"}}, "defaults": {"auth": "b"},"#;
    const CLOSED: &str =
        r#""authorizer": {"type": "jwt", "secret": "$secret.A"}, "defaults": {"auth": true},"#;
    for (others, auth, expected) in [
        ("", "", Ok(None)),
        ("", r#","auth": false"#, Ok(None)),
        ("", r#","auth": true"#, Err("auth_without_authorizer")),
        ("", r#","auth": "a""#, Err("unknown_authorizer")),
        (ONE, r#","auth": true"#, Ok(Some(0))),
        (ONE, r#","auth": "authorizer""#, Ok(Some(0))),
        (ONE, r#","auth": 1"#, Err("wrong_type")),
        (NAMED, r#","auth": true"#, Ok(Some(0))),
        (NAMED, r#","auth": "a""#, Ok(Some(0))),
        (NAMED, r#","auth": ["a"]"#, Ok(Some(0))),
        (NAMED, r#","auth": {"all": ["a"]}"#, Ok(Some(0))),
        (NAMED, r#","auth": []"#, Err("empty_value")),
        (NAMED, r#","auth": {"any": []}"#, Err("empty_value")),
        (NAMED, r#","auth": ["a", "x"]"#, Err("unknown_authorizer")),
        (
            NAMED,
            r#","auth": {"all": ["a", "a"]}"#,
            Err("duplicate_value"),
        ),
        (NAMED, r#","auth": {"some": ["a"]}"#, Err("unknown_value")),
        (NAMED, r#","auth": {}"#, Err("unknown_value")),
        (TWO, r#","auth": true"#, Err("auth_without_authorizer")),
        (TWO, r#","auth": "b""#, Ok(Some(1))),
        (TWO_AND_DEFAULT, "", Ok(Some(1))),
        (TWO_AND_DEFAULT, r#","auth": true"#, Ok(Some(1))),
        (TWO_AND_DEFAULT, r#","auth": false"#, Ok(None)),
        (CLOSED, "", Ok(Some(0))),
        (CLOSED, r#","auth": false"#, Ok(None)),
    ] {
        let text = format!(
            r#"{{{others} "paths": [{{"method": "GET", "path": "/a", "response": 1 {auth}}}]}}"#
        );
        let compiled = compile(&text);
        let path = &compiled.blueprint.as_ref().unwrap().paths[0];
        match expected {
            Ok(authorizer) => {
                assert!(!compiled.diagnostics.has_errors(), "{text}");
                let asked = Vec::from_iter(authorizer);
                assert_eq!(path.access.authorizers(), asked, "{text}");
            }
            Err(code) => {
                assert_eq!(codes(&compiled), [code], "{text}");
                assert!(
                    matches!(&path.action, Action::Fault(f) if f.code == code),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_fault_closes_what_it_is_in_and_no_more() {
    let compiled = compile(
        r#"{
          "servers": [{"alias": "good", "url": "https://a.example"}, {"alias": "bad", "url": "ftp://a.example"}],
          "authorizers": {"weak": {"type": "jwt", "secret": "short"}},
          "paths": [
            {"method": "GET", "path": "/good", "integration": {"type": "http", "server": "good"}, "auth": false},
            {"method": "GET", "path": "/bad-server", "integration": {"type": "http", "server": "bad"}, "auth": false},
            {"method": "GET", "path": "/weak", "integration": {"type": "http", "server": "good"}, "auth": "weak"},
            {"method": "GET", "path": "/typo", "integration": {"type": "http", "server": "good"}, "atuh": true},
            {"method": "GET", "path": "/same/{a}", "response": 1, "auth": false},
            {"method": "GET", "path": "/same/{b}", "response": 2, "auth": false}
          ]
        }"#,
    );
    let blueprint = compiled.blueprint.unwrap();
    assert_eq!(blueprint.paths.len(), 5);
    let fault = |index: usize| match &blueprint.paths[index].action {
        Action::Fault(fault) => Some(fault.code.as_str()),
        _ => None,
    };
    assert_eq!(fault(0), None);
    assert!(matches!(
        blueprint.paths[0].action,
        Action::Proxy { server: 0, .. }
    ));
    assert_eq!(fault(1), Some("faulty_alias"));
    assert_eq!(fault(2), None);
    assert_eq!(blueprint.paths[2].access, Access::Any(vec![0]));
    assert!(matches!(
        &blueprint.authorizers[0].kind,
        AuthorizerKind::Fault(fault) if fault.code == "weak_secret"
    ));
    assert_eq!(fault(3), Some("unknown_field"));
    assert_eq!(fault(4), Some("conflicting_paths"));
}

#[test]
fn a_mistake_that_can_only_allow_less_closes_nothing() {
    for text in [
        r#"{"cors": {"allow_origins": ["null"]}, "paths": []}"#,
        r#"{"cors": 5, "paths": []}"#,
        r#"{"variables": {"a": {}}, "paths": []}"#,
    ] {
        let compiled = compile(text);
        assert!(compiled.diagnostics.has_errors(), "{text}");
        let blueprint = compiled.blueprint.unwrap();
        assert_eq!(blueprint.cors.is_some(), text.contains("cors"));
        let allowed = blueprint.cors.unwrap_or_default().allow_origins;
        assert!(allowed.is_empty(), "{text}");
    }
}

#[test]
fn nothing_is_served_where_a_path_could_be_opened_by_leaving_it_out() {
    for text in [
        r#"{"paths": [{"method": "GTE", "path": "/a", "response": 1}]}"#,
        r#"{"paths": [{"method": "GET", "path": "/a/../b", "response": 1}]}"#,
        r#"{"paths": [{"method": "GET", "path": "/a", "host": "a b", "response": 1}]}"#,
        r#"{"paths": [{"method": "GET", "path": "/a", "host": 1, "response": 1}]}"#,
        r#"{"paths": [{"method": "GET", "path": "/a", "path": "/b", "response": 1}]}"#,
        r#"{"paths": ["x"]}"#,
        r#"{"paths": {}}"#,
        r#"{"defaults": {"auth": "nobody"}, "paths": []}"#,
        r#"{"defaults": {"atuh": true}, "paths": []}"#,
        r#"{"defualts": {}, "paths": []}"#,
        r#"{"authorizers": {"a": {}, "a": {}}, "paths": []}"#,
        r#"{"cors": {}, "cors": {}, "paths": []}"#,
        r#"{"variables": {"a": 1, "a": 2}, "paths": []}"#,
        r#"{"servers": 5, "paths": []}"#,
        r#"{}"#,
        r#"5"#,
        "",
    ] {
        let compiled = compile(text);
        assert!(compiled.diagnostics.has_errors(), "{text}");
        assert!(compiled.blueprint.is_none(), "{text}");
    }
}

#[test]
fn errors_are_not_hidden_by_warnings() {
    let silent: Vec<String> = (0..2_000)
        .map(|n| format!(r#"{{"method": "get", "path": "/{n}", "response": 1}}"#))
        .collect();
    let text = format!(
        r#"{{"authorizer": {{"type": "jwt", "secret": "$secret.A"}}, "paths": [{}, {{"method": "GET", "path": "/x"}}]}}"#,
        silent.join(",")
    );
    let diagnostics = compile(&text).diagnostics;
    assert_eq!((diagnostics.errors(), diagnostics.warnings()), (1, 2_001));
    assert_eq!(diagnostics.iter().count(), 100);
    assert_eq!(
        diagnostics.iter().last().unwrap().code,
        "path_without_action"
    );
    assert_eq!(diagnostics.more().unwrap(), "and 1902 more");
    assert_eq!(diagnostics.strict().errors(), 2_002);
}

#[test]
fn documents_beyond_the_limits_are_refused() {
    let large = " ".repeat(50 * 1024 * 1024);
    assert!(large.len() > MAX_BYTES);
    assert_eq!(codes(&compile(&large)), ["document_too_large"]);
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        assert_eq!(codes(&compile(&deep)), ["nested_too_deeply"]);
        let inside = format!(
            r#"{{"paths": [{{"method": "GET", "path": "/a", "response": {}1{}}}]}}"#,
            open.repeat(500),
            close.repeat(500)
        );
        // Either it is within the limit, or this is all that is told.
        assert!(codes(&compile(&inside)).len() <= 1);
    }
}

#[test]
fn no_mutilated_document_is_a_crash() {
    let bytes = EXAMPLE.as_bytes();
    for end in 0..bytes.len() {
        read_and_draw(&String::from_utf8_lossy(&bytes[..end]), end % 16 == 0);
    }
    let replacements = [b'"', b'{', b']', b'\\', b'0', b',', 0xff];
    for at in 0..bytes.len() {
        let mut mutilated = bytes.to_vec();
        mutilated[at] = replacements[at % replacements.len()];
        read_and_draw(&String::from_utf8_lossy(&mutilated), at % 16 == 0);
    }
}

fn read_and_draw(text: &str, drawn: bool) {
    let compiled = compile(text);
    assert!(compiled.blueprint.is_some() || compiled.diagnostics.has_errors());
    if drawn {
        draw(&compiled.diagnostics, "api-config.json", text, false);
        compiled.diagnostics.lines("api-config.json");
    }
}

#[test]
fn ten_thousand_paths_are_read_without_quadratic_work() {
    let paths = |count: usize| {
        let entries: Vec<String> = (0..count)
            .map(|n| {
                format!(
                    r#"{{"method": "GET", "path": "/area{n}/{{id}}/items", "auth": true,
                        "integration": {{"type": "http", "server": "s{n}"}},
                        "mapping": {{"headers": {{"X-User": "$request.jwt.sub", "X-V": "$config.v{n}"}}}}}}"#
                )
            })
            .collect();
        let servers: Vec<String> = (0..count)
            .map(|n| format!(r#"{{"alias": "s{n}", "url": "https://s{n}.example.com/v1"}}"#))
            .collect();
        let variables: Vec<String> = (0..count).map(|n| format!(r#""v{n}": "{n}""#)).collect();
        format!(
            r#"{{"servers": [{}], "variables": {{{}}},
                "authorizer": {{"type": "jwt", "secret": "$secret.A"}}, "paths": [{}]}}"#,
            servers.join(","),
            variables.join(","),
            entries.join(",")
        )
    };
    let blueprint = sound(&paths(10_000));
    assert_eq!(blueprint.paths.len(), 10_000);
    assert!(matches!(
        blueprint.paths[9_999].action,
        Action::Proxy { server: 9_999, .. }
    ));

    // Every path wrong, and every one like the next: the costliest of mistakes.
    let wrong = paths(10_000).replace(r#""server": "s"#, r#""server": "z"#);
    let compiled = compile(&wrong);
    assert_eq!(compiled.diagnostics.errors(), 10_000);
    assert_eq!(compiled.diagnostics.iter().count(), 100);
    // All of one shape, each with an unknown member.
    let same = paths(10_000).replace("/area", "/{area}/x\", \"title\": \"");
    assert!(compile(&same).diagnostics.errors() >= 10_000);
}
