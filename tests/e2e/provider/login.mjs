// The certified OpenID Connect provider (npm oidc-provider) on loopback, with people who log in by themselves.
//
// Its argument is the client as JSON. Prints one line of JSON when it listens: { issuer, control }. Whoever
// comes to log in is the person that the mode names, and consents unless the mode says no. On the control port:
//   POST /mode   { account, consent, groups, down }: from now on
//   GET  /hits   how often each path of the issuer was asked for
import http from 'node:http';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.argv[2], 'package.json'));
const { default: Provider } = await import(require.resolve('oidc-provider'));
const { client, ttl } = JSON.parse(process.argv[3]);
const SECRET = 'a-secret-that-is-long-enough-for-the-provider';
const mode = { account: 'alice', consent: true, groups: ['staff'], down: false };

const key = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

function listen(which) {
  return new Promise((done) => which.listen(0, '127.0.0.1', () => done(which.address().port)));
}

const hits = {};
let provider = null;

/** Logs in and consents, or not, without asking anybody. */
async function interaction(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: mode.account } });
  }
  if (!mode.consent) {
    return provider.interactionFinished(request, response,
      { error: 'access_denied', error_description: 'the person said no' });
  }
  const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const server = http.createServer(async (request, response) => {
  const name = request.url.split('?')[0];
  hits[name] = (hits[name] ?? 0) + 1;
  if (mode.down && name === '/token') return response.writeHead(500).end();
  if (name.startsWith('/interaction/')) {
    return interaction(request, response).catch((why) => response.writeHead(500).end(String(why)));
  }
  return provider.callback()(request, response);
});
const issuer = `http://localhost:${await listen(server)}`;

const page = (form) => `<!doctype html>${form}<script>
const yes = document.createElement('input'); yes.name = 'logout'; yes.value = 'yes';
document.forms[0].append(yes); document.forms[0].submit();</script>`;

provider = new Provider(issuer, {
  jwks: { keys: [{ ...key, kid: 'login', use: 'sig', alg: 'ES256' }] },
  clients: [{
    client_secret: SECRET, grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256', ...client,
  }],
  clientBasedCORS: () => false,
  cookies: { keys: ['for the tests alone'] },
  claims: { openid: ['sub', 'groups', 'email'] },
  conformIdTokenClaims: false,
  findAccount: (ctx, id) => ({
    accountId: id, claims: () => ({ sub: id, groups: mode.groups, email: `${id}@example.com` }),
  }),
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true, logoutSource: async (ctx, form) => { ctx.body = page(form); } },
  },
  interactions: { url: (ctx, found) => `/interaction/${found.uid}` },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { IdToken: 3600, AccessToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, RefreshToken: 3600, ...ttl },
});
provider.on('server_error', (ctx, why) => process.stderr.write(`${why.stack}\n`));
provider.on('backchannel.error', (ctx, why) => process.stderr.write(`${why}\n`));

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length ? JSON.parse(Buffer.concat(parts)) : {};
}

const control = http.createServer(async (request, response) => {
  const given = await body(request);
  if (request.url === '/mode') Object.assign(mode, given);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(request.url === '/hits' ? hits : {}));
});
console.log(JSON.stringify({ issuer, control: await listen(control) }));
