//! What a token must say, once its signature holds.

use super::claims::Claims;
use super::denied::{Cause, Denied};
use super::header::JoseHeader;
use crate::plan::{Fault, IntrospectionSpec, JwtSpec, Text};

/// The rules of one authorizer.
pub(super) struct Rules {
    issuers: Vec<String>,
    audiences: Vec<String>,
    subject: Option<String>,
    /// Without case and `application/`.
    token_type: Option<String>,
    leeway: f64,
    max_age: Option<f64>,
    require_exp: bool,
    required_claims: Vec<String>,
    expected_claims: Vec<(String, Vec<String>)>,
}

impl Rules {
    /// A fault where an expected value is empty: what is to be compared with it would be anybody's.
    pub fn new(spec: &JwtSpec) -> Result<Rules, Fault> {
        Ok(Rules {
            token_type: spec.token_type.as_deref().map(media_type),
            leeway: f64::from(spec.leeway),
            max_age: spec.max_age.map(f64::from),
            require_exp: spec.require_exp,
            required_claims: spec.required_claims.clone(),
            expected_claims: spec.expected_claims.clone(),
            ..Rules::expecting(&spec.issuers, &spec.audiences, spec.subject.as_ref())?
        })
    }

    /// The same for what an authorization server says of a token.
    pub fn of_introspection(spec: &IntrospectionSpec) -> Result<Rules, Fault> {
        Ok(Rules {
            leeway: f64::from(spec.leeway),
            require_exp: spec.require_exp,
            required_claims: spec.required_claims.clone(),
            ..Rules::expecting(&spec.issuers, &spec.audiences, spec.subject.as_ref())?
        })
    }

    fn expecting(
        issuers: &[Text],
        audiences: &[Text],
        subject: Option<&Text>,
    ) -> Result<Rules, Fault> {
        let literals = |texts: &[Text]| -> Result<Vec<String>, Fault> {
            texts.iter().cloned().map(Text::literal).collect()
        };
        let issuers = literals(issuers)?;
        let audiences = literals(audiences)?;
        let subject = subject.cloned().map(Text::literal).transpose()?;
        let mut expected = issuers.iter().chain(&audiences).chain(&subject);
        if expected.any(String::is_empty) {
            return Err(Fault {
                code: "jwt_empty_value".into(),
                message: "an expected issuer, audience or subject is empty".into(),
            });
        }
        Ok(Rules {
            issuers,
            audiences,
            subject,
            token_type: None,
            leeway: 0.0,
            max_age: None,
            require_exp: true,
            required_claims: Vec::new(),
            expected_claims: Vec::new(),
        })
    }

    /// The one expected issuer, if there is one.
    pub fn only_issuer(&self) -> Option<&str> {
        match self.issuers.as_slice() {
            [issuer] => Some(issuer),
            _ => None,
        }
    }

    /// Issuer, audience, subject (RFC 7519 sections 4.1.1 to 4.1.3), type, and the claims that must be there. An
    /// expected value that is absent is refused like a wrong one.
    pub fn check_values(&self, header: &JoseHeader, claims: &Claims) -> Result<(), Denied> {
        if let Some(expected) = &self.token_type
            && header.typ.as_deref().map(media_type).as_ref() != Some(expected)
        {
            return Err(not_claimed("typ is not the expected one"));
        }
        self.check_claims(claims)
    }

    /// The same of claims that came without a token.
    pub fn check_claims(&self, claims: &Claims) -> Result<(), Denied> {
        let is_one_of = |name, expected: &[String]| {
            let value = claims.string(name);
            value.is_some_and(|value| expected.iter().any(|e| *e == value))
        };
        if !self.issuers.is_empty() && !is_one_of("iss", &self.issuers) {
            return Err(not_claimed("iss is not an expected one"));
        }
        if let Some(subject) = &self.subject
            && !is_one_of("sub", std::slice::from_ref(subject))
        {
            return Err(not_claimed("sub is not the expected one"));
        }
        if !self.audiences.is_empty() {
            let given = claims.strings("aud").unwrap_or_default();
            if !given.iter().any(|aud| self.audiences.contains(aud)) {
                return Err(not_claimed("aud has no expected one"));
            }
        }
        for (name, expected) in &self.expected_claims {
            if !is_one_of(name, expected) {
                let reason = format!("{name} is not an expected one");
                return Err(Denied::new(Cause::Claims, reason));
            }
        }
        for name in &self.required_claims {
            if matches!(claims.json_of(name), None | Some("null")) {
                return Err(Denied::new(Cause::Claims, format!("{name} is missing")));
            }
        }
        Ok(())
    }

    /// `exp`, `nbf`, `iat` (RFC 7519 sections 4.1.4 to 4.1.6) and the age.
    pub fn check_times(&self, claims: &Claims, now_s: u64) -> Result<(), Denied> {
        // Whole seconds are exact in a float for the next 285 million years.
        let now = now_s as f64;
        let exp = date(claims, "exp")?;
        let nbf = date(claims, "nbf")?;
        let iat = date(claims, "iat")?;
        match exp {
            Some(exp) if now >= exp + self.leeway => {
                return Err(Denied::new(Cause::Expired, "exp has passed"));
            }
            None if self.require_exp => {
                return Err(not_claimed("exp is missing"));
            }
            _ => {}
        }
        if nbf.is_some_and(|nbf| nbf > now + self.leeway) {
            return Err(Denied::new(Cause::NotActive, "nbf has not come"));
        }
        if iat.is_some_and(|iat| iat > now + self.leeway.max(IAT_AHEAD)) {
            return Err(not_claimed("iat is in the future"));
        }
        match (self.max_age, iat) {
            (Some(max_age), Some(iat)) if now > iat + max_age + self.leeway => {
                Err(Denied::new(Cause::Expired, "older than max_age"))
            }
            (Some(_), None) => Err(not_claimed("iat is missing and max_age needs it")),
            _ => Ok(()),
        }
    }
}

/// Seconds by which `iat` may lie ahead: it says when a token was made and not from when on it is good, and clocks differ.
const IAT_AHEAD: f64 = 60.0;

/// When claims are over, in Unix milliseconds; `None` where they do not say.
pub(super) fn expires_ms(claims: &Claims) -> Option<u64> {
    let exp = date(claims, "exp").ok()??;
    // A time before 1970 is over, and one beyond all numbers is far away: the conversion stays within bounds.
    Some((exp * 1000.0) as u64)
}

/// A NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction. Anything else under that name is refused,
/// `null` too.
fn date(claims: &Claims, name: &'static str) -> Result<Option<f64>, Denied> {
    let Some(json) = claims.json_of(name) else {
        return Ok(None);
    };
    match serde_json::from_str::<f64>(json) {
        Ok(seconds) if seconds.is_finite() => Ok(Some(seconds)),
        _ => Err(Denied::new(
            Cause::Claims,
            format!("{name} is not a finite number"),
        )),
    }
}

fn not_claimed(reason: &'static str) -> Denied {
    Denied::new(Cause::Claims, reason)
}

/// A `typ` as it is compared: without case, and without the prefix that may be left out (RFC 7515 section 4.1.9).
fn media_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(short) => short.to_owned(),
        None => typ,
    }
}
