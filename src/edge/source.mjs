// A config that stands in KV or in a variable, as bytes, which stay outside the gateway.

const encoder = new TextEncoder();

// Whether the environment binds a KV namespace to this name.
export function bound(env, name) {
  return typeof env[name] === 'object' && env[name] !== null;
}

// A key's value, and a digest that tells whether it changed; undefined where the key is not there.
export async function stored(env, namespace, key) {
  const value = await env[namespace].get(key, 'arrayBuffer');
  if (value === null) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', value));
  return { bytes: new Uint8Array(value), digest: digest.join() };
}

export function bytes(text) {
  return encoder.encode(text);
}
