//! Scripts: how an answer is told to `host.mjs`, as lines of one string.

use wasm_bindgen::JsValue;

use crate::edits::Edits;
use crate::exchange::{Answer, Kind};
use crate::host::Forward;
use crate::problem::Problem;

/// - `F`, time-out in ms, `w` for a WebSocket, URL, number of lines of request edits, request id, request edits,
///   answer edits
/// - `R`, answer edits
/// - `O`, status, number of lines of answer edits, those edits, body
pub fn write(answer: &Answer<JsValue>) -> String {
    let edits = answer.edits.as_str();
    match &answer.kind {
        Kind::Forward(forward) => {
            let mut script = forward_head(forward, &answer.request_id, edits.len());
            script.push_str(edits);
            script
        }
        Kind::Reply(_) => format!("R\n{edits}"),
        Kind::Own { status, body } => own(*status, &answer.edits, body),
    }
}

/// The request's lines of a forward; also all of it where the gateway waits for the answer itself.
pub fn forward_head(forward: &Forward, request_id: &str, room: usize) -> String {
    let edits = forward.edits.as_str();
    let mut script = String::with_capacity(
        edits
            .len()
            .saturating_add(forward.url.len())
            .saturating_add(room)
            .saturating_add(80),
    );
    script.push_str("F\n");
    script.push_str(&forward.timeout_ms.to_string());
    script.push_str(if forward.websocket { "\nw\n" } else { "\n\n" });
    script.push_str(&forward.url);
    script.push('\n');
    script.push_str(&lines(&forward.edits).to_string());
    script.push('\n');
    script.push_str(request_id);
    script.push('\n');
    script.push_str(edits);
    script
}

/// A problem that is answered before there is a plan to run through.
pub fn refused(problem: &Problem, request_id: String) -> Answer<JsValue> {
    let mut edits = Edits::default();
    edits.set("content-type", "application/problem+json");
    edits.set("x-request-id", &request_id);
    Answer {
        kind: Kind::Own {
            status: problem.status,
            body: problem.body(&request_id),
        },
        edits,
        log: problem
            .reason
            .is_some()
            .then(|| problem.log_line(&request_id)),
        request_id,
    }
}

fn own(status: u16, edits: &Edits, body: &str) -> String {
    format!("O\n{status}\n{}\n{}{body}", lines(edits), edits.as_str())
}

fn lines(edits: &Edits) -> usize {
    edits.as_str().bytes().filter(|b| *b == b'\n').count()
}
