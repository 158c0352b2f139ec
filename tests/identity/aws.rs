//! Requests signed for AWS: byte for byte as botocore signs them, and as moto checks them.

use std::fs;
use std::process::Command;
use std::thread;

use peers::{Answer, Aws, Gateway, Options, Request, Upstream, python, workspace};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::{PATIENCE, arrived, assert_problem, eventually, gateway, mistakes};

#[test]
fn the_committed_vectors_are_what_botocore_signs() {
    let Some(python) = python::ensure("the comparison with botocore") else {
        return;
    };
    let folder = workspace::root().join("tests/identity");
    let output = Command::new(python)
        .arg(folder.join("botocore_vectors.py"))
        .output()
        .expect("Python runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let committed = folder.join("botocore_vectors.json");
    if std::env::var_os("CAUSEWAY_BLESS").is_some() {
        fs::write(&committed, &output.stdout).unwrap();
    }
    let committed = fs::read_to_string(committed).unwrap();
    let made = String::from_utf8(output.stdout).unwrap();
    for (number, (committed, made)) in committed.lines().zip(made.lines()).enumerate() {
        assert_eq!(committed, made, "line {}", number + 1);
    }
    assert_eq!(committed.lines().count(), made.lines().count());
}

/// Servers of a config, each with its alias, service and what else its identity has.
fn start(aws: &Aws, servers: &[(&str, &str, Value)]) -> Gateway {
    let list: Vec<Value> = servers
        .iter()
        .map(|(alias, service, more)| {
            let mut identity = json!({
                "type": "aws", "service": service, "region": "eu-west-1",
                "access_key_id": "$secret.ID", "secret_access_key": "$secret.KEY",
            });
            let members = identity.as_object_mut().unwrap();
            members.extend(more.as_object().unwrap().clone());
            json!({ "alias": alias, "url": aws.url(), "identity": identity })
        })
        .collect();
    let paths: Vec<Value> = servers
        .iter()
        .map(|(alias, service, _)| {
            let mut path = json!({
                "method": "ANY", "path": format!("/{alias}/{{.+}}"), "auth": false,
                "integration": { "type": "http", "server": alias },
            });
            if *service == "dynamodb" {
                path["mapping"] =
                    json!({ "headers": { "X-Amz-Target": "$request.header.x-target" } });
            }
            path
        })
        .collect();
    let config = json!({ "servers": list, "paths": paths }).to_string();
    assert_eq!(mistakes(&config), Vec::<String>::new());
    let options = Options::default()
        .text("ID", aws.access_key_id())
        .text("KEY", aws.secret_access_key())
        .text("WRONG", "0123456789012345678901234567890123456789")
        .text("ROLE", aws.role_arn());
    gateway(config, options)
}

fn ok(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

#[test]
fn aws_takes_what_the_gateway_signs() {
    let Some(python) = python::ensure("AWS's check of the gateway's signatures") else {
        return;
    };
    let aws = Aws::start(&python);
    let gateway = start(
        &aws,
        &[
            ("s3", "s3", json!({})),
            ("hashed", "s3", json!({ "payload": "signed" })),
            ("table", "dynamodb", json!({})),
            (
                "wrong",
                "s3",
                json!({ "secret_access_key": "$secret.WRONG" }),
            ),
            ("nobody", "s3", json!({ "access_key_id": "AKIANOBODY" })),
        ],
    );
    // moto itself: nobody gets in without a signature.
    let plain = aws.url().trim_start_matches("http://").parse().unwrap();
    assert!(Request::get("/files/hello").send(plain).status >= 400);

    assert_eq!(ok(&gateway.send(&Request::get("/s3/files/hello"))), "hello");
    // The client's own of these are not what AWS sees.
    let request = Request::get("/s3/files/hello")
        .header("Authorization", "AWS4-HMAC-SHA256 Credential=theirs")
        .header("X-Amz-Date", "20150830T123600Z")
        .header("X-Amz-Security-Token", "theirs")
        .header("X-Amz-Content-Sha256", "theirs");
    assert_eq!(ok(&gateway.send(&request)), "hello");

    // Odd names, as a client may write them; streamed unsigned, and hashed.
    for (server, key) in [
        ("s3", "a(b)/c'd!.txt"),
        ("s3", "%C3%A9/%e6%97%a5%20+@:=&$,~"),
        ("hashed", "plain"),
        ("hashed", "%c3%a9%2B*"),
    ] {
        let target = format!("/{server}/files/{key}");
        let put = Request::new("PUT", &target)
            .header("Content-Type", "text/plain;  charset=utf-8")
            .body("it's here");
        ok(&gateway.send(&put));
        assert_eq!(ok(&gateway.send(&Request::get(&target))), "it's here");
    }
    for query in [
        "list-type=2&prefix=a(b)/",
        "list-type=2&prefix=a%28b%29%2f&max-keys=1",
        "prefix=%C3%A9&list-type=2&&delimiter=/",
        "list-type=2&start-after=a+b&prefix=",
        "acl",
        "list-type=2&X-Amz-Signature=theirs&x-amz-expires",
    ] {
        ok(&gateway.send(&Request::get(&format!("/s3/files?{query}"))));
    }

    let put = json!({ "TableName": "things", "Item": { "id": { "S": "1" }, "é": { "S": "x" } } });
    let get = json!({ "TableName": "things", "Key": { "id": { "S": "1" } } });
    for (target, body) in [("PutItem", put), ("GetItem", get)] {
        let request = Request::new("POST", "/table/")
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Target", &format!("DynamoDB_20120810.{target}"))
            // Not mapped, so it does not get there.
            .header("X-Amz-Target", "DynamoDB_20120810.DeleteTable")
            .body(body.to_string());
        let told = ok(&gateway.send(&request));
        assert_eq!(told.contains("\"x\""), target == "GetItem", "{told}");
    }

    for (target, code) in [
        ("/wrong/files/hello", "SignatureDoesNotMatch"),
        ("/nobody/files/hello", "InvalidAccessKeyId"),
    ] {
        let answer = gateway.send(&Request::get(target));
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert!(answer.text().contains(code), "{}", answer.text());
    }
}

#[test]
fn the_keys_of_a_role_that_is_assumed_sign() {
    let Some(python) = python::ensure("AWS's check of a role's signatures") else {
        return;
    };
    let aws = Aws::start(&python);
    let role =
        |arn: &str| json!({ "role_arn": arn, "endpoint": aws.url(), "session_name": "edge" });
    let other = "arn:aws:iam::123456789012:role/unknown";
    let gateway = start(
        &aws,
        &[
            ("reader", "s3", json!({ "assume_role": role("$env.ROLE") })),
            ("unknown", "s3", json!({ "assume_role": role(other) })),
            (
                "wrong",
                "s3",
                json!({ "secret_access_key": "$secret.WRONG", "assume_role": role("$env.ROLE") }),
            ),
        ],
    );
    // Many at once, before there are keys.
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answer = gateway.send(&Request::get("/reader/files/hello"));
                assert_eq!(ok(&answer), "hello");
            });
        }
    });
    // The role may do less than who assumes it.
    let put = Request::new("PUT", "/reader/files/mine").body("x");
    let answer = gateway.send(&put);
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("AccessDenied"), "{}", answer.text());

    let answer = gateway.send(&Request::get("/wrong/files/hello"));
    assert_problem(&answer, 502, "upstream_identity_failed");
    let text = answer.text().to_lowercase();
    for word in ["aws", "sts", "role", "signature"] {
        assert!(!text.contains(word), "{text}");
    }
    let told = "aws: STS refused AssumeRole with status 403: SignatureDoesNotMatch";
    assert!(
        eventually(PATIENCE, || gateway.log().contains(told)),
        "{}",
        gateway.log()
    );
    let _ = gateway.send(&Request::get("/unknown/files/hello"));
    for secret in [
        aws.secret_access_key(),
        "0123456789012345678901234567890123456789",
    ] {
        assert!(!gateway.log().contains(secret), "{}", gateway.log());
    }
}

/// moto gives keys for any token and checks what they sign; what stands in the token, `tests/tokens` looks at.
#[test]
fn the_keys_that_the_gateways_own_token_is_exchanged_for_sign() {
    let Some(python) = python::ensure("AWS's check of a federated signature") else {
        return;
    };
    let aws = Aws::start(&python);
    let identity = json!({
        "type": "aws", "service": "s3", "region": "eu-west-1",
        "web_identity": { "role_arn": aws.role_arn(), "endpoint": aws.url() },
    });
    let config = json!({
        "federation": { "issuer": "https://api.example.com", "keys": ["$secret.KEY"] },
        "servers": [{ "alias": "s3", "url": aws.url(), "identity": identity }],
        "paths": [{ "method": "ANY", "path": "/s3/{.+}", "integration": { "type": "http", "server": "s3" } }],
    });
    let key = include_str!("../../src/auth/keys/private/rsa.pem");
    let options = Options::default().text("KEY", key);
    let gateway = gateway(config.to_string(), options);
    aws.let_one_in();
    for _ in 0..3 {
        assert_eq!(ok(&gateway.send(&Request::get("/s3/files/hello"))), "hello");
    }
    // As the role and no one else.
    let answer = gateway.send(&Request::new("PUT", "/s3/files/mine").body("x"));
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("AccessDenied"), "{}", answer.text());
    assert!(!gateway.log().contains("eyJ"), "{}", gateway.log());
}

#[test]
fn what_is_signed_is_what_is_sent() {
    let upstream = Upstream::start();
    let identity = |more: Value| {
        let mut identity = json!({
            "type": "aws", "service": "execute-api", "region": "eu-west-1",
            "access_key_id": "AKIDEXAMPLE", "secret_access_key": "$secret.KEY", "session_token": "$secret.TOKEN",
        });
        let members = identity.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        identity
    };
    let identities = [
        identity(json!({})),
        identity(json!({ "payload": "unsigned" })),
        identity(json!({ "max_body": 10 })),
    ];
    let options = Options::default().text("KEY", "k").text("TOKEN", "t==");
    let gateway = gateway(super::config(&upstream, &identities), options);
    let body = "x".repeat(100_000);
    let hash: String = Sha256::digest(&body)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    for (target, sha256) in [
        ("/s0/a(b)?x=(y)&z=a+b", hash.as_str()),
        ("/s1/a(b)?x=(y)&z=a+b", "UNSIGNED-PAYLOAD"),
    ] {
        let request = Request::new("POST", target)
            .header("X-Amz-Acl", "public-read")
            .header("X-Amzn-Trace-Id", "Root=1")
            .body(body.clone());
        ok(&gateway.send(&request));
        let got = upstream.last();
        assert_eq!(got.head.word(1), "/a%28b%29?x=%28y%29&z=a%20b");
        assert_eq!(arrived(&got, "x-amz-content-sha256"), [sha256]);
        assert_eq!(arrived(&got, "x-amz-security-token"), ["t=="]);
        assert_eq!(arrived(&got, "x-amz-acl"), Vec::<String>::new());
        assert_eq!(arrived(&got, "x-amzn-trace-id"), ["Root=1"]);
        assert_eq!(arrived(&got, "x-amz-date").len(), 1);
        let authorization = arrived(&got, "authorization");
        let signed = "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,";
        assert!(authorization[0].contains(signed), "{authorization:?}");
        assert_eq!(got.body, body.as_bytes());
        // A body that was read first is framed as it came: S3 takes no other.
        assert_eq!(arrived(&got, "content-length"), ["100000"]);
    }
    let answer = gateway.send(&Request::new("POST", "/s2/a").body("12345678901"));
    assert_problem(&answer, 413, "body_too_large");
    let answer = gateway.send(&Request::new("POST", "/s2/a").body("1234567890"));
    assert_eq!(answer.status, 200);
}
