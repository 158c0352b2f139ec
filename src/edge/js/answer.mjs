// Carries the gateway's scripts out. Nothing is decided here: every decision comes out of the gateway as lines of text,
// because one string is the cheapest thing to carry from WebAssembly to JavaScript.
//
// What a script or a response holds may come from outside, and the platform throws over some of it. That is the fault of
// one request: nothing that is thrown here is a trap of the gateway.

import { unanswered } from './causeway.js';
import { apply, incoming, REQUEST_ID } from './fields.mjs';
import { after_edits, discard, dispatch, is_empty, mended } from './sending.mjs';
import { collapse, trouble, words } from './trouble.mjs';

const PROBLEM = 'application/problem+json';

// Turns the gateway's script into the response.
export function answer(exchange, script, reply) {
  switch (script[0]) {
    case 'F': return forward(script.split('\n'), exchange);
    case 'R': {
      const lines = script.split('\n');
      try {
        return handedOn(reply, lines, 2);
      } catch (error) {
        discard(reply);
        return failure(error, lines, 2);
      }
    }
    default: return own(script);
  }
}

async function forward(lines, exchange) {
  const edits = after_edits(lines);
  let reply;
  try {
    reply = await new Promise((resolve, reject) => dispatch(exchange, lines, 0, resolve, reject));
    return handedOn(reply, lines, edits);
  } catch (error) {
    discard(reply);
    return failure(error, lines, edits, lines[7]);
  }
}

// What is answered where there is no answer of an upstream, or none that can be handed on; `whereabouts` are for the log.
function failure(error, lines, edits, whereabouts = '') {
  let told;
  try {
    told = unanswered(trouble(error), words(error), lines[1], whereabouts);
  } catch (error) {
    collapse(error);
    return crashed(error);
  }
  const ends = told.indexOf('\n');
  const headers = new Headers();
  apply(headers, lines, edits, lines.length - 1);
  headers.set('content-type', PROBLEM);
  headers.set(REQUEST_ID, lines[1]);
  return new Response(told.slice(ends + 1), { status: Number(told.slice(0, ends)), headers });
}

// The body is handed through as it comes, encoded or not; a WebSocket goes with it.
function handedOn(reply, lines, from) {
  let response;
  try {
    response = new Response(reply.body, reply);
  } catch {
    response = mended(reply);
  }
  incoming(response.headers, lines[1], lines, from);
  return response;
}

// Fields of the gateway's own answers, by status and edits: the same ones come again and again, and a copy is cheaper
// than to write them one by one. Long ones hold what a client has said, and are many.
const written = new Map();
const MOST_WRITTEN = 256;
const LONGEST_WRITTEN = 2048;

// script: O, request id, length of status and edits, status, edits, body
function own(script) {
  const idEnds = script.indexOf('\n', 2);
  const headEnds = script.indexOf('\n', idEnds + 1);
  const bodyAt = headEnds + 1 + Number(script.slice(idEnds + 1, headEnds));
  const key = script.slice(headEnds + 1, bodyAt);
  const id = script.slice(2, idEnds);
  let head = written.get(key);
  if (head === undefined) {
    const lines = key.split('\n');
    const headers = new Headers();
    apply(headers, lines, 1, lines.length - 1);
    const status = Number(lines[0]);
    // Whoever was asked about the caller may have answered anything.
    if (status < 200 || status > 599) return failure(new Error(`${status} is no status of an answer`), ['', id, ...lines.slice(1)], 2);
    head = { status, headers, empty: is_empty(status) };
    // What is told to one browser alone comes once.
    if (key.length <= LONGEST_WRITTEN && !key.includes('\n+set-cookie\n')) {
      if (written.size === MOST_WRITTEN) written.clear();
      written.set(key, head);
    }
  }
  const response = new Response(head.empty ? null : script.slice(bodyAt), head);
  response.headers.set(REQUEST_ID, id);
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
