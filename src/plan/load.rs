//! From blueprint to plan: references are resolved, keys made ready, routes indexed. Once per isolate and config.

use crate::auth::{Authorizer, Withheld};
use crate::policy::cors;
use crate::route::Table;
use crate::upstream::Base;

use super::{
    Access, Action, AuthorizerKind, Binding, Blueprint, Cors, Fault, Mapping, OriginPattern,
    PathEntry, Piece, Place, Reference, ReferenceKind, Service, Source, Template, Text,
    origin_pattern, server_url,
};

/// Everything that a request runs through; immutable.
pub struct Plan {
    pub table: Table,
    /// In file order; [`Table`] names them by index. No [`Text`] in them is a reference any more.
    pub paths: Vec<PathEntry>,
    pub servers: Vec<Result<Base, Fault>>,
    pub authorizers: Vec<Result<Authorizer, Fault>>,
    /// What each authorizer withholds, whether or not it is at fault.
    withheld: Vec<Vec<Place>>,
    pub bindings: Vec<Binding>,
    pub services: Vec<Service>,
    pub cors: Option<cors::Policy>,
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
    pub fn load(blueprint: Blueprint, env: &impl Environment) -> Result<(Plan, Vec<Fault>), Fault> {
        let mut resolver = Resolver {
            env,
            faults: Vec::new(),
        };
        let routes = blueprint
            .paths
            .iter()
            .map(|p| (p.host.as_deref(), p.method, p.pattern.as_str()));
        let table = Table::build(routes).map_err(|error| Fault {
            code: "bad_path".into(),
            message: format!("paths[{}]: {}", error.index, error.error),
        })?;
        let servers = blueprint
            .servers
            .iter()
            .map(|s| resolver.server(&s.alias, &s.url));
        let servers = servers.collect();
        let authorizers = blueprint.authorizers.into_iter();
        let (authorizers, withheld) = authorizers
            .map(|a| (resolver.authorizer(&a.name, a.kind), a.withheld))
            .unzip();
        let cors = blueprint.cors.map(|c| resolver.cors(c));
        let mut paths = blueprint.paths;
        for path in &mut paths {
            resolver.path(path);
        }
        let plan = Plan {
            table,
            paths,
            servers,
            authorizers,
            withheld,
            bindings: blueprint.bindings,
            services: blueprint.services,
            cors,
        };
        Ok((plan, resolver.faults))
    }

    /// The credentials that stay with the gateway on a path.
    pub fn withheld(&self, access: &Access) -> Withheld<'_> {
        let asked = access.authorizers().iter();
        let places = asked.filter_map(|index| self.withheld.get(usize::from(*index)));
        Withheld::new(places.flatten())
    }
}

struct Resolver<'e, E> {
    env: &'e E,
    faults: Vec<Fault>,
}

impl<E: Environment> Resolver<'_, E> {
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
        self.env.get(name).ok_or_else(|| Fault {
            code: "missing_reference".into(),
            message: format!("the {word} {name} is not set"),
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

    fn server(&mut self, alias: &str, url: &Text) -> Result<Base, Fault> {
        self.text(url)
            .and_then(|url| {
                server_url(&url).map_err(|flaw| Fault {
                    code: flaw.code.into(),
                    message: flaw.message.into(),
                })
            })
            .map(|url| Base::new(&url))
            .map_err(|fault| self.report(prefixed(&format!("server {alias}"), fault)))
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
            Action::Call { .. } | Action::Service { .. } => Ok(()),
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
