//! Whether the request would be sent to a second server too.

use causeway::http::Method;
use causeway::plan::{CompareBody, CompareSpec, MirrorSpec};

use super::{Asked, Page};

pub fn explain(asked: &Asked<'_>, spec: &MirrorSpec, page: &mut Page) {
    let method = Method::serving(asked.request.method);
    if !method.is_some_and(|method| spec.methods.contains(&method)) {
        let method = &asked.request.method;
        page.line("mirror", &format!("not for {method}"));
        return;
    }
    let server = asked.blueprint.servers.get(usize::from(spec.server));
    let server = server.map_or("", |server| &server.alias);
    page.line(
        "mirror",
        &format!(
            "{} % go to {server} too, at most {} a minute in each isolate",
            spec.percent, spec.max_per_minute
        ),
    );
    let limits = format!(
        "  {} ms to the end of its answer, bodies up to {} bytes",
        spec.timeout_ms, spec.max_body_bytes
    );
    page.line("", &limits);
    let compared = spec.compare.as_ref().map_or_else(Vec::new, compared);
    let compared = match compared.is_empty() {
        true => "  nothing is compared".to_owned(),
        false => format!("  compared: {}", compared.join(", ")),
    };
    page.line("", &compared);
}

fn compared(spec: &CompareSpec) -> Vec<String> {
    let mut what: Vec<String> = Vec::new();
    if spec.status {
        what.push("the status".to_owned());
    }
    what.extend(spec.headers.iter().cloned());
    match &spec.body {
        None => {}
        Some(CompareBody::Bytes) => what.push("the body byte for byte".to_owned()),
        Some(CompareBody::Json { ignore }) => {
            let ignored = match ignore.len() {
                0 => String::new(),
                count => format!(" but for {count} of its parts"),
            };
            what.push(format!("the body as JSON{ignored}"));
        }
    }
    what
}
