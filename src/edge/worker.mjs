// The worker's entry: an instance of the gateway, what happens when it dies, and one call of it per request.

import * as gateway from './causeway.js';
import wasm from './causeway_bg.wasm';
import plan from './plan.bin';
import { answer, crashed, remove } from './host.mjs';

const BUNDLED = new Uint8Array(plan);

let instance = start();

function start() {
  gateway.initSync({ module: wasm });
  const [request, response] = gateway.removed_fields().split('\n');
  remove(request.split(' '), response.split(' '));
  const it = { prepared: false, refreshAt: Infinity };
  // Exchanges that wait inside an instance are settled by its death.
  it.died = new Promise((_, reject) => { it.die = reject; });
  it.died.catch(() => {});
  return it;
}

// A trap leaves the instance's memory as it was in mid-flight: it is dropped whole and a new one takes its place.
function restart(it, error) {
  if (it === instance) {
    gateway.__wbg_reset_state();
    instance = start();
  }
  it.die(error);
}

// A config of KV is read anew every so often, beside the request that happened to come.
function refresh(it, env, ctx) {
  it.refreshAt = Infinity;
  ctx.waitUntil(gateway.refresh(env).then((at) => { it.refreshAt = at; }, (error) => restart(it, error)));
}

async function prepare(it, request, env, ctx) {
  try {
    it.refreshAt = await gateway.prepare(env, BUNDLED);
    it.prepared = true;
  } catch (error) {
    restart(it, error);
    return crashed(error);
  }
  return handle(request, env, ctx);
}

function handle(request, env, ctx) {
  const it = instance;
  if (!it.prepared) return prepare(it, request, env, ctx);
  try {
    if (Date.now() >= it.refreshAt) refresh(it, env, ctx);
    const { headers } = request;
    const head = request.method + '\n' + request.url
      + '\n' + (headers.get('origin') ?? '')
      + '\n' + (headers.get('authorization') ?? '')
      + '\n' + (headers.get('connection') ?? '')
      + '\n' + (headers.get('cf-connecting-ip') ?? '')
      + '\n' + (headers.get('upgrade') ?? '')
      + '\n' + (request.body === null ? '' : headers.get('content-length') ?? 'chunked');
    const script = gateway.serve(request, env, head);
    if (script !== undefined) return answer(script, request);
    return Promise.race([gateway.pending(), it.died]).then(
      ([late, reply]) => answer(late, request, reply),
      (error) => { restart(it, error); return crashed(error); },
    );
  } catch (error) {
    restart(it, error);
    return crashed(error);
  }
}

export default { fetch: handle };
