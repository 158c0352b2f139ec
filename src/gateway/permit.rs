//! Whether the known caller may: asked as soon as the caller is known.

use std::borrow::Cow;

use super::act::Exchange;
use crate::host::Host;
use crate::policy::mapping::percent_decode;
use crate::policy::require::{Facts, check};
use crate::problem::Problem;

impl<H: Host> Exchange<'_, H> {
    /// Refuses a caller who lacks what the path asks.
    pub fn authorise(&self) -> Result<(), Problem> {
        match (&self.path.require, self.claims) {
            (None, _) => Ok(()),
            (Some(require), Some(claims)) => check(require, claims, self),
            (Some(_), None) => Err(Problem::config(
                "the path asks something of a caller whom nobody knows",
            )),
        }
    }
}

impl<H: Host> Facts for Exchange<'_, H> {
    fn method(&self) -> &str {
        self.request.method
    }

    fn path(&self) -> &str {
        &self.canonical.path
    }

    fn host(&self) -> Cow<'_, str> {
        let authority = self.authority;
        // A colon within brackets is of an IPv6 address (RFC 3986 section 3.2.2).
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            _ => authority,
        };
        if host.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        }
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.host.header(name)
    }

    fn query(&self) -> Option<&str> {
        self.canonical.query
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.matched.param(name).map(percent_decode)
    }
}
