// Calls of other code: hooks and services.

import services from './services.mjs';
import { is_bodiless } from './bodies.mjs';
import { entered } from './exchange.mjs';
import { outgoing } from './fields.mjs';
import { is_empty, mended } from './sending.mjs';
import { sleep } from './time.mjs';
import { ClientBody, words } from './trouble.mjs';

// Resolves to [kind, value]: 'proceed', 'reply' with a Response, 'object' with JSON, 'text', 'null', or 'other' with a
// type's name.
export async function call(binding, name, edits, url, variables, context, reply) {
  const exchange = entered();
  const { env } = exchange;
  const subject = reply === undefined ? edited(exchange, edits, url) : presentable(reply);
  let result;
  try {
    if (name === undefined) {
      const Service = services.get(binding);
      if (Service === undefined) throw new Error(`service ${binding} is not in the bundle`);
      result = await new Service().fetch(subject, JSON.parse(variables), JSON.parse(context));
    } else {
      const bound = env[binding];
      if (bound === undefined) throw new Error(`service binding ${binding} is not there`);
      result = await bound[name](subject, variables, context);
    }
  } catch (error) {
    if (reply === undefined) await its_own_fault(exchange);
    throw error;
  }
  if (result === true) return ['proceed'];
  if (result instanceof Response) return ['reply', result];
  if (result === null) return ['null'];
  if (typeof result === 'string') return ['text', result];
  // An array too: its elements are members by their indices.
  if (typeof result === 'object') return ['object', JSON.stringify({ ...result })];
  return ['other', typeof result];
}

// A reply that the callee can be given: one with an odd reason phrase cannot be carried to it.
function presentable(reply) {
  const plain = reply.webSocket !== null || (PHRASE.test(reply.statusText) && !(is_empty(reply.status) && reply.body !== null));
  return plain ? reply : mended(reply);
}

// RFC 9112 section 4, without its tab.
const PHRASE = /^[ -~\x80-\xff]*$/;

function edited(exchange, edits, url) {
  const lines = edits.split('\n');
  const headers = outgoing(exchange, lines, 0, lines.length - 1, false);
  const { request, kept, method } = exchange;
  if (exchange.body !== null && is_bodiless(method)) {
    // No request with it can be handed to another worker.
    headers.delete('content-length');
    return new Request(url ?? request.url, { method, headers, redirect: 'manual' });
  }
  if (kept !== undefined) return new Request(url ?? request.url, { method, headers, body: kept, redirect: 'manual' });
  // The callee may read the body; what goes on to an upstream is the other branch.
  const source = exchange.body === null ? request : request.clone();
  const seen = url === undefined ? source : new Request(url, source);
  return new Request(seen, { headers, redirect: 'manual' });
}

// Throws where it was the client's body that broke under a callee. The gateway's branch of it tells.
async function its_own_fault({ request, method, body, kept }) {
  if (body === null || kept !== undefined || is_bodiless(method)) return;
  const reader = request.body.getReader();
  const end = async () => {
    while (!(await reader.read()).done);
  };
  await Promise.race([end().catch((error) => { throw new ClientBody(false, words(error)); }), sleep(100)]);
}
