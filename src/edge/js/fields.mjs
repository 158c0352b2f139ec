// Fields that go on with a request or a response.

// Names of those that do not.
let fromRequest = [];
let fromResponse = [];

export function strip(request, response) {
  fromRequest = request;
  fromResponse = response;
}

// What goes on with a request, edited by lines.
export function outgoing(exchange, lines, from, to) {
  const headers = new Headers(exchange.headers);
  for (let i = 0; i < fromRequest.length; i++) headers.delete(fromRequest[i]);
  apply(headers, lines, from, to);
  return headers;
}

// What goes on with a response, edited by lines.
export function incoming(headers, requestId, lines, from) {
  const connection = headers.get('connection');
  if (connection !== null) for (const name of connection.split(',')) headers.delete(name.trim());
  for (let i = 0; i < fromResponse.length; i++) headers.delete(fromResponse[i]);
  headers.set(REQUEST_ID, requestId);
  apply(headers, lines, from, lines.length - 1);
}

export const REQUEST_ID = 'x-request-id';

const SET = 0x3d; // =
const REMOVE = 0x2d; // -

// Edits are two lines each: mark and name, value.
export function apply(headers, lines, from, to) {
  for (let i = from; i < to; i += 2) {
    const line = lines[i];
    const mark = line.charCodeAt(0);
    const name = line.slice(1);
    if (mark === SET) headers.set(name, lines[i + 1]);
    else if (mark === REMOVE) headers.delete(name);
    else headers.append(name, lines[i + 1]);
  }
}
