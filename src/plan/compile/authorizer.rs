//! Authorizers: what each accepts, and which one `"auth": true` means.

mod asked;
mod certificate;
mod cookie;
mod credential;
mod login;
mod public_keys;
mod signature;
mod supabase;

use std::collections::HashMap;

pub(in crate::plan::compile) use self::login::LoginPath;

use super::jwt;
use super::names::Names;
use super::preset;
use crate::auth::AUTH0_COOKIE;
use crate::config::ast::Ranged;
use crate::config::{
    AuthChoice, AuthorizerObject, Context, Document, Field, Lazy, Name, Span, Spanned, TextValue,
};
use crate::plan::{Access, Authorizer, AuthorizerKind, Binding, Fault, JwtSpec, Place};

/// The name of the one under `authorizer`.
const UNNAMED: &str = "authorizer";

/// All authorizers by name.
pub(super) struct Authorizers<'a> {
    by_name: HashMap<&'a str, (u16, Span)>,
    /// What `"auth": true` means, if that is clear.
    implied: Option<u16>,
    /// What each withholds.
    withheld: Vec<Vec<Place>>,
    /// The projects of those of Supabase.
    projects: Vec<(u16, supabase::Project)>,
    /// The paths that some have of their own, with their numbers.
    logins: Vec<(u16, LoginPath)>,
    /// Those of Auth0 tenants.
    tenants: Vec<u16>,
}

/// What an authorizer has besides its kind.
#[derive(Default)]
struct Own {
    /// The project of one of Supabase.
    project: Option<supabase::Project>,
    /// The paths that it has of its own.
    logins: Vec<LoginPath>,
    /// Whether it is of an Auth0 tenant.
    tenant: bool,
}

/// Compiles `authorizer` and `authorizers`. One that is not understood stays, as a fault.
pub(super) fn compile<'a>(
    document: &Document<'a>,
    bindings: (&Names<'a>, &[Binding]),
    authorizers: &mut Vec<Authorizer>,
    cx: &mut Context,
) -> Authorizers<'a> {
    let mut table = Authorizers {
        by_name: HashMap::new(),
        implied: None,
        withheld: Vec::new(),
        projects: Vec::new(),
        logins: Vec::new(),
        tenants: Vec::new(),
    };
    let unnamed = document.authorizer.value().map(|authorizer| {
        let span = Span::from(authorizer.node.range()).first();
        let name = Spanned {
            value: UNNAMED,
            span,
        };
        (name, *authorizer)
    });
    let named = document.authorizers.value().map(|entries| entries.iter());
    for (name, authorizer) in unnamed.into_iter().chain(named.into_iter().flatten()) {
        let Ok(index) = u16::try_from(authorizers.len()) else {
            cx.error(
                name.span,
                "too_many",
                "there are more than 65536 authorizers",
            );
            break;
        };
        if let Some((_, first)) = table.by_name.insert(name.value, (index, name.span)) {
            cx.error(
                name.span,
                "duplicate_alias",
                format!("there are two authorizers named `{UNNAMED}`"),
            )
            .note(first, "the one under `authorizer` has this name");
        }
        cx.mark();
        let (mut withheld, mut own) = (Vec::new(), Own::default());
        let kind = match compile_one(&authorizer, bindings, &mut withheld, &mut own, cx) {
            Some(kind) => kind,
            None => AuthorizerKind::Fault(first_fault(cx)),
        };
        if own.tenant {
            table.tenants.push(index);
        }
        table.withheld.push(withheld.clone());
        let project = own.project.map(|project| (index, project));
        table.projects.extend(project);
        let logins = own.logins.into_iter().map(|login| (index, login));
        table.logins.extend(logins);
        authorizers.push(Authorizer {
            name: name.value.to_owned(),
            kind,
            withheld,
        });
    }
    let default = document.defaults.value().and_then(|d| d.auth.value());
    table.implied = if document.authorizer.value().is_some() {
        Some(0)
    } else if let Some(AuthChoice::Named(name)) = default {
        table.by_name.get(name.value).map(|(index, _)| *index)
    } else if authorizers.len() == 1 {
        Some(0)
    } else {
        None
    };
    table
}

impl Authorizers<'_> {
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The paths that authorizers have of their own, with the authorizers' numbers.
    pub fn logins(&self) -> &[(u16, LoginPath)] {
        &self.logins
    }

    /// Whom `auth` lets in. After an error in `cx`, the answer means nothing.
    pub fn choose(&self, auth: &AuthChoice<'_>, cx: &mut Context) -> Access {
        let one = |index: Option<u16>| index.map_or(Access::Public, |i| Access::Any(vec![i]));
        match auth {
            AuthChoice::Flag(flag) if flag.value => one(self.implied(flag.span, cx)),
            AuthChoice::Flag(_) => Access::Public,
            AuthChoice::Named(name) => one(self.named(name, cx)),
            AuthChoice::Any(names) => Access::Any(self.listed(names, cx)),
            AuthChoice::All(names) => Access::All(self.listed(names, cx)),
        }
    }

    /// What stays with the gateway on a path.
    pub fn withheld(&self, access: &Access) -> Vec<&Place> {
        let asked = access.authorizers().iter();
        let lists = asked.filter_map(|index| self.withheld.get(usize::from(*index)));
        lists.flatten().collect()
    }

    /// The Auth0 tenant of an integration: the one that it names, or the only one there is.
    pub fn tenant(
        &self,
        name: &Field<Name<'_>>,
        integration: Span,
        cx: &mut Context,
    ) -> Option<u16> {
        let named = match name {
            Field::Bad => return None,
            Field::Value(name) => Some((self.named(name, cx)?, name.span)),
            Field::Absent => None,
        };
        match (named, self.tenants.as_slice()) {
            (Some((index, _)), tenants) if tenants.contains(&index) => Some(index),
            (None, [tenant]) => Some(*tenant),
            (named, tenants) => {
                let span = named.map_or(integration.first(), |(_, span)| span);
                let message = match (named, tenants) {
                    (Some(_), _) => "this authorizer is not of the type `auth0`",
                    (None, []) => "this integration needs an authorizer of the type `auth0`",
                    (None, _) => "there is more than one authorizer of the type `auth0`",
                };
                cx.error(span, "unknown_authorizer", message)
                    .help("name one of the type `auth0` by `authorizer`");
                None
            }
        }
    }

    fn implied(&self, span: Span, cx: &mut Context) -> Option<u16> {
        if self.implied.is_none() {
            let diagnostic = cx.error(
                span,
                "auth_without_authorizer",
                "this path needs a known caller, but nothing says how callers are known",
            );
            if self.is_empty() {
                diagnostic.help("add an `authorizer`, or write `false` if everyone may use it");
            } else {
                diagnostic.help(format!(
                    "there is more than one authorizer: name the one that is meant, {}",
                    self.names()
                ));
            }
        }
        self.implied
    }

    fn named(&self, name: &Name<'_>, cx: &mut Context) -> Option<u16> {
        let found = self.by_name.get(name.value).map(|(index, _)| *index);
        if found.is_none() {
            let near = cx.closest(name.value, self.by_name.keys().copied());
            let diagnostic = cx.error(
                name.span,
                "unknown_authorizer",
                format!("there is no authorizer `{}`", name.value),
            );
            diagnostic.label("unknown").suggest(near);
            if self.is_empty() {
                diagnostic.help("the config has no authorizers: add it to `authorizers`");
            }
            match name.value.trim().to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => {
                    diagnostic.help(format!("write `{word}` without quotes"));
                }
                "none" | "public" | "no" | "off" => {
                    diagnostic.help("write `false` if everyone may use it");
                }
                _ => {}
            }
        }
        found
    }

    fn listed(&self, names: &Spanned<Vec<Name<'_>>>, cx: &mut Context) -> Vec<u16> {
        let mut listed: Vec<u16> = Vec::with_capacity(names.value.len());
        for name in &names.value {
            let Some(index) = self.named(name, cx) else {
                continue;
            };
            if listed.contains(&index) {
                let message = format!("`{}` is named twice", name.value);
                cx.error(name.span, "duplicate_value", message)
                    .help("name each authorizer once");
            }
            listed.push(index);
        }
        listed
    }

    fn names(&self) -> String {
        let mut names: Vec<String> = self
            .by_name
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        names.sort();
        names.truncate(10);
        names.join(" or ")
    }
}

/// The first error since the mark, to be kept in the blueprint.
pub(super) fn first_fault(cx: &Context) -> Fault {
    let (code, message) = cx.first_error().unwrap_or(("config_error", ""));
    Fault {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

/// What is withheld is told even where the rest is at fault: another authorizer of a path may be sound.
fn compile_one<'a>(
    authorizer: &Lazy<'a, AuthorizerObject<'a>>,
    bindings: (&Names<'a>, &[Binding]),
    withheld: &mut Vec<Place>,
    own: &mut Own,
    cx: &mut Context,
) -> Option<AuthorizerKind> {
    let before = cx.errors();
    let kind = match authorizer.get(cx)? {
        AuthorizerObject::Jwt(mut object) => {
            let expected_claims = preset::fill(&mut object, cx);
            let sources = jwt::sources(&object.token_from, object.span, cx);
            if !forwards(&object.forward_credential, true) {
                withheld.extend(sources.iter().map(Place::from));
            }
            let spec = jwt::compile(&object, sources, cx);
            spec.map(|spec| {
                AuthorizerKind::Jwt(JwtSpec {
                    expected_claims,
                    ..spec
                })
            })
        }
        AuthorizerObject::ApiKey(object) => {
            let places = credential::places(&object, cx);
            if !forwards(&object.forward_credential, false) {
                withheld.extend(places.iter().cloned());
            }
            let spec = credential::compile_api_key(&object, places, cx);
            spec.map(Box::new).map(AuthorizerKind::ApiKey)
        }
        AuthorizerObject::Basic(object) => {
            if !forwards(&object.forward_credential, false) {
                withheld.push(Place::Scheme("basic".to_owned()));
            }
            credential::compile_basic(&object, cx).map(AuthorizerKind::Basic)
        }
        AuthorizerObject::Introspection(object) => {
            let sources = asked::introspection_sources(&object, cx);
            if !forwards(&object.forward_credential, true) {
                withheld.extend(sources.iter().map(Place::from));
            }
            let spec = asked::compile_introspection(&object, sources, cx);
            spec.map(Box::new).map(AuthorizerKind::Introspection)
        }
        AuthorizerObject::ForwardAuth(object) => {
            let shown_go_on = forwards(&object.forward_credential, true);
            let headers = asked::forward_auth_headers(&object, shown_go_on);
            withheld.extend(headers.into_iter().map(Place::Header));
            let spec = asked::compile_forward_auth(&object, bindings, cx);
            spec.map(Box::new).map(AuthorizerKind::ForwardAuth)
        }
        AuthorizerObject::Supabase(object) => {
            let sources = jwt::sources(&object.token_from, object.span, cx);
            if !forwards(&object.forward_credential, true) {
                withheld.extend(sources.iter().map(Place::from));
            }
            own.project = Some(supabase::project(&object));
            let spec = supabase::compile(&object, sources, cx);
            spec.map(Box::new).map(AuthorizerKind::Supabase)
        }
        AuthorizerObject::Oidc(object) => {
            withheld.push(login::place(&object));
            let spec = login::compile(&object, &mut own.logins, cx);
            spec.map(Box::new).map(AuthorizerKind::Oidc)
        }
        AuthorizerObject::Auth0(object) => {
            own.tenant = true;
            withheld.push(Place::Cookies(AUTH0_COOKIE.to_owned()));
            if !forwards(&object.forward_credential, true) {
                withheld.push(Place::Scheme("bearer".to_owned()));
            }
            let spec = login::compile_auth0(&object, cx);
            spec.map(Box::new).map(AuthorizerKind::Auth0)
        }
        AuthorizerObject::Webhook(object) => {
            signature::compile_webhook(&object, cx).map(AuthorizerKind::Webhook)
        }
        AuthorizerObject::ClientCertificate(object) => {
            certificate::compile(&object, cx).map(AuthorizerKind::ClientCertificate)
        }
        AuthorizerObject::MessageSignature(object) => {
            signature::compile_message(&object, cx).map(AuthorizerKind::MessageSignature)
        }
    };
    kind.filter(|_| cx.errors() == before)
}

/// Whether a credential goes on. Where it is written and not understood, it does not.
fn forwards(field: &Field<Spanned<bool>>, default: bool) -> bool {
    match field {
        Field::Value(flag) => flag.value,
        Field::Absent => default,
        Field::Bad => false,
    }
}

/// Of a secret that stands in the file itself.
pub(super) fn warn_of_literal(secret: &TextValue, cx: &mut Context) {
    cx.warning(
        secret.span,
        "literal_secret",
        "this secret is readable by whoever can read the file",
    )
    .help("store it by `npx wrangler secret put NAME` and write `$secret.NAME`");
}
