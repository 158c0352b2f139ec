//! The configs that come with the project: each is without a warning, and each of its paths answers.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

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
use peers::{Gateway, Kv, Options, Request, Source, Upstream};
use serde_json::{Value, json};
use sha2::Sha256;
use support::issuer;
use support::tokens::{SECRET, in_seconds, sign_with};
use support::worker;

/// The key of docs/auth.md, whose hash is in the example.
const KEY: &str = "cw_9fjwRA2Z0O6V_tiszZKEod9nBtotCs3btYBVxL0NHYv9s0tTLIS";

/// One that examples sign with.
const PRIVATE_KEY: &str = include_str!("../src/auth/keys/private/rsa.pem");

/// The user of the example.
const CREDENTIALS: &str = "ann:example password";

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

/// Puts keys of the tests wherever an example fetches one, and somebody who answers wherever it asks.
fn publish_keys(blueprint: &mut Blueprint, keys: &Upstream) {
    let jwks = issuer::jwks(&[issuer::p256().jwk("example"), issuer::rsa().jwk("rsa")]);
    let script = Script {
        status: 200,
        body: jwks.to_string(),
        ..Script::default()
    };
    keys.script("/jwks.json", script.clone());
    let tenant = Script {
        body: issuer::jwks(&[issuer::rsa().jwk("example")]).to_string(),
        ..script.clone()
    };
    keys.script("/.well-known/jwks.json", tenant);
    let endpoint = |path: &str| format!("{}{path}", keys.url());
    let document = json!({
        "issuer": keys.url(), "authorization_endpoint": endpoint("/authorize"),
        "token_endpoint": endpoint("/token"), "jwks_uri": endpoint("/jwks.json"),
    });
    let document = Script {
        body: document.to_string(),
        ..script
    };
    keys.script("/.well-known/openid-configuration", document);
    for authorizer in &mut blueprint.authorizers {
        match &mut authorizer.kind {
            AuthorizerKind::Jwt(spec) => {
                if let JwtKeys::JwksUri(url) = &mut spec.keys {
                    *url = Text::Literal(format!("{}/jwks.json", keys.url()));
                }
            }
            AuthorizerKind::Introspection(spec) => {
                let mut told = json!({ "active": true, "sub": "42", "aud": SECRET });
                if let Some(Text::Literal(audience)) = spec.audiences.first() {
                    told["aud"] = audience.as_str().into();
                }
                for require in blueprint.paths.iter().filter_map(|p| p.require.as_ref()) {
                    allow(&mut told, require);
                }
                answer(keys, "/introspect", 200, &told.to_string());
                let url = Text::Literal(format!("{}/introspect", keys.url()));
                spec.endpoint = IntrospectionEndpoint::Url(url);
            }
            AuthorizerKind::ForwardAuth(spec) => {
                spec.url = Text::Literal(format!("{}/decide", keys.url()));
            }
            AuthorizerKind::Supabase(spec) => spec.url = Some(Text::Literal(keys.url())),
            AuthorizerKind::Oidc(spec) => spec.issuer = Text::Literal(keys.url()),
            AuthorizerKind::Auth0(spec) => spec.domain = Text::Literal(keys.url()),
            _ => {}
        }
    }
    play_supabase(blueprint, keys);
    play_aws(blueprint, keys);
    play_clouds(blueprint, keys);
}

/// Lets an upstream be the token endpoint of every identity.
fn play_clouds(blueprint: &mut Blueprint, cloud: &Upstream) {
    let url = |path: &str| Some(Text::Literal(format!("{}{path}", cloud.url())));
    // Of no use but its end.
    let id = issuer::rsa().sign("RS256", None, &json!({ "exp": in_seconds(600) }));
    let tokens = json!({ "access_token": "t", "id_token": id, "token": id, "expires_in": 600 });
    answer(cloud, "/cloud", 200, &tokens.to_string());
    for identity in &mut blueprint.identities {
        match &mut identity.kind {
            IdentityKind::OAuth2(spec) => spec.token_url = url("/cloud").unwrap(),
            IdentityKind::Google(spec) => {
                spec.token_url = url("/cloud");
                spec.iam_url = url("");
                if let GoogleCredential::Federated {
                    service_account: Some(Text::Literal(account)),
                    ..
                } = &spec.credential
                {
                    let path = format!("/v1/projects/-/serviceAccounts/{account}:generateIdToken");
                    answer(cloud, &path, 200, &tokens.to_string());
                }
            }
            IdentityKind::Azure(spec) => {
                let Text::Literal(tenant) = &spec.tenant else {
                    panic!("an example with a tenant");
                };
                let path = format!("/{tenant}/oauth2/v2.0/token");
                answer(cloud, &path, 200, &tokens.to_string());
                spec.authority = url("").unwrap();
            }
            _ => {}
        }
    }
}

/// Lets an upstream lend the keys of every role.
fn play_aws(blueprint: &mut Blueprint, sts: &Upstream) {
    let lent = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s\
                </SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>\
                </Credentials></AssumeRoleResult></AssumeRoleResponse>";
    answer(sts, "/sts", 200, lent);
    let by_token = lent.replace("AssumeRole", "AssumeRoleWithWebIdentity");
    answer(sts, "/sts-by-token", 200, &by_token);
    for identity in &mut blueprint.identities {
        let IdentityKind::Aws(spec) = &mut identity.kind else {
            continue;
        };
        let (role, path) = match &mut spec.credentials {
            AwsCredentials::AssumeRole { role, .. } => (role, "/sts"),
            AwsCredentials::WebIdentity { role, .. } => (role, "/sts-by-token"),
            AwsCredentials::Static(_) => continue,
        };
        role.endpoint = Some(Text::Literal(format!("{}{path}", sts.url())));
    }
}

/// Lets an upstream be every project of Supabase.
fn play_supabase(blueprint: &mut Blueprint, project: &Upstream) {
    let jwks = issuer::jwks(&[issuer::p256().jwk("example")]);
    let session = json!({ "access_token": "a.b.c", "token_type": "bearer" });
    for (path, body) in [
        ("/auth/v1/.well-known/jwks.json", jwks),
        ("/auth/v1/otp", json!({})),
        ("/auth/v1/verify", session),
    ] {
        let script = Script {
            status: 200,
            body: body.to_string(),
            ..Script::default()
        };
        project.script(path, script);
    }
    for path in &mut blueprint.paths {
        if let Action::Supabase(call) = &mut path.action {
            call.url = Text::Literal(project.url());
        }
    }
}

/// Lets an upstream answer like this at a path. The headers are for whoever asks who calls.
fn answer(upstream: &Upstream, path: &str, status: u16, body: &str) {
    let script = Script {
        status,
        lines: "X-User: 42\r\nX-Groups: staff\r\n".into(),
        body: body.into(),
        ..Script::default()
    };
    upstream.script(path, script);
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
            include_str!("certificates/service.pem").to_owned()
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

fn request(path: &PathEntry) -> Request {
    let segments = path.pattern.split('/').map(|segment| match segment {
        "{.+}" => "any/thing",
        parameter if parameter.starts_with('{') => "42",
        literal => literal,
    });
    let mut target = segments.collect::<Vec<_>>().join("/");
    let conditions = path.when.iter();
    let query: Vec<String> = conditions
        .clone()
        .flat_map(|when| &when.query)
        .filter_map(|c| Some(format!("{}={}", c.name, wanted(c)?)))
        .collect();
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let method = path.method.map_or("GET", Method::as_str);
    let request = match method {
        "POST" if matches!(path.action, Action::Supabase(_)) => {
            Request::new(method, &target).body(r#"{"email":"ann@example.com","token":"123456"}"#)
        }
        "POST" | "PUT" | "PATCH" => Request::new(method, &target).body("{}"),
        _ => Request::new(method, &target),
    };
    let headers = conditions.flat_map(|when| &when.headers);
    let request = headers.fold(request, |request, condition| match wanted(condition) {
        Some(value) => request.header(&condition.name, value),
        None => request,
    });
    match &path.host {
        Some(host) => request.header("Host", &host.replace("*.", "sub.")),
        None => request,
    }
}

/// A value that meets a condition, if there must be one.
fn wanted(condition: &Condition) -> Option<&str> {
    match &condition.test {
        Test::OneOf(values) => values.first().map(String::as_str),
        Test::Present => Some("any"),
        Test::Absent => None,
    }
}

/// Adds what a path asks of its caller, but for what an expression does.
fn allow(claims: &mut Value, require: &Requirement) {
    let names = |all: &[String], any: &[String]| {
        let names = all.iter().chain(any.first());
        names.cloned().collect::<Vec<_>>()
    };
    claims["scope"] = names(&require.scopes, &require.any_scope).join(" ").into();
    claims["groups"] = names(&require.groups, &require.any_group).into();
    let value = |constant: &Constant| match constant {
        Constant::Null => Value::Null,
        Constant::Bool(value) => json!(value),
        Constant::Number(Number::Whole(value)) => json!(i64::try_from(*value).unwrap()),
        Constant::Number(Number::Real(value)) => json!(value),
        Constant::Text(text) => json!(text),
    };
    for (name, rule) in &require.claims {
        match rule {
            ClaimRule::OneOf(constants) => claims[name] = value(&constants[0]),
            ClaimRule::Contains(constants) => claims[name] = constants.iter().map(value).collect(),
            ClaimRule::Exists(true) => claims[name] = "any".into(),
            ClaimRule::Exists(false) => {}
        }
    }
}

fn with_token(request: Request, spec: &JwtSpec, path: &PathEntry) -> Request {
    let value = |text: &Text| match text {
        Text::Literal(value) => value.clone(),
        Text::Reference(_) => SECRET.to_owned(),
    };
    // What every parameter is, so that a path of the caller's own is one.
    let mut claims = json!({ "sub": "42", "exp": in_seconds(600), "iat": in_seconds(-1) });
    for name in &spec.required_claims {
        if claims[name] == Value::Null {
            claims[name] = "any".into();
        }
    }
    for (name, values) in &spec.expected_claims {
        claims[name] = values[0].as_str().into();
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
    if let Some(require) = &path.require {
        allow(&mut claims, require);
    }
    let token = match &spec.keys {
        JwtKeys::Secret(secret) => {
            let algorithm = spec.algorithms.iter().map(|a| a.name()).next().unwrap();
            sign_with(algorithm, &value(secret), &claims)
        }
        _ if spec.algorithms.contains(&JwsAlgorithm::Es256) => {
            issuer::p256().sign("ES256", Some("example"), &claims)
        }
        _ => issuer::rsa().sign("RS256", Some("rsa"), &claims),
    };
    match spec.sources.first() {
        Some(TokenSource::Header(name)) => request.header(name, &token),
        Some(TokenSource::Cookie(name)) => request.header("Cookie", &format!("{name}={token}")),
        _ => request.header("Authorization", &format!("Bearer {token}")),
    }
}

/// A token that the project of [`play_supabase`] has signed.
fn with_supabase(request: Request, spec: &SupabaseSpec) -> Request {
    let Some(Text::Literal(url)) = &spec.url else {
        panic!("an example of Supabase has a url");
    };
    let claims = json!({
        "iss": format!("{url}/auth/v1"), "aud": "authenticated", "sub": "42", "exp": in_seconds(600),
    });
    let token = issuer::p256().sign("ES256", Some("example"), &claims);
    request.header("Authorization", &format!("Bearer {token}"))
}

/// A webhook's fields over the body of [`request`].
fn with_tenants_token(request: Request, spec: &Auth0Spec) -> Request {
    let (Text::Literal(tenant), Text::Literal(client)) = (&spec.domain, &spec.client_id) else {
        panic!("an example without references there");
    };
    let claims =
        json!({ "iss": format!("{tenant}/"), "aud": client, "sub": "u1", "exp": in_seconds(600) });
    let token = issuer::rsa().sign("RS256", Some("example"), &claims);
    request.header("Authorization", &format!("Bearer {token}"))
}

fn with_webhook(request: Request, scheme: WebhookScheme) -> Request {
    let time = in_seconds(0).to_string();
    let hex = |bytes: Vec<u8>| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    match scheme {
        WebhookScheme::Github => {
            let tag = format!("sha256={}", hex(mac("{}")));
            request.header("X-Hub-Signature-256", &tag)
        }
        WebhookScheme::Stripe => {
            let tag = hex(mac(&format!("{time}.{{}}")));
            request.header("Stripe-Signature", &format!("t={time},v1={tag}"))
        }
        WebhookScheme::Standard => {
            let tag = STANDARD.encode(mac(&format!("m1.{time}.{{}}")));
            let request = request.header("Webhook-Id", "m1");
            let request = request.header("Webhook-Timestamp", &time);
            request.header("Webhook-Signature", &format!("v1,{tag}"))
        }
    }
}

/// An HTTP Message Signature of a `GET` without a body.
fn with_signature(request: Request, spec: &MessageSignatureSpec) -> Request {
    let (key, _) = spec.keys.first().unwrap_or_else(|| &spec.public_keys[0]);
    let head = String::from_utf8(request.bytes()).unwrap();
    let target = head.split(' ').nth(1).unwrap();
    let params = format!(
        "(\"@method\" \"@target-uri\");created={};keyid=\"{key}\"",
        in_seconds(0)
    );
    let base = format!(
        "\"@method\": GET\n\"@target-uri\": http://signed.test{target}\n\"@signature-params\": {params}"
    );
    let request = request.header("Host", "signed.test");
    let request = request.header("Signature-Input", &format!("s={params}"));
    let signature = match spec.keys.is_empty() {
        true => issuer::p256().sign_bytes(base.as_bytes()),
        false => mac(&base),
    };
    request.header("Signature", &format!("s=:{}:", STANDARD.encode(signature)))
}

fn mac(signed: &str) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// What the edge says of a connection with an accepted certificate; see [`start`].
fn with_certificate(request: Request, spec: &CertificateSpec) -> Request {
    let name = |texts: &[Text]| match texts.first() {
        Some(Text::Literal(name)) => name.clone(),
        _ => SECRET.to_owned(),
    };
    let pem = include_str!("certificates/service.pem").lines();
    let certificate: String = pem.filter(|line| !line.starts_with('-')).collect();
    let cf = json!({ "tlsClientAuth": {
        "certPresented": "1", "certVerified": "SUCCESS", "certRevoked": "0",
        "certFingerprintSHA256": spec.fingerprints.first().map_or("", String::as_str),
        "certIssuerDNRFC2253": name(&spec.issuers), "certSubjectDNRFC2253": name(&spec.subjects),
        "certRFC9440": format!(":{certificate}:"),
    } });
    request.header("Test-Cf", &cf.to_string())
}
