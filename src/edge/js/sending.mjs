// Sends requests on.

import { landed } from './causeway.js';
import { body_of } from './bodies.mjs';
import { entered } from './exchange.mjs';
import { outgoing } from './fields.mjs';
import { step } from './tasks.mjs';
import { TimedOut } from './time.mjs';

// The number of what was sent last. It is not the gateway's: what an instance has sent may come back when that is gone,
// and must not be taken for what the next one has sent.
let last = 0;

// Begins to send. What comes of it is told to the gateway under the number that is answered: a response, the platform's
// error, or one that is_time_out knows. (A promise handed to the gateway would cost it two closures.)
export function depart(script) {
  const exchange = entered();
  last = (last + 1) % 0x7fffffff;
  const number = last;
  const told = (outcome, failed) => {
    const task = landed(number, outcome, failed);
    if (task === undefined) {
      if (!failed) discard(outcome);
    } else if (task !== 0) {
      step(task);
    }
  };
  dispatch(exchange, script.split('\n'), number, (reply) => told(reply, false), (error) => told(error, true));
  return number;
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

// Where the request's edits begin in a script, and where they end.
const EDITS = 8;

export function after_edits(lines) {
  return EDITS + 2 * Number(lines[7]);
}

// lines: F, request id, time-out in ms, flags, binding, URL, whereabouts, number of request edits, those edits, ...
// Tells one of the two, once, and later.
export function dispatch(exchange, lines, number, resolve, reject) {
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
  begun(exchange, lines, aborter?.signal).then(
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

// A promise in any case: nothing may be thrown into the gateway.
function begun(exchange, lines, signal) {
  try {
    return fetched(exchange, lines, signal);
  } catch (error) {
    return Promise.reject(error);
  }
}

function fetched(exchange, lines, signal) {
  const { method } = exchange;
  const [url, binding] = [lines[5], lines[4]];
  const to = binding === '' ? globalThis : exchange.env[binding];
  if (to === undefined) throw new Error(`binding ${binding} is not there`);
  const headers = outgoing(exchange, lines, EDITS, after_edits(lines), lines[3].includes('g'));
  if (lines[3].includes('w')) headers.set('upgrade', 'websocket');
  const body = body_of(exchange);
  // fetch(url, init) refuses a body on GET and HEAD; a Request made from a Request keeps it.
  if (body !== null && (method === 'GET' || method === 'HEAD')) {
    return to.fetch(new Request(url, exchange.request), { headers, redirect: 'manual', signal });
  }
  return to.fetch(url, { method, headers, body, redirect: 'manual', signal });
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

// Nobody reads it: its connection is free again.
export function discard(reply) {
  reply.body?.cancel().catch(() => {});
  reply.webSocket?.accept();
  reply.webSocket?.close();
}
