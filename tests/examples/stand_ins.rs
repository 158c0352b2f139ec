//! Who stands in for the clouds and providers that the examples name.

use super::*;

/// Puts keys of the tests wherever an example fetches one, and somebody who answers wherever it asks.
pub fn publish_keys(blueprint: &mut Blueprint, keys: &Upstream) {
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
pub fn play_clouds(blueprint: &mut Blueprint, cloud: &Upstream) {
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
pub fn play_aws(blueprint: &mut Blueprint, sts: &Upstream) {
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
pub fn play_supabase(blueprint: &mut Blueprint, project: &Upstream) {
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
pub fn answer(upstream: &Upstream, path: &str, status: u16, body: &str) {
    let script = Script {
        status,
        lines: "X-User: 42\r\nX-Groups: staff\r\n".into(),
        body: body.into(),
        ..Script::default()
    };
    upstream.script(path, script);
}
