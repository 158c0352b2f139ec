//! What the gateway would prove to the server; no secret is known here.

use causeway::plan::{
    AwsCredentials, AwsIdentity, AwsPayload, AzureCredential, GoogleCredential, GoogleSpec,
    GoogleToken, IdentityKind,
};

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
        IdentityKind::OAuth2(spec) => format!(
            "a token of {} for client {}",
            asked.hidden.text(&spec.token_url),
            asked.hidden.text(&spec.client_id)
        ),
        IdentityKind::Google(spec) => google(asked, spec),
        IdentityKind::Azure(spec) => format!(
            "a token of tenant {} for application {}, by {}",
            asked.hidden.text(&spec.tenant),
            asked.hidden.text(&spec.client_id),
            match &spec.credential {
                AzureCredential::Secret(_) => "its secret",
                AzureCredential::Certificate { .. } => "its certificate",
                AzureCredential::Federated { .. } => "a token of the gateway's own",
            }
        ),
    };
    page.line("identity", &format!("{}, {about}", kind.name()));
}

fn aws(asked: &Asked<'_>, spec: &AwsIdentity) -> String {
    let text = |text| asked.hidden.text(text);
    let (keys, role) = match &spec.credentials {
        AwsCredentials::Static(keys) => (Some(keys), None),
        AwsCredentials::AssumeRole { keys, role } => (Some(keys), Some(role)),
        AwsCredentials::WebIdentity { role, .. } => (None, Some(role)),
    };
    let mut about = format!("{} in {}", text(&spec.service), text(&spec.region));
    about.push_str(&match keys {
        Some(keys) => format!(", by key {}", text(&keys.access_key_id)),
        None => ", by a token of the gateway's own".to_owned(),
    });
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

fn google(asked: &Asked<'_>, spec: &GoogleSpec) -> String {
    let kind = match &spec.wanted {
        GoogleToken::Access(scopes) => format!("an access token for {scopes}"),
        GoogleToken::Id(audience) => format!("an ID token for {}", asked.hidden.text(audience)),
    };
    let shown = match &spec.credential {
        GoogleCredential::Json(_) | GoogleCredential::Key { .. } => {
            "a service account's key".into()
        }
        GoogleCredential::Federated {
            service_account: Some(account),
            ..
        } => format!(
            "a token of the gateway's own, as {}",
            asked.hidden.text(account)
        ),
        GoogleCredential::Federated { .. } => "a token of the gateway's own".to_owned(),
    };
    format!("{kind}, by {shown}")
}
