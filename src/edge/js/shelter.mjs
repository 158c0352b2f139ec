// Work that goes on although its client leaves, because others wait for what comes of it.

import { waitUntil } from 'cloudflare:workers';
import { entered } from './exchange.mjs';

// By task: what lets its exchange end.
const held = new Map();

// Called by the gateway, from within: the exchange of the task at hand is not to end before `release`.
export function hold(task) {
  waitUntil(new Promise((resolve) => held.set(task, resolve)));
}

export function release(task) {
  held.get(task)?.();
  held.delete(task);
}

// Called by the gateway, from within: the client of the exchange at hand has left, and the task goes on without it.
// Whether it does.
export function adopt(task) {
  const exchange = entered();
  if (exchange?.beside === undefined) return false;
  exchange.left = [task];
  exchange.beside();
  return true;
}

// The instance is gone, and with it all work.
export function release_all() {
  for (const task of held.keys()) release(task);
}
