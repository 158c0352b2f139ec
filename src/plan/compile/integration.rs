//! Where a path's requests go.

use super::authorizer::first_fault;
use super::mirror;
use super::path::{Gateway, unused};
use crate::config::{Context, Field, HookObject, IntegrationObject, IntegrationType, Name, Span};
use crate::http::Method;
use crate::plan::{Action, Fault, Hook, LoginStep, Mapping, SupabaseStep};

/// What a path does with its requests, by its `integration`.
pub(super) fn compile_integration(
    object: &IntegrationObject<'_>,
    mapping: Option<Box<Mapping>>,
    method: Option<Option<Method>>,
    gateway: &Gateway<'_>,
    cx: &mut Context,
) -> Result<Action, Fault> {
    let post_process = object
        .post_process
        .value()
        .map(|hook| compile_hook(hook, gateway, cx))
        .transpose();
    let Some(kind) = object.kind.value() else {
        let fault = first_fault(cx);
        // No other type has one, so it is clear what is meant.
        if let Some(alias) = object.server.value() {
            let _ = gateway.servers.find(*alias, cx);
        }
        return Err(fault);
    };
    let (word, members): (&str, &[&str]) = match kind {
        IntegrationType::Http | IntegrationType::HttpProxy => {
            ("http", &["server", "zones", "mirror"])
        }
        IntegrationType::Service => ("service", &["binding", "env"]),
        IntegrationType::ServiceBinding => ("service_binding", &["binding", "function", "env"]),
        IntegrationType::SupabaseSend => {
            ("supabase_passwordless_auth", &["authorizer", "create_user"])
        }
        IntegrationType::SupabaseSendEmail => (
            "supabase_passwordless_auth_alt",
            &["authorizer", "create_user"],
        ),
        IntegrationType::SupabaseVerify => ("supabase_passwordless_verify", &["authorizer"]),
        IntegrationType::Auth0Callback
        | IntegrationType::Auth0Userinfo
        | IntegrationType::Auth0CallbackRedirect
        | IntegrationType::Auth0Refresh => ("auth0_...", &["authorizer"]),
    };
    let processed = matches!(
        kind,
        IntegrationType::Http
            | IntegrationType::HttpProxy
            | IntegrationType::Service
            | IntegrationType::ServiceBinding
            | IntegrationType::Auth0Callback
    );
    for (field, there) in [
        ("server", !object.server.is_absent()),
        ("zones", !object.zones.is_absent()),
        ("binding", !object.binding.is_absent()),
        ("function", !object.function.is_absent()),
        ("env", !object.env.is_absent()),
        ("authorizer", !object.authorizer.is_absent()),
        ("create_user", !object.create_user.is_absent()),
        ("mirror", !object.mirror.is_absent()),
        (
            "post_process",
            !processed && !object.post_process.is_absent(),
        ),
    ] {
        if there && !members.contains(&field) {
            unused(object.span, field, &format!("for the type `{word}`"), cx);
        }
    }
    let action = match kind {
        IntegrationType::Http | IntegrationType::HttpProxy => {
            let server = needed(&object.server, "server", object.span, cx);
            let server = server.map(|alias| gateway.servers.find(alias, cx));
            let own = server.as_ref().and_then(|server| server.as_ref().ok());
            let mirror = object.mirror.value();
            let mirror = mirror
                .map(|mirror| mirror::compile(mirror, own.copied(), method, &gateway.servers, cx));
            Action::Proxy {
                server: server.ok_or_else(|| first_fault(cx))??,
                zones: object
                    .zones
                    .value()
                    .map(|list| gateway.zones.find_all(list, cx)),
                mapping,
                mirror: mirror.transpose()?,
                post_process: post_process?,
            }
        }
        IntegrationType::Service => {
            let service = needed(&object.binding, "binding", object.span, cx);
            let service = service.map(|alias| gateway.services.find(alias, cx));
            Action::Service {
                service: service.ok_or_else(|| first_fault(cx))??,
                env: names(&object.env),
                post_process: post_process?,
            }
        }
        IntegrationType::ServiceBinding => {
            let binding = needed(&object.binding, "binding", object.span, cx);
            let function = needed(&object.function, "function", object.span, cx);
            let binding = binding.map(|alias| gateway.bindings.find(alias, cx));
            let (Some(binding), Some(function)) = (binding, function) else {
                return Err(first_fault(cx));
            };
            Action::Call {
                hook: Hook {
                    binding: binding?,
                    function: function.value.to_owned(),
                    env: names(&object.env),
                },
                post_process: post_process?,
            }
        }
        IntegrationType::SupabaseSend => supabase(SupabaseStep::Send, object, gateway, cx)?,
        IntegrationType::SupabaseSendEmail => {
            supabase(SupabaseStep::SendEmail, object, gateway, cx)?
        }
        IntegrationType::SupabaseVerify => supabase(SupabaseStep::Verify, object, gateway, cx)?,
        IntegrationType::Auth0Callback
        | IntegrationType::Auth0Userinfo
        | IntegrationType::Auth0CallbackRedirect
        | IntegrationType::Auth0Refresh => {
            let step = match kind {
                IntegrationType::Auth0Userinfo => LoginStep::Auth0Userinfo,
                IntegrationType::Auth0CallbackRedirect => LoginStep::Auth0CallbackRedirect,
                IntegrationType::Auth0Refresh => LoginStep::Auth0Refresh,
                _ => LoginStep::Auth0Callback,
            };
            let post_process = post_process?;
            let tenant = gateway
                .authorizers
                .tenant(&object.authorizer, object.span, cx);
            Action::Login {
                authorizer: tenant.ok_or_else(|| first_fault(cx))?,
                step,
                post_process: post_process.filter(|_| step == LoginStep::Auth0Callback),
            }
        }
    };
    Ok(action)
}

fn supabase(
    step: SupabaseStep,
    object: &IntegrationObject<'_>,
    gateway: &Gateway<'_>,
    cx: &mut Context,
) -> Result<Action, Fault> {
    let call = gateway.authorizers.supabase_call(step, object, cx)?;
    Ok(Action::Supabase(Box::new(call)))
}

pub(super) fn compile_hook(
    object: &HookObject<'_>,
    gateway: &Gateway<'_>,
    cx: &mut Context,
) -> Result<Hook, Fault> {
    let (Some(binding), Some(function)) = (object.binding.value(), object.function.value()) else {
        return Err(first_fault(cx));
    };
    Ok(Hook {
        binding: gateway.bindings.find(*binding, cx)?,
        function: function.value.to_owned(),
        env: names(&object.env),
    })
}

fn needed<'a>(
    field: &Field<Name<'a>>,
    key: &str,
    object: Span,
    cx: &mut Context,
) -> Option<Name<'a>> {
    if field.is_absent() {
        cx.error(
            object.first(),
            "missing_field",
            format!("`{key}` is missing"),
        )
        .label(format!("an integration of this type needs `{key}`"));
    }
    field.value().copied()
}

fn names(field: &Field<Vec<Name<'_>>>) -> Vec<String> {
    let names = field.value().map(Vec::as_slice).unwrap_or_default();
    names.iter().map(|name| name.value.to_owned()).collect()
}
