// A certified OpenID provider for tests: any port of the loopback interface, told on standard output.
//
// - `POST /_rotate` gives it new keys and forgets the old ones.
// - `GET /_asked` tells how often each path was asked for.
// - `POST /_set?NAME=VALUE` changes what the provider does from then on: see `settings`.
// - A client `machine` with the secret `machine-secret` gets access tokens for any resource by its credentials: JWTs, or
//   opaque ones with `X-Format: opaque`. `poster`, with the secret `poster's secret`, shows them in the form.
// - A client `web` with the secret `web-secret` logs people in: whoever the form is filled in for, or whom the field
//   `X-Login` names.
// - Tokens can be introspected and revoked.
//
// With the argument `auth0` its URLs are those of an Auth0 tenant. `--port` names its port. With `--told` it is for people:
// it tells what a config needs of it, and is at port 9200, for a gateway at the origin http://localhost:8787; `--origin`
// is another one.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import Provider from 'oidc-provider';

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string' }, origin: { type: 'string' }, told: { type: 'boolean' } },
});
const asked = {};
const settings = {
  // Where the client `web` is, besides http://localhost.
  origin: options.origin ?? (options.told ? 'http://localhost:8787' : 'http://localhost'),
  // Seconds that access tokens live.
  life: '3600',
  // A status with which the token endpoint fails, if any.
  failing: '',
  // The code of the error that it answers then.
  error: 'told_to_fail',
  // Milliseconds by which the token endpoint is late.
  late: '0',
  // Bytes of a claim that makes ID tokens long.
  padding: '0',
};
const auth0 = positionals[0] === 'auth0';
const WEB_SECRET = 'web-secret-that-is-as-long-as-those-of-providers';
const TOKEN = auth0 ? '/oauth/token' : '/token';
let keys;
let current;
let handle;

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://provider.test');
  const path = url.pathname;
  if (path === '/_asked') {
    response.end(JSON.stringify(asked));
  } else if (path === '/_rotate') {
    keys = newKeys();
    restart();
    response.end();
  } else if (path === '/_set') {
    Object.assign(settings, Object.fromEntries(url.searchParams));
    // A new one knows nobody.
    if (url.searchParams.has('origin')) restart();
    response.end();
  } else if (path.startsWith('/_interaction/')) {
    await interact(request, response);
  } else {
    asked[path] = (asked[path] ?? 0) + 1;
    if (path === TOKEN) {
      await new Promise((resolve) => setTimeout(resolve, Number(settings.late)));
      if (settings.failing !== '') {
        response.statusCode = Number(settings.failing);
        response.end(JSON.stringify({ error: settings.error }));
        return;
      }
    }
    handle(request, response);
  }
});

// Nobody reads what the provider remarks later.
process.stdout.on('error', () => {});

server.listen(Number(options.port ?? (options.told ? 9200 : 0)), '127.0.0.1', () => {
  keys = newKeys();
  restart();
  const { port } = server.address();
  console.log(options.told ? `"issuer": "http://127.0.0.1:${port}"
"client_id": "web"
"client_secret": "${WEB_SECRET}"
Redirect URI: ${settings.origin}/auth/callback` : port);
});

// A form for the name of whoever logs in; the answer to it.
async function interact(request, response) {
  let login = request.headers['x-login'];
  if (request.method === 'POST') {
    let body = '';
    for await (const chunk of request) body += chunk;
    login = new URLSearchParams(body).get('login');
  }
  if (login === undefined) {
    response.setHeader('content-type', 'text/html');
    response.end('<form method="post"><input name="login"><button>Log in</button></form>');
    return;
  }
  const result = login === 'nobody'
    ? { error: 'access_denied', error_description: '<script>alert(1)</script>' }
    : { login: { accountId: login } };
  await current.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function restart() {
  const issuer = `http://127.0.0.1:${server.address().port}${auth0 ? '/' : ''}`;
  const origins = ['http://localhost', settings.origin];
  current = new Provider(issuer, {
    jwks: { keys },
    clients: [{
      client_id: 'machine',
      client_secret: 'machine-secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }, {
      client_id: 'poster',
      client_secret: "poster's secret",
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }, {
      client_id: 'web',
      client_secret: WEB_SECRET,
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: auth0 ? 'client_secret_post' : 'client_secret_basic',
      redirect_uris: [...new Set(origins)].map((origin) => `${origin}/auth/callback`),
      post_logout_redirect_uris: [...new Set(origins)].map((origin) => `${origin}/`),
    }],
    ...(auth0 && {
      routes: { authorization: '/authorize', token: TOKEN, userinfo: '/userinfo', jwks: '/.well-known/jwks.json' },
    }),
    cookies: { keys: ['a key for the cookies of tests'] },
    claims: { openid: ['sub'], email: ['email'], profile: ['name', 'padding'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.test`, name: id, padding: 'x'.repeat(Number(settings.padding)) }),
    }),
    // Nobody is asked for consent.
    loadExistingGrant: async (context) => {
      const { client, session, params } = context.oidc;
      const known = session.grantIdFor(client.clientId);
      if (known !== undefined) return context.oidc.provider.Grant.find(known);
      const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(params.scope);
      session.ensureClientContainer(client.clientId);
      session.grantIdFor(client.clientId, await grant.save());
      return grant;
    },
    interactions: { url: (_, interaction) => `/_interaction/${interaction.uid}` },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: () => Number(settings.life),
      ClientCredentials: 600, Grant: 3600, IdToken: 3600, Interaction: 600, RefreshToken: 3600, Session: 3600,
    },
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.body = `${form}<button form="op.logoutForm" name="logout" value="yes">Log out</button>`;
        },
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (context, resource) => ({
          scope: 'read write',
          audience: resource,
          accessTokenFormat: context.get('x-format') || 'jwt',
          jwt: { sign: { alg: context.get('x-alg') || 'ES256' } },
        }),
      },
    },
  });
  handle = current.callback();
}

function newKeys() {
  return [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')];
}

function key(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: randomUUID() };
}
