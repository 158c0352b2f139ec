//! The JSON Web Token authorizer (RFC 7519, RFC 8725).

use std::borrow::Cow;
use std::rc::Rc;

use jsonwebtoken::{Algorithm, DecodingKey};

use super::authorizer::Presented;
use super::claims::Claims;
use super::denied::{Cause, Denied};
use super::find::{Found, find, own_or_no_cookie};
use super::hmac::{self, HmacVerifier};
use super::keys::{KeyFlaw, KeySet, Place, PublicKey, Remote, check_key_url, read_jwks, read_pem};
use super::public::{Keys, PublicKeys};
use super::rules::Rules;
use super::seen;
use super::token::{MAX_TOKEN_BYTES, Token, not_jws};
use crate::host::Host;
use crate::plan::{Fault, JwsAlgorithm, JwtKeys, JwtSpec, TokenSource, UrlFlaw};
use crate::secret::Secret;

/// A JWT authorizer, ready to check tokens.
pub struct Jwt {
    verifier: Verifier,
    rules: Rules,
    sources: Vec<TokenSource>,
}

enum Verifier {
    /// HMAC (RFC 7518 section 3.2): one for each secret and allowed algorithm.
    Secrets(Vec<HmacVerifier>),
    Public(Box<PublicKeys>),
}

impl Jwt {
    /// `spec` with its references looked up. A fault where nothing could be checked safely: no algorithm, one that is
    /// not of the keys, a secret shorter than the longest allowed algorithm's hash (RFC 7518 section 3.2), a key that is
    /// private, weak or none, keys from an unsafe place, or an empty expected value.
    pub fn new(spec: JwtSpec) -> Result<Jwt, Fault> {
        let rules = Rules::new(&spec)?;
        let verifier = verifier(spec.keys, spec.algorithms, &rules)?;
        Ok(Jwt {
            verifier,
            rules,
            sources: spec.sources,
        })
    }

    /// Remembers so many bytes of tokens at most.
    pub fn limit(&self, bytes: usize) {
        if let Verifier::Public(keys) = &self.verifier {
            keys.limit(bytes);
        }
    }

    /// Looks for the token where the authorizer's sources say. `header` gives a header's value by its lower-case
    /// name; `query` is the raw query, without its question mark.
    pub fn find_token<'a>(
        &self,
        header: &dyn Fn(&str) -> Option<Cow<'a, str>>,
        query: Option<&str>,
    ) -> Found {
        find(&self.sources, header, query)
    }

    /// Finds and verifies in one step.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        match self.find_token(&|name| presented.header(name), presented.query) {
            Found::Token(token) => {
                let token = own_or_no_cookie(presented, &self.sources, token)?;
                self.verify(&token, presented.host).await
            }
            Found::Missing => Err(Denied::new(Cause::NoToken, "no token")),
            Found::NotBearer => Err(Denied::new(Cause::NoToken, "not one Bearer token")),
        }
    }

    /// Checks a token at the host's time.
    pub async fn verify<H: Host>(&self, token: &str, host: &H) -> Result<Claims, Denied> {
        let keys = match &self.verifier {
            Verifier::Secrets(_) => return self.verify_by_secret(token, host.now_ms() / 1000),
            Verifier::Public(keys) => keys,
        };
        if token.len() > MAX_TOKEN_BYTES {
            return Err(not_jws("the token is too long"));
        }
        let digest = seen::digest(token);
        if let Some(claims) = keys.seen(&digest, host.now_ms()) {
            self.rules.check_times(&claims, host.now_ms() / 1000)?;
            return Ok(Claims::clone(&claims));
        }
        let read = Token::read(token)?;
        let generation = keys.check(&read, host).await?;
        let header = read.header.clone();
        let claims = Rc::new(read.claims()?);
        self.rules.check_values(&header, &claims)?;
        self.rules.check_times(&claims, host.now_ms() / 1000)?;
        keys.see(digest, token.len(), &claims, generation, host.now_ms());
        Ok(Claims::clone(&claims))
    }

    #[cfg(test)]
    pub(super) fn use_secret(&mut self, verifiers: Vec<HmacVerifier>) {
        self.verifier = Verifier::Secrets(verifiers);
    }

    /// Checks a token of a shared secret at the Unix time `now_s`, in seconds. One of public keys is refused: that takes
    /// a host.
    pub fn verify_by_secret(&self, token: &str, now_s: u64) -> Result<Claims, Denied> {
        let token = Token::read(token)?;
        let verifiers = match &self.verifier {
            Verifier::Secrets(verifiers) => verifiers.as_slice(),
            Verifier::Public(_) => &[],
        };
        let algorithm = token.header.alg.parse::<Algorithm>().ok();
        let of_algorithm = |v: &&HmacVerifier| Some(v.algorithm()) == algorithm;
        let mut fitting = verifiers.iter().filter(of_algorithm).peekable();
        if fitting.peek().is_none() {
            return Err(not_jws("the algorithm is not allowed"));
        }
        let message = token.message.as_bytes();
        if !fitting.any(|v| v.verify(message, &token.signature).is_ok()) {
            return Err(Denied::new(Cause::Signature, "the signature is another"));
        }
        let header = token.header.clone();
        let claims = token.claims()?;
        self.rules.check_values(&header, &claims)?;
        self.rules.check_times(&claims, now_s)?;
        Ok(claims)
    }
}

fn verifier(
    keys: JwtKeys,
    algorithms: Vec<JwsAlgorithm>,
    rules: &Rules,
) -> Result<Verifier, Fault> {
    let shared = matches!(keys, JwtKeys::Secrets(_));
    if algorithms.is_empty() {
        return Err(fault("jwt_no_algorithm", "no algorithm is allowed"));
    }
    if algorithms.iter().any(|a| a.is_hmac() != shared) {
        let message = "an allowed algorithm is not one of these keys";
        return Err(fault("jwt_bad_key", message));
    }
    let public = |keys| {
        Ok(Verifier::Public(Box::new(PublicKeys::new(
            algorithms.clone(),
            keys,
        ))))
    };
    let fixed = |keys: Vec<PublicKey>| public(Keys::Fixed(Rc::new(KeySet::new(keys))));
    let remote = |place| public(Keys::Remote(Box::new(Remote::new(place))));
    let bad = |flaw: KeyFlaw| fault("jwt_bad_key", flaw.message());
    let unsafe_url = |flaw: UrlFlaw| fault("jwt_bad_url", flaw.message);
    match keys {
        JwtKeys::Secrets(texts) => {
            let mut verifiers = Vec::new();
            for text in texts {
                verifiers.extend(by_secret(&Secret::new(text.literal()?), &algorithms)?);
            }
            Ok(Verifier::Secrets(verifiers))
        }
        JwtKeys::PublicKey(text) => fixed(vec![read_pem(&text.literal()?).map_err(bad)?]),
        JwtKeys::Jwks(text) => {
            let keys = read_jwks(&text.literal()?).map_err(bad)?;
            fixed(sound_keys(keys).map_err(bad)?)
        }
        JwtKeys::JwksUri(text) => {
            let url = text.literal()?;
            check_key_url(&url).map_err(unsafe_url)?;
            remote(Place::Jwks(url))
        }
        JwtKeys::Discovery => {
            let issuer = rules.only_issuer().unwrap_or_default().to_owned();
            check_key_url(&issuer).map_err(unsafe_url)?;
            remote(Place::Discovery { issuer })
        }
    }
}

/// The keys of a set that stands in the config. What is not for this gateway is passed over (RFC 7517 section 5); what
/// should not be there at all is a flaw.
fn sound_keys(keys: Vec<Result<PublicKey, KeyFlaw>>) -> Result<Vec<PublicKey>, KeyFlaw> {
    let mut sound = Vec::with_capacity(keys.len());
    for key in keys {
        match key {
            Ok(key) => sound.push(key),
            Err(KeyFlaw::Unsupported | KeyFlaw::OtherUse) => {}
            Err(flaw) => return Err(flaw),
        }
    }
    if sound.is_empty() {
        return Err(KeyFlaw::Unsupported);
    }
    Ok(sound)
}

fn by_secret(secret: &Secret, algorithms: &[JwsAlgorithm]) -> Result<Vec<HmacVerifier>, Fault> {
    let secret = secret.expose().as_bytes();
    let strongest = algorithms.iter().max();
    let needed = strongest.map_or(0, |a| hash_bytes(*a));
    if secret.len() < needed {
        let message = format!(
            "the secret has {} bytes; {} needs at least {needed} (RFC 7518 section 3.2)",
            secret.len(),
            strongest.map_or("", |a| a.name())
        );
        return Err(fault("jwt_weak_secret", message));
    }
    let key = DecodingKey::from_secret(secret);
    algorithms
        .iter()
        .map(|a| hmac::verifier(a.name().parse()?, &key))
        .collect::<Result<_, jsonwebtoken::errors::Error>>()
        .map_err(|_| fault("jwt_bad_key", "the secret is no HMAC key"))
}

fn hash_bytes(algorithm: JwsAlgorithm) -> usize {
    match algorithm {
        JwsAlgorithm::Hs384 => 48,
        JwsAlgorithm::Hs512 => 64,
        _ => 32,
    }
}

fn fault(code: &str, message: impl Into<String>) -> Fault {
    Fault {
        code: code.to_owned(),
        message: message.into(),
    }
}
