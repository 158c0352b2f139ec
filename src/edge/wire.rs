//! Text across the border, beside `wire.mjs`: JavaScript writes what comes in into a buffer that is kept for it, and
//! reads what goes out where it was left.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Where to write text of up to `room` bytes.
#[wasm_bindgen]
pub fn input(room: usize) -> *const u8 {
    INPUT.with_borrow_mut(|input| {
        input.resize(room, 0);
        input.as_ptr()
    })
}

/// The text of `length` bytes that was written last; empty if it is none.
pub fn received(length: usize) -> String {
    INPUT.with_borrow(|input| {
        let bytes = input.get(..length).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default().to_owned()
    })
}

/// Leaves text to be read; the answer is its length in bytes.
pub fn give(text: String) -> usize {
    let length = text.len();
    OUTPUT.set(text);
    length
}

/// Where the text begins that was given last.
#[wasm_bindgen]
pub fn output() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}
