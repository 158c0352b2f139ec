//! The configs that come with the project: each is without a warning, and each of its paths answers.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use causeway::http::Method;
use causeway::plan::{
    Action, AuthorizerKind, Blueprint, Hook, JwtKeys, JwtSpec, PathEntry, Text, TokenSource,
    compile,
};
use peers::upstream::Script;
use peers::{Gateway, Options, Request, Source, Upstream};
use serde_json::{Value, json};
use support::issuer;
use support::tokens::{SECRET, in_seconds, sign_with};
use support::worker;

/// `api-config.json` and everything in `examples/`.
fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("api-config.json")];
    if let Ok(folder) = fs::read_dir(root.join("examples")) {
        let found = folder.map(|entry| entry.unwrap().path());
        files.extend(found.filter(|path| path.extension().is_some_and(|e| e == "json")));
    }
    files.sort();
    files
}

#[test]
fn every_example_is_without_a_mistake_and_each_of_its_paths_answers() {
    for file in examples() {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let compiled = compile(&text);
        assert!(
            compiled.diagnostics.is_empty(),
            "{}",
            compiled.diagnostics.lines(name).join("\n")
        );
        println!("{name}");
        let mut blueprint = compiled.blueprint.unwrap();
        let upstream = Upstream::start();
        for server in &mut blueprint.servers {
            server.url = Text::Literal(format!("{}/{}", upstream.url(), server.alias));
        }
        let keys = Upstream::start();
        publish_keys(&mut blueprint, &keys);
        let gateway = start(&blueprint, &text);
        for path in &blueprint.paths {
            check(&blueprint, path, &gateway, &upstream);
        }
        let log = gateway.log();
        assert!(!log.contains("config:"), "{name}: {log}");
    }
}

/// Puts a key of the tests wherever an example fetches one.
fn publish_keys(blueprint: &mut Blueprint, keys: &Upstream) {
    let jwks = issuer::jwks(&[issuer::p256().jwk("example")]);
    let script = Script {
        status: 200,
        body: jwks.to_string(),
        ..Script::default()
    };
    keys.script("/jwks.json", script);
    for authorizer in &mut blueprint.authorizers {
        if let AuthorizerKind::Jwt(spec) = &mut authorizer.kind
            && let JwtKeys::JwksUri(url) = &mut spec.keys
        {
            *url = Text::Literal(format!("{}/jwks.json", keys.url()));
        }
    }
}

/// The gateway with stand-ins for all that an example needs.
fn start(blueprint: &Blueprint, text: &str) -> Gateway {
    let mut functions = String::new();
    for hook in blueprint.paths.iter().flat_map(hooks) {
        let function = format!("  {}", hook.0.function);
        let body = match hook.1 {
            Role::Guard => "() { return true; }\n",
            Role::Call => "() { return Response.json({}); }\n",
            Role::After => "(response) { return response; }\n",
        };
        functions.push_str(&function);
        functions.push_str(body);
    }
    let worker_source = format!(
        "import {{ WorkerEntrypoint }} from 'cloudflare:workers';\n\
         export class StandIn extends WorkerEntrypoint {{\n{functions}}}\n\
         export default {{ fetch() {{ return new Response(null); }} }};\n"
    );
    let services: String = blueprint
        .services
        .iter()
        .map(|s| {
            format!(
                "[{}, class {{ fetch() {{ return Response.json({{}}); }} }}],",
                json!(s.alias)
            )
        })
        .collect();
    let mut options = Options::default()
        .folder(worker())
        .source(Source::Plan(blueprint.to_bytes().unwrap()))
        .services(&format!("export default new Map([{services}]);"));
    for binding in &blueprint.bindings {
        options = options.service(&binding.binding, &worker_source, Some("StandIn"));
    }
    for name in variables(blueprint, text) {
        options = options.text(&name, SECRET);
    }
    Gateway::start("", options)
}

#[derive(Clone, Copy)]
enum Role {
    Guard,
    Call,
    After,
}

fn hooks(path: &PathEntry) -> Vec<(&Hook, Role)> {
    let (call, after) = match &path.action {
        Action::Proxy { post_process, .. } | Action::Service { post_process, .. } => {
            (None, post_process.as_ref())
        }
        Action::Call { hook, post_process } => (Some(hook), post_process.as_ref()),
        Action::Respond { .. } | Action::Fault(_) => (None, None),
    };
    let guard = path.pre_process.as_ref().map(|hook| (hook, Role::Guard));
    let call = call.map(|hook| (hook, Role::Call));
    let after = after.map(|hook| (hook, Role::After));
    guard.into_iter().chain(call).chain(after).collect()
}

/// The names that the text refers to, and those that hooks are given.
fn variables(blueprint: &Blueprint, text: &str) -> Vec<String> {
    let referred = ["\"$env.", "\"$secret.", "\"$secrets."]
        .iter()
        .flat_map(|prefix| text.split(prefix).skip(1))
        .filter_map(|rest| rest.split('"').next());
    let mut names: Vec<String> = referred.map(str::to_owned).collect();
    for path in &blueprint.paths {
        for (hook, _) in hooks(path) {
            names.extend(hook.env.iter().cloned());
        }
        if let Action::Service { env, .. } = &path.action {
            names.extend(env.iter().cloned());
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Asks for a path, first as a stranger where it is protected.
fn check(blueprint: &Blueprint, path: &PathEntry, gateway: &Gateway, upstream: &Upstream) {
    let request = request(path);
    let what = format!("{:?} {}", path.method, path.pattern);
    let request = match path.access.authorizers() {
        [] => request,
        [index, ..] => {
            let refused = gateway.send(&request);
            assert_eq!(refused.status, 401, "{what}: {}", refused.text());
            let AuthorizerKind::Jwt(spec) = &blueprint.authorizers[usize::from(*index)].kind else {
                panic!("{what}: the authorizer has a fault");
            };
            with_token(request, spec)
        }
    };
    let served = upstream.requests().len();
    let answer = gateway.send(&request);
    match &path.action {
        Action::Respond { status, .. } => assert_eq!(answer.status, *status, "{what}"),
        Action::Proxy { .. } => {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            assert_eq!(upstream.requests().len(), served + 1, "{what}");
        }
        Action::Call { .. } | Action::Service { .. } => {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        }
        Action::Fault(fault) => panic!("{what}: {}", fault.message),
    }
}

fn request(path: &PathEntry) -> Request {
    let segments = path.pattern.split('/').map(|segment| match segment {
        "{.+}" => "any/thing",
        parameter if parameter.starts_with('{') => "42",
        literal => literal,
    });
    let target = segments.collect::<Vec<_>>().join("/");
    let method = path.method.map_or("GET", Method::as_str);
    let request = match method {
        "POST" | "PUT" | "PATCH" => Request::new(method, &target).body("{}"),
        _ => Request::new(method, &target),
    };
    match &path.host {
        Some(host) => request.header("Host", &host.replace("*.", "sub.")),
        None => request,
    }
}

fn with_token(request: Request, spec: &JwtSpec) -> Request {
    let value = |text: &Text| match text {
        Text::Literal(value) => value.clone(),
        Text::Reference(_) => SECRET.to_owned(),
    };
    let mut claims = json!({ "sub": "u1", "exp": in_seconds(600), "iat": in_seconds(-1) });
    for name in &spec.required_claims {
        if claims[name] == Value::Null {
            claims[name] = "any".into();
        }
    }
    if let Some(issuer) = spec.issuers.first() {
        claims["iss"] = value(issuer).into();
    }
    if let Some(audience) = spec.audiences.first() {
        claims["aud"] = value(audience).into();
    }
    if let Some(subject) = &spec.subject {
        claims["sub"] = value(subject).into();
    }
    let token = match &spec.keys {
        JwtKeys::Secret(secret) => {
            let algorithm = spec.algorithms.iter().map(|a| a.name()).next().unwrap();
            sign_with(algorithm, &value(secret), &claims)
        }
        _ => issuer::p256().sign("ES256", Some("example"), &claims),
    };
    match spec.sources.first() {
        Some(TokenSource::Header(name)) => request.header(name, &token),
        Some(TokenSource::Cookie(name)) => request.header("Cookie", &format!("{name}={token}")),
        _ => request.header("Authorization", &format!("Bearer {token}")),
    }
}
