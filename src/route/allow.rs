//! What a 405 tells.

use std::fmt;

use crate::http::Method;

/// The methods that a path has, for the `Allow` field (RFC 9110 section 10.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow(u8);

impl Allow {
    pub fn insert(&mut self, method: Method) {
        self.0 |= bit(method);
    }

    pub fn contains(self, method: Method) -> bool {
        self.0 & bit(method) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As a number that [`Allow::from_bits`] reads.
    pub(super) fn bits(self) -> u32 {
        u32::from(self.0)
    }

    pub(super) fn from_bits(bits: u32) -> Allow {
        Allow(bits.to_le_bytes()[0])
    }

    /// The names in the order of [`Method::ALL`]; `HEAD` follows `GET`, which serves it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Method::ALL
            .into_iter()
            .filter(move |method| self.contains(*method))
            .flat_map(|method| {
                let head = (method == Method::Get).then_some("HEAD");
                std::iter::once(method.as_str()).chain(head)
            })
    }
}

/// The field's value: `GET, HEAD, POST`.
impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

fn bit(method: Method) -> u8 {
    match method {
        Method::Get => 1,
        Method::Post => 2,
        Method::Put => 4,
        Method::Delete => 8,
        Method::Options => 16,
        Method::Patch => 32,
    }
}
