// Text across the border: into a buffer that the gateway keeps for it, and out of where the gateway left it. It saves
// what a string of wasm-bindgen costs each way: an allocation, its release, and a result of two numbers.

import * as gateway from './causeway.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

let memory;
let bytes;
let input;
let room;

// exports: those of a new instance.
export function connect(exports) {
  ({ memory } = exports);
  bytes = new Uint8Array(memory.buffer);
  room = 0;
}

// Hands text to the gateway; the answer is its length in bytes.
export function put(text) {
  const { length } = text;
  if (length * 3 > room) {
    room = Math.max(length * 3, 4096);
    input = gateway.input(room);
  }
  // When the memory grows, the old buffer is left empty.
  if (bytes.length === 0) bytes = new Uint8Array(memory.buffer);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return i + encoder.encodeInto(text.slice(i), bytes.subarray(input + i, input + room)).written;
    bytes[input + i] = code;
  }
  return length;
}

// The text of that many bytes that the gateway gave last.
export function take(length) {
  if (bytes.length === 0) bytes = new Uint8Array(memory.buffer);
  const at = gateway.output();
  return decoder.decode(bytes.subarray(at, at + length));
}
