// What health checks have found, kept in one Durable Object for all isolates.

import { DurableObject } from 'cloudflare:workers';
import { in_time } from './time.mjs';

const KEY = 'board';

// How long the object may take in milliseconds.
const TIMEOUT = 10_000;

export class HealthBoard extends DurableObject {
  read() {
    return this.ctx.storage.get(KEY);
  }

  write(text) {
    return this.ctx.storage.put(KEY, text);
  }
}

function board(env) {
  return env.HEALTH.get(env.HEALTH.idFromName(KEY));
}

export async function read(env) {
  return await in_time(board(env).read(), TIMEOUT);
}

export async function write(env, text) {
  return await in_time(board(env).write(text), TIMEOUT);
}
