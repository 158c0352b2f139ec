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
    /// Takes a URL apart that [`crate::plan::server_url`] has brought into its one spelling.
    pub fn new(url: &str) -> Base {
        let authority = url.find("://").map_or(0, |at| at.saturating_add(3));
        let path = url
            .get(authority..)
            .and_then(|rest| rest.find('/'))
            .map_or(url.len(), |at| authority.saturating_add(at));
        let (origin, prefix) = url.split_at_checked(path).unwrap_or((url, ""));
        Base {
            origin: origin.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
        }
    }

    /// `https://host[:port]`
    pub fn origin(&self) -> &str {
        &self.origin
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::server_url;

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
            ("http://[::1]:81/v1", "/x", None, "http://[::1]:81/v1/x"),
        ] {
            let base = Base::new(&server_url(base).unwrap());
            assert_eq!(base.join(path, query), expected);
        }
    }
}
