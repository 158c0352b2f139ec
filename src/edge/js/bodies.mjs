// Bodies that the gateway reads, of clients and of upstreams.

import { entered } from './exchange.mjs';
import { in_time } from './time.mjs';
import { ClientBody, LATE, NoRoom, words } from './trouble.mjs';

// What the clients' bodies of an isolate that are held whole may come to, in bytes: it has 128 MB in all.
const ROOM = 33_554_432;
let held = 0;

// No way leads to a GET with bytes for a body: it goes on as it came.
export function is_bodiless(method) {
  return method === 'GET' || method === 'HEAD';
}

// The whole body of the request, if it is not longer than so many bytes and here within so many milliseconds.
export async function body(most, timeout) {
  const exchange = entered();
  if (exchange.body === null) return new Uint8Array(0);
  if (exchange.kept === undefined) {
    // What was too long for somebody else cannot be read again.
    if (exchange.request.bodyUsed) return undefined;
    const whole = await held_whole(exchange, most, timeout);
    if (whole === undefined || is_bodiless(exchange.method)) return whole;
    exchange.kept = whole;
  }
  return exchange.kept.byteLength > most ? undefined : exchange.kept;
}

// Whether the client's body, of at most so many bytes, is at hand to be sent more than once. One for which there is no
// room is sent once.
export async function keep_body(most, timeout) {
  const exchange = entered();
  if (exchange.body === null || exchange.kept !== undefined) return true;
  const { method, length } = exchange;
  if (is_bodiless(method) || !(Number(length ?? Infinity) <= most) || held + Number(length) > ROOM) return false;
  exchange.kept = await held_whole(exchange, most, timeout);
  return exchange.kept !== undefined;
}

async function held_whole(exchange, most, timeout) {
  const { request, length, method } = exchange;
  if (Number(length ?? 0) > most) return undefined;
  const reader = (is_bodiless(method) ? request.clone() : request).body.getReader();
  const stop = () => reader.cancel().catch(() => {});
  try {
    return await in_time(gathered(reader, most, (bytes) => hold(exchange, bytes)), timeout, stop, () => new ClientBody(true, LATE));
  } catch (error) {
    stop();
    throw error instanceof ClientBody || error instanceof NoRoom ? error : new ClientBody(false, words(error));
  }
}

// Counts what an exchange holds, and lets go of it when that is over.
function hold(exchange, bytes) {
  // It may be over before its body has come.
  if (exchange.over) throw new ClientBody(false, 'the client has left');
  if (held + bytes > ROOM) throw new NoRoom('too many bodies are held at once');
  held += bytes;
  exchange.held += bytes;
}

export function let_go(exchange) {
  held -= exchange.held;
  exchange.held = 0;
  exchange.over = true;
}

// The whole body of a response, decoded, if it is not longer than so many bytes.
export async function read(reply, most, timeout) {
  if (reply.body === null) return new Uint8Array(0);
  const reader = reply.body.getReader();
  return in_time(gathered(reader, most), timeout, () => reader.cancel().catch(() => {}));
}

// The whole of it as text; nothing where these are no bytes, an error where they are more.
export async function text_of(reply, most) {
  if (reply.body === null) return '';
  if (most === 0) {
    await reply.body.cancel();
    return '';
  }
  const bytes = await gathered(reply.body.getReader(), most);
  if (bytes === undefined) throw new Error('the answer is too long');
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

// All that a reader brings, in one buffer that grows; nothing where that is more than `most` bytes. `count` is told by how
// much it grows.
async function gathered(reader, most, count) {
  let room = new ArrayBuffer(0);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(room, 0, length);
    const before = length;
    length += value.byteLength;
    if (length > most) {
      reader.cancel().catch(() => {});
      return undefined;
    }
    if (length > room.byteLength) {
      const wanted = Math.min(most, Math.max(length, 2 * room.byteLength));
      count?.(wanted - room.byteLength);
      room = room.transfer(wanted);
    }
    new Uint8Array(room).set(value, before);
  }
}
