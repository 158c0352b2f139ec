// What the gateway asks of the platform. Nothing is decided here: every decision comes out of the gateway as a script,
// lines of text, because one string is the cheapest thing to carry from WebAssembly to JavaScript.

import services from './services.mjs';
import { unanswered } from './causeway.js';

const PROBLEM = 'application/problem+json';

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
export async function call(request, env, binding, name, removed, edits, variables, context, reply) {
  const subject = reply ?? edited(request, removed, edits);
  let result;
  if (name === undefined) {
    const Service = services[binding];
    if (!Service) throw new Error(`service ${binding} is not in the bundle`);
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

function edited(request, removed, edits) {
  const headers = new Headers(request.headers);
  for (const name of removed.split('\n')) headers.delete(name);
  const lines = edits.split('\n');
  apply(headers, lines, 0, lines.length - 1);
  // The callee may read the body; what goes on to an upstream is the other branch.
  const body = request.body === null ? null : request.clone().body;
  return new Request(request.url, { method: request.method, headers, body, redirect: 'manual' });
}

// ---- sending on ----

// Rejects with the platform's error, or with TIMED_OUT.
export async function send(request, removed, script) {
  const lines = script.split('\n');
  return dispatch(request, removed.split('\n'), lines);
}

const TIMED_OUT = Symbol('timed out');

export function is_time_out(error) {
  return error === TIMED_OUT;
}

// lines: F, time-out in ms, websocket mark, URL, number of lines of request edits, request id, those edits, ...
function dispatch(request, removed, lines) {
  const headers = new Headers(request.headers);
  for (let i = 0; i < removed.length; i++) headers.delete(removed[i]);
  apply(headers, lines, 6, 6 + Number(lines[4]));
  if (lines[2] === 'w') headers.set('upgrade', 'websocket');
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(TIMED_OUT), Number(lines[1]));
  return fetch(lines[3], {
    method: request.method,
    headers,
    body: request.body,
    redirect: 'manual',
    signal: aborter.signal,
  }).finally(() => clearTimeout(timer));
}

// ---- answering ----

// Turns the gateway's script into the response.
export function answer(script, request, reply, removed) {
  const lines = script.split('\n');
  switch (lines[0]) {
    case 'F': return forward(request, lines, removed);
    case 'R': return handedOn(reply, lines, 1);
    default: return own(lines);
  }
}

async function forward(request, lines, removed) {
  const edits = 6 + Number(lines[4]);
  try {
    return handedOn(await dispatch(request, removed, lines), lines, edits);
  } catch (error) {
    const [status, body] = unanswered(error === TIMED_OUT, String(error?.message ?? error), lines[5]).split('\n');
    const headers = new Headers();
    apply(headers, lines, edits, lines.length - 1);
    headers.set('content-type', PROBLEM);
    return new Response(body, { status: Number(status), headers });
  }
}

function handedOn(reply, lines, from) {
  const response = reply.status === 101
    ? new Response(null, { status: 101, webSocket: reply.webSocket, headers: reply.headers })
    : new Response(reply.body, reply);
  const { headers } = response;
  const connection = headers.get('connection');
  if (connection !== null) for (const name of connection.split(',')) headers.delete(name.trim());
  apply(headers, lines, from, lines.length - 1);
  return response;
}

// lines: O, status, number of lines of edits, those edits, body
function own(lines) {
  const edits = 3 + Number(lines[2]);
  const headers = new Headers();
  apply(headers, lines, 3, edits);
  const status = Number(lines[1]);
  const empty = status === 204 || status === 205 || status === 304;
  return new Response(empty ? null : lines.slice(edits).join('\n'), { status, headers });
}

function apply(headers, lines, from, to) {
  for (let i = from; i < to; i += 2) {
    const name = lines[i].slice(1);
    switch (lines[i][0]) {
      case '=': headers.set(name, lines[i + 1]); break;
      case '+': headers.append(name, lines[i + 1]); break;
      default: headers.delete(name);
    }
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
