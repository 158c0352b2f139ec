//! JSON Web Tokens that the gateway signs about itself (RFC 7519, RFC 7523 section 3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::auth::PrivateKey;
use crate::exchange::request_id;
use crate::host::{Host, Signing};
use crate::plan::JwsAlgorithm;
use crate::problem::json_string;

/// When a token is made, and by what it is told from all others.
pub struct Moment {
    /// Seconds since 1970.
    pub now: u64,
    pub id: String,
}

impl Moment {
    pub fn of<H: Host>(host: &H) -> Moment {
        Moment {
            now: host.now_ms() / 1000,
            id: request_id(host),
        }
    }
}

/// A token before it is signed.
pub struct Unsigned<'a> {
    /// Whose key it is, for the operator.
    pub whose: &'static str,
    pub key: &'a PrivateKey,
    pub algorithm: JwsAlgorithm,
    /// What the header has besides `alg` and `typ`.
    pub header: Option<(&'static str, &'a str)>,
    /// Claims that are texts.
    pub claims: Vec<(&'static str, &'a str)>,
    pub issued_at: u64,
    /// With `nbf`, which Entra's documentation asks for.
    pub says_since: bool,
    pub lifetime_seconds: u64,
}

impl Unsigned<'_> {
    /// # Errors
    /// The platform does not take the key; in words for the operator.
    pub async fn signed<H: Host>(&self, host: &H) -> Result<String, String> {
        let mut token = self.text();
        let signing = Signing {
            algorithm: self.algorithm,
            key: self.key,
            message: &token,
        };
        match host.sign(&signing).await {
            Ok(signature) => {
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
                Ok(token)
            }
            Err(error) => Err([self.whose, ": ", &error.0].concat()),
        }
    }

    /// Header and claims, as they are signed (RFC 7515 section 5.1).
    fn text(&self) -> String {
        let mut header = String::from("{");
        let own = [("alg", self.algorithm.name()), ("typ", "JWT")];
        for (name, value) in own.into_iter().chain(self.header) {
            member(&mut header, name, &json_string(value));
        }
        header.push('}');
        let mut claims = String::from("{");
        for (name, value) in &self.claims {
            member(&mut claims, name, &json_string(value));
        }
        let ends = self.issued_at.saturating_add(self.lifetime_seconds);
        member(&mut claims, "iat", &self.issued_at.to_string());
        if self.says_since {
            member(&mut claims, "nbf", &self.issued_at.to_string());
        }
        member(&mut claims, "exp", &ends.to_string());
        claims.push('}');
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        token
    }
}

fn member(object: &mut String, name: &str, value: &str) {
    if object.len() > 1 {
        object.push(',');
    }
    for piece in ["\"", name, "\":", value] {
        object.push_str(piece);
    }
}
