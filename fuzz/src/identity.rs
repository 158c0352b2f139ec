//! What comes from others for the gateway's identity. The first byte says what the rest is: a private key in PEM, a service
//! account's key, or the status and body of a token endpoint's answer.

use causeway::auth::{PrivateKey, read_jwks};
use causeway::edits::{Edit, Edits};
use causeway::exchange::Body;
use causeway::host::Told;
use causeway::host::memory::{MemoryHost, run};
use causeway::plan::{GoogleCredential, GoogleSpec, GoogleToken, IdentityKind, OAuth2Spec};
use causeway::upstream::{Identities, Identity, Outgoing};

const SECRET: &str = "a secret that is told to nobody";

pub fn check(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match mode % 3 {
        0 => key(text),
        1 => account(text),
        _ => answered(text),
    }
}

/// A private key that is read has a public half that others can read, with the thumbprint as its name.
fn key(text: &str) {
    let Ok(key) = PrivateKey::read(text) else {
        return;
    };
    let public = read_jwks(key.public_jwk()).unwrap_or_default();
    let kids: Vec<_> = public
        .into_iter()
        .map(|key| key.ok().and_then(|key| key.kid))
        .collect();
    assert_eq!(kids, [Some(key.thumbprint().to_owned())]);
    assert!(key.pkcs8().len() > key.pkcs1().len() && !key.pkcs1().is_empty());
}

/// A service account's key that is not understood is refused without a word of it.
fn account(text: &str) {
    let spec = GoogleSpec {
        credential: GoogleCredential::Json(text.into()),
        wanted: GoogleToken::Access("s".into()),
        token_url: None,
        iam_url: None,
    };
    if let Err(fault) = Identity::new(IdentityKind::Google(spec), None) {
        assert!(fault.message.len() < 200);
    }
}

/// An answer gives one field or a reason without what was sent, and never another field.
fn answered(text: &str) {
    let (status, body) = text.split_once('\n').unwrap_or(("200", text));
    let told = Told {
        status: status.parse().unwrap_or(200),
        body: body.to_owned(),
        ..Told::default()
    };
    let host = MemoryHost::new(0, &[]).with_teller(move |_| (1, Ok(told.clone())));
    let spec = OAuth2Spec {
        token_url: "https://login.test/token".into(),
        client_id: "c".into(),
        client_secret: SECRET.into(),
        in_form: true,
        form: Vec::new(),
    };
    let Ok(identity) = Identity::new(IdentityKind::OAuth2(spec), None) else {
        unreachable!("it is sound");
    };
    let mut edits = Edits::default();
    let outgoing = Outgoing {
        method: "GET",
        url: &mut "https://up.test/".to_owned(),
        body: Body::None,
    };
    let identities = Identities::of("s", Ok(identity));
    match run(identities.prove(&host, 0, outgoing, &mut edits)) {
        Ok(()) => {
            let shown: Vec<_> = edits.iter().collect();
            let [Edit::Set("authorization", value)] = shown.as_slice() else {
                unreachable!("one field: {shown:?}");
            };
            assert!(value.starts_with("Bearer ") && value.len() > 7);
        }
        Err(problem) => {
            assert_eq!(problem.code, "upstream_identity_failed");
            let reason = problem.reason.unwrap_or_default();
            assert!(!reason.contains(SECRET) && !reason.contains('\n'));
        }
    }
}
