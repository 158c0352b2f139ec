//! The objects of mirroring: a second server that is sent some of a path's requests.

use serde_json::json;

use super::Spanned;
use super::ast::Value;
use super::context::Context;
use super::object::{object, words};
use super::read::{Defs, Read, wrong_type};
use super::value::{Name, Whole};

object! {
    /// A second server that is sent some of a path's requests once more. No client sees its answers.
    pub struct MirrorObject {
        /// The alias of the other server.
        required server: Name<'a>,
        /// Percent of the requests.
        required percent: Whole<0, 100>,
        /// How many of them in a minute at most, for each isolate. 600 if nothing is said.
        optional max_per_minute: Whole<1, 60_000>,
        /// The methods of requests that are mirrored. If nothing is said, those that may be repeated: `GET` (and `HEAD` with it), `PUT`, `DELETE`, `OPTIONS`.
        optional methods: Vec<MirroredMethod>,
        /// Whether methods that must not be repeated, such as `POST`, are mirrored too: what they do is then done twice.
        optional unsafe_methods: Spanned<bool>,
        /// Milliseconds from sending to the end of the mirror's answer. 5000 if nothing is said.
        optional timeout_ms: Whole<1, 25_000>,
        /// The largest body in bytes, of a request to be mirrored and of an answer to be compared. 65536 if nothing is said.
        optional max_body_bytes: Whole<0, 1_048_576>,
        /// What of the two answers is compared; nothing if nothing is said.
        optional compare: CompareObject<'a>,
    }

    /// What of the two answers is compared.
    pub struct CompareObject {
        /// The status. `true` if nothing is said.
        optional status: Spanned<bool>,
        /// Names of header fields.
        optional headers: Vec<Name<'a>>,
        /// The body: `json` by what it means, `bytes` byte for byte, `false` not at all. `false` if nothing is said.
        optional body: BodyChoice,
        /// Parts of a JSON body that may differ, as JSON pointers such as `/generated_at`.
        optional ignore: Vec<Name<'a>>,
    }
}

words! {
    /// A method that may be mirrored.
    #[code = "unknown_value"]
    pub enum MirroredMethod {
        /// `HEAD` too.
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Delete = "DELETE",
        Options = "OPTIONS",
        Patch = "PATCH",
    }

    /// How bodies are compared.
    #[code = "unknown_value"]
    pub enum ComparisonWord {
        Json = "json",
        Bytes = "bytes",
    }
}

/// How bodies are compared, or `false` for not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyChoice(pub Option<ComparisonWord>);

impl<'a> Read<'a> for BodyChoice {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::BooleanLit(flag) if !flag.value => Some(BodyChoice(None)),
            Value::StringLit(_) => {
                ComparisonWord::read(node, cx).map(|word| BodyChoice(Some(word)))
            }
            other => wrong_type(other, "`\"json\"`, `\"bytes\"` or `false`", cx),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [ComparisonWord::schema(defs), { "const": false }] })
    }
}
