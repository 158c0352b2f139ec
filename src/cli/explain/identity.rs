//! What the gateway would prove to the server; no secret is known here.

use causeway::plan::IdentityKind;

use super::{Asked, Page};

pub fn explain(asked: &Asked<'_>, kind: &IdentityKind, page: &mut Page) {
    let about = match kind {
        IdentityKind::Fault(fault) => {
            page.line("answer", &format!("500 config_error: {}", fault.message));
            return;
        }
        IdentityKind::Header(spec) => format!("{}: {}***", spec.name, spec.prefix),
        IdentityKind::Basic(spec) => format!("user {}", asked.hidden.text(&spec.username)),
    };
    page.line("identity", &format!("{}, {about}", kind.name()));
}
