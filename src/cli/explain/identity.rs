//! What the gateway would prove to the server; no secret is known here.

use causeway::plan::{AwsCredentials, AwsIdentity, AwsPayload, IdentityKind};

use super::{Asked, Page};

pub fn explain(asked: &Asked<'_>, kind: &IdentityKind, page: &mut Page) {
    let about = match kind {
        IdentityKind::Fault(fault) => {
            page.line("answer", &format!("500 config_error: {}", fault.message));
            return;
        }
        IdentityKind::Header(spec) => format!("{}: {}***", spec.name, spec.prefix),
        IdentityKind::Basic(spec) => format!("user {}", asked.hidden.text(&spec.username)),
        IdentityKind::Aws(spec) => aws(asked, spec),
    };
    page.line("identity", &format!("{}, {about}", kind.name()));
}

fn aws(asked: &Asked<'_>, spec: &AwsIdentity) -> String {
    let text = |text| asked.hidden.text(text);
    let (keys, role) = match &spec.credentials {
        AwsCredentials::Static(keys) => (keys, None),
        AwsCredentials::AssumeRole { keys, role } => (keys, Some(role)),
    };
    let mut about = format!("{} in {}", text(&spec.service), text(&spec.region));
    about.push_str(&format!(", by key {}", text(&keys.access_key_id)));
    if let Some(role) = role {
        about.push_str(&format!(" as role {}", text(&role.role_arn)));
    }
    about.push_str(match spec.payload {
        Some(AwsPayload::Signed) => ", signed payload",
        Some(AwsPayload::Unsigned) => ", unsigned payload",
        None => "",
    });
    about
}
