// SPDX-License-Identifier: MPL-2.0

// Command soak shows that no token and no refresh token is lost while the plugin is killed at random: with a real Vault, and with
// an authorization server that was not written with the engine and forgives little. "make soak" runs it from the repository's
// directory for five minutes, "make soak FOR=30m" for longer, and FLAGS has further flags: "go run ./test/soak -h" lists them.
// Its exit status is 1 if anything was lost, or served that should not have been.
//
// # What plays
//
//   - Vault, of one node, with raft storage and an audit log; it starts the plugin again when somebody needs it.
//   - oidc-provider (provider/server.mjs): access tokens of 30 s and 60 s; refresh tokens that rotate; the use of a consumed one
//     revokes the whole grant, with all its access tokens, unless it comes within the grace (-grace; 30 s, as is usual).
//   - The demo's API with a login of its own (tools/demo).
//   - Roles: a third client_credentials; a third refresh_token, whose first one is imported; of the rest one half password, with
//     refresh tokens, and the other half logins. Tokens under 45 s are renewed by reads only, the others in the background.
//   - Readers, which read token/ and creds/ of roles by chance all the time, and ask the issuer about one token in ten.
//   - A killer: SIGKILL at random instants, half of them right after a refresh token was consumed, while the answer is made, on
//     its way, or being stored. That is where a refresh token can be lost.
//
// With -nodes 3 Vault is a cluster that also loses its leader at random (-stepdown): by a step-down and by SIGKILL of the node with its
// plugin, in turns. Readers ask all nodes, and standbys forward. Each node's logs are in a directory of its own.
//
// The provider holds back each answer for a random time (-latency), or next to no kill would fall between POST and answer.
//
// # What must be
//
// No read gets a token that has expired, that its issuer does not accept, or that is another role's. A read may fail with a 5xx
// if the plugin was killed during it or at most 5 s before (-outage), and for 30 s (-recovery) if the kill cut off a renewal of its
// role by refresh token: the engine waits until a POST that may be under way must be over. For 20 s after the
// loss of a leader (-election) Vault may also not be reached at all. Any other failed read is a violation. So is a secret, a refresh
// token or an access token in Vault's log, which has the plugin's output, or in its audit log.
//
// A refresh grant is lost when the provider revokes it, or when a role of flow refresh_token has no token in the end. That is
// explained if a kill lies between the POST and the stored answer and the plugin was not back before the grace was over, which
// begins when the token is consumed: nobody can do anything about that. With -grace 0 every kill in between is such a one. Where
// the plugin was back in time (it has to wait until a POST of its predecessor must be over: -fence), and presented the token too late,
// the loss is avoidable, and a violation; with -strict=false it
// is only listed. Without a kill in between it is unexplained. That the answer was stored is known if a reader has seen its access
// token, or if its refresh token was presented: the engine stores a token before anybody sees it. Failing that, a kill
// counts for 2 s after the answer (-persist).
//
// A consumed token that is presented again without such a kill is a violation even where the grace forgives it: the next
// server may have none.
//
// # How to read it
//
// The table is for a person, and the last line is the same as JSON. "exchanges cut off" tells how often a kill fell between a
// refresh's POST and its stored answer: with 0 there, nothing was tried that could go wrong. After a violation, and with -keep,
// the files stay:
//
//	provider.jsonl  each token request, and each refresh token with its state, as the start of its SHA-256
//	losses.json     each lost grant, and why
//	reuses.json     each refresh token that was presented twice
//	roles.json      each role at the end, with what status/<role> says
//	status.json     what status says
//	vault.log, audit.log, provider.log, logins.log
//
// The audit log grows by 16 MB a minute. The files lie in the directory for temporary files ($TMPDIR), or where -keep says.
//
// A run can be thrown again by its -seed: the same kills and reads are drawn. Processes are never scheduled the same way twice, so
// another run of a seed is a similar one.
package main
