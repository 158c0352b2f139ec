//! Authorizers that know callers by what is stored of their credentials: API keys, user names and passwords.

use std::collections::{HashMap, HashSet};

use super::warn_of_literal;
use crate::config::ast::{Ranged, Value};

use crate::auth::{ITERATIONS, PEPPER_BYTES, PasswordHash, is_name, read_hash, stored_name};
use crate::config::{
    ApiKeyObject, BasicObject, Context, Entries, Field, JsonBody, KeyObject, KeyPlace, Name, Read,
    Span, TextValue, UserObject,
};
use crate::http::is_token;
use crate::plan::{
    ApiKeySpec, BasicSpec, Identity, KeyNamespace, Place, StoredKey, StoredUser, Text, is_scope,
};

pub(super) fn compile_api_key(
    object: &ApiKeyObject<'_>,
    places: Vec<Place>,
    cx: &mut Context,
) -> Option<ApiKeySpec> {
    let before = cx.errors();
    let pepper = object.pepper.value();
    if let Some(pepper) = pepper {
        check_pepper(pepper, cx);
    }
    let mut keys = Vec::new();
    let mut seen = Seen::default();
    for node in object.keys.value().into_iter().flat_map(|k| k.nodes()) {
        if refuse_plain(node, cx) {
            continue;
        }
        if let Some(key) = KeyObject::read(node, cx)
            && let Some(stored) = compile_key(&key, !object.pepper.is_absent(), &mut seen, cx)
        {
            keys.push(stored);
        }
    }
    let none = keys.is_empty() && cx.errors() == before && object.kv.is_absent();
    if none && object.keys.is_absent() {
        cx.error(
            object.span.first(),
            "missing_field",
            "nothing says which keys are accepted: `keys` or `kv` is missing",
        )
        .help("make a key by `causeway key new`");
    } else if none {
        cx.error(object.span.first(), "empty_value", "`keys` has no key")
            .help("make one by `causeway key new`");
    }
    let kv = object.kv.value().and_then(|kv| {
        Some(KeyNamespace {
            binding: kv.binding.value()?.value.to_owned(),
            prefix: kv
                .prefix
                .value()
                .map_or_else(String::new, |prefix| prefix.value.to_owned()),
        })
    });
    (cx.errors() == before).then(|| ApiKeySpec {
        places,
        keys,
        kv,
        pepper: pepper.map(|pepper| pepper.text.clone()),
    })
}

/// Where a key is looked for.
pub(super) fn places(object: &ApiKeyObject<'_>, cx: &mut Context) -> Vec<Place> {
    let Some(places) = object.key_from.value() else {
        return vec![Place::Header("x-api-key".to_owned())];
    };
    if places.is_empty() {
        cx.error(
            object.span.first(),
            "empty_value",
            "`key_from` names no place",
        )
        .help("leave it out for the header `x-api-key`");
    }
    let mut token = |name: &Name<'_>| {
        if !is_token(name.value) {
            let message = format!("`{}` is no name of a header, scheme or cookie", name.value);
            cx.error(name.span, "bad_token", message);
        }
    };
    let mut compiled = Vec::with_capacity(places.len());
    let mut in_query = None;
    for place in places {
        compiled.push(match place {
            KeyPlace::Header(name) => {
                token(name);
                Place::Header(name.value.to_ascii_lowercase())
            }
            KeyPlace::Scheme(name) => {
                token(name);
                Place::Scheme(name.value.to_ascii_lowercase())
            }
            KeyPlace::Cookie(name) => {
                token(name);
                Place::Cookie(name.value.to_owned())
            }
            KeyPlace::Query(name) => {
                in_query = Some(name.span);
                Place::Query(name.value.to_owned())
            }
        });
    }
    if let Some(span) = in_query {
        cx.warning(
            span,
            "credential_in_query",
            "a key in the query ends in logs and histories on its way here",
        )
        .help("prefer a header");
    }
    compiled
}

pub(super) fn compile_basic(object: &BasicObject<'_>, cx: &mut Context) -> Option<BasicSpec> {
    let before = cx.errors();
    let mut users = Vec::new();
    let mut names = HashMap::new();
    let mut iterations = None;
    for node in object.users.value().into_iter().flat_map(|u| u.nodes()) {
        let Some(user) = UserObject::read(node, cx) else {
            continue;
        };
        if let Some(stored) = compile_user(&user, &mut names, &mut iterations, cx) {
            users.push(stored);
        }
    }
    if users.is_empty() && object.users.value().is_some() && cx.errors() == before {
        cx.error(object.span.first(), "empty_value", "`users` has no user")
            .help("make the hash of a password by `causeway password hash`");
    }
    (cx.errors() == before).then_some(BasicSpec { users })
}

/// What may stand once in an authorizer.
#[derive(Default)]
struct Seen<'a> {
    ids: HashMap<&'a str, Span>,
    hashes: HashMap<[u8; 32], Span>,
}

fn compile_key<'a>(
    key: &KeyObject<'a>,
    peppered: bool,
    seen: &mut Seen<'a>,
    cx: &mut Context,
) -> Option<StoredKey> {
    let before = cx.errors();
    for name in key.id.value().into_iter().chain(key.hash.value()) {
        if stored_name(name.value).is_some() {
            plain_key(name.span, cx);
        }
    }
    let id = key.id.value()?;
    let hash = key.hash.value()?;
    if cx.errors() == before && !is_name(id.value) {
        cx.error(id.span, "bad_key_id", "this is no id of a key")
            .help("it is the key's beginning, such as `cw_3fQ9xZ0aLmN2`; `causeway key new` prints it");
    }
    let read = read_hash(hash.value, peppered);
    if cx.errors() == before && read.is_none() {
        let diagnostic = cx.error(hash.span, "bad_hash", "this is not the hash of a key");
        diagnostic.help(match (read_hash(hash.value, !peppered), peppered) {
            (Some(_), true) => {
                "with a `pepper`, all hashes are `hmac-sha256:`: `causeway key hash --pepper-env NAME` makes them"
            }
            (Some(_), false) => "`hmac-sha256:` needs the `pepper` that it was made with",
            (None, true) => "write `hmac-sha256:` and 64 hexadecimal digits",
            (None, false) => "write `sha256:` and 64 hexadecimal digits",
        });
    }
    once(&mut seen.ids, id.value, id.span, "this id", cx);
    if let Some(read) = read {
        once(&mut seen.hashes, read, hash.span, "this hash", cx);
    }
    let identity = Identity {
        sub: key.owner.value().map(|owner| owner.value.to_owned()),
        key_id: Some(id.value.to_owned()),
        scopes: scopes(&key.scopes, cx),
        groups: words(&key.groups),
        plan: key.plan.value().map(|plan| plan.value.to_owned()),
        more: more(&key.claims, cx),
    };
    (cx.errors() == before).then_some(StoredKey {
        id: id.value.to_owned(),
        hash: read?,
        expires: key.expires.value().map(|moment| moment.0),
        disabled: key.disabled.value().is_some_and(|flag| flag.value),
        claims: identity.claims(),
    })
}

/// Whether a key itself is written where its hash should be.
fn refuse_plain(node: &Value<'_>, cx: &mut Context) -> bool {
    let Value::Object(object) = node else {
        return false;
    };
    let plain = ["key", "secret"].iter().find_map(|name| object.get(name));
    if let Some(plain) = plain {
        plain_key(plain.value.range().into(), cx);
    }
    plain.is_some()
}

fn plain_key(span: Span, cx: &mut Context) {
    cx.error(
        span,
        "plain_key",
        "this is a key itself: whoever reads the file can use it",
    )
    .help("it is burnt: make another by `causeway key new`, and store only what that prints as the stored form");
}

fn compile_user<'a>(
    user: &UserObject<'a>,
    names: &mut HashMap<&'a str, Span>,
    iterations: &mut Option<u32>,
    cx: &mut Context,
) -> Option<StoredUser> {
    let before = cx.errors();
    if let Some(password) = user.password.value() {
        check_password(password, iterations, cx);
    }
    let name = user.name.value()?;
    if name.value.contains(':') || name.value.chars().any(char::is_control) {
        cx.error(
            name.span,
            "bad_user_name",
            "a user's name has no colon and no control character (RFC 7617 section 2)",
        );
    }
    once(names, name.value, name.span, "this user", cx);
    let identity = Identity {
        sub: Some(name.value.to_owned()),
        scopes: scopes(&user.scopes, cx),
        groups: words(&user.groups),
        more: more(&user.claims, cx),
        ..Identity::default()
    };
    let password = user.password.value()?;
    (cx.errors() == before).then(|| StoredUser {
        name: name.value.to_owned(),
        password: password.text.clone(),
        claims: identity.claims(),
    })
}

fn check_password(password: &TextValue, iterations: &mut Option<u32>, cx: &mut Context) {
    let Text::Literal(literal) = &password.text else {
        return;
    };
    match PasswordHash::read(literal) {
        Some(hash) if iterations.is_some_and(|first| first != hash.iterations) => {
            cx.warning(
                password.span,
                "uneven_iterations",
                "this hash has another number of iterations than those before",
            )
            .help("the time that a refusal takes tells which users there are: give all hashes the same number");
        }
        Some(hash) => *iterations = Some(hash.iterations),
        None if literal.starts_with("$pbkdf2-sha256$") => {
            cx.error(password.span, "bad_hash", "this hash is not one that is accepted")
                .help(format!(
                    "make it by `causeway password hash`; it has {} to {} iterations and 16 bytes of salt or more",
                    ITERATIONS.start(),
                    ITERATIONS.end()
                ));
        }
        None => {
            cx.error(
                password.span,
                "plain_password",
                "this is no hash; if it is a password, whoever reads the file can use it",
            )
            .help("make the hash of a new one by `causeway password hash`");
        }
    }
}

fn check_pepper(pepper: &TextValue, cx: &mut Context) {
    let Text::Literal(literal) = &pepper.text else {
        return;
    };
    if literal.len() < PEPPER_BYTES {
        cx.error(
            pepper.span,
            "weak_secret",
            format!("this pepper is too short; it needs {PEPPER_BYTES} bytes"),
        )
        .help("make a random one, for example by `openssl rand -base64 32`, and refer to it by `$secret.NAME`");
    } else {
        warn_of_literal(pepper, cx);
    }
}

/// Tells what stands a second time.
fn once<K: Eq + std::hash::Hash>(
    seen: &mut HashMap<K, Span>,
    value: K,
    span: Span,
    what: &str,
    cx: &mut Context,
) {
    match seen.get(&value) {
        Some(first) => {
            cx.error(span, "duplicate_value", format!("{what} stands twice"))
                .label("again here")
                .note(*first, "first here");
        }
        None => {
            seen.insert(value, span);
        }
    }
}

fn scopes(field: &Field<Vec<Name<'_>>>, cx: &mut Context) -> Vec<String> {
    for name in field.value().into_iter().flatten() {
        if !is_scope(name.value) {
            cx.error(name.span, "bad_scope", "this is no scope")
                .help("a scope is one word without quotes and backslashes (RFC 6749 section 3.3)");
        }
    }
    words(field)
}

fn words(field: &Field<Vec<Name<'_>>>) -> Vec<String> {
    let names = field.value().into_iter().flatten();
    names.map(|name| name.value.to_owned()).collect()
}

fn more<'a>(field: &Field<Entries<'a, JsonBody<'a>>>, cx: &mut Context) -> Vec<(String, String)> {
    let reserved: HashSet<&str> = Identity::RESERVED.into_iter().collect();
    let mut more = Vec::new();
    for (name, value) in field.value().into_iter().flat_map(|entries| entries.iter()) {
        if reserved.contains(name.value) {
            cx.error(
                name.span,
                "reserved_claim",
                format!("the claim `{}` comes from another member", name.value),
            )
            .help("`owner` or `name` gives `sub`, `scopes` gives `scope`");
        }
        if let Some(JsonBody(value)) = value.get(cx) {
            let mut json = String::new();
            refuse_references(value, cx);
            value.write_json(&mut json);
            more.push((name.value.to_owned(), json));
        }
    }
    more
}

/// Claims are plain values.
fn refuse_references(value: &Value<'_>, cx: &mut Context) {
    match value {
        Value::StringLit(literal) => {
            if matches!(Text::read(&literal.value), Text::Reference(_)) {
                cx.error(
                    literal.range.into(),
                    "reference_not_allowed",
                    format!("`{}` cannot stand here", literal.value),
                )
                .help("claims are plain values");
            }
        }
        Value::Array(array) => {
            for element in &array.elements {
                refuse_references(element, cx);
            }
        }
        Value::Object(object) => {
            for property in &object.properties {
                refuse_references(&property.value, cx);
            }
        }
        _ => {}
    }
}
