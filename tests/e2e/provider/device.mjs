// The certified OpenID Connect provider with its device grant, for people at a terminal.
// Prints one line of JSON when it listens: { issuer }.
import http from 'node:http';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.argv[2], 'package.json'));
const { default: Provider } = await import(require.resolve('oidc-provider'));

const key = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const server = http.createServer((request, response) => callback(request, response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const claims = { name: 'Joe', email: 'joe@example.com', groups: ['staff', 'admins'] };

const callback = new Provider(issuer, {
  jwks: { keys: [{ ...key, kid: 'k', use: 'sig', alg: 'ES256' }] },
  clients: [{
    client_id: 'selvage', token_endpoint_auth_method: 'none', redirect_uris: [], response_types: [],
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    id_token_signed_response_alg: 'ES256',
  }],
  claims: { openid: ['sub', 'groups'], profile: ['name'], email: ['email'] },
  conformIdTokenClaims: false,
  scopes: ['openid', 'offline_access'],
  features: { deviceFlow: { enabled: true }, revocation: { enabled: true }, devInteractions: { enabled: true } },
  issueRefreshToken: () => true,
  rotateRefreshToken: () => true,
  ttl: { AccessToken: 40, IdToken: 3600, RefreshToken: 3600, DeviceCode: 60, Grant: 3600, Session: 3600,
    Interaction: 600 },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims }) }),
}).callback();

console.log(JSON.stringify({ issuer }));
