// What an exchange asks of its request and its environment.

import { put } from './wire.mjs';

// The exchange that the gateway works on: { request, env, method, headers, body, length, uploaded, left, beside, kept, held }.
// Of the client's request what is read once, `length` being its `Content-Length` or null, and when its body was through;
// tasks for when it has been answered, and what begins them; its body where that is held whole, and the bytes that are
// counted for that.
let current;

export function enter(exchange) {
  current = exchange;
}

export function entered() {
  return current;
}

// Names of fields that are asked for by number.
let numbered = [];

export function know(names) {
  numbered = names;
}

export function field(number) {
  const value = current.headers.get(numbered[number]);
  return value === null ? -1 : put(value);
}

// Here as below: what is called from within the gateway must not throw.
export function header(name) {
  try {
    return current.headers.get(name) ?? undefined;
  } catch {
    // It is no name.
    return undefined;
  }
}

export function uploaded_ms() {
  return current?.uploaded ?? 0;
}

export function variable(name) {
  return variable_of(current.env, name);
}

export function variable_of(env, name) {
  const value = env[name];
  return typeof value === 'string' ? value : undefined;
}

export function client_certificate() {
  const told = known_of_connection().tlsClientAuth;
  return told === undefined || told === null ? undefined : JSON.stringify(told);
}

// A worker that calls this one may say anything in `cf`, and what is no JSON object makes the platform throw.
function known_of_connection() {
  try {
    return current.request?.cf ?? {};
  } catch {
    return {};
  }
}

export function geography() {
  const cf = known_of_connection();
  return PLACE.map((name) => {
    const told = cf[name];
    return typeof told === 'number' || (typeof told === 'string' && !told.includes('\n')) ? told : '';
  }).join('\n');
}

const PLACE = ['colo', 'country', 'continent', 'latitude', 'longitude'];
