// A relying party with openid-client. Arguments: folder of node_modules, issuer,
// client, secret, redirect URI. It prints the address of its authorization
// request, reads the address the person was sent back to, and prints who they are.
import { createInterface } from 'node:readline/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'

const [modules, issuer, id, secret, redirectURI, push] = process.argv.slice(2)
const entry = createRequire(path.join(modules, 'index.js')).resolve('openid-client')
const client = await import(pathToFileURL(entry))

const config = await client.discovery(new URL(issuer), id, undefined, client.ClientSecretPost(secret), {
  execute: [client.allowInsecureRequests],
})
const verifier = client.randomPKCECodeVerifier()
const expected = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() }
const parameters = {
  redirect_uri: redirectURI,
  scope: 'openid email',
  state: expected.expectedState,
  nonce: expected.expectedNonce,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
}
const build = push === 'push' ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl
console.log((await build(config, parameters)).href)

const lines = createInterface({ input: process.stdin })
const answer = new URL(await lines.question(''))
lines.close()
const tokens = await client.authorizationCodeGrant(config, answer, expected)
const claims = tokens.claims()
const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
console.log(JSON.stringify({ sub: claims.sub, email: info.email }))
