//! The object of the `supabase` authorizer.

use super::Spanned;
use super::object::{object, words};
use super::value::{OneOrMany, TextValue, TokenPlace};

object! {
    /// How the gateway knows the caller: a token of a Supabase project. It needs `url`, `jwt_secret`, or, while a project
    /// moves from one to the other, both.
    pub struct SupabaseObject {
        /// `supabase`
        required kind = "type": SupabaseType,
        /// The project's URL, such as `https://PROJECT.supabase.co`: tokens are accepted that are signed with the keys that
        /// it publishes (ES256, RS256).
        optional url: TextValue,
        /// The project's JWT secret, best `$secret.NAME`: tokens are accepted that are signed with it (HS256).
        optional jwt_secret: TextValue,
        /// What `iss` must be, or one of which it must be. `/auth/v1` of the `url` if nothing is said.
        optional issuer: OneOrMany<TextValue>,
        /// What `aud` must hold, or one of which it must hold. `authenticated` if nothing is said.
        optional audience: OneOrMany<TextValue>,
        /// The project's anon or publishable key, which the integrations `supabase_*` use. `$secret.SUPABASE_ANON_KEY` if
        /// nothing is said.
        optional anon_key: TextValue,
        /// Where the token is looked for, in order. `bearer` if nothing is said.
        optional token_from: Vec<TokenPlace<'a>>,
        /// Whether the token goes on to whoever serves the request. `true` if nothing is said.
        optional forward_credential: Spanned<bool>,
    }
}

words! {
    /// The type of an authorizer by tokens of Supabase.
    #[code = "unknown_type"]
    pub enum SupabaseType {
        Supabase = "supabase",
    }
}
