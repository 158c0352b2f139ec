//! What the gateway proves to a cloud.

mod assertion;
mod azure;
mod federation;
mod google;
mod lent;
mod oauth2;
mod token;

#[cfg(test)]
mod token_tests;

pub use azure::{Azure, is_tenant};
pub use federation::Federation;
pub use google::{Google, is_service_account};
pub use lent::{Lent, Loan};
pub use oauth2::OAuth2;
