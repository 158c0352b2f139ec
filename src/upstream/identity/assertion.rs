//! JSON Web Tokens that the gateway signs about itself (RFC 7519, RFC 7523 section 3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::auth::PrivateKey;
use crate::host::{Host, Signing};
use crate::plan::JwsAlgorithm;

/// Signs claims. The header has `alg` and `typ` besides what is given of it.
///
/// # Errors
/// The platform does not take the key; in words for the operator.
pub async fn signed<H: Host>(
    host: &H,
    key: &PrivateKey,
    algorithm: JwsAlgorithm,
    header: Option<(&str, &str)>,
    claims: &Value,
) -> Result<String, String> {
    let mut members = serde_json::Map::new();
    members.insert("alg".into(), algorithm.name().into());
    members.insert("typ".into(), "JWT".into());
    if let Some((name, value)) = header {
        members.insert(name.into(), value.into());
    }
    let mut token = URL_SAFE_NO_PAD.encode(Value::Object(members).to_string());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
    let signing = Signing {
        algorithm,
        key,
        message: &token,
    };
    let signature = host.sign(&signing).await.map_err(|error| error.0)?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
