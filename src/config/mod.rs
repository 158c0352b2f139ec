//! What a person writes: `api-config.json` as text, with the place of every value kept.
//!
//! The file is JSON in which comments and trailing commas are allowed. Each object of the format is written once,
//! in `document`, and that definition is its reader and its JSON Schema. Reading never stops at the first
//! mistake: what is wrong goes to a [`Context`], and what can be understood is read on.
//!
//! ```text
//! text --parse--> syntax tree --read--> Document --plan::compile--> Blueprint
//! ```
//!
//! The whole text is checked for its syntax first. Of an element of `paths` there is a tree only while it is compiled:
//! there may be 100,000 of them.
//!
//! Nothing here panics, whatever the text is; documents are bounded by [`MAX_BYTES`] and by a nesting of 512,
//! of which an object takes two levels.

mod asked;
pub mod ast;
mod authorizer;
mod context;
mod credential;
mod diagnostic;
mod document;
#[cfg(not(target_arch = "wasm32"))]
mod draw;
mod health;
mod identity;
mod identity_token;
mod login;
mod method;
mod mirror;
mod object;
mod parser;
mod place;
mod preset;
mod read;
mod redact;
mod reference;
mod require;
mod scanner;
mod schema;
mod server;
#[cfg(not(target_arch = "wasm32"))]
mod simulation;
mod source;
mod suggest;
mod supabase;
mod syntax;
mod value;
mod when;

pub use asked::*;
pub use authorizer::*;
pub use context::Context;
pub use credential::*;
pub use diagnostic::{Diagnostic, Diagnostics, Note, SHOWN, Severity, Span};
pub use document::*;
#[cfg(not(target_arch = "wasm32"))]
pub use draw::draw;
pub use health::*;
pub use identity::*;
pub use identity_token::*;
pub use login::*;
pub use method::PathMethod;
pub use mirror::*;
pub use preset::*;
pub use read::{Defs, Entries, Field, Items, Lazy, OneByOne, Read, Spanned, read_all};
pub use redact::blanked;
pub use reference::{check_references, unread_reference, url_without_blanks};
pub use require::*;
pub use schema::schema;
pub use server::*;
#[cfg(not(target_arch = "wasm32"))]
pub use simulation::*;
pub use source::{DRAIN_KEY, SOURCE_KEY, SOURCE_NAMESPACE, SOURCE_VARIABLE};
pub use suggest::closest;
pub use supabase::*;
pub use syntax::{MAX_BYTES, decode, parse, without_byte_order_mark};
pub use value::{AuthChoice, JsonBody, Name, OneOrMany, Scalar, TextValue, TokenPlace, Whole};
pub use when::{Wanted, WhenObject};
