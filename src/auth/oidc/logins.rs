//! Logins that have begun, each in a cookie of its own, so that several tabs do not disturb each other.

use std::cell::RefCell;
use std::rc::Rc;

use super::client::same;
use super::cookie;
use super::seal::Sealer;
use super::session::{LOGIN_SECONDS, Login};
use crate::auth::Presented;
use crate::auth::recent::Recent;
use crate::edits::Edits;
use crate::host::Host;

/// Logins that a browser may have open at a time; the oldest give way.
const MAX_OPEN: usize = 5;

/// Characters of a state that its cookie is named by.
const NAMED_BY: usize = 8;

/// States that this isolate has seen come back, twice over at most.
const REMEMBERED: usize = 1000;

pub struct Logins {
    sealer: Sealer,
    /// What the names of the cookies begin with.
    prefix: String,
    /// A state is good once. Another isolate does not know; there the provider's code is good once.
    used: Rc<RefCell<Recent<String, ()>>>,
}

impl Logins {
    pub fn new(sealer: Sealer, cookie: &str) -> Logins {
        Logins {
            sealer,
            prefix: format!("{cookie}.login-"),
            used: Rc::new(RefCell::new(Recent::new(REMEMBERED))),
        }
    }

    /// Goes on with the states that have come back to another one.
    pub fn take_over(&mut self, before: &Logins) {
        self.used = Rc::clone(&before.used);
    }

    /// Leaves it with the browser. `None` if it cannot be sealed.
    pub fn keep<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        login: &Login,
        answer: &mut Edits,
    ) -> Option<()> {
        let name = self.name(&login.state)?;
        let sealed = self.sealer.seal(presented.host, &name, &login.write()?)?;
        let cookies = presented.header("cookie").unwrap_or_default();
        // Browsers send the oldest first (RFC 6265 section 5.4).
        let open: Vec<&str> = cookie::names(&cookies, &self.prefix).collect();
        let surplus = open.len().saturating_add(1).saturating_sub(MAX_OPEN);
        for old in open.into_iter().take(surplus) {
            cookie::clear(old, answer);
        }
        cookie::set(&name, &sealed, LOGIN_SECONDS, answer);
        Some(())
    }

    /// The login that a state belongs to, which it ends. `None` if this browser has begun none, or too long ago, or it
    /// has come back before.
    pub fn take<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        state: &str,
        answer: &mut Edits,
    ) -> Option<Login> {
        let name = self.name(state)?;
        let cookies = presented.header("cookie")?;
        let sealed = crate::http::cookie(&cookies, &name)?;
        let login = Login::read(&self.sealer.open(&name, sealed)?)?;
        if !same(&login.state, state) {
            return None;
        }
        cookie::clear(&name, answer);
        let mut used = self.used.borrow_mut();
        if used.get(state).is_some() {
            return None;
        }
        used.put(state.to_owned(), ());
        login.lives(presented.now_s()).then_some(login)
    }

    /// The cookie of a state; none for what cannot be one.
    fn name(&self, state: &str) -> Option<String> {
        let is = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let begin = state.get(..NAMED_BY)?;
        begin
            .bytes()
            .all(is)
            .then(|| [&self.prefix, begin].concat())
    }
}
