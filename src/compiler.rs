//! The compiler of configs as a WebAssembly module of its own, for a worker whose config may come from KV or a variable.
//!
//! The gateway's module is smaller without it, and so quicker at a cold start; and what memory a compilation took is
//! given back with its instance, while memory of WebAssembly never shrinks.

use wasm_bindgen::prelude::*;

use crate::config::decode;
use crate::plan;

/// Compiles the text of a config to an [artifact](plan::Blueprint::to_bytes), and logs what is wrong with it under the name
/// of its source. `None` if it cannot be used, or has an error and `faulty` is not set.
#[wasm_bindgen]
pub fn compile(source: &str, text: Vec<u8>, faulty: bool) -> Option<Vec<u8>> {
    console_error_panic_hook::set_once();
    let text = match decode(text) {
        Ok(text) => text,
        Err(why) => {
            tell(source, &why);
            return None;
        }
    };
    let compiled = plan::compile(&text);
    drop(text);
    for line in compiled.diagnostics.lines(source) {
        match line.contains(": warning[") {
            true => console_warn(&line),
            false => console_error(&line),
        }
    }
    let good = !compiled.diagnostics.has_errors();
    match compiled.blueprint {
        Some(blueprint) if good || faulty => match blueprint.to_bytes() {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                tell(source, &error.to_string());
                None
            }
        },
        _ => {
            tell(source, "it has errors and is not used");
            None
        }
    }
}

fn tell(source: &str, why: &str) {
    console_error(&format!("config: {source}: {why}"));
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(line: &str);
    #[wasm_bindgen(js_namespace = console, js_name = warn)]
    fn console_warn(line: &str);
}
