// Signatures.

const hashed = (name, hash) => ({ name, hash: `SHA-${hash}` });
const curve = (hash) => [{ name: 'ECDSA', namedCurve: `P-${hash}` }, hashed('ECDSA', hash)];
const rsa = (hash) => [hashed('RSASSA-PKCS1-v1_5', hash), { name: 'RSASSA-PKCS1-v1_5' }];
// The salt is as long as the hash (RFC 7518 section 3.5).
const pss = (hash) => [hashed('RSA-PSS', hash), { name: 'RSA-PSS', saltLength: hash / 8 }];

// By algorithm: how its keys are imported, and how signatures are checked.
const ALGORITHMS = {
  RS256: rsa(256), RS384: rsa(384), RS512: rsa(512),
  PS256: pss(256), PS384: pss(384), PS512: pss(512),
  ES256: curve(256), ES384: curve(384),
  EdDSA: [{ name: 'Ed25519' }, { name: 'Ed25519' }],
};

// Imported keys by algorithm and JWK, so that each is imported once.
const imported = new Map();
const MOST_IMPORTED = 256;

// Message and signature are views of memory that is another's after this call: what is checked later is a copy.
export function verifies(algorithm, jwk, message, signature) {
  const [importing, checking] = ALGORITHMS[algorithm];
  const [signed, tag] = [message.slice(), signature.slice()];
  const name = algorithm + jwk;
  const key = imported.get(name);
  if (key !== undefined) return crypto.subtle.verify(checking, key, tag, signed);
  return imports(name, jwk, importing).then((key) => crypto.subtle.verify(checking, key, tag, signed));
}

async function imports(name, jwk, importing) {
  const key = await crypto.subtle.importKey('jwk', JSON.parse(jwk), importing, false, ['verify']);
  if (imported.size >= MOST_IMPORTED) imported.delete(imported.keys().next().value);
  imported.set(name, key);
  return key;
}

// ---- signatures by private keys ----

// Imported keys by algorithm and the thumbprint of their public half.
const signers = new Map();

// Key and message are copied before anything waits, as above.
export async function sign(algorithm, thumbprint, pkcs8, message) {
  const [importing, signing] = ALGORITHMS[algorithm];
  const text = message.slice();
  const name = algorithm + thumbprint;
  let key = signers.get(name);
  if (key === undefined) {
    key = await crypto.subtle.importKey('pkcs8', pkcs8.slice(), importing, false, ['sign']);
    if (signers.size >= MOST_IMPORTED) signers.delete(signers.keys().next().value);
    signers.set(name, key);
  }
  return new Uint8Array(await crypto.subtle.sign(signing, key, text));
}
