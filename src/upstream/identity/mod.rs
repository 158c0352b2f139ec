//! What the gateway proves to a cloud.

mod lent;

pub use lent::{Lent, Loan};
