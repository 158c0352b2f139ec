//! A server's address, taken apart once.

/// An absolute `http` or `https` URL as origin and path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// `https://host[:port]`
    origin: String,
    /// Empty, or starts with `/` and does not end with it.
    prefix: String,
}

impl Base {
    /// Reads a server's URL; its query is dropped.
    ///
    /// # Errors
    /// What is wrong with it, in words for the operator.
    pub fn parse(url: &str) -> Result<Base, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("it is not an absolute URL")?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err("its scheme is neither http nor https");
        }
        if rest.contains('#') {
            return Err("it has a fragment");
        }
        let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err("it holds credentials");
        }
        if !is_authority(authority) {
            return Err("its host or port is malformed");
        }
        if !is_canonical_prefix(path) {
            return Err(
                "its path holds an empty or a dot segment, or a character that must be encoded",
            );
        }
        Ok(Base {
            origin: format!("{scheme}://{}", authority.to_ascii_lowercase()),
            prefix: path.trim_end_matches('/').to_owned(),
        })
    }

    /// The URL of `path` at this server. `path` starts with `/`; the query is appended byte for byte.
    pub fn join(&self, path: &str, query: Option<&str>) -> String {
        let mut url = String::with_capacity(
            self.origin
                .len()
                .saturating_add(self.prefix.len())
                .saturating_add(path.len())
                .saturating_add(query.map_or(0, |q| q.len().saturating_add(1))),
        );
        url.push_str(&self.origin);
        url.push_str(&self.prefix);
        url.push_str(path);
        if let Some(query) = query {
            url.push('?');
            url.push_str(query);
        }
        url
    }
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((host, port)) if host.parse::<std::net::Ipv6Addr>().is_ok() => ("ipv6", port),
            _ => return false,
        },
        None => match authority.find(':') {
            Some(at) => authority.split_at(at),
            None => (authority, ""),
        },
    };
    let host_is_sound = !host.is_empty()
        && host
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(is_host_byte));
    let port_is_sound = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok_and(|port| port != 0),
        None => port.is_empty(),
    };
    host_is_sound && port_is_sound
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_canonical_prefix(path: &str) -> bool {
    let body = path.trim_start_matches('/').trim_end_matches('/');
    let one_slash_each_end = path.is_empty() || path == "/" || {
        let inner = path.strip_prefix('/').unwrap_or(path);
        inner.strip_suffix('/').unwrap_or(inner) == body
    };
    one_slash_each_end
        && body
            .bytes()
            .all(|b| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b))
        && (body.is_empty()
            || body.split('/').all(|segment| {
                let plain = segment.to_ascii_lowercase().replace("%2e", ".");
                !matches!(plain.as_str(), "" | "." | "..")
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_behind_the_servers_prefix() {
        for (base, path, query, expected) in [
            ("http://a:9101", "/x", None, "http://a:9101/x"),
            ("http://a:9101/", "/x", Some(""), "http://a:9101/x?"),
            (
                "https://A.example/v1/",
                "/x/",
                Some("a=1&a=2"),
                "https://a.example/v1/x/?a=1&a=2",
            ),
            ("https://a/v1?key=1", "/", None, "https://a/v1/"),
            ("http://[::1]:80/v1", "/x", None, "http://[::1]:80/v1/x"),
        ] {
            assert_eq!(Base::parse(base).unwrap().join(path, query), expected);
        }
    }

    #[test]
    fn an_address_that_is_not_plain_is_refused() {
        for url in [
            "",
            "a",
            "/a",
            "ftp://a",
            "http://",
            "http:///x",
            "http://u:p@a",
            "http://a:0",
            "http://a:99999",
            "http://a b",
            "http://a/../b",
            "http://a//b",
            "http://a/%2e%2E/b",
            "http://a/#f",
            "http://[::1",
            "http://a..b",
            "http://a/x\\y",
            "http://a/\u{e9}",
            "http://$env.X",
        ] {
            assert!(Base::parse(url).is_err(), "{url}");
        }
    }
}
