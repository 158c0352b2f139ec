//! A proof that is the same for every request: a secret in a header, or a user name and a password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::edits::Edits;
use crate::http::is_field_value;
use crate::plan::{BasicIdentity, Fault, HeaderIdentity};
use crate::secret::Secret;

/// A field of the request.
pub struct Fixed {
    /// In lower case.
    name: String,
    value: Secret,
}

impl Fixed {
    /// # Errors
    /// The value cannot stand in a header.
    pub fn header(spec: HeaderIdentity) -> Result<Fixed, Fault> {
        let value = format!("{}{}", spec.prefix, spec.secret.literal()?);
        // At its ends a reader would cut white space off (RFC 9110 section 5.5), and the secret would be another.
        if !is_field_value(&value) || value.trim_matches([' ', '\t']) != value {
            return Err(Fault {
                code: "bad_header_value".into(),
                message: "the secret is not fit for a header field".into(),
            });
        }
        Ok(Fixed {
            name: spec.name,
            value: Secret::new(value),
        })
    }

    /// # Errors
    /// The name has a colon, or one of the two a control character (RFC 7617 section 2).
    pub fn basic(spec: BasicIdentity) -> Result<Fixed, Fault> {
        let name = spec.username.literal()?;
        let password = spec.password.map(|password| password.literal());
        let password = password.transpose()?.unwrap_or_default();
        let has_control = |text: &str| text.chars().any(char::is_control);
        if name.contains(':') || has_control(&name) || has_control(&password) {
            return Err(Fault {
                code: "bad_credentials".into(),
                message: "the user's name has a colon, or name or password a control character"
                    .into(),
            });
        }
        let encoded = STANDARD.encode(format!("{name}:{password}"));
        Ok(Fixed {
            name: "authorization".to_owned(),
            value: Secret::new(format!("Basic {encoded}")),
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn prove(&self, edits: &mut Edits) {
        edits.set(&self.name, self.value.expose());
    }
}
