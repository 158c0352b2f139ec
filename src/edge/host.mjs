// What the gateway asks of the platform. Nothing is decided here: every decision comes out of the gateway as a script,
// lines of text, because one string is the cheapest thing to carry from WebAssembly to JavaScript.

import services from './services.mjs';
import { landed, unanswered } from './causeway.js';
import { step } from './tasks.mjs';
import { put } from './wire.mjs';

const PROBLEM = 'application/problem+json';
const REQUEST_ID = 'x-request-id';

// Names of fields: those that are not passed on, and those that are asked for by number.
let fromRequest = [];
let fromResponse = [];
let fields = [];

export function know(request, response, numbered) {
  fromRequest = request;
  fromResponse = response;
  fields = numbered;
}

// ---- what an exchange asks of its request and its environment ----

// The exchange that the gateway works on: { request, env, method, headers, body }, the last three read once.
let current;

export function enter(exchange) {
  current = exchange;
}

export function entered() {
  return current;
}

export function field(number) {
  const value = current.headers.get(fields[number]);
  return value === null ? -1 : put(value);
}

export function header(name) {
  return current.headers.get(name) ?? undefined;
}

// A line for each name, in lower case.
export function header_names(prefix) {
  let names = '';
  for (const name of current.headers.keys()) if (name.startsWith(prefix)) names += name + '\n';
  return names;
}

export function variable(name) {
  return variable_of(current.env, name);
}

export function variable_of(env, name) {
  const value = env[name];
  return typeof value === 'string' ? value : undefined;
}

export function client_certificate() {
  const told = current.request.cf?.tlsClientAuth;
  return told === undefined || told === null ? undefined : JSON.stringify(told);
}

export function fill(bytes) {
  crypto.getRandomValues(bytes);
}

// ---- calls of other code ----

// Resolves to [kind, value]: 'proceed', 'reply' with a Response, 'object' with JSON, or 'other' with a type's name.
export async function call(binding, name, edits, url, variables, context, reply) {
  const { env } = current;
  const subject = reply ?? edited(current, edits, url);
  let result;
  if (name === undefined) {
    const Service = services.get(binding);
    if (Service === undefined) throw new Error(`service ${binding} is not in the bundle`);
    result = await new Service().fetch(subject, JSON.parse(variables), JSON.parse(context));
  } else {
    const bound = env[binding];
    if (bound === undefined) throw new Error(`service binding ${binding} is not there`);
    result = await bound[name](subject, variables, context);
  }
  if (result === true) return ['proceed'];
  if (result instanceof Response) return ['reply', result];
  if (result !== null && typeof result === 'object') return ['object', JSON.stringify(result)];
  return ['other', result === null ? 'null' : typeof result];
}

function edited(exchange, edits, url) {
  const lines = edits.split('\n');
  const headers = outgoing(exchange, lines, 0, lines.length - 1);
  // The callee may read the body; what goes on to an upstream is the other branch.
  const { request } = exchange;
  const source = exchange.body === null ? request : request.clone();
  const seen = url === undefined ? source : new Request(url, source);
  return new Request(seen, { headers, redirect: 'manual' });
}

// The whole body of the request, if it is not longer than so many bytes. What goes on is the other branch.
export async function body(most) {
  const { request } = current;
  if (request.body === null) return new Uint8Array(0);
  if (current.kept !== undefined) return current.kept.byteLength > most ? undefined : new Uint8Array(current.kept);
  if (Number(request.headers.get('content-length') ?? 0) > most) return undefined;
  const chunks = [];
  let length = 0;
  for await (const chunk of request.clone().body) {
    length += chunk.byteLength;
    if (length > most) return undefined;
    chunks.push(chunk);
  }
  return joined(chunks, length);
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

// ---- what the gateway asks for itself ----

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// How long KV may take in milliseconds: a read that is not cached nearby takes a few hundred.
const KV_TIMEOUT = 3000;

export async function stored(namespace, key) {
  const bound = current.env[namespace];
  if (bound === undefined) throw new Error(`KV namespace ${namespace} is not there`);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), KV_TIMEOUT);
  });
  try {
    return await Promise.race([bound.get(key), late]) ?? undefined;
  } finally {
    clearTimeout(timer);
  }
}

// PBKDF2 with HMAC-SHA-256, 32 bytes. The salt is a view into memory that may move: it is copied before anything waits.
export async function derive(password, salt, iterations) {
  const params = { name: 'PBKDF2', hash: 'SHA-256', salt: salt.slice(), iterations };
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(await crypto.subtle.deriveBits(params, key, 256));
}

// Resolves to [status, fields as lines, body]. The time-out holds to the body's end.
export async function ask(method, url, binding, edits, body, timeout, most) {
  const { env } = current;
  const lines = edits.split('\n');
  const headers = new Headers();
  apply(headers, lines, 0, lines.length - 1);
  const asked = binding === undefined ? globalThis : env[binding];
  if (asked === undefined) throw new Error(`service binding ${binding} is not there`);
  const aborter = new AbortController();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new TimedOut());
      aborter.abort();
    }, timeout);
  });
  const { signal } = aborter;
  const answered = asked.fetch(url, { method, headers, body, redirect: 'manual', signal }).then(async (reply) => {
    const fields = [];
    for (const [name, value] of reply.headers) fields.push(name, value);
    return [reply.status, fields.map((text) => text + '\n').join(''), await whole(reply, most)];
  });
  // Where the time-out came first, nobody looks at this one any more.
  answered.catch(() => {});
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

// A body of at most so many bytes, as text; nothing of it where these are none.
async function whole(reply, most) {
  if (reply.body === null) return '';
  if (most === 0) {
    await reply.body.cancel();
    return '';
  }
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let length = 0;
  for await (const chunk of reply.body) {
    length += chunk.byteLength;
    if (length > most) throw new Error('the answer is too long');
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

// ---- signatures by public keys ----

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

// ---- sending on ----

// The number of what was sent last. It is not the gateway's: what an instance has sent may come back when that is gone,
// and must not be taken for what the next one has sent.
let last = 0;

// Begins to send. What comes of it is told to the gateway under the number that is answered: a response, the platform's
// error, or one that is_time_out knows. (A promise handed to the gateway would cost it two closures.)
export function depart(script) {
  const exchange = current;
  last = (last + 1) % 0x7fffffff;
  const number = last;
  const told = (outcome, failed) => {
    const task = landed(number, outcome, failed);
    if (task !== 0) step(task);
    else if (!failed) discard(outcome);
  };
  dispatch(exchange, script.split('\n'), number, (reply) => told(reply, false), (error) => told(error, true));
  return number;
}

class TimedOut extends Error {}

export function is_time_out(error) {
  return error instanceof TimedOut;
}

// By number, what ends a request that nobody may wait for any more.
const cancels = new Map();

export function cancel(number) {
  try {
    cancels.get(number)?.abort();
  } catch {
    // It belongs to a request that is over, and so is it.
  }
  cancels.delete(number);
}

// lines: F, request id, time-out in ms, flags, binding, URL, number of request edits, those edits, ...
// Tells one of the two, once, and later.
function dispatch(exchange, lines, number, resolve, reject) {
  const flags = lines[3];
  const aborter = flags.includes('c') ? new AbortController() : undefined;
  if (aborter !== undefined) cancels.set(number, aborter);
  // The time-out ends with the head: a body may take as long as it takes. Where nobody else is waited for, the fetch is
  // cancelled with the request it belongs to, so that no AbortController needs to be made.
  let over = false;
  const timer = setTimeout(() => {
    over = true;
    if (aborter !== undefined) cancel(number);
    reject(new TimedOut());
  }, Number(lines[2]));
  const ended = () => {
    clearTimeout(timer);
    if (aborter !== undefined) cancels.delete(number);
    return !over;
  };
  fetched(exchange, lines, aborter?.signal).then(
    (reply) => {
      if (!ended()) discard(reply);
      else if (reply.status === 101 && reply.webSocket === null) reject(new Error('it switched protocols without being asked'));
      else resolve(reply);
    },
    (error) => {
      if (ended()) reject(error);
    },
  );
}

function fetched(exchange, lines, signal) {
  const { method } = exchange;
  const [url, binding] = [lines[5], lines[4]];
  const to = binding === '' ? globalThis : exchange.env[binding];
  if (to === undefined) return Promise.reject(new Error(`binding ${binding} is not there`));
  const headers = outgoing(exchange, lines, EDITS, afterEdits(lines));
  if (lines[3].includes('w')) headers.set('upgrade', 'websocket');
  const body = bodyOf(exchange);
  // fetch(url, init) refuses a body on GET and HEAD; a Request made from a Request keeps it.
  if (body !== null && (method === 'GET' || method === 'HEAD')) {
    return to.fetch(new Request(url, exchange.request), { headers, redirect: 'manual', signal });
  }
  return to.fetch(url, { method, headers, body, redirect: 'manual', signal });
}

// A body that a callee has read a branch of is not the one of the beginning.
function bodyOf(exchange) {
  if (exchange.kept !== undefined) return exchange.kept;
  return exchange.body === null ? null : exchange.request.body;
}

// Whether the client's body, of at most so many bytes, is at hand to be sent more than once.
export async function keep_body(most) {
  const exchange = current;
  if (exchange.body === null || exchange.kept !== undefined) return true;
  const { request, method } = exchange;
  // No way leads to a GET with bytes for a body: it is sent once, as it came.
  if (method === 'GET' || method === 'HEAD') return false;
  if (!(Number(request.headers.get('content-length') ?? Infinity) <= most)) return false;
  exchange.kept = await request.arrayBuffer();
  return true;
}

export function status(reply) {
  return reply.status;
}

export function reply_field(reply, name) {
  return reply.headers.get(name) ?? undefined;
}

// The body is teed: each of the two has all of it, and neither waits for the other.
export function copy(reply) {
  return reply.clone();
}

// The whole body of a response, decoded, if it is not longer than so many bytes.
export async function read(reply, most, timeout) {
  if (reply.body === null) return new Uint8Array(0);
  const reader = reply.body.getReader();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut('it took too long')), timeout);
  });
  const chunks = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return joined(chunks, length);
      length += value.byteLength;
      if (length > most) return undefined;
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}

// Nobody reads it: its connection is free again.
export function discard(reply) {
  reply.body?.cancel().catch(() => {});
  reply.webSocket?.accept();
  reply.webSocket?.close();
}

export function geography() {
  const { colo, country, continent, latitude, longitude } = current.request.cf ?? {};
  return [colo, country, continent, latitude, longitude].map((one) => one ?? '').join('\n');
}

// Where the request's edits begin in a script, and where they end.
const EDITS = 7;

function afterEdits(lines) {
  return EDITS + 2 * Number(lines[6]);
}

function outgoing(exchange, lines, from, to) {
  const headers = new Headers(exchange.headers);
  for (let i = 0; i < fromRequest.length; i++) headers.delete(fromRequest[i]);
  apply(headers, lines, from, to);
  return headers;
}

// ---- answering ----

// Turns the gateway's script into the response.
export function answer(exchange, script, reply) {
  switch (script[0]) {
    case 'F': return forward(exchange, script.split('\n'));
    case 'R': return handedOn(reply, script.split('\n'), 2);
    default: return own(script);
  }
}

async function forward(exchange, lines) {
  const edits = afterEdits(lines);
  try {
    const reply = await new Promise((resolve, reject) => dispatch(exchange, lines, 0, resolve, reject));
    return handedOn(reply, lines, edits);
  } catch (error) {
    const [status, body] = unanswered(is_time_out(error), String(error?.message ?? error), lines[1]).split('\n');
    const headers = new Headers();
    apply(headers, lines, edits, lines.length - 1);
    headers.set('content-type', PROBLEM);
    headers.set(REQUEST_ID, lines[1]);
    return new Response(body, { status: Number(status), headers });
  }
}

// The body is handed through as it comes, encoded or not; a WebSocket goes with it.
function handedOn(reply, lines, from) {
  const response = new Response(reply.body, reply);
  const { headers } = response;
  const connection = headers.get('connection');
  if (connection !== null) for (const name of connection.split(',')) headers.delete(name.trim());
  for (let i = 0; i < fromResponse.length; i++) headers.delete(fromResponse[i]);
  headers.set(REQUEST_ID, lines[1]);
  apply(headers, lines, from, lines.length - 1);
  return response;
}

// Fields of the gateway's own answers, by status and edits: the same ones come again and again, and a copy is cheaper
// than to write them one by one.
const written = new Map();
const MOST_WRITTEN = 256;

// script: O, request id, length of status and edits, status, edits, body
function own(script) {
  const idEnds = script.indexOf('\n', 2);
  const headEnds = script.indexOf('\n', idEnds + 1);
  const bodyAt = headEnds + 1 + Number(script.slice(idEnds + 1, headEnds));
  const key = script.slice(headEnds + 1, bodyAt);
  let head = written.get(key);
  if (head === undefined) {
    const lines = key.split('\n');
    const headers = new Headers();
    apply(headers, lines, 1, lines.length - 1);
    const status = Number(lines[0]);
    head = { status, headers, empty: status === 204 || status === 205 || status === 304 };
    // What is told to one browser alone comes once.
    if (!key.includes('\n+set-cookie\n')) {
      if (written.size === MOST_WRITTEN) written.clear();
      written.set(key, head);
    }
  }
  const response = new Response(head.empty ? null : script.slice(bodyAt), head);
  response.headers.set(REQUEST_ID, script.slice(2, idEnds));
  return response;
}

const SET = 0x3d; // =
const REMOVE = 0x2d; // -

function apply(headers, lines, from, to) {
  for (let i = from; i < to; i += 2) {
    const line = lines[i];
    const mark = line.charCodeAt(0);
    const name = line.slice(1);
    if (mark === SET) headers.set(name, lines[i + 1]);
    else if (mark === REMOVE) headers.delete(name);
    else headers.append(name, lines[i + 1]);
  }
}

// The gateway itself failed: this one answer is made without it.
export function crashed(error) {
  const id = crypto.randomUUID().replaceAll('-', '');
  const reason = String(error?.stack ?? error);
  console.error(JSON.stringify({ level: 'error', request_id: id, status: 500, code: 'internal_error', blame: 'gateway', reason }));
  const detail = 'The gateway failed on this request.';
  const problem = {
    type: 'about:blank', title: 'Internal Server Error', status: 500, detail, code: 'internal_error', error: detail, message: detail,
    request_id: id,
  };
  return new Response(JSON.stringify(problem), { status: 500, headers: { 'content-type': PROBLEM, 'x-request-id': id } });
}
