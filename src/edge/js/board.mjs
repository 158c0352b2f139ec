// What health checks have found, kept in one Durable Object for all isolates.

import { DurableObject } from 'cloudflare:workers';
import { in_time, STORE_TIMEOUT } from './time.mjs';

const KEY = 'board';

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
  return await in_time(board(env).read(), STORE_TIMEOUT);
}

export async function write(env, text) {
  return await in_time(board(env).write(text), STORE_TIMEOUT);
}
