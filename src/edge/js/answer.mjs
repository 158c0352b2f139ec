// Carries the gateway's scripts out. Nothing is decided here: every decision comes out of the gateway as lines of text,
// because one string is the cheapest thing to carry from WebAssembly to JavaScript.

import { unanswered } from './causeway.js';
import { apply, incoming, REQUEST_ID } from './fields.mjs';
import { after_edits, dispatch } from './sending.mjs';
import { is_time_out } from './time.mjs';

const PROBLEM = 'application/problem+json';

// Turns the gateway's script into the response.
export function answer(exchange, script, reply) {
  switch (script[0]) {
    case 'F': return forward(exchange, script.split('\n'));
    case 'R': return handedOn(reply, script.split('\n'), 2);
    default: return own(script);
  }
}

async function forward(exchange, lines) {
  const edits = after_edits(lines);
  try {
    const reply = await new Promise((resolve, reject) => dispatch(exchange, lines, 0, resolve, reject));
    return handedOn(reply, lines, edits);
  } catch (error) {
    const reason = String(error?.message ?? error);
    const [status, body] = unanswered(is_time_out(error), reason, lines[1], lines[6]).split('\n');
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
  incoming(response.headers, lines[1], lines, from);
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
  return new Response(JSON.stringify(problem), { status: 500, headers: { 'content-type': PROBLEM, [REQUEST_ID]: id } });
}
