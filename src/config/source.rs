//! The names under which a worker looks for a config besides the bundle's.

/// The variable that goes before all else.
pub const SOURCE_VARIABLE: &str = "SAG_API_CONFIG_JSON";

/// The binding of the KV namespace that goes before the bundle.
pub const SOURCE_NAMESPACE: &str = "CONFIG";

/// The key in that namespace.
pub const SOURCE_KEY: &str = "api-config.json";

/// The key in it of what is drained; see [`crate::upstream::Drain`].
pub const DRAIN_KEY: &str = "causeway-drain";
