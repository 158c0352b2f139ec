// A config that stands in KV or in a variable, as bytes, which stay outside the gateway.

import { in_time, STORE_TIMEOUT } from './time.mjs';

const encoder = new TextEncoder();

// Whether the environment binds an object to this name, such as a KV namespace.
export function bound(env, name) {
  return typeof env[name] === 'object' && env[name] !== null;
}

// A key's text; undefined where the key is not there.
export async function stored_text(env, namespace, key) {
  return await in_time(env[namespace].get(key), STORE_TIMEOUT) ?? undefined;
}

// A key's value, and a digest that tells whether it changed; undefined where the key is not there.
export async function stored(env, namespace, key) {
  const value = await in_time(env[namespace].get(key, 'arrayBuffer'), STORE_TIMEOUT);
  if (value === null) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', value));
  return { bytes: new Uint8Array(value), digest: digest.join() };
}

export function bytes(text) {
  return encoder.encode(text);
}
