//! Authorizers by client certificates.

use crate::auth::Workloads;
use crate::config::{ClientCertificateObject, Context, Field, Name, TextValue};
use crate::plan::{CertificateSpec, Text};

pub(super) fn compile(
    object: &ClientCertificateObject<'_>,
    cx: &mut Context,
) -> Option<CertificateSpec> {
    let fingerprints: Vec<&Name<'_>> = object.fingerprints.value().into_iter().flatten().collect();
    let spec = CertificateSpec {
        fingerprints: fingerprints.iter().map(|f| fingerprint(f, cx)).collect(),
        issuers: texts(&object.issuers),
        subjects: texts(&object.subjects),
        spiffe_ids: texts(&object.spiffe_ids),
    };
    for id in object.spiffe_ids.value().into_iter().flatten() {
        check_spiffe_id(id, cx);
    }
    let names = [&spec.issuers, &spec.subjects, &spec.spiffe_ids];
    let listed = !(spec.fingerprints.is_empty() && names.iter().all(|list| list.is_empty()));
    let any = object.any.value().is_some_and(|any| any.value);
    if any && listed {
        cx.error(
            object.span.first(),
            "contradiction",
            "this authorizer accepts any certificate, and lists which",
        )
        .help("keep `any`, or the lists");
    } else if !any && !listed {
        cx.error(
            object.span.first(),
            "empty_value",
            "nothing says whose certificates are accepted",
        )
        .help("list `fingerprints`, `issuers`, `subjects` or `spiffe_ids`, or write `\"any\": true` for every verified one");
    }
    Some(spec)
}

fn check_spiffe_id(written: &TextValue, cx: &mut Context) {
    if let Text::Literal(id) = &written.text
        && Workloads::read(id).is_none()
    {
        cx.error(
            written.span,
            "bad_spiffe_id",
            format!("`{id}` names no workload"),
        )
        .help("write one as `spiffe://example.com/path`, or all below a path as `spiffe://example.com/*`");
    }
}

/// Without the colons that tools write between the bytes, in lower case.
fn fingerprint(written: &Name<'_>, cx: &mut Context) -> String {
    let plain = written.value.replace(':', "").to_ascii_lowercase();
    if plain.len() != 64 || !plain.bytes().all(|b| b.is_ascii_hexdigit()) {
        cx.error(
            written.span,
            "bad_fingerprint",
            "this is no SHA-256 in hexadecimal",
        )
        .help("print it by `openssl x509 -in cert.pem -noout -fingerprint -sha256`");
    }
    plain
}

fn texts(field: &Field<Vec<TextValue>>) -> Vec<Text> {
    let values = field.value().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|value| value.text.clone()).collect()
}
