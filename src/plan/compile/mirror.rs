//! A second server that is sent some of a path's requests.

use super::authorizer::first_fault;
use super::mapping::check_header;
use super::names::Names;
use super::path::unused;
use crate::config::{
    BodyChoice, CompareObject, ComparisonWord, Context, Field, MirrorObject, MirroredMethod,
};
use crate::http::Method;
use crate::plan::{CompareBody, CompareSpec, Fault, MirrorSpec};
use crate::upstream::is_idempotent;
use crate::upstream::mirror::compare::pointer;

/// `own` is the path's server, `method` its method: of either `None` is one that is not understood.
pub(super) fn compile(
    object: &MirrorObject<'_>,
    own: Option<u16>,
    method: Option<Option<Method>>,
    servers: &Names<'_>,
    cx: &mut Context,
) -> Result<Box<MirrorSpec>, Fault> {
    let before = cx.errors();
    let methods = compile_methods(object, method, cx);
    let compare = object.compare.value().map(|c| compile_compare(c, cx));
    let (Some(alias), Some(percent)) = (object.server.value(), object.percent.value()) else {
        return Err(first_fault(cx));
    };
    let server = servers.find(*alias, cx)?;
    if own == Some(server) {
        let message = format!("`{}` is the path's own server", alias.value);
        cx.error(alias.span, "mirror_to_itself", message)
            .help("name another server: to ask the same one twice compares nothing");
    }
    if percent.value == 0 {
        cx.warning(
            percent.span,
            "mirror_of_nothing",
            "nothing is mirrored with `percent` 0",
        )
        .help("write a share, or leave `mirror` out");
    }
    if cx.errors() > before {
        return Err(first_fault(cx));
    }
    Ok(Box::new(MirrorSpec {
        zones: None,
        server,
        percent: percent.value,
        max_per_minute: object.max_per_minute.value().map_or(600, |n| n.value),
        methods,
        timeout_ms: object.timeout_ms.value().map_or(5_000, |n| n.value),
        max_body_bytes: object.max_body_bytes.value().map_or(65_536, |n| n.value),
        compare,
    }))
}

/// The methods that are mirrored: of the path's those that are listed, or that may be repeated.
fn compile_methods(
    object: &MirrorObject<'_>,
    method: Option<Option<Method>>,
    cx: &mut Context,
) -> Vec<Method> {
    let of_path = |one: &Method| match method {
        Some(Some(method)) => *one == method,
        _ => true,
    };
    let is_safe = |method: &Method| is_idempotent(method.as_str());
    let unsafe_too = match &object.unsafe_methods {
        Field::Value(flag) => flag.value,
        // What is wrong with it was told.
        Field::Bad => true,
        Field::Absent => false,
    };
    let listed: Option<Vec<Method>> = object
        .methods
        .value()
        .map(|list| list.iter().map(|word| method_of(*word)).collect());
    if object.methods.is_bad() {
        return Vec::new();
    }
    let named = |methods: &[Method]| {
        let names: Vec<_> = methods
            .iter()
            .map(|m| format!("`{}`", m.as_str()))
            .collect();
        names.join(", ")
    };
    let asked: Vec<Method> = match (&listed, method) {
        (Some(list), _) => list.clone(),
        (None, Some(Some(method))) => vec![method],
        (None, _) if unsafe_too => Method::ALL.to_vec(),
        (None, _) => Method::ALL.into_iter().filter(is_safe).collect(),
    };
    let foreign: Vec<Method> = asked.iter().copied().filter(|m| !of_path(m)).collect();
    let risky: Vec<Method> = asked.iter().copied().filter(|m| !is_safe(m)).collect();
    if asked.is_empty() {
        cx.error(
            object.span.first(),
            "empty_value",
            "`methods` names nothing",
        )
        .help("leave `methods` out for those that may be repeated");
    }
    if !foreign.is_empty() {
        let message = format!("the path never serves {}", named(&foreign));
        cx.error(object.span.first(), "mirror_method", message)
            .help("list only methods of the path in `methods`");
    }
    if !risky.is_empty() && !unsafe_too {
        let message = format!("{} would be done twice", named(&risky));
        cx.error(object.span.first(), "mirror_unsafe_method", message)
            .help(
                "write `\"unsafe_methods\": true` if the mirror may do it too, on data of its own",
            );
    }
    if risky.is_empty() && unsafe_too && foreign.is_empty() && !object.unsafe_methods.is_bad() {
        let why = "where only methods that may be repeated are mirrored";
        unused(object.span, "unsafe_methods", why, cx);
    }
    asked
}

fn method_of(word: MirroredMethod) -> Method {
    match word {
        MirroredMethod::Get => Method::Get,
        MirroredMethod::Post => Method::Post,
        MirroredMethod::Put => Method::Put,
        MirroredMethod::Delete => Method::Delete,
        MirroredMethod::Options => Method::Options,
        MirroredMethod::Patch => Method::Patch,
    }
}

fn compile_compare(object: &CompareObject<'_>, cx: &mut Context) -> CompareSpec {
    let headers = object.headers.value().map(Vec::as_slice);
    let headers = headers.unwrap_or_default().iter().map(|name| {
        let lower = name.value.to_ascii_lowercase();
        check_header(*name, &lower, cx);
        lower
    });
    let headers: Vec<String> = headers.collect();
    let pointers = object.ignore.value().map(Vec::as_slice);
    let mut ignore = Vec::new();
    for written in pointers.unwrap_or_default() {
        match pointer(written.value) {
            Some(tokens) => ignore.push(tokens),
            None => {
                let message = format!("`{}` is no JSON pointer to a part", written.value);
                cx.error(written.span, "bad_pointer", message).help(
                    "write `/a/b` for member b of member a, `/a/0` for the first item of a, `~1` for a slash in a name and `~0` for `~` (RFC 6901)",
                );
            }
        }
    }
    let word = match object.body.value() {
        Some(BodyChoice(word)) => *word,
        None => None,
    };
    if word != Some(ComparisonWord::Json) && !object.ignore.is_absent() && !object.body.is_bad() {
        unused(object.span, "ignore", "without `\"body\": \"json\"`", cx);
    }
    let status = object.status.value().is_none_or(|flag| flag.value);
    if !status && headers.is_empty() && word.is_none() && !object.body.is_bad() {
        cx.error(
            object.span.first(),
            "compares_nothing",
            "this compares nothing",
        )
        .help("leave `compare` out, or say what is to be the same");
    }
    CompareSpec {
        status,
        headers,
        body: word.map(|word| match word {
            ComparisonWord::Bytes => CompareBody::Bytes,
            ComparisonWord::Json => CompareBody::Json { ignore },
        }),
    }
}
