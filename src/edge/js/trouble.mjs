// What can go wrong outside the gateway, and how it is told apart.

export class TimedOut extends Error {
  constructor() {
    super('it took too long');
  }
}

export const LATE = 'it did not come in time';

// The client's body broke off, or was too late.
export class ClientBody extends Error {
  constructor(late, message) {
    super(message);
    this.late = late;
  }
}

// More bodies are being gathered than the isolate has room for.
export class NoRoom extends Error {}

// A number for the gateway: what kind of error it is.
export function trouble(error) {
  if (error instanceof TimedOut) return 1;
  if (error instanceof ClientBody) return error.late ? 3 : 2;
  if (error instanceof NoRoom) return 4;
  return 0;
}

// What was thrown by a call into the gateway: a trap, after which its memory cannot be trusted. Nothing that is thrown
// outside, over data of a client or an upstream, is one.
export class Trap extends Error {
  constructor(cause) {
    super('the gateway failed', { cause });
  }
}

// Called where a trap was met that nobody waits to hear of.
export let collapse;

export function on_collapse(then) {
  collapse = then;
}

export function words(error) {
  return String(error?.message ?? error);
}
