//! The Host on Cloudflare Workers.

use wasm_bindgen::prelude::wasm_bindgen;

/// The plan's text: shows which plan is being served.
#[wasm_bindgen]
pub fn answer(method: &str, url: &str, plan: &[u8]) -> String {
    let plan = String::from_utf8_lossy(plan);
    format!("{method} {url}\n{plan}")
}

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}
