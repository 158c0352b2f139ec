// The client's body on its way to an upstream, and who is to blame where it stands still.
//
// A short body that is here with its head goes on as bytes. Any other is pumped: its first pieces pass here, since that
// the upstream takes one shows that it listens; the rest is the platform's own pump, without a piece in JavaScript.

import { sleep } from './time.mjs';
import { ClientBody, words } from './trouble.mjs';

// A body of at most so many bytes is waited for a little before the upstream is asked, and passes here whole.
const SHORT = 65_536;
const SOON_MS = 50;

// Sends a body on: `begin` is called once, with what to fetch with. `clock` is told whom everything waits for.
export async function upload(exchange, clock, begin) {
  const { body } = exchange.request;
  const length = exchange.length === null ? undefined : Number(exchange.length);
  // More than any client can send, or a stream can count.
  if (length !== undefined && !Number.isSafeInteger(length)) throw new ClientBody(false, 'its length is absurd');
  const short = length <= SHORT;
  const reader = body.getReader();
  const upload = { exchange, clock, body, reader, short, pieces: [], next: undefined, got: 0 };
  if (short && await here(upload, length)) {
    done(upload);
    return begin(joined(upload.pieces, length));
  }
  // A FixedLengthStream keeps `Content-Length`, an IdentityTransformStream is sent in chunks.
  const { readable, writable } = length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
  // A body that breaks off must break the fetch: it would wait for the rest.
  const reply = begin(readable, clock.signal());
  pump(upload, writable, reply).catch((error) => clock.fail(error));
  return reply;
}

// Whether a short body is here soon. A piece that has not come by then is still waited for, as `next`.
async function here(upload, length) {
  if (length === 0) return true;
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, SOON_MS); });
  try {
    while (upload.got < length) {
      upload.next ??= piece(upload);
      const arrived = await Promise.race([upload.next, late]);
      if (arrived === undefined) return false;
      upload.next = undefined;
      if (arrived.done) throw new ClientBody(false, 'it is shorter than its length');
      upload.pieces.push(arrived.value);
      upload.got += arrived.value.byteLength;
    }
    return true;
  } finally {
    clearTimeout(timer);
  }
}

function piece(upload) {
  return upload.reader.read().catch((error) => {
    throw new ClientBody(false, words(error));
  });
}

async function pump(upload, writable, reply) {
  const { clock, body, reader } = upload;
  const writer = writable.getWriter();
  // That a stream is closed or broken on the upstream's side is told by the fetch.
  writer.closed.catch(() => {});
  for (;;) {
    for (const one of upload.pieces.splice(0)) if (!await taken(clock, writer.write(one))) return;
    if (!upload.short && upload.got > 0) break;
    clock.client();
    const { done: ended, value } = await (upload.next ?? piece(upload));
    upload.next = undefined;
    if (ended) {
      if (await taken(clock, writer.close())) done(upload);
      return;
    }
    upload.got += value.byteLength;
    upload.pieces.push(value);
  }
  reader.releaseLock();
  writer.releaseLock();
  // Which side of the pump stands still, the platform does not tell, and nothing may be written to find out.
  clock.client();
  try {
    // Aborted, a stream in chunks would end as if it were whole. It is left open, and ends with the fetch.
    await body.pipeTo(writable, { preventAbort: true, preventCancel: true });
  } catch (error) {
    if (await upstreams(reply)) return;
    throw new ClientBody(false, words(error));
  }
  done(upload);
}

// Whether the upstream has taken what was written.
async function taken(clock, written) {
  clock.upstream();
  return written.then(() => true, () => false);
}

// The whole body is on its way: from here on it is the upstream's time.
function done(upload) {
  upload.exchange.uploaded = Date.now();
  upload.clock.upstream();
}

// Whether it was the upstream's side of a pump that broke: then the fetch is over too, now or soon.
async function upstreams(reply) {
  const over = reply.then(() => true, () => true);
  return await Promise.race([over, sleep(5 * SOON_MS)]) === true;
}

function joined(pieces, length) {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

// Reads a body of GET or HEAD to its end before it goes on: no pump leads to one, only the client's request itself, of
// which the gateway sees no more. They are short (see `guards` of the gateway).
export async function read_through(exchange, clock) {
  clock.client();
  const reader = exchange.request.clone().body.getReader();
  try {
    while (!(await reader.read()).done);
  } catch (error) {
    throw new ClientBody(false, words(error));
  }
  done({ exchange, clock });
}
