//! Scripts: how an answer is told to `answer.mjs`, as lines of one string.

use wasm_bindgen::JsValue;

use crate::edits::Edits;
use crate::exchange::{Answer, Kind};
use crate::host::Forward;
use crate::problem::Problem;

/// - `F`, request id, time-out in ms, the same for the client's body, flags, binding, URL, whereabouts for the log, number of
///   request edits, request edits, answer edits. The flags are `w` for a WebSocket, `c` for what can be cancelled, and `g`
///   where it is sent as the gateway
/// - `R`, request id, answer edits
/// - `O`, request id, number of UTF-16 units of the next two together, status, answer edits, body
pub fn write(answer: &Answer<JsValue>, body_ms: u32) -> String {
    let edits = answer.edits.as_str();
    match &answer.kind {
        Kind::Forward(forward) => {
            let (id, whereabouts) = (&answer.request_id, &answer.whereabouts);
            let mut script = forward_head(forward, body_ms, id, whereabouts, edits.len());
            script.push_str(edits);
            script
        }
        Kind::Reply(_) => ["R\n", &answer.request_id, "\n", edits].concat(),
        Kind::Own { status, body } => own(*status, answer, body),
    }
}

/// The request's lines of a forward; also all of it where the gateway waits for the answer itself.
pub fn forward_head(
    forward: &Forward,
    body_ms: u32,
    request_id: &str,
    whereabouts: &str,
    room: usize,
) -> String {
    let edits = forward.edits.as_str();
    let mut script = String::with_capacity(
        edits
            .len()
            .saturating_add(forward.url.len())
            .saturating_add(whereabouts.len())
            .saturating_add(room)
            .saturating_add(80),
    );
    script.push_str("F\n");
    script.push_str(request_id);
    script.push('\n');
    number(&mut script, forward.timeout_ms);
    script.push('\n');
    number(&mut script, body_ms);
    script.push_str(if forward.websocket { "\nw" } else { "\n" });
    if forward.cancellable {
        script.push('c');
    }
    if forward.as_gateway {
        script.push('g');
    }
    script.push('\n');
    script.push_str(forward.binding.as_deref().unwrap_or_default());
    script.push('\n');
    script.push_str(&forward.url);
    script.push('\n');
    script.push_str(whereabouts);
    script.push('\n');
    number(&mut script, forward.edits.count());
    script.push('\n');
    script.push_str(edits);
    script
}

/// A problem that is answered before there is a plan to run through.
pub fn refused(problem: &Problem, request_id: String) -> Answer<JsValue> {
    let mut edits = Edits::default();
    edits.set("content-type", "application/problem+json");
    Answer {
        kind: Kind::Own {
            status: problem.status,
            body: problem.body(&request_id),
        },
        edits,
        log: problem.is_told().then(|| problem.log_line(&request_id, "")),
        whereabouts: String::new(),
        request_id,
        shadow: None,
        errand: None,
    }
}

fn own(status: u16, answer: &Answer<JsValue>, body: &str) -> String {
    let edits = answer.edits.as_str();
    // A status has three digits.
    let units = edits.encode_utf16().count().saturating_add(4);
    let room = edits.len().saturating_add(body.len()).saturating_add(60);
    let mut script = String::with_capacity(room);
    script.push_str("O\n");
    script.push_str(&answer.request_id);
    script.push('\n');
    number(&mut script, units);
    script.push('\n');
    number(&mut script, status);
    script.push('\n');
    script.push_str(edits);
    script.push_str(body);
    script
}

fn number(script: &mut String, number: impl ToString) {
    script.push_str(&number.to_string());
}
