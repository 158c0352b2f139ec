//! Parts of a config as they are shown: references by their names, literal secrets not at all.

use std::collections::BTreeSet;

use causeway::config::blanked;
use causeway::plan::{
    Condition, OriginPattern, Place, Reference, ReferenceKind, Source, Test, Text, TokenSource,
    When,
};

/// The literal secrets of a config's text.
pub struct Hidden(BTreeSet<String>);

impl Hidden {
    pub fn of(text: &str) -> Hidden {
        let ranges = blanked(text).into_iter();
        let literals = ranges.filter_map(|range| {
            let raw = text.get(range)?;
            // As it stands between quotes, where that is what it is.
            let value = serde_json::from_str(&format!("\"{raw}\""));
            Some(value.unwrap_or_else(|_| raw.trim().to_owned()))
        });
        Hidden(literals.collect())
    }

    pub fn holds(&self, value: &str) -> bool {
        self.0.contains(value)
    }

    pub fn text(&self, text: &Text) -> String {
        match text {
            Text::Literal(value) if self.holds(value) => "***".to_owned(),
            Text::Literal(value) => value.clone(),
            Text::Reference(reference) => named(reference),
        }
    }

    pub fn texts<'a>(&self, texts: impl IntoIterator<Item = &'a Text>) -> String {
        let shown: Vec<String> = texts.into_iter().map(|text| self.text(text)).collect();
        shown.join(" or ")
    }

    pub fn source(&self, source: &Source) -> String {
        match source {
            Source::Header(name) => format!("$request.header.{name}"),
            Source::Claim(name) => format!("$request.jwt.{name}"),
            Source::Query(name) => format!("$request.query.{name}"),
            Source::Path(name) => format!("$request.path.{name}"),
            Source::Config(text) => self.text(text),
            Source::Absent => "nothing: no such variable".to_owned(),
        }
    }
}

/// Conditions on a request, as a sentence would have them.
pub fn when(when: &When) -> String {
    let told = |kind: &str, condition: &Condition| {
        let name = &condition.name;
        match &condition.test {
            Test::Present => format!("{kind} {name} is there"),
            Test::Absent => format!("{kind} {name} is not there"),
            Test::OneOf(values) => format!("{kind} {name} is {}", values.join(" or ")),
        }
    };
    let headers = when.headers.iter().map(|c| told("header", c));
    let query = when.query.iter().map(|c| told("query", c));
    headers.chain(query).collect::<Vec<_>>().join(", and ")
}

pub fn named(reference: &Reference) -> String {
    match reference.kind {
        ReferenceKind::Env => format!("$env.{}", reference.name),
        ReferenceKind::Secret => format!("$secret.{}", reference.name),
    }
}

pub fn origin(origin: &OriginPattern, hidden: &Hidden) -> String {
    match origin {
        OriginPattern::Any => "*".to_owned(),
        OriginPattern::Exact(text) => hidden.text(text),
        OriginPattern::Subdomains { scheme, suffix } => format!("{scheme}://*{suffix}"),
    }
}

pub fn place(source: &TokenSource) -> String {
    match source {
        TokenSource::Bearer => "Authorization: Bearer".to_owned(),
        TokenSource::Header(name) => format!("header {name}"),
        TokenSource::Cookie(name) => format!("cookie {name}"),
        TokenSource::Query(name) => format!("query key {name}"),
    }
}

pub fn stored_place(place: &Place) -> String {
    match place {
        Place::Scheme(scheme) => format!("Authorization: {scheme}"),
        Place::Header(name) => format!("header {name}"),
        Place::Cookie(name) => format!("cookie {name}"),
        Place::Cookies(name) => format!("cookie {name} and its pieces"),
        Place::Query(name) => format!("query key {name}"),
    }
}
