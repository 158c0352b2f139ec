//! Applications of Microsoft Entra.

use super::*;

fn azure(credential: AzureCredential) -> Fetched {
    let spec = AzureSpec {
        authority: "https://login.test/".into(),
        tenant: "example.onmicrosoft.com".into(),
        client_id: "app".into(),
        scope: "https://storage.azure.com/.default".into(),
        credential,
    };
    Fetched::azure(&spec, Some(&federation())).unwrap()
}

#[test]
fn entra_takes_a_secret_a_certificate_or_a_token_of_our_own() {
    const CERTIFICATE: &str = include_str!("../../../../tests/certificates/service.pem");
    let url = "https://login.test/example.onmicrosoft.com/oauth2/v2.0/token";
    let asked_with = |credential: AzureCredential| {
        let (host, log) = host(&[token("t1")]);
        assert_eq!(
            expose(run(azure(credential).bearer(&host))),
            Ok("Bearer t1".to_owned())
        );
        let asked = log.borrow()[0].clone();
        assert_eq!(asked.url, url);
        for (name, value) in [
            ("grant_type", "client_credentials"),
            ("client_id", "app"),
            ("scope", "https://storage.azure.com/.default"),
        ] {
            assert_eq!(asked.form(name).as_deref(), Some(value));
        }
        asked
    };
    let asked = asked_with(AzureCredential::Secret("s3cret".into()));
    assert_eq!(asked.form("client_secret").as_deref(), Some("s3cret"));

    let jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let asked = asked_with(AzureCredential::Certificate {
        certificate: CERTIFICATE.into(),
        key: KEY.into(),
    });
    assert_eq!(
        asked.form("client_assertion_type").as_deref(),
        Some(jwt_bearer)
    );
    let assertion = asked.form("client_assertion").unwrap();
    let header = decode_header(&assertion).unwrap();
    // `openssl x509 -fingerprint -sha256`
    assert_eq!(
        header.x5t_s256.as_deref(),
        Some("ge7TpGXsGbYew7fmjyPJMEbxvvmibIG7JJMOkfiEQ8w")
    );
    let claims = claims(&assertion, &of_rsa(), Algorithm::PS256, url);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("app"), &json!("app"))
    );
    assert_eq!(claims["exp"], 1_700_000_300);
    assert_eq!(claims["nbf"], claims["iat"]);

    let asked = asked_with(AzureCredential::Federated {
        audience: "api://AzureADTokenExchange".into(),
    });
    assert_eq!(
        asked.form("client_assertion_type").as_deref(),
        Some(jwt_bearer)
    );
    let own = asked.form("client_assertion").unwrap();
    let claims = checked(&federation(), &own, "api://AzureADTokenExchange");
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!(ISSUER), &json!("gateway"))
    );
}
