// J: what the gateway does for one fixed path, by hand in JavaScript: the honest floor. It has no router and no config,
// and it does nothing twice.
import UPSTREAM from './upstream.txt';

const PREFIX = '/api/';
const TIMEOUT_MS = 30_000;
const ORIGINS = new Set(['https://app.example.com', 'https://admin.example.com']);
const EXPOSED = 'x-request-id';

// Hop-by-hop fields, and those by which a client could pretend to be a proxy.
const REQUEST_REMOVED = [
  'expect', 'http2-settings', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'x-forwarded',
  'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-server', 'x-original-url', 'x-real-ip', 'x-rewrite-url',
];
const RESPONSE_REMOVED = ['proxy-authenticate', 'proxy-connection'];

// Fields that must arrive, whatever `Connection` names.
const KEPT = new Set(['host', 'content-length', 'cookie', 'authorization']);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const IP = /^[0-9a-fA-F.:]+$/;

const TIMED_OUT = Symbol('timed out');

export default { fetch: handle };

async function handle(request) {
  const { url, method, body } = request;
  const id = crypto.randomUUID();
  const origin = request.headers.get('origin');
  const scheme = url.startsWith('https:') ? 'https' : 'http';
  const authorityAt = scheme.length + 3;
  const pathAt = url.indexOf('/', authorityAt);
  if (method === 'OPTIONS' && origin !== null && request.headers.has('access-control-request-method')) {
    return preflight(origin, id);
  }
  if (!url.startsWith(PREFIX, pathAt)) return problem(404, 'not_found', id, origin);

  const headers = new Headers(request.headers);
  const connection = headers.get('connection');
  for (const name of REQUEST_REMOVED) headers.delete(name);
  if (connection !== null) {
    for (const part of connection.split(',')) {
      const name = part.trim().toLowerCase();
      if (TOKEN.test(name) && !KEPT.has(name)) headers.delete(name);
    }
  }
  const authority = url.slice(authorityAt, pathAt);
  const ip = headers.get('cf-connecting-ip');
  let node = 'unknown';
  if (ip !== null && IP.test(ip)) {
    headers.set('x-forwarded-for', ip);
    node = ip.includes(':') ? `"[${ip}]"` : ip;
  } else {
    headers.delete('x-forwarded-for');
  }
  const host = authority.includes(':') ? `"${authority}"` : authority;
  headers.set('x-forwarded-proto', scheme);
  headers.set('x-forwarded-host', authority);
  headers.set('forwarded', `for=${node};host=${host};proto=${scheme}`);
  headers.append('via', '1.1 causeway');
  headers.set('x-request-id', id);

  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(TIMED_OUT), TIMEOUT_MS);
  let reply;
  try {
    reply = await fetch(UPSTREAM + url.slice(pathAt), { method, headers, body, redirect: 'manual', signal: aborter.signal });
  } catch (error) {
    return error === TIMED_OUT
      ? problem(504, 'upstream_timeout', id, origin)
      : problem(502, 'upstream_unreachable', id, origin);
  } finally {
    clearTimeout(timer);
  }

  const response = new Response(reply.body, reply);
  const named = response.headers.get('connection');
  if (named !== null) for (const name of named.split(',')) response.headers.delete(name.trim());
  for (const name of RESPONSE_REMOVED) response.headers.delete(name);
  finish(response.headers, id, origin);
  return response;
}

function finish(headers, id, origin) {
  headers.set('x-request-id', id);
  if (origin !== null && ORIGINS.has(origin)) {
    headers.set('access-control-allow-origin', origin);
    headers.set('access-control-allow-credentials', 'true');
    headers.set('access-control-expose-headers', EXPOSED);
  } else {
    headers.delete('access-control-allow-origin');
    headers.delete('access-control-allow-credentials');
    headers.delete('access-control-expose-headers');
  }
  headers.append('vary', 'Origin');
}

function preflight(origin, id) {
  if (!ORIGINS.has(origin)) return problem(403, 'cors_origin_denied', id, origin);
  return new Response(null, {
    status: 204,
    headers: {
      'x-request-id': id,
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'Authorization, Content-Type',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    },
  });
}

function problem(status, code, id, origin) {
  const headers = new Headers({ 'content-type': 'application/problem+json' });
  finish(headers, id, origin);
  return new Response(JSON.stringify({ type: 'about:blank', status, code, request_id: id }), { status, headers });
}
