//! `causeway key` and `causeway password`: credentials and the forms in which they are stored.

use causeway::auth::{
    ITERATIONS, KeyHasher, PasswordHash, is_prefix, make, stored_name, unix_seconds,
};
use clap::Subcommand;
use serde_json::json;

use super::{Failure, Outcome, secret};

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key. It is printed this once; what is stored is not enough to use it.
    New {
        /// How the key begins: small letters, digits and underscores.
        #[arg(long, default_value = "cw")]
        prefix: String,
        /// Whose key it is.
        #[arg(long)]
        owner: Option<String>,
        /// From when on it is refused: 2027-01-31, 2027-01-31T12:00:00Z, or Unix seconds.
        #[arg(long)]
        expires: Option<String>,
        /// The environment variable that holds the authorizer's pepper.
        #[arg(long, value_name = "NAME")]
        pepper_env: Option<String>,
    },
    /// Read a key from standard input and print its stored form. At a terminal it is asked for, and not shown.
    Hash {
        /// The environment variable that holds the authorizer's pepper.
        #[arg(long, value_name = "NAME")]
        pepper_env: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum PasswordCommand {
    /// Read a password from standard input, without the line's end, and print its stored form.
    ///
    /// At a terminal it is asked for twice, and not shown.
    Hash {
        /// How slow the hash is: for a guesser, and for the gateway when it sees a password anew.
        #[arg(long, default_value_t = *ITERATIONS.end())]
        iterations: u32,
    },
}

pub fn key(command: KeyCommand) -> Result<Outcome, Failure> {
    match command {
        KeyCommand::New {
            prefix,
            owner,
            expires,
            pepper_env,
        } => {
            if !is_prefix(&prefix) {
                let rule = "a small letter, then small letters, digits and underscores, 24 at most";
                return Err(Failure(format!("{prefix} is no prefix: {rule}")));
            }
            if let Some(expires) = &expires
                && unix_seconds(expires).is_none()
            {
                return Err(Failure(format!("{expires} is no point in time")));
            }
            let hasher = hasher(pepper_env.as_deref())?;
            let mut random = Random::default();
            let key = make(&prefix, || random.byte());
            let key = key.filter(|_| !random.failed);
            let key = key.ok_or_else(|| Failure("there is no randomness here".to_owned()))?;
            let more = [("owner", owner), ("expires", expires)];
            Ok(told(format!(
                "key     {key}\nstored  {}\n",
                stored(&key, &hasher, more)?
            )))
        }
        KeyCommand::Hash { pepper_env } => {
            let hasher = hasher(pepper_env.as_deref())?;
            let key = secret::read("Key", false)?;
            Ok(told(format!("{}\n", stored(&key, &hasher, [])?)))
        }
    }
}

pub fn password(command: PasswordCommand) -> Result<Outcome, Failure> {
    let PasswordCommand::Hash { iterations } = command;
    if !ITERATIONS.contains(&iterations) {
        let (least, most) = (ITERATIONS.start(), ITERATIONS.end());
        return Err(Failure(format!(
            "the iterations are from {least} to {most}"
        )));
    }
    let password = secret::read("Password", true)?;
    if password.is_empty() || password.chars().any(char::is_control) {
        return Err(Failure(
            "a password is not empty and has no control character".to_owned(),
        ));
    }
    let mut random = Random::default();
    let salt: Vec<u8> = (0..16).map(|_| random.byte()).collect();
    if random.failed {
        return Err(Failure("there is no randomness here".to_owned()));
    }
    let hash = PasswordHash::make(&password, &salt, iterations);
    Ok(told(format!("{}\n", hash.written())))
}

fn told(text: String) -> Outcome {
    Outcome { text, good: true }
}

/// What goes into `keys` of the config, or into KV under its `id`.
fn stored<const N: usize>(
    key: &str,
    hasher: &KeyHasher,
    more: [(&str, Option<String>); N],
) -> Result<String, Failure> {
    let id = stored_name(key).ok_or_else(|| {
        Failure("this is no key that `causeway key new` made, or a part is missing".to_owned())
    })?;
    let mut members = vec![
        ("id", id.to_owned()),
        ("hash", hasher.written(&hasher.hash(key))),
    ];
    let more = more.into_iter();
    members.extend(more.filter_map(|(name, value)| Some((name, value?))));
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("\"{name}\": {}", json!(value)))
        .collect();
    Ok(format!("{{ {} }}", members.join(", ")))
}

fn hasher(pepper_env: Option<&str>) -> Result<KeyHasher, Failure> {
    let pepper = match pepper_env {
        None => None,
        Some(name) => Some(
            std::env::var(name)
                .map_err(|_| Failure(format!("the environment variable {name} is not set")))?,
        ),
    };
    KeyHasher::new(pepper.as_deref()).map_err(|fault| Failure(fault.message))
}

/// Bytes of the system's randomness.
struct Random {
    bytes: [u8; 256],
    at: usize,
    failed: bool,
}

impl Default for Random {
    fn default() -> Random {
        Random {
            bytes: [0; 256],
            at: 256,
            failed: false,
        }
    }
}

impl Random {
    fn byte(&mut self) -> u8 {
        if self.at >= self.bytes.len() {
            self.failed |= system_random::fill(&mut self.bytes).is_err();
            self.at = 0;
        }
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at = self.at.saturating_add(1);
        byte
    }
}
