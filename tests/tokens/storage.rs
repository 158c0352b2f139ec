//! Azure Storage takes the token that the gateway got, and no other.

use peers::{Azure, Request, tls};
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;

/// What Entra would give for an audience, in time or not.
fn access(audience: &str, lives: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    token(&support::token(json!({
        "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/", "aud": audience,
        "iat": now - 60, "nbf": now - 60, "exp": now + lives,
    })))
}

#[test]
fn azure_storage_takes_the_token_of_entra() {
    let (entra, storage) = (Upstream::start(), Azure::start());
    let identity = |tenant: &str| {
        json!({
            "type": "azure", "tenant": tenant, "client_id": "app", "client_secret": "$secret.SECRET",
            "scope": "https://storage.azure.com/.default", "authority": entra.url(),
        })
    };
    let tenants = [
        ("good", "https://storage.azure.com", 3600),
        ("elsewhere", "https://vault.azure.net", 3600),
        ("late", "https://storage.azure.com", -30),
    ];
    let mut config = json!({ "servers": [], "paths": [] });
    for (name, audience, lives) in tenants {
        let path = format!("/{name}/oauth2/v2.0/token");
        answers(&entra, &path, 200, &access(audience, lives));
        let server = json!({ "alias": name, "url": storage.url(), "identity": identity(name) });
        config["servers"].as_array_mut().unwrap().push(server);
    }
    config["servers"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "alias": "plain", "url": storage.url() }));
    for name in ["good", "elsewhere", "late", "plain"] {
        let path = json!({
            "method": "ANY", "path": format!("/{name}/{{.+}}"), "integration": { "type": "http", "server": name },
        });
        config["paths"].as_array_mut().unwrap().push(path);
    }
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    let options = Options::default()
        .text("SECRET", "app-secret")
        .trust(&tls::authority());
    let gateway = support::gateway(config, options);
    let ask = |method: &str, target: &str| {
        Request::new(method, target).header("x-ms-version", "2023-11-03")
    };

    // Without the gateway's token nobody gets in, with or without one of their own.
    for own in ["", "Bearer mine"] {
        let mut request = ask("PUT", "/plain/files?restype=container");
        if !own.is_empty() {
            request = request.header("Authorization", own);
        }
        let refused = gateway.send(&request);
        assert_eq!(refused.status, 403, "{own}: {}", refused.text());
    }
    for server in ["elsewhere", "late"] {
        let refused = gateway.send(&ask("PUT", &format!("/{server}/files?restype=container")));
        assert_eq!(refused.status, 403, "{server}: {}", refused.text());
        assert!(
            refused.text().contains("AuthenticationFailed"),
            "{}",
            refused.text()
        );
    }

    let made = ask("PUT", "/good/files?restype=container").header("Authorization", "Bearer mine");
    let made = gateway.send(&made);
    assert_eq!(made.status, 201, "{}", made.text());
    let name = "a%20b/\u{e4}(1).txt".replace('\u{e4}', "%C3%A4");
    let put = ask("PUT", &format!("/good/files/{name}"))
        .header("x-ms-blob-type", "BlockBlob")
        .body("hello from the edge");
    let put = gateway.send(&put);
    assert_eq!(put.status, 201, "{}", put.text());
    let got = gateway.send(&ask("GET", &format!("/good/files/{name}")));
    assert_eq!((got.status, &*got.text()), (200, "hello from the edge"));
    assert_eq!(entra.count("/good/oauth2/v2.0/token"), 1);
    assert!(!gateway.log().contains("app-secret"), "{}", gateway.log());
}
