// The worker's entry: an instance of the gateway, what happens when it dies, and one call of it per request.

import * as gateway from './causeway.js';
import wasm from './causeway_bg.wasm';
import plan from './plan.bin';
import { answer, crashed, remove } from './host.mjs';
import { abandon, waiting } from './tasks.mjs';

const BUNDLED = new Uint8Array(plan);

let instance = start();

function start() {
  gateway.initSync({ module: wasm });
  const [request, response] = gateway.start().split('\n');
  remove(request.split(' '), response.split(' '));
  return { prepared: false, refreshAt: Infinity };
}

// A trap leaves the instance's memory as it was in mid-flight: it is dropped whole and a new one takes its place.
// Requests that were sent on wait in JavaScript and do not notice.
function failed(it, error) {
  if (it === instance) {
    gateway.__wbg_reset_state();
    instance = start();
    abandon(error);
  }
  return crashed(error);
}

async function prepare(it, request, env, ctx) {
  try {
    const at = gateway.prepare(env, BUNDLED) ?? (await waiting())[0];
    it.refreshAt = Number(at);
    it.prepared = true;
  } catch (error) {
    return failed(it, error);
  }
  return handle(request, env, ctx);
}

// A config of KV is read anew every so often, beside the request that happened to come.
async function refresh(it, env) {
  it.refreshAt = Infinity;
  try {
    it.refreshAt = Number(gateway.refresh(env, BUNDLED) ?? (await waiting())[0]);
  } catch (error) {
    failed(it, error);
  }
}

async function late(it, request) {
  try {
    const [script, reply] = await waiting();
    return answer(script, request, reply);
  } catch (error) {
    return failed(it, error);
  }
}

function handle(request, env, ctx) {
  const it = instance;
  if (!it.prepared) return prepare(it, request, env, ctx);
  try {
    if (Date.now() >= it.refreshAt) ctx.waitUntil(refresh(it, env));
    const { headers } = request;
    const head = request.method + '\n' + request.url
      + '\n' + (headers.get('origin') ?? '')
      + '\n' + (headers.get('connection') ?? '')
      + '\n' + (headers.get('cf-connecting-ip') ?? '')
      + '\n' + (headers.get('upgrade') ?? '')
      + '\n' + (headers.get('host') ?? '')
      + '\n' + (request.body === null ? '' : headers.get('content-length') ?? 'chunked');
    const script = gateway.serve(request, env, head);
    return script === undefined ? late(it, request) : answer(script, request);
  } catch (error) {
    return failed(it, error);
  }
}

export default { fetch: handle };
