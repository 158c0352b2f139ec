// Bodies that the gateway reads, of clients and of upstreams.

import { entered } from './exchange.mjs';
import { in_time } from './time.mjs';

// The whole body of the request, if it is not longer than so many bytes. What goes on is the other branch.
export async function body(most) {
  const { request, kept } = entered();
  if (request.body === null) return new Uint8Array(0);
  if (kept !== undefined) return kept.byteLength > most ? undefined : new Uint8Array(kept);
  if (Number(request.headers.get('content-length') ?? 0) > most) return undefined;
  return gathered(request.clone().body.getReader(), most);
}

// What is sent on. A body that a callee has read a branch of is not the one of the beginning.
export function body_of(exchange) {
  if (exchange.kept !== undefined) return exchange.kept;
  return exchange.body === null ? null : exchange.request.body;
}

// Whether the client's body, of at most so many bytes, is at hand to be sent more than once.
export async function keep_body(most) {
  const exchange = entered();
  if (exchange.body === null || exchange.kept !== undefined) return true;
  const { request, method } = exchange;
  // No way leads to a GET with bytes for a body: it is sent once, as it came.
  if (method === 'GET' || method === 'HEAD') return false;
  if (!(Number(request.headers.get('content-length') ?? Infinity) <= most)) return false;
  exchange.kept = await request.arrayBuffer();
  return true;
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

async function gathered(reader, most) {
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, length);
    length += value.byteLength;
    if (length > most) {
      reader.cancel().catch(() => {});
      return undefined;
    }
    chunks.push(value);
  }
}

function joined(chunks, length) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
