//! Service accounts and workload identity federation of Google.

use super::*;

fn google(credential: GoogleCredential, wanted: GoogleToken) -> Fetched {
    let spec = GoogleSpec {
        credential,
        wanted,
        token_url: None,
        iam_url: None,
    };
    Fetched::google(&spec, Some(&federation())).unwrap()
}

fn account_key(more: Value) -> GoogleCredential {
    let mut key = json!({
        "type": "service_account", "client_email": "a@p.iam.gserviceaccount.com", "private_key": KEY,
        "private_key_id": "k1", "token_uri": "https://oauth2.test/token",
    });
    key.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    GoogleCredential::Json(key.to_string().as_str().into())
}

fn id_token_of(exp_s: u64) -> String {
    use base64::Engine;
    let claims =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp_s}}}"));
    format!("e30.{claims}.c2ln")
}

#[test]
fn a_service_accounts_key_makes_an_assertion_for_either_token() {
    let scopes = GoogleToken::Access("https://a https://b".into());
    let (host_a, log) = host(&[token("t1")]);
    let account = google(account_key(json!({})), scopes);
    assert_eq!(
        expose(run(account.bearer(&host_a))),
        Ok("Bearer t1".to_owned())
    );
    let asked = log.borrow()[0].clone();
    assert_eq!(asked.url, "https://oauth2.test/token");
    assert_eq!(
        asked.form("grant_type").as_deref(),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
    );
    let assertion = asked.form("assertion").unwrap();
    assert_eq!(
        decode_header(&assertion).unwrap().kid.as_deref(),
        Some("k1")
    );
    assert_eq!(
        claims(
            &assertion,
            &of_rsa(),
            Algorithm::RS256,
            "https://oauth2.test/token"
        ),
        json!({
            "iss": "a@p.iam.gserviceaccount.com", "aud": "https://oauth2.test/token", "scope": "https://a https://b",
            "iat": 1_700_000_000, "exp": 1_700_003_600,
        })
    );

    let parts = GoogleCredential::Key {
        email: "a@p.iam.gserviceaccount.com".into(),
        key: KEY.replace('\n', "\\n").as_str().into(),
        key_id: None,
    };
    let id = id_token_of(1_700_003_600);
    let (host_b, log) = host(&[(200, json!({ "id_token": id }))]);
    let account = google(parts, GoogleToken::Id("https://run.test".into()));
    assert_eq!(
        expose(run(account.bearer(&host_b))),
        Ok(format!("Bearer {id}"))
    );
    let asked = log.borrow()[0].clone();
    let assertion = asked.form("assertion").unwrap();
    let audience = "https://oauth2.googleapis.com/token";
    assert_eq!(asked.url, audience);
    let claims = claims(&assertion, &of_rsa(), Algorithm::RS256, audience);
    assert_eq!(claims["target_audience"], "https://run.test");
    assert_eq!(claims["sub"], "a@p.iam.gserviceaccount.com");
    assert_eq!(claims.get("scope"), None);
}

#[test]
fn a_service_accounts_key_that_is_none_is_a_fault() {
    for (credential, code) in [
        (GoogleCredential::Json("x".into()), "bad_service_account"),
        (
            account_key(json!({ "type": "authorized_user" })),
            "bad_service_account",
        ),
        (
            account_key(json!({ "private_key": "x" })),
            "bad_private_key",
        ),
        (
            account_key(json!({ "token_uri": "http://oauth2.test/token" })),
            "insecure_url",
        ),
        (
            GoogleCredential::Federated {
                audience: "//iam".into(),
                service_account: Some("../x@y".into()),
            },
            "bad_service_account",
        ),
    ] {
        let spec = GoogleSpec {
            credential,
            wanted: GoogleToken::Access("a".into()),
            token_url: None,
            iam_url: None,
        };
        let fault = Fetched::google(&spec, Some(&federation())).map(|_| ());
        assert_eq!(fault.map_err(|fault| fault.code), Err(code.to_owned()));
    }
}

const POOL: &str =
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";

fn pool(account: Option<&str>) -> GoogleCredential {
    GoogleCredential::Federated {
        audience: POOL.into(),
        service_account: account.map(Into::into),
    }
}

#[test]
fn google_exchanges_a_token_of_our_own() {
    let (host, log) = host(&[token("t1")]);
    let account = google(pool(None), GoogleToken::Access("https://a".into()));
    assert_eq!(
        expose(run(account.bearer(&host))),
        Ok("Bearer t1".to_owned())
    );
    let asked = log.borrow()[0].clone();
    assert_eq!(asked.url, "https://sts.googleapis.com/v1/token");
    for (name, value) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("audience", POOL),
        ("scope", "https://a"),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ] {
        assert_eq!(asked.form(name).as_deref(), Some(value));
    }
    let own = checked(&federation(), &asked.form("subject_token").unwrap(), POOL);
    assert_eq!(own["iss"], ISSUER);
    assert_eq!(own["sub"], "gateway");
    assert_eq!(own["iat"], 1_700_000_000);
    assert_eq!(own["exp"], 1_700_000_300);
    assert_eq!(own["jti"].as_str().map(str::len), Some(32));
}

#[test]
fn google_lets_the_gateway_take_on_a_service_account() {
    let account = Some("a@p.iam.gserviceaccount.com");
    let ends = json!({ "accessToken": "t2", "expireTime": "2023-11-14T23:13:20Z" });
    let (host_a, log) = host(&[token("t1"), (200, ends)]);
    let google_a = google(
        pool(account),
        GoogleToken::Access("https://a https://b".into()),
    );
    assert_eq!(
        expose(run(google_a.bearer(&host_a))),
        Ok("Bearer t2".to_owned())
    );
    {
        let log = log.borrow();
        assert_eq!(
            log[0].form("scope").as_deref(),
            Some("https://www.googleapis.com/auth/cloud-platform")
        );
        assert_eq!(
            log[1].url,
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken"
        );
        assert!(log[1].fields.contains("=authorization\nBearer t1\n"));
        assert_eq!(log[1].body, r#"{"scope":["https://a","https://b"]}"#);
    }

    let id = id_token_of(1_700_003_600);
    let denied = json!({ "error": { "status": "PERMISSION_DENIED", "message": "no iam.serviceAccounts.getOpenIdToken" } });
    let (host_b, log) = host(&[
        token("t1"),
        (403, denied),
        token("t1"),
        (200, json!({ "token": id })),
    ]);
    let google_b = google(pool(account), GoogleToken::Id("https://run.test".into()));
    let url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateIdToken";
    assert_eq!(
        expose(run(google_b.bearer(&host_b))),
        Err(format!(
            "Google IAM Credentials ({url}): it refused with status 403, PERMISSION_DENIED, no iam.serviceAccounts.getOpenIdToken"
        ))
    );
    host_b.pass(1_000);
    assert_eq!(
        expose(run(google_b.bearer(&host_b))),
        Ok(format!("Bearer {id}"))
    );
    assert_eq!(
        log.borrow()[3].body,
        r#"{"audience":"https://run.test","includeEmail":true}"#
    );
}
