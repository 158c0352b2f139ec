//! `when`: which requests a path is for, besides those of its host, method and pattern.

use crate::config::{Context, Entries, Field, Wanted, WhenObject, check_references};
use crate::http::is_token;
use crate::plan::{Condition, Test, When};

/// `sound` tells whether the path could be read without an error. `Err` if it is not understood which requests these are, of which the context has been told.
pub(super) fn compile_when(
    field: &Field<WhenObject<'_>>,
    sound: bool,
    cx: &mut Context,
) -> Result<Option<Box<When>>, ()> {
    let object = match field {
        Field::Absent => return Ok(None),
        Field::Bad => return Err(()),
        Field::Value(object) => object,
    };
    let before = cx.errors();
    // A member that is none has been told of already.
    if sound && object.is_empty() {
        cx.error(
            object.span.first(),
            "empty_value",
            "this holds for every request",
        )
        .help("name a header field or a key of the query, or remove `when`");
    }
    let when = When {
        headers: conditions(&object.headers, true, cx),
        query: conditions(&object.query, false, cx),
    };
    if !sound && object.is_empty()
        || cx.errors() > before
        || object.headers.is_bad()
        || object.query.is_bad()
    {
        return Err(());
    }
    Ok(Some(Box::new(when)))
}

/// `fields` tells header fields, whose names' case makes no difference, from keys of the query.
fn conditions(
    entries: &Field<Entries<'_, Wanted<'_>>>,
    fields: bool,
    cx: &mut Context,
) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    for (key, wanted) in entries.value().into_iter().flat_map(Entries::iter) {
        let name = if fields {
            key.value.to_ascii_lowercase()
        } else {
            key.value.to_owned()
        };
        if key.value.is_empty() {
            cx.error(key.span, "empty_value", "this name is empty");
        } else if fields && !is_token(&name) {
            let message = format!("`{}` is no name of a header", key.value);
            cx.error(key.span, "bad_token", message);
        } else if conditions.iter().any(|other| other.name == name) {
            let message = format!("the header `{name}` is named twice");
            cx.error(key.span, "duplicate_header", message)
                .help("case makes no difference in the names of headers");
        }
        let test = match wanted.get(cx) {
            Some(Wanted::There(true)) => Test::Present,
            Some(Wanted::There(false)) => Test::Absent,
            Some(Wanted::OneOf(names)) => {
                for name in &names {
                    check_references(name.value, name.span, cx);
                    if name.value == "*" {
                        let message = "`*` is compared as it is, it is no wildcard";
                        cx.warning(name.span, "no_wildcard", message)
                            .help("write `true` for any value");
                    }
                }
                let mut values: Vec<String> = names.iter().map(|n| n.value.to_owned()).collect();
                values.sort();
                Test::OneOf(values)
            }
            None => continue,
        };
        conditions.push(Condition { name, test });
    }
    conditions.sort();
    conditions
}
