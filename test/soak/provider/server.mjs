// SPDX-License-Identifier: MPL-2.0
//
// panva's oidc-provider on the loopback interface, for the soak: the same packages as test/e2e/oidc, with what a soak needs
// round them. Refresh tokens rotate, and the use of a consumed one revokes the whole grant: both are oidc-provider's own.
// Of ours are a store that forgets nothing while the soak runs (oidc-provider's holds 1000 entries), the grace below, a
// password grant to begin with (oidc-provider has none), and the log.
//
// The one argument is a JSON object:
//
//   clients   [{id, secret, life}]: life of its access tokens in seconds
//   password  of everybody: any user name is an account
//   grace     milliseconds in which a consumed refresh token is taken once more, as Okta's and Auth0's leeway has it: the
//             answer has a new refresh token, and the one that was answered before stays good. From then on it is reuse. 0: none
//   latency   milliseconds, at most, between the rotation and its answer: a random part of it each time
//   record    file that every token issued is appended to, for a search of logs
//
// It prints one JSON object a line, the first of them {"url": ...}. Tokens and grants are in them as the start of their
// SHA-256. Times are milliseconds since 1970.
//
//   {"event": "consumed", ...}  a refresh token was consumed; its answer is under way
//   {"event": "exchange", ...}  a token request is over; sent: its answer was written to a caller who was still there. Of a refresh: state of the token presented is "fresh", "grace" (consumed,
//                               and taken once more), "late" (consumed, and taken for theft), "dead" (of a revoked grant)
//                               or "unknown" (never issued here)
//   {"event": "revoked", ...}   a grant was revoked
//
// It ends when its standard input closes.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import Provider, { errors } from '../../e2e/oidc/node_modules/oidc-provider/lib/index.js';

const options = JSON.parse(process.argv[2]);
const lives = new Map(options.clients.map(({ id, life }) => [id, life]));
const WEEK = 7 * 86_400;

const digest = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const exchanges = new AsyncLocalStorage(); // the exchange that a look into the store belongs to

// refreshTokens remembers each one ever issued: token -> {grant, account, consumed}.
const refreshTokens = new Map();
const revoked = new Set(); // grants

class Store {
  static entries = new Map(); // "model:id" -> {payload, expires}

  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload, expiresIn) {
    Store.entries.set(this.key(id), { payload, expires: Date.now() + (expiresIn ?? WEEK) * 1000 });
    if (this.model === 'RefreshToken' && !refreshTokens.has(id)) {
      refreshTokens.set(id, { grant: payload.grantId, account: payload.accountId });
    }
  }

  async find(id) {
    const payload = Store.entries.get(this.key(id))?.payload;
    if (this.model !== 'RefreshToken') return payload;
    const state = this.state(id);
    const exchange = exchanges.getStore();
    const known = refreshTokens.get(id);
    if (exchange) {
      Object.assign(exchange, { token: digest(id), state });
      if (known) Object.assign(exchange, { account: known.account, grant: digest(known.grant), consumed: known.consumed });
    }
    if (!payload || !known?.consumed) return payload;
    return state === 'grace' ? payload : { ...payload, consumed: Math.floor(known.consumed / 1000) };
  }

  state(id) {
    const known = refreshTokens.get(id);
    if (!known) return 'unknown';
    if (revoked.has(known.grant)) return 'dead';
    if (known.consumed === undefined) return 'fresh';
    return Date.now() - known.consumed < options.grace ? 'grace' : 'late';
  }

  async consume(id) {
    const known = refreshTokens.get(id);
    known.consumed ??= Date.now(); // a second use in the grace does not prolong it
    say({ event: 'consumed', at: Date.now(), account: known.account, token: digest(id) });
  }

  async destroy(id) { Store.entries.delete(this.key(id)); }

  async revokeByGrantId(grantId) {
    if (!revoked.has(grantId)) {
      revoked.add(grantId);
      say({ event: 'revoked', at: Date.now(), account: exchanges.getStore()?.account, grant: digest(grantId) });
    }
    for (const [key, { payload }] of Store.entries) {
      if (payload.grantId === grantId) Store.entries.delete(key);
    }
  }
}
setInterval(() => {
  for (const [key, { expires }] of Store.entries) if (expires < Date.now()) Store.entries.delete(key);
}, 30_000);

const http = createServer();
http.listen(0, '127.0.0.1');
await once(http, 'listening');
const url = `http://127.0.0.1:${http.address().port}`;

const life = (ctx, token, client) => lives.get(client.clientId);
const provider = new Provider(url, {
  adapter: Store,
  clients: options.clients.map(({ id, secret }) => ({
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials', 'password', 'refresh_token'],
    response_types: [],
    redirect_uris: [],
    scope: 'openid offline_access read write',
  })),
  scopes: ['openid', 'offline_access', 'read', 'write'],
  ttl: { AccessToken: life, ClientCredentials: life, RefreshToken: WEEK, Grant: WEEK },
  rotateRefreshToken: true,
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
  },
});

provider.registerGrantType('password', async (ctx) => {
  const { client, params } = ctx.oidc;
  if (params.password !== options.password) throw new errors.InvalidGrant('wrong name or password');
  const accountId = params.username;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope('openid offline_access read write');
  const grantId = await grant.save();
  const shared = { accountId, client, grantId, gty: 'password', scope: params.scope };
  const accessToken = new provider.AccessToken(shared);
  Object.assign(exchanges.getStore(), { account: accountId, grant: digest(grantId) });
  ctx.body = {
    access_token: await accessToken.save(),
    expires_in: accessToken.expiration,
    refresh_token: await new provider.RefreshToken({ ...shared, rotations: 0 }).save(),
    scope: params.scope,
    token_type: accessToken.tokenType,
  };
}, ['username', 'password', 'scope']);

// Everything about one token request, and its answer held back for a moment. The caller may be killed at any time.
provider.use(async (ctx, next) => {
  if (ctx.path !== '/token') return next();
  const exchange = { event: 'exchange', in: Date.now() };
  const closed = once(ctx.res, 'close');
  await exchanges.run(exchange, next);
  const { body } = ctx;
  Object.assign(exchange, {
    grant_type: ctx.oidc?.params?.grant_type,
    client: ctx.oidc?.client?.clientId,
    status: ctx.status,
    error: body?.error,
    next: body?.refresh_token && digest(body.refresh_token),
    access: body?.access_token && digest(body.access_token),
  });
  const kinds = ['access_token', 'refresh_token'].filter((kind) => body?.[kind]);
  appendFileSync(options.record, kinds.map((kind) => `${kind} ${body[kind]}\n`).join(''), { mode: 0o600 });
  await sleep(Math.random() * options.latency);
  closed.then(() => say({ ...exchange, out: Date.now(), sent: ctx.res.writableFinished }));
  return undefined;
});

http.on('request', provider.callback());
say({ url });
process.stdin.resume().on('end', () => process.exit(0));
