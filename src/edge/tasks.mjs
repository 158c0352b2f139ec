// Drives what waits inside the gateway. Every step into it is taken here or in worker.mjs, so that a trap is seen.

import * as gateway from './causeway.js';
import { enter, entered } from './host.mjs';
import { take } from './wire.mjs';

// By task: whose it is, since when, and how its promise settles. The oldest stand first.
const settlers = new Map();

// Milliseconds after which nothing can still be waited for: no time-out of a config is longer than ten minutes.
const LONGEST = 660_000;

function settled(task, exchange) {
  const since = Date.now();
  // Where the worker is not told of clients that leave (`enable_request_signal`), what they left is found here.
  for (const [old, waits] of settlers) {
    if (since - waits.since < LONGEST) break;
    give_up(old);
  }
  return new Promise((resolve, reject) => settlers.set(task, { exchange, since, resolve, reject }));
}

// The promise of the task that the last call into the gateway left waiting.
export function waiting(exchange) {
  const task = gateway.waiting();
  // A client that leaves takes its promises along: nothing would ever go on with the task, nor free what it holds. A
  // cron trigger has no client.
  exchange?.request?.signal.addEventListener('abort', () => give_up(task));
  return settled(task, exchange);
}

function give_up(task) {
  const settler = settlers.get(task);
  if (settler === undefined) return;
  settlers.delete(task);
  enter(settler.exchange);
  gateway.give_up(task);
}

// Called by the gateway, from within: a task of the exchange at hand that is to begin when this is answered.
export function leave(task) {
  entered().left = task;
}

// Begins the task that an answered exchange has left. Its client may leave meanwhile.
export function begin(exchange) {
  const ended = settled(exchange.left, exchange);
  wake(exchange.left);
  return ended;
}

// Called by the gateway, from within: the step is taken when it has returned.
export function wake(task) {
  queueMicrotask(() => {
    const settler = settlers.get(task);
    if (settler === undefined) return;
    let length;
    try {
      enter(settler.exchange);
      length = gateway.resume(task);
    } catch (error) {
      settlers.delete(task);
      settler.reject(error);
      return;
    }
    if (length !== 0) {
      settlers.delete(task);
      settler.resolve([take(length), gateway.reply()]);
    }
  });
}

// The instance is gone, and with it all that waited inside.
export function abandon(error) {
  for (const { reject } of settlers.values()) reject(error);
  settlers.clear();
}
