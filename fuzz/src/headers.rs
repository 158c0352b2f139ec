//! What a client writes in header fields and query. Lines: `Connection`, `Host`, the client's address, the query, then
//! names and values by turns.

use std::borrow::Cow;
use std::collections::BTreeMap;

use causeway::edits::{Edit, Edits};
use causeway::host::Forward;
use causeway::host::memory::MemoryHost;
use causeway::http::{is_field_value, is_token};
use causeway::plan::{Mapping, Source};
use causeway::policy::mapping::{self, Lookup};
use causeway::route::{TARGET_MAX, canonicalise};
use causeway::upstream::{Inbound, forwarding, hop_by_hop};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let [connection, authority, ip, query] = std::array::from_fn(|_| lines.next().unwrap_or(""));
    let rest: Vec<&str> = lines.collect();
    let pairs: Vec<(&str, &str)> = rest
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[name, value]| (*name, *value))
        .collect();

    removed(connection);
    told(authority, ip);
    written(&text, &pairs);
    received(connection, &pairs);
    mapped_headers(&pairs);
    if canonicalise(&format!("/?{query}")).is_ok() {
        mapped_query(query, &pairs);
    }
}

/// `Connection` takes away fields by name and nothing else, and not those that must arrive.
fn removed(connection: &str) {
    let mut edits = Edits::default();
    hop_by_hop(connection, &mut edits);
    for edit in edits.iter() {
        let Edit::Remove(name) = edit else {
            unreachable!("{connection:?} sets a field");
        };
        assert!(is_token(name) && name == name.to_ascii_lowercase());
        assert!(!matches!(name, "host" | "authorization" | "cookie"));
    }
}

/// Whatever the client says of itself, the upstream is told the same fields, each once.
fn told(authority: &str, ip: &str) {
    let names = |authority, ip| {
        let mut edits = Edits::default();
        let inbound = Inbound {
            scheme: "https",
            authority,
            client_ip: Some(ip),
            request_id: "id",
        };
        forwarding(&inbound, &mut edits);
        names_of(&edits)
    };
    assert_eq!(names(authority, ip), names("gateway.test", "192.0.2.1"));
}

/// Whatever names a client thinks of, an upstream that reads them as CGI does learns of what the gateway sets what it sets,
/// and nothing of what is removed.
fn received(connection: &str, pairs: &[(&str, &str)]) {
    let sound = |(name, value): &&(&str, &str)| is_token(name) && is_field_value(value);
    let sent: Vec<_> = pairs.iter().filter(sound).copied().collect();
    let mut edits = Edits::default();
    hop_by_hop(connection, &mut edits);
    let inbound = Inbound {
        scheme: "https",
        authority: "gateway.test",
        client_ip: None,
        request_id: "id",
    };
    forwarding(&inbound, &mut edits);
    let forward = Forward {
        url: String::new(),
        edits,
        timeout_ms: 1,
        websocket: false,
        binding: None,
        cancellable: false,
        as_gateway: true,
    };
    let fields = MemoryHost::new(0, &sent).fields_of(&forward);
    let read = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let mut last = BTreeMap::new();
    for edit in forward.edits.iter() {
        match edit {
            Edit::Set(name, value) => last.insert(read(name), Some(value)),
            Edit::Remove(name) => last.insert(read(name), None),
            // Even where the client's own was taken away before: `Connection: via`.
            Edit::Append(name, _) => last.remove(&read(name)),
        };
    }
    for (name, value) in &fields {
        let name = read(name);
        assert!(!name.starts_with("x_goog_") && !name.starts_with("proxy_"));
        if let Some(own) = last.get(&name) {
            assert_eq!(*own, Some(value.as_str()), "{name}");
        }
    }
}

/// Edits are read back as written, one for one; a value that could become another edit takes its field away.
fn written(text: &str, pairs: &[(&str, &str)]) {
    let mut edits = Edits::default();
    let mut expected = Vec::new();
    let pairs = pairs.iter().filter(|(name, _)| is_token(name));
    // The whole text is a value too: it has the line feeds that single lines cannot have.
    for (name, value) in pairs.copied().chain([("whole", text)]) {
        edits.set(name, value);
        edits.append(name, value);
        edits.remove(name);
        if value.contains(['\r', '\n', '\0']) {
            expected.extend([Edit::Remove(name); 3]);
        } else {
            let (set, append) = (Edit::Set(name, value), Edit::Append(name, value));
            expected.extend([set, append, Edit::Remove(name)]);
        }
    }
    assert_eq!(edits.iter().collect::<Vec<_>>(), expected);
}

/// A mapped header is what the request says, or is taken away, or the request is refused.
fn mapped_headers(pairs: &[(&str, &str)]) {
    let pairs: Vec<_> = pairs.iter().filter(|(name, _)| is_token(name)).collect();
    let mapping = Mapping {
        headers: pairs
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), Source::Claim((*value).into())))
            .collect(),
        query: Vec::new(),
    };
    let mut edits = Edits::default();
    let done = mapping::headers(&mapping, None, &Echo, &mut edits);
    let sound = pairs.iter().all(|(_, value)| is_field_value(value));
    assert_eq!(done.is_ok(), sound);
    if sound {
        let set = |(name, value): &&(&str, &str)| (name.to_ascii_lowercase(), value.to_string());
        let expected: Vec<_> = pairs.iter().map(set).collect();
        let edits = edits.iter().map(|edit| match edit {
            Edit::Set(name, value) => (name.to_owned(), value.to_owned()),
            other => unreachable!("{other:?}"),
        });
        assert_eq!(edits.collect::<Vec<_>>(), expected);
    }
}

/// Of the client's query, what is not mapped is kept byte for byte; what is mapped has the mapped value alone.
fn mapped_query(query: &str, pairs: &[(&str, &str)]) {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < pairs.len() {
        return;
    }
    let mapping = Mapping {
        headers: Vec::new(),
        query: pairs
            .iter()
            .map(|(name, value)| ((*name).into(), Source::Claim((*value).into())))
            .collect(),
    };
    let mapped = mapping::query(&mapping, Some(query), &Echo).unwrap_or_default();

    let key = |pair: &str| {
        let first = form_urlencoded::parse(pair.as_bytes()).next();
        first.map(|(key, _)| key.into_owned())
    };
    let is_mapped = |pair: &&str| key(pair).is_some_and(|k| names.contains(&k.as_str()));
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_mapped(pair))
        .collect();
    let (own, added): (Vec<&str>, Vec<&str>) = mapped
        .split('&')
        .filter(|pair| !pair.is_empty())
        .partition(|pair| !is_mapped(pair));
    assert_eq!(own, kept, "{query:?}");
    let added = added.join("&");
    let added: Vec<_> = form_urlencoded::parse(added.as_bytes()).collect();
    let expected: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (Cow::from(*name), Cow::from(*value)))
        .collect();
    assert_eq!(added, expected, "{query:?}");
    // What is mapped may be longer than a client's own query can be.
    let target = format!("/?{mapped}");
    assert!(
        target.len() > TARGET_MAX || canonicalise(&target).is_ok(),
        "{mapped:?}"
    );
}

fn names_of(edits: &Edits) -> Vec<String> {
    let names = edits.iter().map(|edit| match edit {
        Edit::Set(name, _) | Edit::Append(name, _) | Edit::Remove(name) => name.to_owned(),
    });
    names.collect()
}

/// A claim's value is its name.
struct Echo;

impl Lookup for Echo {
    fn header(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(name.to_owned()))
    }

    fn parameter(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
