//! Authorizers by tokens of Supabase, and the projects that one-time codes come from.

use super::Authorizers;
use crate::auth::{AUTH_PATH, has_all_rights, project_url};
use crate::config::{
    Context, Field, IntegrationObject, Name, OneOrMany, Span, SupabaseObject, TextValue,
};
use crate::plan::compile::authorizer::first_fault;
use crate::plan::compile::jwt::check_secret;
use crate::plan::{
    Fault, JwsAlgorithm, SupabaseCall, SupabaseSpec, SupabaseStep, Text, TokenSource,
};

/// Where a project is asked for one-time codes.
#[derive(Clone)]
pub(in crate::plan::compile) struct Project {
    url: Text,
    key: Text,
}

/// Who Supabase's tokens are for, if nothing is said. Without it the anon key, which is public and signed with the same
/// secret, would be a caller's token.
const AUDIENCE: &str = "authenticated";

/// The variables that hold the project, if nothing is said.
const URL: &str = "$env.SUPABASE_URL";
const KEY: &str = "$secret.SUPABASE_ANON_KEY";

pub(super) fn compile(
    object: &SupabaseObject<'_>,
    sources: Vec<TokenSource>,
    cx: &mut Context,
) -> Option<SupabaseSpec> {
    if let Some(secret) = object.jwt_secret.value() {
        check_secret(secret, &[JwsAlgorithm::Hs256], cx);
    }
    if let Some(TextValue {
        text: Text::Literal(url),
        span,
    }) = object.url.value()
        && let Err(flaw) = project_url(url)
    {
        cx.error(*span, flaw.code, flaw.message).help(flaw.help);
    }
    if let Some(TextValue {
        text: Text::Literal(key),
        span,
    }) = object.anon_key.value()
        && has_all_rights(key)
    {
        cx.error(
            *span,
            "service_role_key",
            "this key has all rights in the project, and callers nobody knows would use it",
        )
        .help("write the anon or publishable key, and make a new pair of the other");
    }
    if object.url.is_absent() && object.jwt_secret.is_absent() {
        cx.error(
            object.span.first(),
            "missing_field",
            "this authorizer has no keys to check tokens with",
        )
        .help("add the project's `url`, or its `jwt_secret`");
    }
    let text = |field: &Field<TextValue>| field.value().map(|value| value.text.clone());
    let mut audiences = texts(&object.audience);
    if object.audience.is_absent() {
        audiences.push(Text::from(AUDIENCE));
    }
    Some(SupabaseSpec {
        url: text(&object.url),
        secret: text(&object.jwt_secret),
        issuers: texts(&object.issuer),
        audiences,
        sources,
    })
}

/// The project of an authorizer: by its `url`, by its issuer, or else by the variable of that name.
pub(super) fn project(object: &SupabaseObject<'_>) -> Project {
    let of_issuer = || {
        let issuers = object.issuer.value()?;
        let [
            TextValue {
                text: Text::Literal(issuer),
                ..
            },
        ] = issuers.values.as_slice()
        else {
            return None;
        };
        let url = project_url(issuer.strip_suffix(AUTH_PATH)?).ok()?;
        Some(Text::Literal(url))
    };
    let url = object.url.value().map(|url| url.text.clone());
    let key = object.anon_key.value().map(|key| key.text.clone());
    Project {
        url: url.or_else(of_issuer).unwrap_or_else(|| Text::read(URL)),
        key: key.unwrap_or_else(|| Text::read(KEY)),
    }
}

impl Authorizers<'_> {
    /// What an integration asks of Supabase.
    pub fn supabase_call(
        &self,
        step: SupabaseStep,
        object: &IntegrationObject<'_>,
        cx: &mut Context,
    ) -> Result<SupabaseCall, Fault> {
        let project = match &object.authorizer {
            Field::Value(name) => self.named_project(name, cx),
            Field::Bad => None,
            Field::Absent => self.implied_project(object.span, cx),
        };
        let Project { url, key } = project.ok_or_else(|| first_fault(cx))?;
        Ok(SupabaseCall {
            step,
            url,
            key,
            create_user: match &object.create_user {
                Field::Value(flag) => flag.value,
                Field::Absent => true,
                Field::Bad => false,
            },
        })
    }

    fn named_project(&self, name: &Name<'_>, cx: &mut Context) -> Option<Project> {
        let index = self.named(name, cx)?;
        let found = self.projects.iter().find(|(of, _)| *of == index);
        if found.is_none() {
            let message = format!(
                "the authorizer `{}` is not of the type `supabase`",
                name.value
            );
            cx.error(name.span, "unknown_authorizer", message)
                .help("name one that is");
        }
        found.map(|(_, project)| project.clone())
    }

    /// The one that `"auth": true` means, or else the only one; without any, what the variables say.
    fn implied_project(&self, span: Span, cx: &mut Context) -> Option<Project> {
        let implied = self
            .projects
            .iter()
            .find(|(of, _)| Some(*of) == self.implied);
        match (implied, self.projects.as_slice()) {
            (Some((_, project)), _) | (None, [(_, project)]) => Some(project.clone()),
            (None, []) => Some(Project {
                url: Text::read(URL),
                key: Text::read(KEY),
            }),
            (None, _) => {
                cx.error(span.first(), "missing_field", "`authorizer` is missing")
                    .label("there are several `supabase` authorizers: name the one that is meant");
                None
            }
        }
    }
}

fn texts(field: &Field<OneOrMany<TextValue>>) -> Vec<Text> {
    let values = field.value().map(|many| many.values.as_slice());
    let values = values.unwrap_or_default().iter();
    values.map(|value| value.text.clone()).collect()
}
