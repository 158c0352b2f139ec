// The worker's entry: an instance of the gateway, what happens when it dies, and one call of it per request.

import * as gateway from './causeway.js';
import wasm from './causeway_bg.wasm';
import plan from './plan.bin';
import { answer, crashed } from './answer.mjs';
import { enter, know } from './exchange.mjs';
import { strip } from './fields.mjs';
import { release_all } from './shelter.mjs';
import { abandon, begin, newest_task, waiting } from './tasks.mjs';
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
// Requests that were sent on wait in JavaScript and do not notice.
function failed(it, error) {
  if (it === instance) {
    gateway.__wbg_reset_state();
    instance = start();
    abandon(error);
    release_all();
  }
  return crashed(error);
}

// The outcome of a call that may have left a task waiting.
async function outcome(length) {
  return length === 0 ? (await waiting())[0] : take(length);
}

async function prepare(it, env) {
  const times = await outcome(gateway.prepare(env, BUNDLED));
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
    it.due[chore] = time(await outcome(gateway.look(chore, env, BUNDLED)));
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
    if (exchange.left !== undefined) ctx.waitUntil(beside(it, exchange));
    return answer(exchange, script, reply);
  } catch (error) {
    return failed(it, error);
  }
}

// What goes on beside an answer.
async function beside(it, exchange) {
  try {
    await begin(exchange);
  } catch (error) {
    failed(it, error);
  }
}

function handle(request, env, ctx) {
  const it = instance;
  if (!it.prepared) return first(it, request, env, ctx);
  try {
    if (it.dueAt !== Infinity && Date.now() >= it.dueAt) chores(it, env, ctx);
    const { method, headers, body } = request;
    const exchange = { request, env, method, headers, body, left: undefined, beside: undefined };
    enter(exchange);
    const length = gateway.serve(put(method + '\n' + request.url
      + '\n' + (headers.get('origin') ?? '')
      + '\n' + (headers.get('host') ?? '')
      + '\n' + (body === null ? '' : headers.get('content-length') ?? 'chunked')));
    if (length === 0) return late(it, exchange, ctx);
    const script = take(length);
    if (exchange.left !== undefined) ctx.waitUntil(beside(it, exchange));
    return answer(exchange, script);
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
    const exchange = { env, method: 'GET', headers: new Headers(), body: null };
    enter(exchange);
    if (gateway.check(env) === 0) await waiting(exchange);
  } catch (error) {
    failed(it, error);
    throw error;
  }
}

export { HealthBoard } from './board.mjs';
export default { fetch: handle, scheduled };
