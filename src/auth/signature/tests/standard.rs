//! The examples of RFC 9421 appendix B, with its keys. The body is left out where it is not covered: there the standard is
//! laxer than the gateway.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::host::{Host, Signed};
use crate::plan::JwsAlgorithm;

const RSA: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----";

const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----";

const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;

const SHARED: &str = "base64:uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

const CREATED: u64 = 1_618_884_473;

const BODY: &[u8] = br#"{"hello": "world"}"#;

/// The fields of the test request.
const FIELDS: [(&str, &str); 4] = [
    ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("content-type", "application/json"),
    (
        "content-digest",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    ),
    ("content-length", "18"),
];

fn authorizer(components: &[&str]) -> MessageSignature {
    let mut spec = spec(&[("test-shared-secret", SHARED)], components);
    spec.public_keys = vec![
        ("test-key-rsa-pss".into(), RSA.into()),
        ("test-key-ecc-p256".into(), P256.into()),
        ("test-key-ed25519".into(), ED25519.into()),
    ];
    spec.algorithms = vec![
        JwsAlgorithm::Ps512,
        JwsAlgorithm::Es256,
        JwsAlgorithm::EdDsa,
    ];
    MessageSignature::new(spec).ok().unwrap()
}

fn asked(components: &[&str], input: &str, signature: &str, body: &[u8]) -> Result<Claims, Denied> {
    let mut fields = FIELDS.to_vec();
    fields.extend([("signature-input", input), ("signature", signature)]);
    let host = host(CREATED + 2, &fields, body);
    let request = request("POST", "/foo?param=Value&Pet=dog", body);
    run(authorizer(components).authenticate(&presented(&host, request)))
}

/// Appendices B.2.1, B.2.3, B.2.5 and B.2.6; B.2.2 covers a component with a parameter, which is not supported.
#[test]
fn its_signed_requests_hold_and_no_others() {
    let all = [
        "date",
        "@method",
        "@path",
        "@query",
        "@authority",
        "content-type",
        "content-digest",
        "content-length",
    ];
    for (components, body, signer, input, signature) in [
        (
            &[][..],
            &b""[..],
            "test-key-rsa-pss",
            r#"sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#,
            "sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:",
        ),
        (
            &all,
            BODY,
            "test-key-rsa-pss",
            r#"sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#,
            "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:",
        ),
        (
            &["date", "@authority", "content-type"],
            b"",
            "test-shared-secret",
            r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#,
            "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
        ),
        (
            &["date", "@method", "@path", "@authority"],
            b"",
            "test-key-ed25519",
            r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#,
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        ),
    ] {
        let claims = asked(components, input, signature, body).unwrap();
        assert_eq!(claims.claim("sub").unwrap(), signer);
        assert_eq!(claims.claim("iat").unwrap(), "1618884473");
        for changed in [
            input.replace("1618884473", "1618884474"),
            input.replace("keyid=\"test-", "keyid=\"best-"),
            input.replace(signer, "test-key-ecc-p256"),
            format!("{input};alg=\"ecdsa-p256-sha256\""),
            format!("{input};alg=\"none\""),
        ] {
            let outcome = asked(components, &changed, signature, body);
            assert_eq!(code(outcome), "signature_invalid", "{changed}");
        }
    }
}

/// Appendix B.3: what a proxy signs.
#[test]
fn its_proxys_request_holds() {
    let certificate = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";
    let headers = [
        ("client-cert", certificate),
        (
            "signature-input",
            r#"ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256""#,
        ),
        (
            "signature",
            "ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:",
        ),
    ];
    let host = host(CREATED, &headers, b"");
    let request = Request {
        authority: "service.internal.example",
        ..request("POST", "/foo?param=Value&Pet=dog", b"")
    };
    let components = ["@method", "@authority", "@path", "@query", "client-cert"];
    let claims = run(authorizer(&components).authenticate(&presented(&host, request))).unwrap();
    assert_eq!(claims.claim("sub").unwrap(), "test-key-ecc-p256");
}

/// Appendix B.2.4 signs an answer, so that its base stands here as it is printed there.
#[test]
fn its_signed_answer_holds() {
    let base = r#""@status": 200
"content-type": application/json
"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:
"content-length": 23
"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#;
    let signature = STANDARD
        .decode("wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==")
        .unwrap();
    let key = super::super::read_public_key(P256).unwrap();
    let signed = Signed {
        algorithm: JwsAlgorithm::Es256,
        jwk: &key.jwk,
        message: base,
        signature: &signature,
    };
    let host = host(CREATED, &[], b"");
    assert_eq!(run(host.verifies(&signed)), Ok(true));
    let other = Signed {
        message: &base[1..],
        ..signed
    };
    assert_eq!(run(host.verifies(&other)), Ok(false));
}
