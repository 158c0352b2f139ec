//! Calls of other code: what it is told, and what its answers become.

use serde_json::{Map, Value};

use super::act::Exchange;
use crate::auth::Claims;
use crate::edits::Edits;
use crate::exchange::{Kind, Request};
use crate::host::{Call, Called, Callee, Host, SendError};
use crate::http::Method;
use crate::plan::Hook;
use crate::policy::mapping::percent_decode;
use crate::problem::{Problem, json_string};

impl<H: Host> Exchange<'_, H> {
    /// Asks a `pre_process` hook; `Some` is its answer in place of the path's.
    pub async fn guard(&self, hook: &Hook) -> Result<Option<H::Reply>, Problem> {
        match self.call_hook(hook, None).await? {
            Called::Proceed => Ok(None),
            Called::Reply(reply) => Ok(Some(reply)),
            called => Err(Problem::hook(format!(
                "pre_process answered {}, neither true nor a response",
                called.kind()
            ))),
        }
    }

    pub(super) async fn finish(
        &self,
        reply: H::Reply,
        post: Option<&Hook>,
    ) -> Result<Kind<H::Reply>, Problem> {
        match post {
            None => Ok(Kind::Reply(reply)),
            Some(hook) => self.post_process(hook, reply).await,
        }
    }

    async fn post_process(&self, hook: &Hook, reply: H::Reply) -> Result<Kind<H::Reply>, Problem> {
        match self.call_hook(hook, Some(reply)).await? {
            Called::Reply(reply) => Ok(Kind::Reply(reply)),
            _ => Err(Problem::hook("post_process did not answer a response")),
        }
    }

    pub(super) async fn answer_of(
        &self,
        called: Called<H::Reply>,
        post: Option<&Hook>,
        edits: &mut Edits,
    ) -> Result<Kind<H::Reply>, Problem> {
        match called {
            Called::Reply(reply) => self.finish(reply, post).await,
            _ if post.is_some() => Err(Problem::hook(
                "a function whose answer is post-processed must answer a response",
            )),
            Called::Object(json) => enveloped(&json, edits),
            Called::Text(text) => Ok(json_answer(200, text, edits)),
            Called::Null => Ok(json_answer(200, String::new(), edits)),
            Called::Proceed | Called::Other(_) => {
                let line = format!(
                    "{{\"level\":\"warn\",\"request_id\":\"{}\",\"event\":\"answer_unusable\",\"path\":{},\"kind\":{}}}",
                    self.request_id,
                    json_string(&self.path.pattern),
                    json_string(called.kind()),
                );
                self.aside.notes.borrow_mut().push(line);
                Ok(json_answer(400, String::new(), edits))
            }
        }
    }

    pub(super) async fn call_hook(
        &self,
        hook: &Hook,
        reply: Option<H::Reply>,
    ) -> Result<Called<H::Reply>, Problem> {
        let binding = self.plan.bindings.get(usize::from(hook.binding));
        let binding =
            binding.ok_or_else(|| Problem::config("the path names a binding that is not there"))?;
        let callee = Callee::Binding {
            binding: &binding.binding,
            function: &hook.function,
        };
        self.call(callee, &hook.env, reply).await
    }

    pub(super) async fn call(
        &self,
        callee: Callee<'_>,
        env: &[String],
        reply: Option<H::Reply>,
    ) -> Result<Called<H::Reply>, Problem> {
        let edits = self.request_edits();
        let call = Call {
            callee,
            edits: &edits,
            url: self.request_url(),
            env: self.named_variables(env)?,
            context: self.context(),
        };
        self.host
            .call(call, reply)
            .await
            .map_err(|error| match error {
                SendError::Unreachable(reason) => Problem::hook(reason),
                error => super::unanswered(error),
            })
    }

    fn named_variables(&self, names: &[String]) -> Result<String, Problem> {
        let mut env = Map::new();
        for name in names {
            let value = self
                .host
                .variable(name)
                .ok_or_else(|| Problem::config(format!("the variable {name} is not set")))?;
            env.insert(name.clone(), value.into());
        }
        Ok(Value::Object(env).to_string())
    }

    /// Under the gateway's own names, and under those that the predecessor's functions read.
    fn context(&self) -> String {
        let params: Map<_, _> = self
            .matched
            .params()
            .map(|(name, value)| (name.to_owned(), percent_decode(value).into()))
            .collect();
        let params = Value::Object(params).to_string();
        let path = json_string(&self.path.pattern);
        let claims = self
            .claims
            .map_or_else(|| "null".to_owned(), Claims::to_json);
        let Request {
            scheme,
            authority,
            target,
            ..
        } = self.request;
        let url = self.request_url();
        let url = url.unwrap_or_else(|| [scheme, "://", authority, target].concat());
        [
            "{\"request_id\":\"",
            self.request_id,
            "\",\"path\":",
            &path,
            ",\"params\":",
            &params,
            ",\"jwt\":",
            &claims,
            ",\"jwtPayload\":",
            &claims,
            ",\"requestUrl\":",
            &json_string(&url),
            ",\"matchedPath\":{\"config\":{\"method\":\"",
            self.path.method.map_or("ANY", Method::as_str),
            "\",\"path\":",
            &path,
            "},\"matchResult\":{\"params\":",
            &params,
            "}}}",
        ]
        .concat()
    }

    /// The client's URL, where a credential is taken out of it.
    fn request_url(&self) -> Option<String> {
        let Request {
            scheme,
            authority,
            target,
            ..
        } = self.request;
        let (path, query) = target.split_once('?')?;
        let seen = self.withheld.query(query);
        if seen.as_deref() == Some(query) {
            return None;
        }
        let (mark, query) = seen.as_deref().map_or(("", ""), |query| ("?", query));
        Some([scheme, "://", authority, path, mark, query].concat())
    }
}

/// The predecessor's envelope around an object that a bound function answers.
pub(super) fn enveloped<R>(json: &str, edits: &mut Edits) -> Result<Kind<R>, Problem> {
    let mut object: Map<String, Value> = serde_json::from_str(json)
        .map_err(|_| Problem::hook("the function's answer is not JSON"))?;
    let mut taken = |name: &str| object.remove(name).filter(is_truthy);
    let (status, error, message) = (taken("statusCode"), taken("error"), taken("message"));
    let (word, usual, sentence) = match error {
        None => ("success", 200, "Operation completed successfully."),
        Some(_) => ("error", 500, "An error occurred."),
    };
    let status = match status {
        None => Some(usual),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(number) => number.as_f64().map(|number| number as u16),
    };
    let status = status.filter(|status| (200..=599).contains(status));
    let status =
        status.ok_or_else(|| Problem::hook("the function's statusCode is not a status"))?;
    let mut envelope = Map::new();
    envelope.insert("status".into(), word.into());
    let message = message.unwrap_or_else(|| sentence.into());
    envelope.insert("message".into(), message);
    match error {
        None => envelope.insert("data".into(), object.into()),
        Some(error) => envelope.insert("error".into(), error),
    };
    Ok(json_answer(
        status,
        Value::Object(envelope).to_string(),
        edits,
    ))
}

fn json_answer<R>(status: u16, body: String, edits: &mut Edits) -> Kind<R> {
    edits.set("content-type", "application/json");
    Kind::Own { status, body }
}

/// As JavaScript has it: the predecessor's functions are written in that.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_put_into_the_predecessor_s_envelope() {
        let done = "Operation completed successfully.";
        let failed = "An error occurred.";
        for (answered, status, body) in [
            (
                json!({}),
                200,
                json!({ "status": "success", "message": done, "data": {} }),
            ),
            (
                json!({ "users": [1], "total": 1 }),
                200,
                json!({ "status": "success", "message": done, "data": { "users": [1], "total": 1 } }),
            ),
            (
                json!({ "message": "m", "data": 1, "statusCode": 404, "status": "error", "error": null }),
                404,
                json!({ "status": "success", "message": "m", "data": { "data": 1, "status": "error" } }),
            ),
            (
                json!({ "message": "", "statusCode": 0, "error": "" }),
                200,
                json!({ "status": "success", "message": done, "data": {} }),
            ),
            (
                json!({ "error": { "f": 1 }, "data": 1, "statusCode": "422" }),
                422,
                json!({ "status": "error", "message": failed, "error": { "f": 1 } }),
            ),
            (
                json!({ "error": true, "message": { "m": 1 } }),
                500,
                json!({ "status": "error", "message": { "m": 1 }, "error": true }),
            ),
        ] {
            let kind = enveloped::<()>(&answered.to_string(), &mut Edits::default()).unwrap();
            let Kind::Own {
                status: told,
                body: text,
            } = kind
            else {
                panic!("{answered}");
            };
            let text: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((told, text), (status, body), "{answered}");
        }
        for status in [
            json!(99),
            json!(600),
            json!(-1),
            json!("x"),
            json!([200]),
            json!(65736),
        ] {
            let answered = json!({ "statusCode": status }).to_string();
            let refused = enveloped::<()>(&answered, &mut Edits::default());
            assert_eq!(refused.map_err(|p| p.code), Err("hook_failed"), "{status}");
        }
    }
}
