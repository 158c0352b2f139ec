// Drives what waits inside the gateway. Every step into it is taken here or in worker.mjs, so that a trap is seen.

import * as gateway from './causeway.js';
import { let_go } from './bodies.mjs';
import { enter, entered } from './exchange.mjs';
import { collapse, Trap } from './trouble.mjs';
import { take } from './wire.mjs';

// By task: whose it is, since when, how its promise settles, and what listens for its client. The oldest stand first.
const settlers = new Map();

// Milliseconds after which nothing can still be waited for: no time-out of a config is longer than ten minutes, one for the
// client's body and one for the answer.
const LONGEST = 1_260_000;

function settled(task, exchange, left) {
  const since = Date.now();
  // Where the worker is not told of clients that leave (`enable_request_signal`), what they left is found here.
  for (const [old, waits] of settlers) {
    if (since - waits.since < LONGEST) break;
    give_up(old);
  }
  return new Promise((resolve, reject) => settlers.set(task, { exchange, since, left, resolve, reject }));
}

function settle(task, settler) {
  settlers.delete(task);
  // A listener would hold all of the exchange until the request is collected.
  if (settler.left !== undefined) settler.exchange.request.signal.removeEventListener('abort', settler.left);
}

// The highest number that a task was known by.
let newest = 0;

export function newest_task() {
  return newest;
}

// The promise of the task that the last call into the gateway left waiting.
export function waiting(exchange) {
  const task = gateway.waiting();
  newest = Math.max(newest, task);
  // A client that leaves takes its promises along: nothing would ever go on with the task, nor free what it holds. A
  // cron trigger has no client.
  const signal = exchange?.request?.signal;
  if (signal === undefined) return settled(task, exchange);
  const left = () => give_up(task);
  signal.addEventListener('abort', left);
  const outcome = settled(task, exchange, left);
  // It may have left before anybody listened.
  if (signal.aborted) give_up(task);
  return outcome;
}

function give_up(task) {
  const settler = settlers.get(task);
  if (settler === undefined) return;
  settle(task, settler);
  if (settler.exchange !== undefined) let_go(settler.exchange);
  enter(settler.exchange);
  try {
    gateway.give_up(task);
  } catch (error) {
    collapse(error);
  }
}

// Called by the gateway, from within: a task of the exchange at hand that is to begin when this is answered.
export function leave(task) {
  newest = Math.max(newest, task);
  const exchange = entered();
  exchange.left ??= [];
  exchange.left.push(task);
}

// Begins the tasks that an answered exchange has left. Its client may leave meanwhile.
export function begin(exchange) {
  return Promise.all(exchange.left.map((task) => {
    wake(task);
    return settled(task, exchange);
  }));
}

// Called by the gateway, from within: the step is taken when it has returned. (A queueMicrotask is one of the platform's
// own functions, and dearer.)
export function wake(task) {
  Promise.resolve(task).then(step);
}

// Goes on with a task, if there still is one.
export function step(task) {
  const settler = settlers.get(task);
  if (settler === undefined) return;
  let length;
  try {
    enter(settler.exchange);
    length = gateway.resume(task);
  } catch (error) {
    settle(task, settler);
    settler.reject(new Trap(error));
    return;
  }
  if (length !== 0) {
    settle(task, settler);
    settler.resolve([take(length), gateway.reply()]);
  }
}

// The instance is gone, and with it all that waited inside.
export function abandon(error) {
  for (const [task, settler] of settlers) {
    settle(task, settler);
    settler.reject(error);
  }
}
