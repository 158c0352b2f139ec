//! The gateway as an issuer, and the role of AWS that takes its token.

use super::*;

#[test]
fn a_role_of_aws_takes_a_token_of_our_own() {
    let lent = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
                <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s1</SecretAccessKey><SessionToken>t1</SessionToken>\
                <Expiration>2023-11-14T23:13:20Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                </AssumeRoleWithWebIdentityResponse>";
    let log = Log::default();
    let asked = Rc::clone(&log);
    let host = MemoryHost::new(NOW_MS, &[]).with_teller(move |ask: &Ask<'_>| {
        asked.borrow_mut().push(Asked {
            url: ask.url.to_owned(),
            fields: ask.fields.as_str().to_owned(),
            body: ask.body.unwrap_or_default().to_owned(),
        });
        let told = Told {
            status: 200,
            body: lent.to_owned(),
            ..Told::default()
        };
        (10, Ok(told))
    });
    let identity = AwsIdentity {
        service: "execute-api".into(),
        region: "eu-west-1".into(),
        credentials: AwsCredentials::WebIdentity {
            role: AwsRole {
                role_arn: "arn:aws:iam::123456789012:role/gateway".into(),
                session_name: "causeway".into(),
                external_id: None,
                duration_seconds: 3600,
                endpoint: None,
            },
            audience: "sts.amazonaws.com".into(),
        },
        payload: None,
        max_body: 0,
    };
    let kind = || IdentityKind::Aws(Box::new(identity.clone()));
    let without = Identity::new(kind(), None).map(|_| ());
    assert_eq!(
        without.map_err(|fault| fault.code),
        Err("federation_unusable".to_owned())
    );
    let identity = Identity::new(kind(), Some(&federation())).unwrap();
    for _ in 0..3 {
        let mut edits = Edits::default();
        let outgoing = Outgoing {
            method: "GET",
            url: &mut "https://a.test/".to_owned(),
            body: Body::None,
        };
        run(identity.prove(&host, outgoing, &mut edits)).unwrap();
        assert!(
            edits
                .as_str()
                .contains("Credential=ASIA1/20231114/eu-west-1/")
        );
        assert!(edits.as_str().contains("=x-amz-security-token\nt1\n"));
    }
    let [asked] = &log.borrow()[..] else {
        panic!("asked once")
    };
    assert_eq!(asked.url, "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(
        asked.fields,
        "=content-type\napplication/x-www-form-urlencoded\n"
    );
    for (name, value) in [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::123456789012:role/gateway"),
        ("RoleSessionName", "causeway"),
        ("DurationSeconds", "3600"),
    ] {
        assert_eq!(asked.form(name).as_deref(), Some(value));
    }
    let own = asked.form("WebIdentityToken").unwrap();
    let claims = checked(&federation(), &own, "sts.amazonaws.com");
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!(ISSUER), &json!("gateway"))
    );
}

#[test]
fn a_federation_publishes_all_keys_and_signs_with_the_first() {
    let old = KEY_2;
    let spec = |keys: [&str; 2]| FederationSpec {
        issuer: "https://api.example.com/gateway/".into(),
        subject: "gateway".into(),
        lifetime_seconds: 300,
        keys: keys.map(Into::into).into(),
    };
    let federation = Federation::new(&spec([KEY, old])).unwrap();
    let rotated = Federation::new(&spec([old, KEY])).unwrap();
    let host = MemoryHost::new(NOW_MS, &[]);
    let first = run(federation.token(&Moment::of(&host), "x").signed(&host)).unwrap();
    let second = run(rotated.token(&Moment::of(&host), "x").signed(&host)).unwrap();
    assert_ne!(
        decode_header(&first).unwrap().kid,
        decode_header(&second).unwrap().kid
    );
    for keys in [&federation, &rotated] {
        checked(keys, &first, "x");
        checked(keys, &second, "x");
        assert!(!keys.document(FederationDocument::Keys).contains("\"d\""));
    }
    let document: Value =
        serde_json::from_str(federation.document(FederationDocument::Discovery)).unwrap();
    assert_eq!(document["issuer"], "https://api.example.com/gateway/");
    assert_eq!(
        document["jwks_uri"],
        "https://api.example.com/gateway/.well-known/jwks.json"
    );
    let none = Federation::new(&spec([KEY, "x"])).map(|_| ());
    assert_eq!(
        none.map_err(|fault| fault.code),
        Err("bad_private_key".to_owned())
    );
}

const KEY_2: &str = include_str!("../../../auth/keys/private/rsa2.pem");
