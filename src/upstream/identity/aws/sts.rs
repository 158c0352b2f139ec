//! The Security Token Service, which lends the keys of a role: its Query API, version 2011-06-15.

use std::rc::Rc;

use form_urlencoded::Serializer;
use sha2::{Digest, Sha256};

use super::address::{Address, respell};
use super::credentials::Credentials;
use super::sigv4::{Fields, Scope, Subject, hex};
use super::time::stamp;
use super::xml::Leaves;
use crate::auth::{check_asked_url, unix_seconds};
use crate::edits::Edits;
use crate::host::{Ask, Host, SendError, Told};
use crate::plan::{AwsRole, Fault};
use crate::upstream::identity::lent::Loan;

/// How long an answer may take, in milliseconds.
const TIMEOUT_MS: u32 = 5_000;
/// A longer answer is none.
const MAX_BYTES: usize = 16 * 1024;
/// So much of what is said of a refusal is told, in characters.
const TOLD_MOST: usize = 200;
const FORM: &str = "application/x-www-form-urlencoded";

/// A role, and where it is asked for.
pub struct Role {
    arn: String,
    session_name: String,
    external_id: Option<String>,
    duration_seconds: u32,
    endpoint: String,
    scope: Scope,
}

impl Role {
    /// # Errors
    /// The ARN is none of a role, or the endpoint is not safe to ask.
    pub fn new(spec: AwsRole, region: &str) -> Result<Role, Fault> {
        let fault = |code: &str, message: &str| Fault {
            code: code.into(),
            message: message.into(),
        };
        let arn = spec.role_arn.literal()?;
        if !is_role_arn(&arn) {
            return Err(fault("bad_role_arn", "`role_arn` is no ARN of a role"));
        }
        let external_id = spec.external_id.map(|id| id.literal()).transpose()?;
        if external_id.as_deref().is_some_and(|id| !is_external_id(id)) {
            return Err(fault("bad_external_id", "`external_id` is no external id"));
        }
        let endpoint = match spec.endpoint {
            Some(endpoint) => endpoint.literal()?,
            None => regional_endpoint(region),
        };
        check_asked_url(&endpoint).map_err(|flaw| fault(flaw.code, flaw.message))?;
        Ok(Role {
            arn,
            session_name: spec.session_name,
            external_id,
            duration_seconds: spec.duration_seconds,
            endpoint: respell(&endpoint),
            scope: Scope::new(region.to_owned(), "sts".to_owned()),
        })
    }

    /// Assumes the role.
    ///
    /// # Errors
    /// It is refused, or no sound answer came; in words for the operator.
    pub async fn assume<H: Host>(
        &self,
        host: &H,
        keys: &Credentials,
    ) -> Result<Loan<Rc<Credentials>>, String> {
        let mut form = self.form("AssumeRole");
        if let Some(id) = &self.external_id {
            form.append_pair("ExternalId", id);
        }
        let form = form.finish();
        let fields = self.signed(&form, keys, host.now_ms());
        let told = ask(host, &self.endpoint, &form, &fields).await?;
        read(&told, "AssumeRole", host.now_ms())
    }

    /// Assumes the role by a token that it trusts; nothing is signed.
    ///
    /// # Errors
    /// It is refused, or no sound answer came; in words for the operator.
    pub async fn assume_by_token<H: Host>(
        &self,
        host: &H,
        token: &str,
    ) -> Result<Loan<Rc<Credentials>>, String> {
        const ACTION: &str = "AssumeRoleWithWebIdentity";
        let mut form = self.form(ACTION);
        form.append_pair("WebIdentityToken", token);
        let mut fields = Edits::with_capacity(64);
        fields.set("content-type", FORM);
        let told = ask(host, &self.endpoint, &form.finish(), &fields).await?;
        read(&told, ACTION, host.now_ms())
    }

    fn form(&self, action: &str) -> Serializer<'static, String> {
        let duration = self.duration_seconds.to_string();
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action)
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &self.arn)
            .append_pair("RoleSessionName", &self.session_name)
            .append_pair("DurationSeconds", &duration);
        form
    }

    /// The fields of a request that is signed by the keys of the config.
    fn signed(&self, form: &str, keys: &Credentials, now: u64) -> Edits {
        let address = Address::of(&self.endpoint);
        let stamp = stamp(now);
        let mut signed = Fields::default();
        signed.set("content-type", FORM);
        signed.set("host", address.authority);
        signed.set("x-amz-date", &stamp);
        if let Some(token) = &keys.session_token {
            signed.set("x-amz-security-token", token.expose());
        }
        let payload = hex(&Sha256::digest(form));
        let subject = Subject {
            method: "POST",
            address,
            fields: &signed,
            payload: &payload,
        };
        let authorization = self.scope.sign(keys, &stamp, &subject);
        let mut fields = Edits::with_capacity(1024);
        fields.set("authorization", &authorization);
        for (name, value) in signed.iter() {
            // The platform sets it of the URL.
            if name != "host" {
                fields.set(name, value);
            }
        }
        fields
    }
}

async fn ask<H: Host>(host: &H, url: &str, form: &str, fields: &Edits) -> Result<Told, String> {
    let ask = Ask {
        method: "POST",
        url,
        binding: None,
        fields,
        body: Some(form),
        timeout_ms: TIMEOUT_MS,
        max_bytes: MAX_BYTES,
    };
    match host.ask(&ask).await {
        Ok(told) => Ok(told),
        Err(SendError::TimedOut) => Err("STS did not answer in time".into()),
        Err(SendError::Unreachable(reason) | SendError::ClientBody { reason, .. }) => {
            Err(format!("STS did not answer: {reason}"))
        }
    }
}

/// What an answer lends.
fn read(told: &Told, action: &str, now: u64) -> Result<Loan<Rc<Credentials>>, String> {
    if told.status != 200 {
        return Err(refusal(told, action));
    }
    let unsound = || format!("STS answered {action} without sound credentials");
    let leaves = Leaves::read(&told.body).ok_or_else(unsound)?;
    let (response, result) = (format!("{action}Response"), format!("{action}Result"));
    let member = |name: &str| {
        let text = leaves.get(&[&response, &result, "Credentials", name]);
        text.map(str::to_owned).ok_or_else(unsound)
    };
    let expires = unix_seconds(&member("Expiration")?).ok_or_else(unsound)?;
    let credentials = Credentials::of(
        member("AccessKeyId")?,
        member("SecretAccessKey")?,
        Some(member("SessionToken")?),
    );
    let good_for_ms = expires.saturating_mul(1000).saturating_sub(now);
    if good_for_ms == 0 {
        return Err(format!(
            "STS answered {action} with credentials of the past"
        ));
    }
    Ok(Loan {
        value: Rc::new(credentials.ok_or_else(unsound)?),
        good_for_ms,
    })
}

/// What STS says of a refusal. Of a signature that does not match it goes on to repeat what was signed, with the
/// session's token: of the message, only the first line is told, and none that has a token of the gateway's own in it.
fn refusal(told: &Told, action: &str) -> String {
    let leaves = Leaves::read(&told.body).unwrap_or_default();
    // Not every service that speaks for it puts the error in the same place.
    let member = |name: &str| leaves.first(&["Error", name]);
    let told_of = |text: Option<&str>| {
        let line = text.unwrap_or_default().trim().lines().next();
        let line = line.unwrap_or_default().chars();
        let line: String = line.filter(|c| !c.is_control()).collect();
        match line.contains("eyJ") {
            true => String::new(),
            false => line.chars().take(TOLD_MOST).collect(),
        }
    };
    let mut reason = format!("STS refused {action} with status {}", told.status);
    for part in [told_of(member("Code")), told_of(member("Message"))] {
        if !part.is_empty() {
            reason.push_str(": ");
            reason.push_str(&part);
        }
    }
    reason
}

/// Whether a text reads `arn:PARTITION:iam::ACCOUNT:role/NAME`; STS knows which of these there are.
pub fn is_role_arn(text: &str) -> bool {
    let Some((partition, rest)) = text
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":iam::"))
    else {
        return false;
    };
    let (account, name) = rest.split_once(":role/").unwrap_or_default();
    partition.starts_with("aws")
        && !partition.contains(':')
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_graphic())
}

/// As STS takes it: 2 to 64 characters of these.
pub fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.bytes().all(is_name_byte)
}

/// As STS takes it: 2 to 1224 characters of these.
pub fn is_external_id(id: &str) -> bool {
    (2..=1224).contains(&id.len())
        && id
            .bytes()
            .all(|b| is_name_byte(b) || matches!(b, b':' | b'/'))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

fn regional_endpoint(region: &str) -> String {
    let suffix = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    format!("https://sts.{region}.{suffix}/")
}
