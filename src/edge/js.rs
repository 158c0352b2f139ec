//! What the host asks of JavaScript, by the file that answers.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(raw_module = "./exchange.mjs")]
extern "C" {
    /// The length of the text that is put, or -1.
    pub fn field(number: usize) -> i32;
    pub fn header(name: &str) -> Option<String>;
    /// 0 where it is not through.
    pub fn uploaded_ms() -> f64;
    pub fn variable(name: &str) -> Option<String>;
    pub fn variable_of(env: &JsValue, name: &str) -> Option<String>;
    pub fn client_certificate() -> Option<String>;
    /// Lines: location of Cloudflare, country, continent, degrees north and east.
    pub fn geography() -> String;
}

#[wasm_bindgen(raw_module = "./bodies.mjs")]
extern "C" {
    #[wasm_bindgen(catch)]
    pub async fn read(reply: &JsValue, max_bytes: u32, timeout_ms: u32)
    -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn keep_body(max_bytes: u32, timeout_ms: u32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn body(max_bytes: usize, timeout_ms: u32) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(raw_module = "./sending.mjs")]
extern "C" {
    pub fn status(reply: &JsValue) -> u16;
    pub fn reply_field(reply: &JsValue, name: &str) -> Option<String>;
    pub fn copy(reply: &JsValue) -> JsValue;
    pub fn discard(reply: &JsValue);
    pub fn cancel(number: u32);
    /// Begins to send; the number under which what comes of it is told.
    pub fn depart(script: &str) -> u32;
}

#[wasm_bindgen(raw_module = "./trouble.mjs")]
extern "C" {
    /// What kind of error it is; see `send_error` and `unread`.
    pub fn trouble(error: &JsValue) -> u8;
}

#[wasm_bindgen(raw_module = "./time.mjs")]
extern "C" {
    #[wasm_bindgen(catch)]
    pub async fn sleep(ms: u32) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(raw_module = "./platform.mjs")]
extern "C" {
    pub fn fill(bytes: &mut [u8]);
    #[wasm_bindgen(catch)]
    pub async fn stored(namespace: &str, key: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn derive(password: &str, salt: &[u8], iterations: u32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn ask(
        method: &str,
        url: &str,
        binding: Option<&str>,
        fields: &str,
        body: Option<&str>,
        timeout_ms: u32,
        max_bytes: usize,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn recall(name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn remember(name: &str, text: &str, seconds: u32) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(raw_module = "./keys.mjs")]
extern "C" {
    #[wasm_bindgen(catch)]
    pub async fn verifies(
        algorithm: &str,
        jwk: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn sign(
        algorithm: &str,
        name: &str,
        pkcs8: &[u8],
        message: &[u8],
    ) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(raw_module = "./calls.mjs")]
extern "C" {
    #[wasm_bindgen(catch)]
    pub async fn call(
        owner: &str,
        function: Option<&str>,
        edits: &str,
        url: Option<&str>,
        variables: &str,
        context: &str,
        reply: JsValue,
    ) -> Result<JsValue, JsValue>;
}
