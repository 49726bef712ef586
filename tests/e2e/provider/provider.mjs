// The certified OpenID Connect provider (npm oidc-provider) on loopback, for the tests.
//
// Prints one line of JSON when it listens: { issuer, control }. On the control port:
//   POST /rotate/N   0: [old]  1: [old, new]  2: [new, old]  3: [new]; the first key of an alg signs
//   POST /sign       { alg, header, payload }: a token by the provider's own signing key
//   GET  /hits       how often each path of the issuer was asked for
import http from 'node:http';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.argv[2], 'package.json'));
const { default: Provider } = await import(require.resolve('oidc-provider'));
const jose = await import(require.resolve('jose'));

const AUDIENCE = 'https://web.example';
const SECRET = 'a-secret-that-is-long-enough-for-the-provider';

function privateKey(alg, generation) {
  const made = {
    RS256: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => crypto.generateKeyPairSync('ed25519'),
  }[alg]();
  return { ...made.privateKey.export({ format: 'jwk' }), kid: `${alg}-${generation}`, use: 'sig', alg };
}

const generationKeys = (name) => ['RS256', 'ES256', 'EdDSA'].map((alg) => privateKey(alg, name));
const older = generationKeys('old');
const newer = generationKeys('new');
const steps = [older, [...older, ...newer], [...newer, ...older], newer];

function client(id) {
  return {
    client_id: id, client_secret: SECRET, grant_types: ['client_credentials'], redirect_uris: [],
    response_types: [],
  };
}

function configuration(keys) {
  return {
    jwks: { keys },
    clients: [client('alice'), client('bob')],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, indicator) => ({
          scope: 'read', accessTokenTTL: 600, accessTokenFormat: 'jwt',
          audience: indicator.startsWith(AUDIENCE) ? AUDIENCE : indicator,
          jwt: { sign: { alg: indicator.split('/').pop() } },
        }),
      },
    },
    extraTokenClaims: (ctx, token) => ({
      groups: token.clientId === 'alice' ? ['staff', 'admins'] : ['staff'],
      email: `${token.clientId}@example.com`,
    }),
  };
}

const hits = {};
let callback = null;
let current = 0;
const server = http.createServer((request, response) => {
  const name = request.url.split('?')[0];
  hits[name] = (hits[name] ?? 0) + 1;
  callback(request, response);
});

function listen(which) {
  return new Promise((done) => which.listen(0, '127.0.0.1', () => done(which.address().port)));
}

const issuer = `http://127.0.0.1:${await listen(server)}`;

function rotate(step) {
  current = step;
  callback = new Provider(issuer, configuration(steps[step])).callback();
}
rotate(0);

async function sign({ alg, header, payload }) {
  const jwk = steps[current].find((key) => key.alg === alg);
  return new jose.SignJWT(payload)
    .setProtectedHeader({ alg, kid: jwk.kid, typ: 'at+jwt', ...header })
    .sign(await jose.importJWK(jwk, alg));
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length ? JSON.parse(Buffer.concat(parts)) : {};
}

const control = http.createServer(async (request, response) => {
  const [, verb, argument] = request.url.split('/');
  const given = await body(request);
  if (verb === 'rotate') rotate(Number(argument));
  const answer = verb === 'sign' ? await sign(given) : verb === 'hits' ? hits : {};
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});
console.log(JSON.stringify({ issuer, control: await listen(control) }));
