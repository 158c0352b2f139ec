// A config that stands in KV or in a variable, as bytes, which stay outside the gateway.

const encoder = new TextEncoder();

// Whether the environment binds an object to this name, such as a KV namespace.
export function bound(env, name) {
  return typeof env[name] === 'object' && env[name] !== null;
}

// How long a store may take in milliseconds. What nobody waits for any more is cut off by the platform, and then it would
// neither come nor fail.
const TIMEOUT = 10000;

export async function in_time(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), TIMEOUT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// A key's text; undefined where the key is not there.
export async function stored_text(env, namespace, key) {
  return await in_time(env[namespace].get(key)) ?? undefined;
}

// A key's value, and a digest that tells whether it changed; undefined where the key is not there.
export async function stored(env, namespace, key) {
  const value = await in_time(env[namespace].get(key, 'arrayBuffer'));
  if (value === null) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', value));
  return { bytes: new Uint8Array(value), digest: digest.join() };
}

export function bytes(text) {
  return encoder.encode(text);
}
