// What the gateway asks of the platform. Nothing is decided here: every decision comes out of the gateway as a script,
// lines of text, because one string is the cheapest thing to carry from WebAssembly to JavaScript.

import services from './services.mjs';
import { unanswered } from './causeway.js';

const PROBLEM = 'application/problem+json';

// Names of fields that are not passed on.
let fromRequest = [];
let fromResponse = [];

export function remove(request, response) {
  fromRequest = request;
  fromResponse = response;
}

// ---- what an exchange asks of its request and its environment ----

export function header(request, name) {
  return request.headers.get(name) ?? undefined;
}

export function variable(env, name) {
  const value = env[name];
  return typeof value === 'string' ? value : undefined;
}

export function fill(bytes) {
  crypto.getRandomValues(bytes);
}

// ---- calls of other code ----

// Resolves to [kind, value]: 'proceed', 'reply' with a Response, 'object' with JSON, or 'other' with a type's name.
export async function call(request, env, binding, name, edits, variables, context, reply) {
  const subject = reply ?? edited(request, edits);
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

function edited(request, edits) {
  const lines = edits.split('\n');
  const headers = outgoing(request, lines, 0, lines.length - 1);
  // The callee may read the body; what goes on to an upstream is the other branch.
  const source = request.body === null ? request : request.clone();
  return new Request(source, { headers, redirect: 'manual' });
}

// ---- sending on ----

// Rejects with the platform's error, or so that is_time_out knows it.
export function send(request, script) {
  return dispatch(request, script.split('\n'));
}

class TimedOut extends Error {}

export function is_time_out(error) {
  return error instanceof TimedOut;
}

// lines: F, time-out in ms, websocket mark, URL, number of lines of request edits, request id, those edits, ...
function dispatch(request, lines) {
  const { method, body } = request;
  const headers = outgoing(request, lines, 6, 6 + Number(lines[4]));
  if (lines[2] === 'w') headers.set('upgrade', 'websocket');
  return new Promise((resolve, reject) => {
    // The time-out ends with the head: a body may take as long as it takes. A fetch that nobody waits for any more is
    // cancelled with the request it belongs to, so that no AbortController needs to be made.
    const timer = setTimeout(() => reject(new TimedOut()), Number(lines[1]));
    // fetch(url, init) refuses a body on GET and HEAD; a Request made from a Request keeps it.
    const sent = body !== null && (method === 'GET' || method === 'HEAD')
      ? fetch(new Request(lines[3], request), { headers, redirect: 'manual' })
      : fetch(lines[3], { method, headers, body, redirect: 'manual' });
    sent.then(
      (reply) => {
        clearTimeout(timer);
        if (reply.status === 101 && reply.webSocket === null) reject(new Error('it switched protocols without being asked'));
        else resolve(reply);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

function outgoing(request, lines, from, to) {
  const headers = new Headers(request.headers);
  for (let i = 0; i < fromRequest.length; i++) headers.delete(fromRequest[i]);
  apply(headers, lines, from, to);
  return headers;
}

// ---- answering ----

// Turns the gateway's script into the response.
export function answer(script, request, reply) {
  const lines = script.split('\n');
  switch (lines[0]) {
    case 'F': return forward(request, lines);
    case 'R': return handedOn(reply, lines, 1);
    default: return own(lines);
  }
}

async function forward(request, lines) {
  const edits = 6 + Number(lines[4]);
  try {
    return handedOn(await dispatch(request, lines), lines, edits);
  } catch (error) {
    const [status, body] = unanswered(is_time_out(error), String(error?.message ?? error), lines[5]).split('\n');
    const headers = new Headers();
    apply(headers, lines, edits, lines.length - 1);
    headers.set('content-type', PROBLEM);
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
  apply(headers, lines, from, lines.length - 1);
  return response;
}

// lines: O, status, number of lines of edits, those edits, body
function own(lines) {
  const edits = 3 + Number(lines[2]);
  const headers = new Headers();
  for (let i = 3; i < edits; i += 2) {
    // There is nothing yet that could be removed.
    const mark = lines[i].charCodeAt(0);
    if (mark === SET) headers.set(lines[i].slice(1), lines[i + 1]);
    else if (mark !== REMOVE) headers.append(lines[i].slice(1), lines[i + 1]);
  }
  const status = Number(lines[1]);
  const empty = status === 204 || status === 205 || status === 304;
  const body = lines.length === edits + 1 ? lines[edits] : lines.slice(edits).join('\n');
  return new Response(empty ? null : body, { status, headers });
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
  console.error(JSON.stringify({ level: 'error', code: 'internal_error', blame: 'gateway', reason: String(error?.stack ?? error) }));
  const detail = 'The gateway failed on this request.';
  return new Response(
    JSON.stringify({ type: 'about:blank', title: 'Internal Server Error', status: 500, detail, code: 'internal_error', error: detail, message: detail }),
    { status: 500, headers: { 'content-type': PROBLEM } },
  );
}
