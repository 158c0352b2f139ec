#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::edits::Edit;
use crate::host::memory::{MemoryHost, run};
use crate::host::{Forward, SendError, Told};
use crate::plan::{AwsKeys, AwsRole, Text};
use crate::upstream::fields::goes_on;

const SECOND: u64 = 1000;
const NOW: u64 = 1_800_000_000 * SECOND;

fn ready(spec: AwsIdentity) -> Result<Aws, Fault> {
    Aws::new(spec, None)
}

fn keys() -> AwsKeys {
    AwsKeys {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
        session_token: None,
    }
}

fn spec(service: &str, credentials: AwsCredentials) -> AwsIdentity {
    AwsIdentity {
        service: service.into(),
        region: "us-east-1".into(),
        credentials,
        payload: None,
        max_body: 1000,
    }
}

/// Proves a request; what was edited, by name, and the URL.
fn proven(
    aws: &Aws,
    host: &MemoryHost,
    (method, url, body): (&str, &str, Body),
    edits: &mut Edits,
) -> Result<(BTreeMap<String, String>, String), Problem> {
    let mut url = url.to_owned();
    let outgoing = Outgoing {
        method,
        url: &mut url,
        body,
    };
    if run(aws.prove(host, outgoing, edits))? {
        run(aws.renew(host)).unwrap();
    }
    let mut set = BTreeMap::new();
    for edit in edits.iter() {
        match edit {
            Edit::Set(name, value) => set.insert(name.to_owned(), value.to_owned()),
            Edit::Remove(name) => set.remove(name),
            Edit::Append(..) => panic!("{edit:?}"),
        };
    }
    Ok((set, url))
}

#[test]
fn requests_are_signed_byte_for_byte_as_botocore_does() {
    let vectors = include_str!("../../../../tests/identity/botocore_vectors.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    assert!(vectors.len() >= 300);
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let token = vector["session_token"].as_str();
        let aws = ready(AwsIdentity {
            service: text("service").into(),
            region: text("region").into(),
            credentials: AwsCredentials::Static(AwsKeys {
                access_key_id: text("access_key_id").into(),
                secret_access_key: text("secret_access_key").into(),
                session_token: token.map(Text::from),
            }),
            payload: Some(match text("payload") {
                "signed" => AwsPayload::Signed,
                _ => AwsPayload::Unsigned,
            }),
            max_body: 10_000,
        })
        .unwrap();
        // What AWS is told, the config says; the client says the rest.
        let mut edits = Edits::default();
        let mut client = vec![
            ("x-amz-acl", "public-read"),
            ("authorization", "Basic eDp5"),
        ];
        for (name, value) in vector["headers"].as_object().unwrap() {
            let value = value.as_str().unwrap();
            match name.as_str() {
                "content-type" => client.push((name, value)),
                _ => edits.set(name, value),
            }
        }
        let body = vector["body"].as_str();
        let host = MemoryHost::new(vector["seconds"].as_u64().unwrap() * SECOND, &client);
        let host = host.with_body(body.unwrap_or_default().as_bytes());
        let framing = if body.is_some() {
            Body::Sized
        } else {
            Body::None
        };
        let request = (text("method"), text("url"), framing);
        let (set, url) = proven(&aws, &host, request, &mut edits).unwrap();
        assert_eq!(url, text("sent_url"), "{vector}");

        let address = Address::of(&url);
        let mut fields = Fields::default();
        set.iter().for_each(|(name, value)| fields.set(name, value));
        fields.remove("authorization");
        fields.set("host", address.authority);
        if let Some(kind) = vector["headers"]["content-type"].as_str() {
            fields.set("content-type", kind);
        }
        let subject = Subject {
            method: text("method"),
            address,
            fields: &fields,
            payload: &set["x-amz-content-sha256"],
        };
        let (canonical, _) = aws.scope.canonical_request(&subject);
        assert_eq!(canonical, text("canonical_request"), "{vector}");
        assert_eq!(set["authorization"], text("authorization"), "{vector}");
        assert!(!goes_on("x-amz-acl", &edits, true));
    }
}

#[test]
fn only_what_the_config_says_by_a_field_of_amazons_goes_on() {
    let aws = ready(spec("s3", AwsCredentials::Static(keys()))).unwrap();
    let client = [
        ("X-Amz-Copy-Source", "/secrets/key"),
        ("X-Amz-Security-Token", "theirs"),
        ("X-Amz-Content-Sha256", "theirs"),
        ("X-Amz-Date", "theirs"),
        ("X-Amz-Meta-A", "theirs"),
        ("X-Amzn-Trace-Id", "t"),
    ];
    let host = MemoryHost::new(NOW, &client);
    let mut edits = Edits::default();
    edits.set("x-forwarded-host", "asked.test");
    edits.set("x-forwarded-prefix", "/p");
    edits.set(
        "forwarded",
        "for=192.0.2.1;host=\"asked.test:1\";proto=https",
    );
    edits.append("x-amz-meta-a", "ours");
    edits.set("x-amz-security-token", "mapped");
    edits.set("authorization", "mapped");
    run(aws.prove(
        &host,
        Outgoing {
            method: "PUT",
            url: &mut "https://b.s3.test/k".to_owned(),
            body: Body::Chunked,
        },
        &mut edits,
    ))
    .unwrap();
    let sent = host.fields_of(&Forward {
        url: String::new(),
        edits,
        timeout_ms: 1,
        websocket: false,
        binding: None,
        cancellable: false,
        as_gateway: true,
    });
    for (name, value) in [
        ("x-amz-copy-source", None),
        ("x-amz-security-token", None),
        ("x-amz-meta-a", Some("ours")),
        ("x-amz-content-sha256", Some("UNSIGNED-PAYLOAD")),
        ("x-amzn-trace-id", Some("t")),
        ("x-forwarded-host", None),
        ("x-forwarded-prefix", None),
        ("forwarded", Some("for=192.0.2.1;proto=https")),
    ] {
        assert_eq!(sent.get(name).map(String::as_str), value, "{name}");
    }
    let authorization = &sent["authorization"];
    let names = "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a,";
    assert!(authorization.contains(names), "{authorization}");
}

#[test]
fn a_body_that_is_signed_must_be_read_whole() {
    let aws = ready(spec("lambda", AwsCredentials::Static(keys()))).unwrap();
    let sha256 = |bytes: usize| {
        let host = MemoryHost::new(NOW, &[]).with_body(&vec![b'x'; bytes]);
        let request = ("POST", "https://a.test/", Body::Sized);
        let proven = proven(&aws, &host, request, &mut Edits::default());
        proven.map(|(set, _)| set["x-amz-content-sha256"].len())
    };
    assert_eq!(sha256(1000), Ok(64));
    let refused = sha256(1001).unwrap_err();
    assert_eq!((refused.status, refused.code), (413, "body_too_large"));
}

#[test]
fn what_cannot_sign_closes_the_server() {
    let with = |change: fn(&mut AwsIdentity)| {
        let mut spec = spec("s3", assumed());
        change(&mut spec);
        ready(spec).err().map(|fault| fault.code)
    };
    fn assumed() -> AwsCredentials {
        AwsCredentials::AssumeRole {
            keys: keys(),
            role: role(None),
        }
    }
    fn role_of(spec: &mut AwsIdentity) -> (&mut AwsKeys, &mut AwsRole) {
        match &mut spec.credentials {
            AwsCredentials::AssumeRole { keys, role } => (keys, role),
            _ => panic!("it assumes a role"),
        }
    }
    type Case = (fn(&mut AwsIdentity), Option<&'static str>);
    let cases: [Case; 9] = [
        (|_| {}, None),
        (|spec| spec.region = "Europe".into(), Some("bad_aws_name")),
        (|spec| spec.service = "s3/x".into(), Some("bad_aws_name")),
        (
            |spec| role_of(spec).0.access_key_id = "a/b".into(),
            Some("bad_credentials"),
        ),
        (
            |spec| role_of(spec).0.secret_access_key = "a\n".into(),
            Some("bad_credentials"),
        ),
        (
            |spec| role_of(spec).0.session_token = Some("a b".into()),
            Some("bad_credentials"),
        ),
        (
            |spec| role_of(spec).1.role_arn = "gateway".into(),
            Some("bad_role_arn"),
        ),
        (
            |spec| role_of(spec).1.external_id = Some("a b".into()),
            Some("bad_external_id"),
        ),
        (
            |spec| role_of(spec).1.endpoint = Some("http://sts.test".into()),
            Some("insecure_url"),
        ),
    ];
    for (change, code) in cases {
        assert_eq!(with(change).as_deref(), code);
    }
}

fn role(endpoint: Option<&str>) -> AwsRole {
    AwsRole {
        role_arn: "arn:aws:iam::123456789012:role/team/gateway".into(),
        session_name: "causeway".into(),
        external_id: Some("from:us".into()),
        duration_seconds: 900,
        endpoint: endpoint.map(Text::from),
    }
}

fn lent(number: u32, expiration: &str) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <Arn>a</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>s{number}\
         </SecretAccessKey><SessionToken>t{number}==</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    )
}

/// Answers of STS, one after the other, and what it was asked.
fn sts(
    host: MemoryHost,
    answers: Vec<(u16, String)>,
) -> (MemoryHost, std::rc::Rc<RefCell<Vec<String>>>) {
    let asked = std::rc::Rc::new(RefCell::new(Vec::new()));
    let told = std::rc::Rc::clone(&asked);
    let next = Cell::new(0);
    let host = host.with_teller(move |ask| {
        let line = format!(
            "{} {} {}",
            ask.method,
            ask.url,
            ask.body.unwrap_or_default()
        );
        told.borrow_mut().push(line);
        let (status, body) = answers[next.get().min(answers.len() - 1)].clone();
        next.set(next.get() + 1);
        let told = Told {
            status,
            body,
            ..Told::default()
        };
        match status {
            0 => (10_000, Err(SendError::Unreachable("gone".into()))),
            _ => (20, Ok(told)),
        }
    });
    (host, asked)
}

#[test]
fn the_keys_of_a_role_sign_until_they_are_renewed() {
    let credentials = AwsCredentials::AssumeRole {
        keys: keys(),
        role: role(None),
    };
    let aws = ready(spec("execute-api", credentials)).unwrap();
    // NOW is 2027-01-15T08:00:00Z.
    let answers = vec![
        (200, lent(1, "2027-01-15T08:15:00Z")),
        (200, lent(2, "2027-01-15T08:30:00.5Z")),
    ];
    let (host, asked) = sts(MemoryHost::new(NOW, &[]), answers);
    for (minute, key) in [(0, 1), (1, 1), (11, 1), (12, 1), (13, 2)] {
        host.pass(NOW + minute * 60 * SECOND - host.now_ms().min(NOW + minute * 60 * SECOND));
        let request = ("GET", "https://a.test/", Body::None);
        let (set, _) = proven(&aws, &host, request, &mut Edits::default()).unwrap();
        let credential = format!("Credential=ASIA{key}/20270115/us-east-1/execute-api/");
        assert!(
            set["authorization"].contains(&credential),
            "{minute}: {set:?}"
        );
        assert_eq!(set["x-amz-security-token"], format!("t{key}=="));
    }
    let form = "POST https://sts.us-east-1.amazonaws.com/ Action=AssumeRole&Version=2011-06-15&\
                RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fteam%2Fgateway&RoleSessionName=causeway&\
                DurationSeconds=900&ExternalId=from%3Aus";
    assert_eq!(*asked.borrow(), [form, form]);
}

#[test]
fn a_refusal_of_sts_is_told_to_the_operator_alone() {
    let error = |code: &str, message: &str| {
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        )
    };
    let long = "x".repeat(1000);
    for (status, body, reason) in [
        (
            403,
            error("AccessDenied", "User: a is not authorized"),
            "aws: STS refused AssumeRole with status 403: AccessDenied: User: a is not authorized".to_owned(),
        ),
        (
            403,
            error("SignatureDoesNotMatch", "It does not match.\n\nThe Canonical String was x-amz-security-token:t"),
            "aws: STS refused AssumeRole with status 403: SignatureDoesNotMatch: It does not match.".to_owned(),
        ),
        (
            400,
            error("ValidationError", &long),
            format!("aws: STS refused AssumeRole with status 400: ValidationError: {}", "x".repeat(200)),
        ),
        (502, "<html>".to_owned(), "aws: STS refused AssumeRole with status 502".to_owned()),
        (
            200,
            "{}".to_owned(),
            "aws: STS answered AssumeRole without sound credentials".to_owned(),
        ),
        (
            200,
            lent(1, "tomorrow"),
            "aws: STS answered AssumeRole without sound credentials".to_owned(),
        ),
        (
            200,
            lent(1, "2027-01-15T07:59:59Z"),
            "aws: STS answered AssumeRole with credentials of the past".to_owned(),
        ),
        (0, String::new(), "aws: STS did not answer in time".to_owned()),
    ] {
        let credentials = AwsCredentials::AssumeRole {
            keys: keys(),
            role: role(Some("https://sts.test")),
        };
        let aws = ready(spec("s3", credentials)).unwrap();
        let (host, asked) = sts(MemoryHost::new(NOW, &[]), vec![(status, body)]);
        for _ in 0..2 {
            let request = ("GET", "https://a.test/", Body::None);
            let refused = proven(&aws, &host, request, &mut Edits::default()).unwrap_err();
            assert_eq!(refused.reason.as_deref(), Some(reason.as_str()));
            assert_eq!((refused.status, refused.code), (502, "upstream_identity_failed"));
            assert!(!refused.body("r").contains("aws"), "{}", refused.body("r"));
        }
        assert_eq!(asked.borrow().len(), 1, "it was asked again at once");
    }
}
