// What the gateway asks for itself.

import { text_of } from './bodies.mjs';
import { entered } from './exchange.mjs';
import { apply } from './fields.mjs';
import { in_time } from './time.mjs';

export function fill(bytes) {
  crypto.getRandomValues(bytes);
}

// How long KV may take in milliseconds: a read that is not cached nearby takes a few hundred.
const KV_TIMEOUT = 3000;

export async function stored(namespace, key) {
  const bound = entered().env[namespace];
  if (bound === undefined) throw new Error(`KV namespace ${namespace} is not there`);
  return await in_time(bound.get(key), KV_TIMEOUT) ?? undefined;
}

// PBKDF2 with HMAC-SHA-256, 32 bytes. The salt is a view into memory that may move: it is copied before anything waits.
export async function derive(password, salt, iterations) {
  const params = { name: 'PBKDF2', hash: 'SHA-256', salt: salt.slice(), iterations };
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(await crypto.subtle.deriveBits(params, key, 256));
}

// Resolves to [status, fields as lines, body]. The time-out holds to the body's end.
export async function ask(method, url, binding, edits, body, timeout, most) {
  const { env } = entered();
  const lines = edits.split('\n');
  const headers = new Headers();
  apply(headers, lines, 0, lines.length - 1);
  const asked = binding === undefined ? globalThis : env[binding];
  if (asked === undefined) throw new Error(`service binding ${binding} is not there`);
  const aborter = new AbortController();
  const { signal } = aborter;
  const answered = asked.fetch(url, { method, headers, body, redirect: 'manual', signal });
  return in_time(answered.then((reply) => told(reply, most)), timeout, () => aborter.abort());
}

async function told(reply, most) {
  let fields = '';
  for (const [name, value] of reply.headers) fields += name + '\n' + value + '\n';
  return [reply.status, fields, await text_of(reply, most)];
}

// ---- what isolates of one place share ----

// The name of a text in the cache. No request from outside has this host.
function place(name) {
  return `https://causeway.invalid/${encodeURIComponent(name)}`;
}

export async function recall(name) {
  const kept = await caches.default.match(place(name));
  return kept === undefined ? undefined : await kept.text();
}

export async function remember(name, text, seconds) {
  await caches.default.put(place(name), new Response(text, { headers: { 'cache-control': `max-age=${seconds}` } }));
}
