//! From blueprint to plan: references are resolved, keys made ready, routes indexed. Once per isolate and config.

use std::ops::Range;
use std::rc::Rc;

use crate::auth::{Authorizer, Withheld, has_all_rights, project_url, share};
use crate::config::url_without_blanks;
use crate::policy::cors;
use crate::route::{Entry, Table};
use crate::upstream::mirror::Mirrors;
use crate::upstream::pool::{Endpoint, Pool};
use crate::upstream::{Base, Federation, Identities, Identity, Named, Server};

use super::artifact::{Artifact, ArtifactError};
use super::paths::Paths;
use super::{
    Access, Action, Against, AuthorizerKind, Binding, Blueprint, Cors, Fault, FederationSpec,
    HostTemplate, IdentityKind, Mapping, OriginPattern, PathEntry, Piece, Place, Reference,
    ReferenceKind, Service, Source, SupabaseCall, Template, Text, Zone, against, origin_pattern,
    server_url,
};

/// Everything that a request runs through; immutable.
pub struct Plan {
    pub table: Table,
    pub paths: Paths,
    pub zones: Vec<Zone>,
    pub hosts: Option<HostTemplate>,
    pub servers: Vec<Result<Server, Fault>>,
    /// What the gateway proves to servers.
    pub identities: Identities,
    /// The gateway as an issuer of its own.
    pub federation: Option<Result<Rc<Federation>, Fault>>,
    pub authorizers: Vec<Result<Authorizer, Fault>>,
    /// The names of these.
    pub(super) callers: Vec<String>,
    /// What each authorizer withholds, whether or not it is at fault.
    withheld: Vec<Vec<Place>>,
    /// Sessions: a browser sends them to every path, whoever serves it.
    sessions: Vec<Place>,
    pub bindings: Vec<Binding>,
    pub services: Vec<Service>,
    pub cors: Option<cors::Policy>,
    /// What became of mirrored requests.
    pub mirrors: Mirrors,
}

/// The worker's variables and secrets.
pub trait Environment {
    /// `None` where it is unset or not text. An empty value counts as unset.
    fn get(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn get(&self, name: &str) -> Option<String> {
        self(name).filter(|value| !value.is_empty())
    }
}

impl Plan {
    /// Makes a blueprint ready to run. A path whose reference is unset is closed; those faults are for the log.
    ///
    /// # Errors
    /// The blueprint's patterns cannot be routed: none of it is to be used.
    pub fn load(
        mut blueprint: Blueprint,
        env: &impl Environment,
    ) -> Result<(Plan, Vec<Fault>), Fault> {
        let table = Table::build(blueprint.routes()).map_err(|error| Fault {
            code: "bad_path".into(),
            message: format!("paths[{}]: {}", error.index, error.error),
        })?;
        let mut resolver = Resolver::new(env);
        let mut entries = std::mem::take(&mut blueprint.paths);
        let mut plan = resolver.plan(blueprint, table);
        for path in &mut entries {
            resolver.path(path);
        }
        plan.paths = Paths::ready(entries);
        Ok((plan, resolver.faults))
    }

    /// [`Plan::load`] of an [artifact](Blueprint::to_bytes), which is quicker than to read it back first: no more of it
    /// is decoded than is needed now. It has `length` bytes, of which `read` gives any range.
    ///
    /// # Errors
    /// If the bytes are no artifact, are of another version, or are damaged or cut off.
    pub fn open(
        length: usize,
        read: &impl Fn(Range<usize>) -> Vec<u8>,
        env: &impl Environment,
    ) -> Result<(Plan, Vec<Fault>), ArtifactError> {
        let Artifact { head, table, paths } = Artifact::open(length, read)?;
        let (blueprint, at_once) = head;
        let mut resolver = Resolver::new(env);
        let mut plan = resolver.plan(blueprint, table);
        let mut entries = Vec::with_capacity(at_once.len());
        for index in at_once {
            let index = usize::try_from(index).map_err(|_| ArtifactError::Damaged)?;
            let entry = paths.unpack(index, plan.table.pattern(index));
            let mut entry = entry.ok_or(ArtifactError::Damaged)?;
            resolver.path(&mut entry);
            entries.push((index, entry));
        }
        plan.paths = Paths::packed(paths);
        for (index, entry) in entries {
            plan.paths.set(index, entry);
        }
        Ok((plan, resolver.faults))
    }

    /// The credentials that stay with the gateway on a path.
    pub fn withheld(&self, access: &Access) -> Withheld<'_> {
        let asked = access.authorizers().iter();
        let places = asked.filter_map(|index| self.withheld.get(usize::from(*index)));
        let others = places.flatten();
        let others = others.filter(|place| !matches!(place, Place::Cookies(_)));
        Withheld::new(others.chain(&self.sessions))
    }
}

impl Blueprint {
    /// The paths as [`Table::build`] takes them.
    pub fn routes(&self) -> impl Iterator<Item = Entry<'_>> {
        self.paths.iter().map(|path| Entry {
            host: path.host.as_deref(),
            method: path.method,
            pattern: &path.pattern,
            conditional: path.when.is_some(),
        })
    }
}

/// Whether there is anything to resolve in a path, or to report.
pub(super) fn holds_references(path: &PathEntry) -> bool {
    let nothing = |_: &str| None;
    let mut resolver = Resolver::new(&nothing);
    let mut resolved = path.clone();
    resolver.path(&mut resolved);
    resolved != *path || !resolver.faults.is_empty()
}

struct Resolver<'e, E> {
    env: &'e E,
    faults: Vec<Fault>,
}

impl<'e, E: Environment> Resolver<'e, E> {
    fn new(env: &'e E) -> Self {
        Resolver {
            env,
            faults: Vec::new(),
        }
    }

    /// The plan of a blueprint, but for its paths.
    fn plan(&mut self, mut blueprint: Blueprint, table: Table) -> Plan {
        let federation = blueprint.federation.take();
        let federation = federation.map(|spec| self.federation(spec));
        let known = federation.as_ref().and_then(|known| known.as_ref().ok());
        let identities = std::mem::take(&mut blueprint.identities).into_iter();
        let identities = identities.map(|i| Named {
            identity: self.identity(&i.server, i.kind, known),
            server: i.server,
        });
        let identities = Identities::new(identities.collect());
        let servers = blueprint.servers.iter();
        let servers = servers
            .map(|s| self.server(s, &blueprint, &identities))
            .collect();
        let callers = blueprint.authorizers.iter();
        let callers = callers.map(|authorizer| authorizer.name.clone()).collect();
        let authorizers = blueprint.authorizers.into_iter();
        let (authorizers, withheld): (Vec<_>, Vec<Vec<Place>>) = authorizers
            .map(|a| (self.authorizer(&a.name, a.kind), a.withheld))
            .unzip();
        let bytes = share(authorizers.len());
        authorizers.iter().flatten().for_each(|it| it.limit(bytes));
        let sessions = withheld.iter().flatten();
        let sessions = sessions.filter(|place| matches!(place, Place::Cookies(_)));
        let sessions = sessions.cloned().collect();
        Plan {
            table,
            paths: Paths::default(),
            servers,
            zones: blueprint.zones,
            hosts: blueprint.hosts,
            identities,
            federation,
            authorizers,
            callers,
            withheld,
            sessions,
            bindings: blueprint.bindings,
            services: blueprint.services,
            cors: blueprint.cors.map(|c| self.cors(c)),
            mirrors: Mirrors::default(),
        }
    }

    fn report(&mut self, fault: Fault) -> Fault {
        self.faults.push(fault.clone());
        fault
    }

    fn reference(&self, reference: &Reference) -> Result<String, Fault> {
        let Reference { kind, name } = reference;
        let word = match kind {
            ReferenceKind::Env => "variable",
            ReferenceKind::Secret => "secret",
        };
        let value = self.env.get(name).ok_or_else(|| Fault {
            code: "missing_reference".into(),
            message: format!("the {word} {name} is not set"),
        })?;
        // Such as the line break that `echo` puts behind it.
        Ok(match url_without_blanks(&value) {
            url if url.len() < value.len() => url.to_owned(),
            _ => value,
        })
    }

    fn text(&self, text: &Text) -> Result<String, Fault> {
        match text {
            Text::Literal(value) => Ok(value.clone()),
            Text::Reference(reference) => self.reference(reference),
        }
    }

    fn in_place(&self, text: &mut Text) -> Result<(), Fault> {
        if let Text::Reference(reference) = text {
            *text = Text::Literal(self.reference(reference)?);
        }
        Ok(())
    }

    /// A server of which one endpoint is at fault is closed: to go on with the others could be to leave a jurisdiction.
    fn server(
        &mut self,
        spec: &super::Server,
        blueprint: &Blueprint,
        identities: &Identities,
    ) -> Result<Server, Fault> {
        let proofs = spec.endpoints.iter().filter_map(|e| e.identity);
        for index in proofs {
            // Told already.
            if let Some(fault) = identities.fault(index) {
                return Err(fault.clone());
            }
        }
        let endpoints = spec.endpoints.iter();
        let endpoints: Result<Vec<_>, _> = endpoints.map(|e| self.endpoint(e, blueprint)).collect();
        let server = endpoints.and_then(|endpoints| match (&spec.pool, endpoints.as_slice()) {
            (None, [only]) => Ok(Server::Single {
                alias: spec.alias.clone(),
                zone: only.zone,
                base: only.base.clone(),
                identity: only.identity,
            }),
            (None, _) => Err(Fault {
                code: "bad_server".into(),
                message: "it has several endpoints and no rule for them".into(),
            }),
            (Some(pool), _) => {
                let (mut pool, zones) = (pool.as_ref().clone(), blueprint.zones.len());
                let headers = pool
                    .health
                    .iter_mut()
                    .flat_map(|health| &mut health.headers);
                for (_, value) in headers {
                    self.field(value)?;
                }
                let pool = Pool::new(&spec.alias, pool, endpoints, zones);
                Ok(Server::Pool(Box::new(pool)))
            }
        });
        server.map_err(|fault| self.report(prefixed(&format!("server {}", spec.alias), fault)))
    }

    fn endpoint(&self, spec: &super::Endpoint, blueprint: &Blueprint) -> Result<Endpoint, Fault> {
        let url = self.text(&spec.url)?;
        let url = server_url(&url).map_err(|flaw| Fault {
            code: flaw.code.into(),
            message: flaw.message.into(),
        })?;
        // Of a literal, `check` tells.
        let zone = spec.zone.and_then(|z| blueprint.zones.get(usize::from(z)));
        if let (Text::Reference(_), Some(zone)) = (&spec.url, zone)
            && let Some(Against::Contradiction(message)) = against(&url, zone)
        {
            let code = "contradiction".into();
            return Err(Fault { code, message });
        }
        let binding = spec.binding.map(|index| {
            let binding = blueprint.bindings.get(usize::from(index));
            binding.map(|binding| binding.binding.clone())
        });
        if binding == Some(None) {
            return Err(Fault {
                code: "unknown_alias".into(),
                message: "an endpoint names a binding that is not there".into(),
            });
        }
        Ok(Endpoint {
            name: spec.name.clone(),
            base: Base::new(&url),
            binding: binding.flatten(),
            zone: spec.zone,
            identity: spec.identity,
            weight: u32::from(spec.weight),
            canary: spec.canary,
        })
    }

    fn federation(&mut self, mut spec: FederationSpec) -> Result<Rc<Federation>, Fault> {
        let resolved = spec.keys.iter_mut().try_for_each(|key| self.in_place(key));
        resolved
            .and_then(|()| Federation::new(&spec))
            .map(Rc::new)
            .map_err(|fault| self.report(prefixed("federation", fault)))
    }

    fn identity(
        &mut self,
        server: &str,
        mut kind: IdentityKind,
        federation: Option<&Rc<Federation>>,
    ) -> Result<Identity, Fault> {
        let resolved = kind
            .texts_mut()
            .into_iter()
            .try_for_each(|text| self.in_place(text));
        resolved
            .and_then(|()| Identity::new(kind, federation))
            .map_err(|fault| self.report(prefixed(&format!("identity at server {server}"), fault)))
    }

    fn authorizer(&mut self, name: &str, mut kind: AuthorizerKind) -> Result<Authorizer, Fault> {
        let resolved = kind
            .texts_mut()
            .into_iter()
            .try_for_each(|text| self.in_place(text));
        resolved
            .and_then(|()| Authorizer::new(kind))
            .map_err(|fault| self.report(prefixed(&format!("authorizer {name}"), fault)))
    }

    /// An origin whose reference is unset or no origin is left out: less is allowed, never more.
    fn cors(&mut self, mut cors: Cors) -> cors::Policy {
        let mut origins = Vec::with_capacity(cors.allow_origins.len());
        for origin in cors.allow_origins {
            let OriginPattern::Exact(text @ Text::Reference(_)) = &origin else {
                origins.push(origin);
                continue;
            };
            let resolved = self.text(text).and_then(|value| {
                origin_pattern(&value).ok_or_else(|| Fault {
                    code: "bad_origin".into(),
                    message: "a variable that allow_origins names is no origin".into(),
                })
            });
            match resolved {
                Ok(pattern) => origins.push(pattern),
                Err(fault) => {
                    self.report(prefixed("cors", fault));
                }
            }
        }
        cors.allow_origins = origins;
        cors::Policy::new(&cors)
    }

    fn path(&mut self, path: &mut PathEntry) {
        let resolved = match &mut path.action {
            Action::Proxy { mapping, .. } => match mapping {
                Some(mapping) => self.mapping(mapping),
                None => Ok(()),
            },
            Action::Respond { headers, body, .. } => headers
                .iter_mut()
                .try_for_each(|(_, text)| self.field(text))
                .and_then(|()| self.template(body)),
            Action::Supabase(call) => self.supabase(call),
            Action::Call { .. }
            | Action::Service { .. }
            | Action::Login { .. }
            | Action::Federation(_) => Ok(()),
            Action::Fault(fault) => Err(fault.clone()),
        };
        if let Err(fault) = resolved {
            let fault = self.report(prefixed(&format!("path {}", path.pattern), fault));
            path.action = Action::Fault(fault);
        }
    }

    fn mapping(&self, mapping: &mut Mapping) -> Result<(), Fault> {
        let sources = mapping.headers.iter_mut().chain(&mut mapping.query);
        for (_, source) in sources {
            if let Source::Config(text) = source {
                self.in_place(text)?;
            }
        }
        Ok(())
    }

    fn supabase(&self, call: &mut SupabaseCall) -> Result<(), Fault> {
        let fault = |code: &str, message: &str| Fault {
            code: code.into(),
            message: message.into(),
        };
        let url = project_url(&self.text(&call.url)?);
        call.url = Text::Literal(url.map_err(|flaw| fault(flaw.code, flaw.message))?);
        let key = self.text(&call.key)?;
        if has_all_rights(&key) || !crate::http::is_field_value(&key) {
            let message = "the key of Supabase has all rights, or is none";
            return Err(fault("service_role_key", message));
        }
        call.key = Text::Literal(key);
        Ok(())
    }

    fn field(&self, text: &mut Text) -> Result<(), Fault> {
        self.in_place(text)?;
        match text {
            Text::Literal(value) if !crate::http::is_field_value(value) => Err(Fault {
                code: "bad_header_value".into(),
                message: "a value that is not fit for a header field".into(),
            }),
            _ => Ok(()),
        }
    }

    fn template(&self, template: &mut Template) -> Result<(), Fault> {
        if let [Piece::Json(_)] | [] = template.0.as_slice() {
            return Ok(());
        }
        let mut body = String::new();
        for piece in &template.0 {
            match piece {
                Piece::Json(json) => body.push_str(json),
                Piece::Reference(reference) => {
                    body.push_str(&crate::problem::json_string(&self.reference(reference)?));
                }
            }
        }
        template.0 = vec![Piece::Json(body)];
        Ok(())
    }
}

fn prefixed(place: &str, fault: Fault) -> Fault {
    Fault {
        message: format!("{place}: {}", fault.message),
        ..fault
    }
}
