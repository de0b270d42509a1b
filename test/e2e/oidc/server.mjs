// SPDX-License-Identifier: MPL-2.0
//
// panva's oidc-provider on the loopback interface, for the end-to-end stories: the strictest server at hand, and one that
// was not written with the engine. The one argument is a JSON object:
//
//   secret           of the clients "basic" (client_secret_basic) and "post" (client_secret_post)
//   username         \ of the one person, for the password grant, which oidc-provider lacks and which is
//   password         / registered below with its own tokens, grants and rotation
//   lifetime         seconds that person's access tokens live (3600); those of the clients themselves live an hour
//   refreshLifetime  seconds a refresh token lives (86400)
//   record           file that every token issued is appended to
//
// It prints {"url": ...} when it is ready and ends when its standard input closes. Beside the endpoints of oidc-provider
// (/token, /token/revocation, /token/introspection, /jwks) there are
//
//   GET /stats       token requests so far, in all and by grant
//   GET /api/issued  whether the bearer token is one issued here, byte for byte, and how long it is
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import Provider, { errors } from 'oidc-provider';

const BIG = 'urn:example:big'; // the resource whose tokens are JWTs of 20 KB

const options = { lifetime: 3600, refreshLifetime: 86400, ...JSON.parse(process.argv[2] ?? '{}') };

const http = createServer({ maxHeaderSize: 65_536 }); // for a token of 20 KB
http.listen(0, '127.0.0.1');
await once(http, 'listening');
const url = `http://127.0.0.1:${http.address().port}`;

const client = (id, method) => ({
  client_id: id,
  client_secret: options.secret,
  token_endpoint_auth_method: method,
  grant_types: ['client_credentials', 'password', 'refresh_token'],
  response_types: [],
  redirect_uris: [],
  scope: 'openid offline_access read write',
});

const provider = new Provider(url, {
  clients: [client('basic', 'client_secret_basic'), client('post', 'client_secret_post')],
  scopes: ['openid', 'offline_access', 'read', 'write'],
  ttl: {
    AccessToken: options.lifetime,
    ClientCredentials: 3600,
    RefreshToken: options.refreshLifetime,
    Grant: options.refreshLifetime,
  },
  rotateRefreshToken: true, // with reuse detection: an old refresh token kills the whole grant
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (ctx, token) => (token.aud === BIG ? { padding: 'x'.repeat(15_000) } : undefined),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (ctx, resource) => {
        if (resource !== BIG) throw new errors.InvalidTarget();
        return { audience: BIG, scope: 'read write', accessTokenTTL: 3600, accessTokenFormat: 'jwt' };
      },
    },
  },
});

provider.registerGrantType('password', async (ctx) => {
  const { client: caller, params } = ctx.oidc;
  if (params.username !== options.username || params.password !== options.password) {
    throw new errors.InvalidGrant('wrong name or password');
  }
  const accountId = params.username;
  const grant = new provider.Grant({ accountId, clientId: caller.clientId });
  grant.addOIDCScope('openid offline_access read write');
  const grantId = await grant.save();
  const shared = { accountId, client: caller, grantId, gty: 'password', scope: params.scope };
  const accessToken = new provider.AccessToken(shared);
  ctx.body = {
    access_token: await accessToken.save(),
    expires_in: accessToken.expiration,
    refresh_token: await new provider.RefreshToken({ ...shared, rotations: 0 }).save(),
    scope: params.scope,
    token_type: accessToken.tokenType,
  };
}, ['username', 'password', 'scope']);

const stats = { token_requests: 0, refused: 0, by_grant: {} };
const issued = new Map(); // SHA-256 of a token issued -> whose it is
const digest = (token) => createHash('sha256').update(token).digest('hex');

const count = (ctx) => {
  const grant = ctx.oidc?.params?.grant_type ?? '';
  stats.token_requests += 1;
  stats.by_grant[grant] = (stats.by_grant[grant] ?? 0) + 1;
};
provider.on('grant.success', (ctx) => {
  count(ctx);
  issued.set(digest(ctx.body.access_token), ctx.oidc.client.clientId);
  if (options.record) {
    const kinds = ['access_token', 'refresh_token'].filter((kind) => ctx.body[kind]);
    appendFileSync(options.record, kinds.map((kind) => `${kind} ${ctx.body[kind]}\n`).join(''), { mode: 0o600 });
  }
});
provider.on('grant.error', (ctx) => {
  count(ctx);
  stats.refused += 1;
});

const answer = (res, status, body) => {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const oidc = provider.callback();
http.on('request', (req, res) => {
  if (req.url === '/stats') {
    answer(res, 200, stats);
  } else if (req.url === '/api/issued') {
    const token = (req.headers.authorization ?? '').replace(/^Bearer /, '');
    const clientId = issued.get(digest(token));
    answer(res, clientId ? 200 : 401, { client_id: clientId, length: token.length, sha256: digest(token) });
  } else {
    oidc(req, res);
  }
});

console.log(JSON.stringify({ url }));
process.stdin.resume().on('end', () => process.exit(0));
