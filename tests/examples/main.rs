//! The configs that come with the project: each is without a warning, and each of its paths answers.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

mod requests;
mod stand_ins;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway::auth::{KeyHasher, PasswordHash, stored_name};
use causeway::http::Method;
use causeway::plan::{
    Action, Auth0Spec, AuthorizerKind, AwsCredentials, Blueprint, CertificateSpec, ClaimRule,
    Condition, Constant, GoogleCredential, Hook, IdentityKind, IntrospectionEndpoint, JwsAlgorithm,
    JwtKeys, JwtSpec, LoginStep, MessageSignatureSpec, Number, PathEntry, Requirement,
    SupabaseSpec, Test, Text, TokenSource, WebhookScheme, compile,
};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use peers::upstream::Script;
use peers::{Gateway, Kv, Options, Request, Source, Upstream, workspace};
use serde_json::{Value, json};
use sha2::Sha256;
use support::issuer;
use support::tokens::{SECRET, in_seconds, sign_with};
use support::worker;

use requests::*;
use stand_ins::*;

/// The key of docs/auth.md, whose hash is in the example.
const KEY: &str = "cw_9fjwRA2Z0O6V_tiszZKEod9nBtotCs3btYBVxL0NHYv9s0tTLIS";

/// One that examples sign with.
const PRIVATE_KEY: &str = include_str!("../../src/auth/keys/private/rsa.pem");

/// The user of the example.
const CREDENTIALS: &str = "ann:example password";

/// `api-config.json` and everything in `examples/`.
fn examples() -> Vec<PathBuf> {
    let root = workspace::root();
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
            for endpoint in &mut server.endpoints {
                endpoint.url = Text::Literal(format!("{}/{}", upstream.url(), server.alias));
            }
        }
        let keys = Upstream::start();
        publish_keys(&mut blueprint, &keys);
        let gateway = start(&blueprint, &text);
        for path in &blueprint.paths {
            check(&blueprint, path, &gateway, &upstream, &keys);
        }
        let log = gateway.log();
        assert!(!log.contains("config:"), "{name}: {log}");
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
    options = options.with(|worker| worker.cf_header("Test-Cf"));
    for binding in &blueprint.bindings {
        options = options.service(&binding.binding, &worker_source, Some("StandIn"));
    }
    for name in variables(blueprint, text) {
        let value = if name.ends_with("_PASSWORD_HASH") {
            PasswordHash::make("any", b"sixteen bytes...", 10_000).written()
        } else if name.ends_with("_PRIVATE_KEY") {
            PRIVATE_KEY.to_owned()
        } else if name.ends_with("_CERTIFICATE") {
            include_str!("../certificates/service.pem").to_owned()
        } else if name == "GOOGLE_SERVICE_ACCOUNT" {
            let key = json!({ "type": "service_account", "client_email": "a@b.c", "private_key": PRIVATE_KEY });
            key.to_string()
        } else if name.starts_with("AWS_") {
            "AKIDEXAMPLE".to_owned()
        } else {
            SECRET.to_owned()
        };
        options = options.text(&name, &value);
    }
    for authorizer in &blueprint.authorizers {
        if let AuthorizerKind::ApiKey(spec) = &authorizer.kind
            && let Some(kv) = &spec.kv
        {
            let stored = record(spec.pepper.is_some());
            let namespace = Kv::start();
            let id = stored["id"].as_str().unwrap();
            namespace.put(&format!("{}{id}", kv.prefix), stored.to_string());
            let binding = kv.binding.clone();
            // It lives as long as the test does.
            let namespace: &'static Kv = Box::leak(Box::new(namespace));
            options = options.with(move |worker| worker.kv(&binding, namespace));
        }
    }
    Gateway::start("", options)
}

/// What KV holds of [`KEY`].
fn record(peppered: bool) -> Value {
    let hasher = KeyHasher::new(peppered.then_some(SECRET)).ok().unwrap();
    json!({ "id": stored_name(KEY).unwrap(), "hash": hasher.written(&hasher.hash(KEY)) })
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
        Action::Login { post_process, .. } => (None, post_process.as_ref()),
        Action::Supabase(_) | Action::Respond { .. } | Action::Federation(_) | Action::Fault(_) => {
            (None, None)
        }
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
fn check(
    blueprint: &Blueprint,
    path: &PathEntry,
    gateway: &Gateway,
    upstream: &Upstream,
    keys: &Upstream,
) {
    let request = request(path);
    let what = format!("{:?} {}", path.method, path.pattern);
    let request = match path.access.authorizers() {
        [] => request,
        [index, ..] => {
            answer(keys, "/decide", 401, "");
            let refused = gateway.send(&request);
            assert_eq!(refused.status, 401, "{what}: {}", refused.text());
            answer(keys, "/decide", 200, "");
            let request = bare(path, "authorization");
            match &blueprint.authorizers[usize::from(*index)].kind {
                AuthorizerKind::Jwt(spec) => with_token(request, spec, path),
                AuthorizerKind::Supabase(spec) => with_supabase(request, spec),
                AuthorizerKind::Webhook(spec) => with_webhook(request, spec.scheme),
                AuthorizerKind::MessageSignature(spec) => with_signature(request, spec),
                AuthorizerKind::ClientCertificate(spec) => with_certificate(request, spec),
                AuthorizerKind::ApiKey(_) => request.header("X-Api-Key", KEY),
                AuthorizerKind::Basic(_) => {
                    let encoded = STANDARD.encode(CREDENTIALS);
                    request.header("Authorization", &format!("Basic {encoded}"))
                }
                AuthorizerKind::Introspection(_) | AuthorizerKind::ForwardAuth(_) => {
                    request.header("Authorization", "Bearer opaque")
                }
                AuthorizerKind::Oidc(_) => {
                    let page = request.header("Host", "localhost");
                    let page = page.header("Accept", "text/html");
                    let sent = gateway.send(&page);
                    assert_eq!(sent.status, 302, "{what}: {}", sent.text());
                    return;
                }
                AuthorizerKind::Auth0(spec) => with_tenants_token(request, spec),
                AuthorizerKind::Fault(fault) => panic!("{what}: {}", fault.message),
            }
        }
    };
    let served = answered(upstream);
    let answer = gateway.send(&request);
    match &path.action {
        Action::Respond { status, .. } => assert_eq!(answer.status, *status, "{what}"),
        Action::Proxy { .. } => {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            assert_eq!(answered(upstream), served + 1, "{what}");
        }
        Action::Supabase(_)
        | Action::Call { .. }
        | Action::Service { .. }
        | Action::Federation(_) => {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        }
        Action::Login { step, .. } => {
            let (status, code) = match step {
                LoginStep::Finish | LoginStep::Auth0Callback => (400, "login_state_invalid"),
                LoginStep::Logout => (403, "cross_site_request"),
                LoginStep::Auth0Userinfo => (401, "missing_access_token"),
                LoginStep::Auth0Refresh => (400, "missing_refresh_token"),
                LoginStep::Begin | LoginStep::Auth0CallbackRedirect => {
                    assert_eq!(answer.status, 302, "{what}: {}", answer.text());
                    return;
                }
            };
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            assert_eq!(answer.json()["code"], code, "{what}");
        }
        Action::Fault(fault) => panic!("{what}: {}", fault.message),
    }
}

/// How many requests came, but for those that a mirror was sent.
fn answered(upstream: &Upstream) -> usize {
    let requests = upstream.requests();
    let own = requests
        .iter()
        .filter(|r| r.head.header("x-causeway-mirror").is_none());
    own.count()
}
