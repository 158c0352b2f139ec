//! `causeway explain`: the phases of an exchange in their order, up to where it would leave the gateway. No variable
//! or secret is known here, so references stay references.

mod action;
mod asking;
mod caller;
mod credential;
mod identity;
mod mirror;
mod require;
mod spread;

use std::borrow::Cow;
use std::path::Path;

use causeway::config::draw;
use causeway::exchange::Request;
use causeway::http::{Method, is_token};
use causeway::plan::{Action, Blueprint, PathEntry, Pin, Tolerance, compile};
use causeway::policy::cors::{Policy, Verdict};
use causeway::route::{Candidate, Canonical, Found, Match, PathError, Table, canonicalise};

use serde_json::{Value, json};

use super::show::{self, Hidden};
use super::why::why;
use super::{Failure, Format, Outcome, read};

pub fn explain(
    method: &str,
    url: &str,
    config: &Path,
    headers: Vec<(String, String)>,
    format: Format,
    color: bool,
) -> Result<Outcome, Failure> {
    let text = read(config)?;
    let compiled = compile(&text);
    let mut page = Page::default();
    let Some(blueprint) = compiled.blueprint else {
        if let Format::Json = format {
            page.line(
                "config",
                "the gateway serves nothing of it, see `causeway check`",
            );
            page.refusal = Some((500, "config_error"));
            return Ok(page.outcome(format));
        }
        let file = config.display().to_string();
        let drawn = draw(&compiled.diagnostics, &file, &text, color);
        return Ok(Outcome {
            text: format!("{drawn}\n\nThe gateway serves nothing of this config.\n"),
            good: false,
        });
    };
    if compiled.diagnostics.has_errors() {
        let errors = compiled.diagnostics.errors();
        page.line(
            "config",
            &format!("errors: {errors}, see `causeway check`; what they are about is closed"),
        );
    }
    let asked = Asked {
        blueprint: &blueprint,
        hidden: Hidden::of(&text),
        request: request(method, url, &headers)?,
        headers: &headers,
    };
    asked.explain(&mut page)?;
    Ok(page.outcome(format))
}

/// Reads `Name: value`.
pub fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if is_token(name) => {
            Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
        }
        _ => Err("write it as 'Name: value'".to_owned()),
    }
}

/// A path alone is asked of no host in particular, unless a header names one.
fn request<'a>(
    method: &'a str,
    url: &'a str,
    headers: &'a [(String, String)],
) -> Result<Request<'a>, Failure> {
    let request = if url.starts_with('/') {
        Request::new(method, "https://gateway.invalid").map(|r| Request { target: url, ..r })
    } else {
        Request::new(method, url)
    };
    let mut request =
        request.ok_or_else(|| Failure(format!("{url} is neither a URL nor a path")))?;
    if let Some((_, host)) = headers.iter().find(|(name, _)| name == "host") {
        request.authority = host;
    }
    Ok(request)
}

/// The request, and the config that it is asked of.
struct Asked<'a> {
    blueprint: &'a Blueprint,
    hidden: Hidden,
    request: Request<'a>,
    headers: &'a [(String, String)],
}

impl Asked<'_> {
    fn explain(&self, page: &mut Page) -> Result<(), Failure> {
        let Request {
            method,
            authority,
            target,
            ..
        } = self.request;
        page.line("request", &format!("{method} {authority} {target}"));
        if method == "TRACE" {
            page.refuse(501, "method_not_implemented", "");
            return Ok(());
        }
        if let Some(Pin { server, zone, host }) = self.pin() {
            let pinned = format!("to zone {zone} of server {server}, else as a request to {host}");
            page.line("pinned", &pinned);
        }
        let canonical = match canonicalise(target) {
            Ok(canonical) => canonical,
            Err(error) => {
                refused_path(error, page);
                return Ok(());
            }
        };
        let query = canonical.query.map(|q| format!("?{q}")).unwrap_or_default();
        page.line("canonical", &format!("{}{query}", canonical.path));
        if self.cors(page) {
            return Ok(());
        }
        let table = Table::build(self.blueprint.routes())
            .map_err(|e| Failure(format!("paths[{}]: {}", e.index, e.error)))?;
        self.matched(&table, &canonical, page);
        Ok(())
    }

    /// What the request's host pins it to.
    fn pin(&self) -> Option<Pin<'_>> {
        let host = self.request.authority.split(':').next()?;
        self.blueprint.hosts.as_ref()?.read(host)
    }

    /// Whether the request is a preflight, which ends here (Fetch standard, section 4.8).
    fn cors(&self, page: &mut Page) -> bool {
        let Some(cors) = &self.blueprint.cors else {
            page.line("cors", "no policy");
            return false;
        };
        let origins = cors.allow_origins.iter();
        let origins: Vec<String> = origins.map(|o| show::origin(o, &self.hidden)).collect();
        let origin = self.header("origin").filter(|o| !o.is_empty());
        let policy = Policy::new(cors);
        let verdict = policy.verdict(origin);
        page.line(
            "cors",
            &match verdict {
                Verdict::NotAsked => format!("no Origin; allowed: {}", origins.join(" ")),
                Verdict::Allowed => format!("{} is allowed", origin.unwrap_or_default()),
                Verdict::Denied => format!(
                    "{} is not among {}",
                    origin.unwrap_or_default(),
                    origins.join(" ")
                ),
            },
        );
        let preflight = self.request.method == "OPTIONS"
            && verdict != Verdict::NotAsked
            && self
                .header("access-control-request-method")
                .is_some_and(|m| !m.is_empty());
        if preflight && verdict == Verdict::Allowed {
            page.line("answer", "204 to this preflight, by the gateway itself");
        } else if preflight {
            page.refuse(403, "cors_origin_denied", "");
        }
        preflight
    }

    fn matched(&self, table: &Table, canonical: &Canonical<'_>, page: &mut Page) {
        let Request {
            method, authority, ..
        } = self.request;
        let authority = self.pin().map_or(authority, |pin| pin.host);
        let candidates = table.candidates(authority, &canonical.path);
        let holds = |matched: &Match<'_, '_>| self.holds(matched.index, canonical.query);
        let found = table.find(authority, method, &canonical.path, &holds);
        let taken = match &found {
            Found::Match(taken) => Some(taken.index),
            _ => None,
        };
        self.candidates(&candidates, taken, canonical.query, page);
        match found {
            Found::Match(found) => {
                if let Some(path) = self.blueprint.paths.get(found.index) {
                    page.path = Some(found.index);
                    self.path(path, &found, canonical, page);
                }
            }
            Found::MethodNotAllowed(allow) => {
                page.refuse(405, "method_not_allowed", &format!(", Allow: {allow}"));
            }
            Found::NotFound => match canonical.risks.check(Tolerance::default()) {
                Err(error) => page.refuse(error.status(), error.code(), ""),
                Ok(()) => page.refuse(404, "not_found", ""),
            },
        }
    }

    /// Whether the conditions of a path hold, if it has any.
    fn holds(&self, path: usize, query: Option<&str>) -> bool {
        let when = self.blueprint.paths.get(path).and_then(|p| p.when.as_ref());
        when.is_none_or(|when| when.holds(|name| self.header(name).map(Cow::Borrowed), query))
    }

    /// All that match, and by which rule each goes before the next.
    fn candidates(
        &self,
        candidates: &[Candidate<'_>],
        taken: Option<usize>,
        query: Option<&str>,
        page: &mut Page,
    ) {
        if candidates.is_empty() {
            page.line("paths", "none matches");
        }
        let serving = Method::serving(self.request.method);
        for (index, candidate) in candidates.iter().enumerate() {
            let method = candidate.method.map_or("ANY", Method::as_str);
            let path = self.blueprint.paths.get(candidate.index);
            let host = path.and_then(|p| p.host.as_deref()).unwrap_or_default();
            let mark = if taken == Some(candidate.index) {
                "taken: "
            } else if candidate.method.is_some() && candidate.method != serving {
                "lacks the method: "
            } else if !self.holds(candidate.index, query) {
                "its conditions do not hold: "
            } else {
                ""
            };
            page.line(
                if index == 0 { "paths" } else { "" },
                &format!(
                    "paths[{}] {mark}{method} {host}{}",
                    candidate.index, candidate.pattern
                ),
            );
            page.line("", &format!("  {}", candidate.rank));
            if let Some(when) = path.and_then(|path| path.when.as_ref()) {
                page.line("", &format!("  when {}", show::when(when)));
            }
            if let Some(next) = candidates.get(index.saturating_add(1)) {
                let why = why(&candidate.rank, &next.rank);
                page.line("", &format!("  before paths[{}]: {why}", next.index));
            }
        }
    }

    fn path(
        &self,
        path: &PathEntry,
        found: &Match<'_, '_>,
        canonical: &Canonical<'_>,
        page: &mut Page,
    ) {
        for (name, value) in found.params() {
            page.line("parameter", &format!("{name} = {value}"));
        }
        page.line("tolerates", &tolerated(path));
        if let Err(error) = canonical.risks.check(path.tolerate) {
            return refused_path(error, page);
        }
        if self.pin().is_some() && self.pinned(path).is_none() {
            return page.refuse(404, "not_found", ": the path leads nowhere in that zone");
        }
        caller::explain(self, path, canonical.query, page);
        require::explain(path, page);
        action::explain(self, path, found, canonical, page);
    }

    /// The zone that the request's host pins it to, if the path's server is that of the host and stands there.
    fn pinned(&self, path: &PathEntry) -> Option<u16> {
        let pin = self.pin()?;
        let Action::Proxy { server, .. } = &path.action else {
            return None;
        };
        let server = self.blueprint.servers.get(usize::from(*server))?;
        let mut zones = self.blueprint.zones.iter();
        let zone = zones.position(|zone| zone.name.eq_ignore_ascii_case(pin.zone))?;
        let zone = u16::try_from(zone).ok()?;
        let is_there = server.endpoints.iter().any(|e| e.zone == Some(zone));
        (server.alias.eq_ignore_ascii_case(pin.server) && is_there).then_some(zone)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(n, _)| n == name);
        field.map(|(_, value)| value.as_str())
    }
}

fn refused_path(error: PathError, page: &mut Page) {
    let why = format!(": {}", error.message());
    page.refuse(error.status(), error.code(), &why);
}

fn tolerated(path: &PathEntry) -> String {
    let names = [
        (path.tolerate.encoded_slash, "encoded_slash"),
        (path.tolerate.encoded_backslash, "encoded_backslash"),
        (path.tolerate.semicolon, "semicolon"),
        (path.tolerate.empty_segment, "empty_segment"),
    ];
    let names: Vec<&str> = names.iter().filter(|n| n.0).map(|n| n.1).collect();
    if names.is_empty() {
        "no ambiguous spelling".to_owned()
    } else {
        names.join(", ")
    }
}

/// Lines of a title and what it is about, and what they come to.
#[derive(Default)]
struct Page {
    /// A line without a title belongs to the one before.
    lines: Vec<(String, String)>,
    /// The path that takes the request.
    path: Option<usize>,
    /// What the gateway refuses it with, whoever asks.
    refusal: Option<(u16, &'static str)>,
}

impl Page {
    fn line(&mut self, title: &str, text: &str) {
        self.lines.push((title.to_owned(), text.to_owned()));
    }

    fn refuse(&mut self, status: u16, code: &'static str, more: &str) {
        self.line("answer", &format!("{status} {code}{more}"));
        self.refusal = Some((status, code));
    }

    fn outcome(&self, format: Format) -> Outcome {
        Outcome {
            text: match format {
                Format::Human => self.human(),
                Format::Json => format!("{:#}\n", self.json()),
            },
            good: self.refusal.is_none(),
        }
    }

    fn human(&self) -> String {
        let mut text = String::new();
        for (title, told) in &self.lines {
            let line = format!("{title:<14}{told}");
            // What was asked may hold anything: a terminal is not to obey it.
            let sound = line
                .chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c });
            text.extend(sound);
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
        for (title, text) in &self.lines {
            match told.last_mut() {
                Some((_, lines)) if title.is_empty() => lines.push(text.trim_start()),
                _ => told.push((title, vec![text.trim_start()])),
            }
        }
        let told = told.into_iter();
        let told = told.map(|(title, lines)| json!({ "title": title, "lines": lines }));
        json!({
            "path": self.path,
            "status": self.refusal.map(|(status, _)| status),
            "code": self.refusal.map(|(_, code)| code),
            "told": told.collect::<Vec<_>>(),
        })
    }
}
