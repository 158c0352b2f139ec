// What an exchange asks of its request and its environment.

import { put } from './wire.mjs';

// The exchange that the gateway works on: { request, env, method, headers, body, left, beside }. Three are read once; `left`
// are tasks for when it has been answered, and `beside` begins them.
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

export function header(name) {
  return current.headers.get(name) ?? undefined;
}

export function variable(name) {
  return variable_of(current.env, name);
}

export function variable_of(env, name) {
  const value = env[name];
  return typeof value === 'string' ? value : undefined;
}

export function client_certificate() {
  const told = current.request.cf?.tlsClientAuth;
  return told === undefined || told === null ? undefined : JSON.stringify(told);
}

export function geography() {
  const { colo, country, continent, latitude, longitude } = current.request.cf ?? {};
  return [colo, country, continent, latitude, longitude].map((one) => one ?? '').join('\n');
}
