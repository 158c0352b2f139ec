//! Requests that are signed for AWS. An even first byte: a request target and a field of the client's, a line each. An
//! odd one: what the Security Token Service answers, whose status stands in the second byte.

use causeway::edits::{Edit, Edits};
use causeway::exchange::Body;
use causeway::host::memory::{MemoryHost, run};
use causeway::host::{Forward, Told};
use causeway::plan::{AwsCredentials, AwsIdentity, AwsKeys, AwsRole, IdentityKind};
use causeway::policy::mapping::percent_decode;
use causeway::problem::Problem;
use causeway::route::canonicalise;
use causeway::upstream::{Identities, Identity, Outgoing};

/// Unix time in milliseconds at which requests are signed.
const NOW: u64 = 1_800_000_000_000;
const SECRET: &str = "a_secret_that_no_fuzzer_will_find_out";
const ORIGIN: &str = "https://up.test:8443";

pub fn check(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    if mode % 2 == 0 {
        signer(mode / 2 % 2 == 0, rest);
    } else if let Some((status, answer)) = rest.split_first() {
        lender(*status, answer);
    }
}

fn signer(s3: bool, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let (target, field) = (lines.next().unwrap_or_default(), lines.next());
    let Ok(canonical) = canonicalise(target) else {
        return;
    };
    let query = canonical.query.map(|q| format!("?{q}")).unwrap_or_default();
    let url = format!("{ORIGIN}{}{query}", canonical.path);
    let mut headers = vec![("content-type", " a  b "), ("x-amz-copy-source", "/a/b")];
    headers.extend(field.map(|value| ("x-amz-meta-a", value)));
    let host = MemoryHost::new(NOW, &headers);
    let identity = identity(if s3 { "s3" } else { "lambda" }, None);
    let mut edits = Edits::default();
    if let Some(value) = lines.next() {
        edits.set("x-amz-meta-b", value);
    }
    let sent = prove(&identity, &host, &url, &mut edits).expect("there are keys");

    // One spelling, which the platform leaves alone and which says the same.
    let again = prove(&identity, &host, &sent, &mut Edits::default());
    assert_eq!(again.ok().as_deref(), Some(sent.as_str()));
    let parsed = url::Url::parse(&sent).expect("a URL");
    assert_eq!(parsed.as_str(), sent);
    assert_eq!(
        percent_decode(parsed.path()),
        percent_decode(&canonical.path)
    );
    let pairs = |query: &str| {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let pairs = pairs.filter(|(key, _)| !key.to_ascii_lowercase().starts_with("x-amz-"));
        pairs.collect::<Vec<_>>()
    };
    let (before, after) = (canonical.query.unwrap_or(""), parsed.query().unwrap_or(""));
    assert_eq!(pairs(before), pairs(after));

    // Whatever begins with x-amz- is signed or gone.
    let shown = edits.clone();
    let fields = host.fields_of(&Forward {
        url: sent,
        edits,
        timeout_ms: 1,
        websocket: false,
        binding: None,
        cancellable: false,
        as_gateway: true,
    });
    let authorization = &fields["authorization"];
    let (_, signed) = authorization.split_once("SignedHeaders=").expect("names");
    let (signed, _) = signed.split_once(", Signature=").expect("a signature");
    let signed: Vec<&str> = signed.split(';').collect();
    assert!(signed.is_sorted());
    for name in fields.keys().filter(|name| name.starts_with("x-amz-")) {
        assert!(signed.contains(&name.as_str()), "{name}");
    }
    for name in signed.iter().filter(|name| name.starts_with("x-amz-")) {
        assert!(fields.contains_key(*name), "{name}");
    }
    assert!(!shown.as_str().contains(SECRET));
}

fn lender(status: u8, answer: &[u8]) {
    let Ok(body) = std::str::from_utf8(answer) else {
        return;
    };
    let told = Told {
        status: if status == b'2' { 200 } else { 403 },
        body: body.to_owned(),
        ..Told::default()
    };
    let host = MemoryHost::new(NOW, &[]).with_teller(move |_| (1, Ok(told.clone())));
    let role = AwsRole {
        role_arn: "arn:aws:iam::123456789012:role/r".into(),
        session_name: "causeway".into(),
        external_id: None,
        duration_seconds: 900,
        endpoint: None,
    };
    let identity = identity("s3", Some(role));
    let mut edits = Edits::default();
    match prove(&identity, &host, ORIGIN, &mut edits) {
        Ok(_) => {
            let mut set = edits.iter().filter_map(|edit| match edit {
                Edit::Set("x-amz-security-token", token) => Some(token),
                _ => None,
            });
            let token = set.next().expect("a token");
            assert!(!token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()));
            assert_eq!(status, b'2');
        }
        Err(problem) => {
            let reason = problem.reason.expect("a reason");
            assert!(reason.chars().count() < 600 && !reason.contains(SECRET));
            assert_eq!(problem.status, 502);
        }
    }
}

fn identity(service: &str, role: Option<AwsRole>) -> Identities {
    let keys = AwsKeys {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: SECRET.into(),
        session_token: None,
    };
    let identity = IdentityKind::Aws(Box::new(AwsIdentity {
        service: service.into(),
        region: "eu-west-1".into(),
        credentials: match role {
            None => AwsCredentials::Static(keys),
            Some(role) => AwsCredentials::AssumeRole { keys, role },
        },
        payload: None,
        max_body: 1000,
    }));
    Identities::of("s", Identity::new(identity, None))
}

/// The URL that is sent.
fn prove(
    identity: &Identities,
    host: &MemoryHost,
    url: &str,
    edits: &mut Edits,
) -> Result<String, Problem> {
    let mut url = url.to_owned();
    let outgoing = Outgoing {
        method: "GET",
        url: &mut url,
        body: Body::None,
    };
    run(identity.prove(host, 0, outgoing, edits))?;
    Ok(url)
}
