//! A browser as far as a login needs one: cookies by host, and redirects that are followed one by one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use peers::{Answer, Gateway, Oidc, Request};

/// What the browser calls the gateway.
pub const ORIGIN: &str = "http://localhost";

/// A person at a browser who is logged in to nothing yet.
pub struct Browser<'a> {
    gateway: &'a Gateway,
    provider: Option<&'a Oidc>,
    user: String,
    /// Cookies by whether they are the gateway's, and by name.
    pub cookies: BTreeMap<(bool, String), String>,
}

impl<'a> Browser<'a> {
    pub fn new(gateway: &'a Gateway, provider: &'a Oidc, user: &str) -> Browser<'a> {
        Browser {
            gateway,
            provider: Some(provider),
            user: user.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// One whose provider is scripted, and never visited.
    pub fn alone(gateway: &'a Gateway) -> Browser<'a> {
        Browser {
            gateway,
            provider: None,
            user: String::new(),
            cookies: BTreeMap::new(),
        }
    }

    /// The gateway's cookies as a field.
    pub fn cookie(&self) -> String {
        self.field(true)
    }

    /// Goes to an URL and takes what comes, with its cookies.
    pub fn go(&mut self, url: &str) -> Answer {
        self.send(url, |target| {
            Request::get(target)
                .header("Accept", "text/html,*/*")
                .header("Sec-Fetch-Mode", "navigate")
                .header("Sec-Fetch-Dest", "document")
        })
    }

    /// Sends a request of a page of the gateway's own.
    pub fn fetch(&mut self, method: &str, path: &str) -> Answer {
        self.send(&format!("{ORIGIN}{path}"), |target| {
            Request::new(method, target).header("Sec-Fetch-Site", "same-origin")
        })
    }

    /// Sends what `request` makes of an URL's target.
    pub fn send(&mut self, url: &str, request: impl Fn(&str) -> Request) -> Answer {
        let (ours, target, address) = self.place(url);
        let host = if ours {
            "localhost".to_owned()
        } else {
            address.to_string()
        };
        let mut request = request(&target).header("Host", &host);
        let cookies = self.field(ours);
        if !cookies.is_empty() {
            request = request.header("Cookie", &cookies);
        }
        if !ours {
            request = request.header("X-Login", &self.user);
        }
        let answer = request.send(address);
        self.take(ours, &answer);
        answer
    }

    /// Follows redirects from an URL until the gateway is asked for a path that begins so; that request is not made.
    pub fn until(&mut self, url: &str, path: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..12 {
            let answer = self.go(&url);
            url = location(&answer, &url);
            if url.starts_with(&format!("{ORIGIN}{path}")) {
                return url;
            }
        }
        panic!("no way to {path}: {url}");
    }

    /// Goes to an URL and wherever it sends, to the end.
    pub fn visit(&mut self, url: &str) -> Answer {
        let mut url = url.to_owned();
        for _ in 0..12 {
            let answer = self.go(&url);
            if !(300..400).contains(&answer.status) {
                return answer;
            }
            url = location(&answer, &url);
        }
        panic!("it goes round: {url}");
    }

    /// Goes to a path of the gateway, which lets in whoever logs in.
    pub fn enter(&mut self, path: &str) {
        let answer = self.visit(&format!("{ORIGIN}{path}"));
        assert_eq!(
            answer.status,
            200,
            "{} {}",
            answer.text(),
            self.gateway.log()
        );
    }

    fn field(&self, ours: bool) -> String {
        let cookies = self.cookies.iter();
        let cookies = cookies.filter(|((of, _), _)| *of == ours);
        let pairs: Vec<String> = cookies.map(|((_, n), v)| format!("{n}={v}")).collect();
        pairs.join("; ")
    }

    fn place(&self, url: &str) -> (bool, String, SocketAddr) {
        if let Some(target) = url.strip_prefix(ORIGIN) {
            return (true, target.to_owned(), self.gateway.address());
        }
        let provider = self.provider.expect("a provider to visit");
        let target = url.strip_prefix(&format!("http://{}", provider.address()));
        let target = target.unwrap_or_else(|| panic!("nobody is at {url}"));
        (false, target.to_owned(), provider.address())
    }

    fn take(&mut self, ours: bool, answer: &Answer) {
        for cookie in answer.all("set-cookie") {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a cookie");
            if ours {
                // What the prefix asks for (RFC 6265bis section 4.1.3.2), and what keeps scripts and other sites away.
                assert!(name.starts_with("__Host-"), "{cookie}");
                assert!(cookie.len() < 4096, "{}", cookie.len());
                for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age="] {
                    assert!(attributes.contains(attribute), "{cookie}");
                }
                assert!(!attributes.contains("Domain"), "{cookie}");
            }
            let gone =
                value.is_empty() || attributes.contains("Max-Age=0") || attributes.contains("1970");
            let key = (ours, name.to_owned());
            if gone {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }
}

/// Where an answer sends, absolute.
pub fn location(answer: &Answer, from: &str) -> String {
    let location = answer.header("location");
    let location = location.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text()));
    url::Url::parse(from)
        .unwrap()
        .join(location)
        .unwrap()
        .into()
}

/// The value of a query parameter of an URL.
pub fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let value = url.query_pairs().find(|(key, _)| key == name);
    value
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
