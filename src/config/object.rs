//! One definition for each object and each set of words of the format.
//!
//! From a definition come the Rust type, its reader and its JSON Schema, so that the three cannot disagree.

use super::ast::{Object, Value};
use super::context::Context;
use super::diagnostic::Span;
use super::read::{Field, Read, Spanned, duplicate_key};

/// Defines objects. A member is `required` or `optional`; its key is its name, or the string after `=`.
macro_rules! object {
    ($(
        $(#[doc = $doc:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $member_doc:literal])+
                $need:ident $member:ident $(= $key:literal)? : $type:ty,
            )+
        }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $name<'a> {
            /// The whole object.
            pub span: $crate::config::Span,
            /// An object without text still lives as long as its document.
            pub document: std::marker::PhantomData<&'a ()>,
            $(
                $(#[doc = $member_doc])+
                pub $member: $crate::config::Field<$type>,
            )+
        }

        impl<'a> $crate::config::Read<'a> for $name<'a> {
            fn read(
                node: &'a $crate::config::ast::Value<'a>,
                cx: &mut $crate::config::Context,
            ) -> Option<Self> {
                use $crate::config::object::{Slot, object_of, unknown};
                const KEYS: &[&str] = &[$($crate::config::object::key!($member $($key)?)),+];
                let object = object_of(node, cx)?;
                $( let mut $member: Slot<$type> = Slot::default(); )+
                for property in &object.properties {
                    let key = $crate::config::read::key_of(property);
                    match key.value {
                        $(
                            $crate::config::object::key!($member $($key)?) =>
                                $member.read(key, &property.value, cx),
                        )+
                        _ => unknown(key, KEYS, cx),
                    }
                }
                $(
                    $crate::config::object::when_required!($need {
                        if $member.first.is_none() {
                            $crate::config::object::missing(object, $crate::config::object::key!($member $($key)?), cx);
                            $member.field = $crate::config::Field::Bad;
                        }
                    });
                )+
                Some($name {
                    span: object.range.into(),
                    document: std::marker::PhantomData,
                    $( $member: $member.field, )+
                })
            }

            fn schema(defs: &mut $crate::config::Defs) -> serde_json::Value {
                use serde_json::{Map, Value, json};
                const NAME: &str = stringify!($name);
                if !defs.contains_key(NAME) {
                    // In its place before its members are asked, so that an object may hold itself.
                    defs.insert(NAME.to_owned(), Value::Null);
                    let mut properties = Map::new();
                    #[allow(unused_mut, reason = "not every object has a required member")]
                    let mut required: Vec<&str> = Vec::new();
                    $(
                        let key = $crate::config::object::key!($member $($key)?);
                        let docs = concat!($($member_doc, "\n"),+);
                        properties.insert(
                            key.to_owned(),
                            $crate::config::schema::described(
                                <$type as $crate::config::Read>::schema(defs),
                                docs,
                            ),
                        );
                        $crate::config::object::when_required!($need { required.push(key); });
                    )+
                    let mut schema = json!({
                        "type": "object",
                        "description": $crate::config::object::paragraph(concat!($($doc, "\n"),+)),
                        "properties": properties,
                        "additionalProperties": false,
                    });
                    if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
                        schema.insert("required".to_owned(), json!(required));
                    }
                    defs.insert(NAME.to_owned(), schema);
                }
                json!({ "$ref": concat!("#/$defs/", stringify!($name)) })
            }
        }
    )+ };
}

/// Defines a set of words. Those after `later` are known and answered by `not_supported_yet`.
macro_rules! words {
    ($(
        $(#[doc = $doc:literal])+
        #[code = $code:literal]
        pub enum $name:ident { $( $(#[doc = $word_doc:literal])* $variant:ident = $word:literal, )+ }
        $(later [$($later:literal),+ $(,)?])?
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $word_doc])* $variant, )+ }

        impl<'a> $crate::config::Read<'a> for $name {
            fn read(
                node: &'a $crate::config::ast::Value<'a>,
                cx: &mut $crate::config::Context,
            ) -> Option<Self> {
                const WORDS: &[&str] = &[$($word),+];
                const LATER: &[&str] = &[$($($later),+)?];
                let written = <$crate::config::Name as $crate::config::Read>::read(node, cx)?;
                match written.value {
                    $( $word => return Some($name::$variant), )+
                    _ => {}
                }
                $crate::config::object::unknown_word(written, $code, WORDS, LATER, cx);
                None
            }

            fn schema(_: &mut $crate::config::Defs) -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),+] })
            }
        }
    )+ };
}

macro_rules! key {
    ($member:ident $key:literal) => {
        $key
    };
    ($member:ident) => {
        stringify!($member)
    };
}

macro_rules! when_required {
    (required { $($then:tt)* }) => { $($then)* };
    (optional { $($then:tt)* }) => {};
}

pub(super) use {key, object, when_required, words};

/// A member while its object is read.
pub(super) struct Slot<T> {
    pub field: Field<T>,
    pub first: Option<Span>,
}

impl<T> Default for Slot<T> {
    fn default() -> Slot<T> {
        Slot {
            field: Field::Absent,
            first: None,
        }
    }
}

impl<T> Slot<T> {
    pub fn read<'a>(&mut self, key: Spanned<&'a str>, value: &'a Value<'a>, cx: &mut Context)
    where
        T: Read<'a>,
    {
        if let Some(first) = self.first {
            duplicate_key(key, first, cx);
            self.field = Field::Bad;
            return;
        }
        self.first = Some(key.span);
        self.field = match T::read(value, cx) {
            Some(value) => Field::Value(value),
            None => Field::Bad,
        };
    }
}

pub(super) fn object_of<'a>(node: &'a Value<'a>, cx: &mut Context) -> Option<&'a Object<'a>> {
    match node {
        Value::Object(object) => Some(object),
        other => super::read::wrong_type(other, "an object", cx),
    }
}

pub(super) fn unknown(key: Spanned<&str>, keys: &[&'static str], cx: &mut Context) {
    let near = cx.closest(key.value, keys.iter().copied());
    let diagnostic = cx.error(
        key.span,
        "unknown_field",
        format!("`{}` is not a member of this object", key.value),
    );
    diagnostic.label("unknown");
    let nested = key.value.split_once('.');
    match (nested.filter(|(outer, _)| keys.contains(outer)), near) {
        (Some((outer, inner)), _) => {
            let inner = inner.replace('.', "\": { \"");
            diagnostic.help(format!(
                "write `\"{outer}\": {{ \"{inner}\": ...`, one object within the other"
            ))
        }
        (None, Some(_)) => diagnostic.suggest(near),
        (None, None) => diagnostic.help(format!("its members are {}", listed(keys))),
    };
}

pub(super) fn missing(object: &Object<'_>, key: &str, cx: &mut Context) {
    cx.error(
        Span::from(object.range).first(),
        "missing_field",
        format!("`{key}` is missing"),
    )
    .label(format!("this object needs `{key}`"));
}

pub(super) fn unknown_word(
    written: Spanned<&str>,
    code: &'static str,
    words: &[&'static str],
    later: &[&'static str],
    cx: &mut Context,
) {
    let Spanned { value, span } = written;
    if later.contains(&value) {
        cx.error(
            span,
            "not_supported_yet",
            format!("`{value}` is known, but this version does not support it yet"),
        )
        .label("not supported yet");
        return;
    }
    let near = cx.closest(value, words.iter().chain(later).copied());
    let diagnostic = cx.error(span, code, format!("`{value}` is not known here"));
    diagnostic.label("unknown");
    match near {
        Some(_) => diagnostic.suggest(near),
        None => diagnostic.help(format!("write one of {}", listed(words))),
    };
}

/// `` `a`, `b` and `c` ``
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Doc lines as one paragraph.
pub(super) fn paragraph(docs: &str) -> String {
    docs.split_whitespace().collect::<Vec<_>>().join(" ")
}
