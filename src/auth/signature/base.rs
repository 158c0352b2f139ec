//! The signature base (RFC 9421 section 2.5): what is signed, as text.

use std::borrow::Cow;

use sfv::{BareItem, FieldType, InnerList, Item, ListEntry};

use crate::auth::Presented;
use crate::host::Host;

/// So many components at most.
const MOST_COMPONENTS: usize = 32;

/// The names of the covered components. `Err` says in the operator's words what is not supported.
pub fn covered(list: &InnerList) -> Result<Vec<&str>, &'static str> {
    if list.items.len() > MOST_COMPONENTS {
        return Err("too many components are covered");
    }
    let mut names: Vec<&str> = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let Item {
            bare_item: BareItem::String(name),
            params,
        } = item
        else {
            return Err("a component's name is no string");
        };
        if !params.is_empty() {
            return Err("a component has parameters, which are not supported");
        }
        let name = name.as_str();
        // RFC 9421 section 2.5: a component stands once.
        if names.contains(&name) {
            return Err("a component is covered twice");
        }
        names.push(name);
    }
    Ok(names)
}

/// Whether a component that is asked for is covered, by itself or by one that says more.
pub fn covers(covered: &[&str], needed: &str) -> bool {
    let by_target = matches!(needed, "@scheme" | "@authority" | "@path" | "@query")
        && covered.contains(&"@target-uri");
    let by_line = matches!(needed, "@path" | "@query") && covered.contains(&"@request-target");
    covered.contains(&needed) || by_target || by_line
}

/// The base of a signature whose parameters are those of `list`. `Err` names what could not be had.
pub fn base<H: Host>(list: &InnerList, presented: &Presented<'_, H>) -> Result<String, String> {
    let mut base = String::with_capacity(256);
    for name in covered(list)? {
        let value = component(name, presented).ok_or_else(|| format!("{name} is not there"))?;
        base.extend(["\"", name, "\": ", &value, "\n"]);
    }
    let params = vec![ListEntry::InnerList(list.clone())].serialize();
    let params = params.ok_or("the parameters cannot be written")?;
    base.extend(["\"@signature-params\": ", &params]);
    Ok(base)
}

/// A component's value (RFC 9421 sections 2.1 and 2.2).
fn component<'a, H: Host>(name: &str, presented: &Presented<'a, H>) -> Option<Cow<'a, str>> {
    let request = presented.request;
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.target, None),
    };
    let path = if path.is_empty() { "/" } else { path };
    Some(match name {
        "@method" => request.method.into(),
        "@scheme" => request.scheme.into(),
        "@authority" => authority(request.scheme, request.authority).into(),
        "@path" => path.into(),
        "@query" => format!("?{}", query.unwrap_or_default()).into(),
        "@target-uri" => format!(
            "{}://{}{}",
            request.scheme, request.authority, request.target
        )
        .into(),
        "@request-target" => request.target.into(),
        derived if derived.starts_with('@') => return None,
        // Names in a signature are lower case (RFC 9421 section 2.1); another spelling finds nothing.
        field if field.bytes().any(|b| b.is_ascii_uppercase()) => return None,
        field => match presented.header(field)? {
            Cow::Borrowed(value) => value.trim().into(),
            Cow::Owned(value) => value.trim().to_owned().into(),
        },
    })
}

/// In lower case, without the scheme's own port (RFC 9421 section 2.2.3).
fn authority(scheme: &str, authority: &str) -> String {
    let own = match scheme {
        "https" => ":443",
        _ => ":80",
    };
    let authority = authority.to_ascii_lowercase();
    match authority.strip_suffix(own) {
        Some(host) => host.to_owned(),
        None => authority,
    }
}
