//! A request that a path answers, with what its authorizers ask for.

use super::*;

/// One without a credential; where a path asks for any `Authorization`, with one that is none.
pub fn request(path: &PathEntry) -> Request {
    bare(path, "")
}

/// The same without a header field that something else will set.
pub fn bare(path: &PathEntry, without: &str) -> Request {
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
    let headers = headers.filter(|condition| condition.name.as_str() != without);
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
pub fn wanted(condition: &Condition) -> Option<&str> {
    match &condition.test {
        Test::OneOf(values) => values.first().map(String::as_str),
        Test::Present => Some("any"),
        Test::Absent => None,
    }
}

/// Adds what a path asks of its caller, but for what an expression does.
pub fn allow(claims: &mut Value, require: &Requirement) {
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

pub fn with_token(request: Request, spec: &JwtSpec, path: &PathEntry) -> Request {
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
        JwtKeys::Secrets(secrets) => {
            let secret = secrets.first().unwrap();
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
        Some(TokenSource::Cookie(name)) => {
            let request = request.header("Cookie", &format!("{name}={token}"));
            request.header("Sec-Fetch-Site", "same-origin")
        }
        _ => request.header("Authorization", &format!("Bearer {token}")),
    }
}

/// A token that the project of [`play_supabase`] has signed.
pub fn with_supabase(request: Request, spec: &SupabaseSpec) -> Request {
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
pub fn with_tenants_token(request: Request, spec: &Auth0Spec) -> Request {
    let (Text::Literal(tenant), Text::Literal(client)) = (&spec.domain, &spec.client_id) else {
        panic!("an example without references there");
    };
    let claims =
        json!({ "iss": format!("{tenant}/"), "aud": client, "sub": "u1", "exp": in_seconds(600) });
    let token = issuer::rsa().sign("RS256", Some("example"), &claims);
    request.header("Authorization", &format!("Bearer {token}"))
}

pub fn with_webhook(request: Request, scheme: WebhookScheme) -> Request {
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
pub fn with_signature(request: Request, spec: &MessageSignatureSpec) -> Request {
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

pub fn mac(signed: &str) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// What the edge says of a connection with an accepted certificate; see [`start`].
pub fn with_certificate(request: Request, spec: &CertificateSpec) -> Request {
    let name = |texts: &[Text]| match texts.first() {
        Some(Text::Literal(name)) => name.clone(),
        _ => SECRET.to_owned(),
    };
    let pem = include_str!("../certificates/service.pem").lines();
    let certificate: String = pem.filter(|line| !line.starts_with('-')).collect();
    let cf = json!({ "tlsClientAuth": {
        "certPresented": "1", "certVerified": "SUCCESS", "certRevoked": "0",
        "certFingerprintSHA256": spec.fingerprints.first().map_or("", String::as_str),
        "certIssuerDNRFC2253": name(&spec.issuers), "certSubjectDNRFC2253": name(&spec.subjects),
        "certRFC9440": format!(":{certificate}:"),
    } });
    request.header("Test-Cf", &cf.to_string())
}
