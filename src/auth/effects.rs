//! What knowing a caller changes besides.

use std::cell::RefCell;

use crate::edits::Edits;

/// Gathered while the caller is found out.
#[derive(Debug, Default)]
pub struct Effects {
    answer: RefCell<Edits>,
    bearer: RefCell<Option<String>>,
}

impl Effects {
    /// Changes the fields of whatever is answered.
    pub fn on_answer(&self, change: impl FnOnce(&mut Edits)) {
        change(&mut self.answer.borrow_mut());
    }

    /// Lets a Bearer token go on with the request, in place of the client's `Authorization`.
    pub fn send_bearer(&self, token: String) {
        self.bearer.replace(Some(token));
    }

    /// The changes of the answer's fields, and the token that goes on.
    pub fn into_parts(self) -> (Edits, Option<String>) {
        (self.answer.into_inner(), self.bearer.into_inner())
    }
}
