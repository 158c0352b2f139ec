// A certified OpenID provider for tests: any port of the loopback interface, told on standard output.
//
// - `POST /_rotate` gives it new keys and forgets the old ones.
// - `GET /_asked` tells how often each path was asked for.
// - A client `machine` with the secret `machine-secret` gets access tokens for any resource by its credentials: JWTs, or
//   opaque ones with `X-Format: opaque`. `poster`, with the secret `poster's secret`, shows them in the form.
// - Tokens can be introspected and revoked.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const asked = {};
let handle;

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/_asked') {
    response.end(JSON.stringify(asked));
  } else if (path === '/_rotate') {
    handle = provider();
    response.end();
  } else {
    asked[path] = (asked[path] ?? 0) + 1;
    handle(request, response);
  }
});

// Nobody reads what the provider remarks later.
process.stdout.on('error', () => {});

server.listen(0, '127.0.0.1', () => {
  handle = provider();
  console.log(server.address().port);
});

function provider() {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return new Provider(issuer, {
    jwks: { keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')] },
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
    }],
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      devInteractions: { enabled: false },
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
  }).callback();
}

function key(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: randomUUID() };
}
