// Sends requests on.

import { landed } from './causeway.js';
import { is_bodiless } from './bodies.mjs';
import { entered } from './exchange.mjs';
import { outgoing } from './fields.mjs';
import { step } from './tasks.mjs';
import { ClientBody, collapse, LATE, TimedOut } from './trouble.mjs';
import { read_through, upload } from './uploads.mjs';

// The number of what was sent last. It is not the gateway's: what an instance has sent may come back when that is gone,
// and must not be taken for what the next one has sent.
let last = 0;

// Begins to send. What comes of it is told to the gateway under the number that is answered: a response, the platform's
// error, or one that `trouble` knows. (A promise handed to the gateway would cost it two closures.)
export function depart(script) {
  const exchange = entered();
  last = (last + 1) % 0x7fffffff;
  const number = last;
  const told = (outcome, failed) => {
    let task;
    try {
      task = landed(number, outcome, failed);
    } catch (error) {
      return collapse(error);
    }
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
const EDITS = 9;

export function after_edits(lines) {
  return EDITS + 2 * Number(lines[8]);
}

// lines: F, request id, time-out in ms, the same for the client's body, flags, binding, URL, whereabouts, number of request
// edits, those edits, ...
// Tells one of the two, once, and later.
export function dispatch(exchange, lines, number, resolve, reject) {
  const uploads = exchange.body !== null && exchange.kept === undefined;
  const clock = new Clock(lines, number, reject);
  // Where nobody else is waited for, the fetch is cancelled with the request it belongs to, so that no AbortController
  // needs to be made.
  if (lines[4].includes('c')) clock.signal();
  if (!uploads) clock.upstream();
  begun(exchange, lines, clock, uploads).then(
    (reply) => {
      if (!clock.stop()) return discard(reply);
      const odd = oddity(reply);
      if (odd === undefined) return resolve(reply);
      discard(reply);
      reject(new Error(odd));
    },
    (error) => clock.fail(error),
  );
}

// What is no answer to the request, whatever else it may be.
function oddity(reply) {
  const { status } = reply;
  if (status === 101) return reply.webSocket === null ? 'it switched protocols without being asked' : undefined;
  // RFC 9110 section 15: it has five classes of status.
  return status > 599 ? `${status} is no status of an answer` : undefined;
}

// Who is waited for, and for how long. It ends with the head of the answer: a body may take as long as it takes.
class Clock {
  constructor(lines, number, failed) {
    this.lines = lines;
    this.number = number;
    this.failed = failed;
    // What ends the fetch, where it must be ended before its request is over.
    this.aborter = undefined;
    this.over = false;
    this.timer = undefined;
    // When the client's body must be through.
    this.until = undefined;
  }

  signal() {
    if (this.aborter === undefined) {
      this.aborter = new AbortController();
      if (this.number !== 0) cancels.set(this.number, this.aborter);
    }
    return this.aborter.signal;
  }

  // For the upstream: to take a piece of the body, or to answer once it has all of it.
  upstream() {
    this.count(Number(this.lines[2]), () => this.fail(new TimedOut()));
  }

  // For the client's body. `late` says what is done where it is not there in time.
  client(late) {
    const now = Date.now();
    this.until ??= now + Number(this.lines[3]);
    this.count(Math.max(this.until - now, 0), late ?? (() => this.fail(new ClientBody(true, LATE))));
  }

  count(ms, strikes) {
    if (this.timer !== undefined) clearTimeout(this.timer);
    if (!this.over) this.timer = setTimeout(strikes, ms);
  }

  // Whether it was still running.
  stop() {
    clearTimeout(this.timer);
    const { over } = this;
    this.over = true;
    if (this.aborter !== undefined) cancels.delete(this.number);
    return !over;
  }

  fail(error) {
    const first = this.stop();
    try {
      this.aborter?.abort();
    } catch {
      // See `cancel`.
    }
    if (first) this.failed(error);
  }
}

// A promise in any case: nothing may be thrown into the gateway.
function begun(exchange, lines, clock, uploads) {
  try {
    return fetched(exchange, lines, clock, uploads);
  } catch (error) {
    return Promise.reject(error);
  }
}

function fetched(exchange, lines, clock, uploads) {
  const { method } = exchange;
  const [url, binding] = [lines[6], lines[5]];
  const to = binding === '' ? globalThis : exchange.env[binding];
  if (to === undefined) throw new Error(`binding ${binding} is not there`);
  const headers = outgoing(exchange, lines, EDITS, after_edits(lines), lines[4].includes('g'));
  if (lines[4].includes('w')) headers.set('upgrade', 'websocket');
  const init = { method, headers, body: exchange.kept ?? null, redirect: 'manual', signal: clock.aborter?.signal };
  if (!uploads) return to.fetch(url, init);
  if (!is_bodiless(method)) {
    return upload(exchange, clock, (body, signal) => to.fetch(url, { ...init, body, signal: signal ?? init.signal }));
  }
  // fetch(url, init) refuses a body on GET and HEAD; a Request made from a Request keeps it.
  return read_through(exchange, clock).then(
    () => to.fetch(new Request(url, exchange.request), { headers, redirect: 'manual', signal: init.signal }),
  );
}

// ---- what the gateway asks of a response: nothing here may throw, whatever the response is ----

export function status(reply) {
  return reply?.status ?? 0;
}

export function reply_field(reply, name) {
  try {
    return reply?.headers.get(name) ?? undefined;
  } catch {
    return undefined;
  }
}

// The body is teed: each of the two has all of it, and neither waits for the other. Nothing where there can be no other:
// a WebSocket has one end.
export function copy(reply) {
  try {
    return reply.clone();
  } catch {
    return undefined;
  }
}

// Nobody reads it: its connection is free again.
export function discard(reply) {
  try {
    reply?.body?.cancel().catch(() => {});
    reply?.webSocket?.accept();
    reply?.webSocket?.close();
  } catch {
    // It is somebody else's, or over.
  }
}

// A response to these never has a body (Fetch standard, "null body status").
export function is_empty(status) {
  return status === 204 || status === 205 || status === 304;
}

// The response without what the platform does not take: a reason phrase with a tab, a body of a 205.
export function mended(reply) {
  const { status, headers } = reply;
  if (!is_empty(status)) return new Response(reply.body, { status, headers });
  const response = new Response(null, { status, headers });
  discard(reply);
  return response;
}
