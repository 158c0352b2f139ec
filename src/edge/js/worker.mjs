// The worker's entry: an instance of the gateway, what happens when it dies, and one call of it per request.

import * as gateway from './causeway.js';
import wasm from './causeway_bg.wasm';
import plan from './plan.bin';
import { answer, crashed } from './answer.mjs';
import { let_go } from './bodies.mjs';
import { enter, know } from './exchange.mjs';
import { strip } from './fields.mjs';
import { release_all } from './shelter.mjs';
import { abandon, begin, newest_task, waiting } from './tasks.mjs';
import { on_collapse, Trap } from './trouble.mjs';
import { connect, put, take } from './wire.mjs';

const BUNDLED = new Uint8Array(plan);

let instance = start();

function start() {
  connect(gateway.initSync({ module: wasm }));
  const lists = gateway.start(newest_task()).split('\n').map((names) => names.split(' '));
  know(lists.pop());
  strip(...lists);
  // By chore, when it is due; and when the first of them is.
  return { prepared: false, due: [], dueAt: Infinity };
}

// A trap leaves the instance's memory as it was in mid-flight: it is dropped whole and a new one takes its place.
// Requests that were sent on wait in JavaScript and do not notice. What else is thrown costs one request and no instance.
function failed(it, error) {
  if (!(error instanceof Trap)) return crashed(error);
  if (it === instance) {
    gateway.__wbg_reset_state();
    instance = start();
    abandon(error);
    release_all();
  }
  return crashed(error.cause);
}

on_collapse((error) => {
  failed(instance, new Trap(error));
});

// Calls the gateway.
function inside(call) {
  try {
    return call();
  } catch (error) {
    throw new Trap(error);
  }
}

// The outcome of a call that may have left a task waiting.
async function outcome(call) {
  const length = inside(call);
  return length === 0 ? (await waiting())[0] : take(length);
}

async function prepare(it, env) {
  const times = await outcome(() => gateway.prepare(env, BUNDLED));
  it.due = times.split(' ').map(time);
  it.dueAt = Math.min(...it.due);
  it.prepared = true;
}

async function first(it, request, env, ctx) {
  try {
    await prepare(it, env);
  } catch (error) {
    return failed(it, error);
  }
  return handle(request, env, ctx);
}

// What is due every so often is done beside the request that happened to come.
function chores(it, env, ctx) {
  const now = Date.now();
  it.due.forEach((at, chore) => {
    if (at <= now) ctx.waitUntil(look(it, chore, env));
  });
}

async function look(it, chore, env) {
  it.due[chore] = Infinity;
  it.dueAt = Math.min(...it.due);
  try {
    it.due[chore] = time(await outcome(() => gateway.look(chore, env, BUNDLED)));
    it.dueAt = Math.min(...it.due);
  } catch (error) {
    failed(it, error);
  }
}

function time(text) {
  return text === 'never' ? Infinity : Number(text);
}

async function late(it, exchange, ctx) {
  // Where the client leaves, and what it waits for goes on.
  exchange.beside = () => beside(it, exchange);
  try {
    const [script, reply] = await waiting(exchange);
    return answered(it, exchange, ctx, script, reply);
  } catch (error) {
    let_go(exchange);
    return failed(it, error);
  }
}

function answered(it, exchange, ctx, script, reply) {
  if (exchange.left !== undefined) ctx.waitUntil(beside(it, exchange));
  else if (exchange.held !== 0) let_go(exchange);
  return answer(exchange, script, reply);
}

// What goes on beside an answer.
async function beside(it, exchange) {
  try {
    await begin(exchange);
  } catch (error) {
    failed(it, error);
  } finally {
    let_go(exchange);
  }
}

function handle(request, env, ctx) {
  const it = instance;
  if (!it.prepared) return first(it, request, env, ctx);
  try {
    if (it.dueAt !== Infinity && Date.now() >= it.dueAt) chores(it, env, ctx);
    const { method, headers, body } = request;
    const length = body === null ? '' : headers.get('content-length');
    const exchange = {
      request, env, method, headers, body, length, uploaded: 0, left: undefined, beside: undefined, kept: undefined, held: 0,
    };
    enter(exchange);
    const head = method + '\n' + request.url
      + '\n' + (headers.get('origin') ?? '')
      + '\n' + (headers.get('host') ?? '')
      + '\n' + (length ?? 'chunked');
    const served = inside(() => gateway.serve(put(head)));
    if (served === 0) return late(it, exchange, ctx);
    return answered(it, exchange, ctx, take(served));
  } catch (error) {
    return failed(it, error);
  }
}

// A cron trigger: health checks.
async function scheduled(event, env) {
  const it = instance;
  try {
    if (!it.prepared) await prepare(it, env);
    // Nobody's request, so one without a field.
    const exchange = { env, method: 'GET', headers: new Headers(), body: null, length: '', uploaded: 0, held: 0 };
    enter(exchange);
    if (inside(() => gateway.check(env)) === 0) await waiting(exchange);
  } catch (error) {
    failed(it, error);
    throw error;
  }
}

export { HealthBoard } from './board.mjs';
export default { fetch: handle, scheduled };
