//! What the black-box tests share: the built worker, in workerd, with a config.

use std::path::PathBuf;
use std::sync::OnceLock;

use peers::{Gateway, Options};

/// The release worker; the first test to ask for it builds it.
pub fn worker() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| xtask::build(xtask::Profile::Release).expect("the worker builds"))
        .clone()
}

/// The gateway with a config and the options' own choice of source and bindings.
pub fn gateway(config: &str, options: Options) -> Gateway {
    Gateway::start(config, options.folder(worker()))
}
