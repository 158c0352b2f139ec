//! The fields that a proxy adds, and those that belong to one connection alone.

use crate::edits::Edits;

/// Hop-by-hop response fields that the platform would copy.
pub const RESPONSE_REMOVED: &[&str] = &["proxy-authenticate", "proxy-connection"];

/// How the request came in.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and port as the client addressed them; what cannot stand in a URL there has been refused.
    pub authority: &'a str,
    /// As the platform tells it; `None` where it does not.
    pub client_ip: Option<&'a str>,
    pub request_id: &'a str,
}

/// Tells the upstream who asked and how: `Forwarded` (RFC 7239), its older `X-` forms, `Via` (RFC 9110 section 7.6.3)
/// and `X-Request-Id`.
pub fn forwarding(inbound: &Inbound<'_>, edits: &mut Edits) {
    let Inbound {
        scheme,
        authority,
        request_id,
        ..
    } = *inbound;
    let ip = inbound.client_ip.filter(|ip| is_ip(ip));
    // RFC 7239 section 6: an IPv6 address is bracketed and quoted, as is a host with a port.
    let (bracket, close) = match ip {
        Some(ip) if ip.contains(':') => ("\"[", "]\""),
        _ => ("", ""),
    };
    let quoted = authority.bytes().any(|b| matches!(b, b':' | b'[' | b']'));
    let quote = if quoted { "\"" } else { "" };
    edits.write(
        6,
        &[
            if ip.is_some() { "=" } else { "-" },
            "x-forwarded-for\n",
            ip.unwrap_or_default(),
            "\n=x-forwarded-proto\n",
            scheme,
            "\n=x-forwarded-host\n",
            authority,
            "\n=forwarded\nfor=",
            bracket,
            ip.unwrap_or("unknown"),
            close,
            ";host=",
            quote,
            authority,
            quote,
            ";proto=",
            scheme,
            "\n+via\n1.1 causeway\n=x-request-id\n",
            request_id,
            "\n",
        ],
    );
}

/// Removes the fields that `Connection` names (RFC 9110 section 7.6.1).
pub fn hop_by_hop(connection: &str, edits: &mut Edits) {
    if matches!(connection, "keep-alive" | "close") {
        return;
    }
    for name in connection.split(',').map(str::trim) {
        let name = name.to_ascii_lowercase();
        // A field that must reach the upstream cannot be talked away.
        let kept = matches!(
            name.as_str(),
            "host" | "content-length" | "cookie" | "authorization"
        );
        if crate::http::is_token(&name) && !kept {
            edits.remove(&name);
        }
    }
}

fn is_ip(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || b == b'.' || b == b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edits::Edit;

    fn edits_for(ip: Option<&str>, authority: &str) -> Edits {
        let mut edits = Edits::default();
        forwarding(
            &Inbound {
                scheme: "https",
                authority,
                client_ip: ip,
                request_id: "r1",
            },
            &mut edits,
        );
        edits
    }

    #[test]
    fn forwarded_follows_rfc_7239() {
        for (ip, authority, expected) in [
            (
                Some("192.0.2.1"),
                "api.test",
                "for=192.0.2.1;host=api.test;proto=https",
            ),
            (
                Some("2001:db8::1"),
                "api.test:8443",
                "for=\"[2001:db8::1]\";host=\"api.test:8443\";proto=https",
            ),
            (None, "api.test", "for=unknown;host=api.test;proto=https"),
            (
                Some("1.2.3.4;host=evil"),
                "api.test",
                "for=unknown;host=api.test;proto=https",
            ),
        ] {
            let edits = edits_for(ip, authority);
            assert!(
                edits.iter().any(|e| e == Edit::Set("forwarded", expected)),
                "{edits:?}"
            );
        }
    }

    #[test]
    fn fields_named_in_connection_are_removed_but_not_those_that_must_arrive() {
        let mut edits = Edits::default();
        hop_by_hop(
            "close, X-Secret-Hop, Authorization, Cookie, bad name,,",
            &mut edits,
        );
        assert_eq!(
            edits.iter().collect::<Vec<_>>(),
            [Edit::Remove("close"), Edit::Remove("x-secret-hop")]
        );
    }
}
