import assert from "node:assert/strict"
import { AsyncLocalStorage } from "node:async_hooks"
import { after, before, test } from "node:test"
import { objectOf, words } from "../../src/fields/index.ts"
import {
  type Access,
  type AnswerStore,
  combinedAccess,
  keyAccess,
  type Method,
  route,
  type Server,
} from "../../src/http/index.ts"
import { type Actor, commonRules, currentActor, rateLimited } from "../../src/shared/index.ts"
import { exampleServer } from "./example.ts"

type Member = Actor & { readonly org: string }
const isMember = (actor: Actor): actor is Member => "org" in actor

const scope = new AsyncLocalStorage<string>()

/** Members prove themselves with the name of their organisation. */
const bearer: Access<Member> = {
  admit({ headers }, { options }) {
    const org = /^Bearer (\w+)$/.exec(headers.authorization ?? "")?.[1]
    if (org !== undefined) return { kind: "user", id: `of-${org}`, org }
    if (options.access === "public") return { kind: "user", org: "nobody" }
    throw commonRules.broken("UNAUTHENTICATED", "The call needs a token.", {
      headers: { "www-authenticate": "Bearer" },
    })
  },
  carries: ({ headers }) => headers.authorization !== undefined,
  around: (actor, work) => scope.run(isMember(actor) ? actor.org : actor.kind, work),
  security: [{ token: [] }],
  schemes: { token: { type: "http", scheme: "bearer" } },
  refusals: commonRules.pick("UNAUTHENTICATED"),
}

const keys = keyAccess("example", "required", async (key) =>
  key === "good" ? { id: "key-1", scopes: ["example:write"] } : undefined,
)

const who = objectOf("Who", { name: words(40), org: words(40), scope: words(40) })
const seen = async () => ({
  name: currentActor().id ?? "",
  org: currentActor(isMember)?.org ?? "",
  scope: scope.getStore() ?? "",
})

const claimed: string[] = []
/** Says in which scope it was asked. */
const answers: AnswerStore = {
  answerOnce(_request, work) {
    claimed.push(scope.getStore() ?? "none")
    return work()
  },
}

let server: Server
before(async () => {
  const routes = [
    route("GET", "/who", { summary: "Who", tag: "t", answer: who }, seen),
    route("PATCH", "/who", { summary: "Change", tag: "t", answer: who }, seen),
    route("POST", "/who", { summary: "Make", tag: "t", answer: who }, seen),
    route("POST", "/tokens", { summary: "Token", tag: "t", answer: who, access: "public", secretAnswer: true }, seen),
    route("POST", "/questions", { summary: "Ask", tag: "t", answer: who, asksOthers: true }, seen),
    route("GET", "/page", { summary: "Page", tag: "t", answer: who, access: "public" }, seen),
  ]
  ;({ server } = await exampleServer({ routes, auth: "required", access: combinedAccess(bearer, keys), answers }))
})
after(() => server.stop())

async function send(method: Method, url: string, headers: Record<string, string> = {}) {
  const response = await server.fastify.inject({ method, url, headers })
  const body = response.json()
  return [response.statusCode, body.error_code ?? `${body.name} ${body.org} ${body.scope}`]
}

test("admits by the system's own credentials and by keys, and shows the handler what was admitted", async () => {
  assert.deepEqual(await send("GET", "/who", { authorization: "Bearer acme" }), [200, "of-acme acme acme"])
  assert.deepEqual(await send("PATCH", "/who", { authorization: "Bearer acme" }), [200, "of-acme acme acme"])
  assert.deepEqual(await send("GET", "/who", { "x-api-key": "good" }), [200, "key-1  api_key"])
  assert.deepEqual(await send("GET", "/who", { "x-api-key": "bad" }), [401, "UNAUTHENTICATED"])
  assert.deepEqual(await send("GET", "/who", { authorization: "Basic x" }), [401, "UNAUTHENTICATED"])
  assert.deepEqual(await send("GET", "/who"), [401, "UNAUTHENTICATED"])
})

test("lets everyone make public calls, whoever they say they are", async () => {
  assert.deepEqual(await send("GET", "/page"), [200, " nobody nobody"])
  assert.deepEqual(await send("GET", "/page", { "x-api-key": "bad" }), [200, "  user"])
  assert.deepEqual(await send("GET", "/page", { authorization: "Bearer acme" }), [200, "of-acme acme acme"])
})

test("keeps answers within the scope of the caller, and nowhere those with a secret or of calls that ask others", async () => {
  claimed.length = 0
  const headers = { "idempotency-key": "k", authorization: "Bearer acme" }
  assert.deepEqual(await send("POST", "/who", headers), [200, "of-acme acme acme"])
  assert.deepEqual(await send("POST", "/tokens", headers), [200, "of-acme acme acme"])
  assert.deepEqual(await send("POST", "/questions", headers), [200, "of-acme acme acme"])
  assert.deepEqual(claimed, ["acme"])
})

test("says in the OpenAPI document who may make which call", async () => {
  const { paths, components } = (await server.fastify.inject({ url: "/schema/openapi.json" })).json()
  assert.deepEqual(paths["/who"].get.security, [{ token: [] }, { apiKey: [] }])
  assert.deepEqual(Object.keys(paths["/who"].patch.responses), ["200", "401", "403", "413", "415", "422", "500", "503"])
  assert.deepEqual(paths["/page"].get.security, [])
  assert.deepEqual(Object.keys(paths["/page"].get.responses), ["200", "500", "503"])
  assert.deepEqual(components.securitySchemes.token, { type: "http", scheme: "bearer" })
  const names = ({ parameters }: { parameters: { name: string }[] }) => parameters.map(({ name }) => name)
  assert.deepEqual(names(paths["/tokens"].post), ["X-Request-Id"])
  assert.deepEqual(names(paths["/questions"].post), ["X-Request-Id"])
  assert.deepEqual(names(paths["/who"].post), ["Idempotency-Key", "X-Request-Id"])
})

test("keys alone ask for nothing where a call is public, and are asked for elsewhere", async () => {
  const routes = [
    route("GET", "/page", { summary: "Page", tag: "t", access: "public" }, async () => undefined),
    route("GET", "/who", { summary: "Who", tag: "t" }, async () => undefined),
  ]
  const { server: own } = await exampleServer({ routes, auth: "required" })
  const status = async (url: string) => (await own.fastify.inject({ url })).statusCode
  assert.deepEqual([await status("/page"), await status("/who")], [204, 401])
  await own.stop()
})

test("says when to try again to those who try too often", async () => {
  const refusals = commonRules.pick("RATE_LIMITED")
  const often = route("GET", "/often", { summary: "Often", tag: "t", refusals }, async () => {
    throw rateLimited("Too many failures.", 7)
  })
  const { server: own } = await exampleServer({ routes: [often] })
  const { statusCode, headers, body } = await own.fastify.inject({ url: "/often" })
  assert.deepEqual([statusCode, headers["retry-after"], JSON.parse(body).error_code], [429, "7", "RATE_LIMITED"])
  await own.stop()
})

test("takes as large a body as the call says", async () => {
  const body = objectOf("Text", { text: words(10_000_000) })
  const routes = [
    route("POST", "/small", { summary: "Small", tag: "t", body, bodyLimit: 100 }, async () => undefined),
    route("POST", "/large", { summary: "Large", tag: "t", body, bodyLimit: 3_000_000 }, async () => undefined),
  ]
  const { server: own } = await exampleServer({ routes })
  const sent = async (url: string, length: number) => {
    const response = await own.fastify.inject({ method: "POST", url, payload: { text: "x".repeat(length) } })
    return [response.statusCode, response.body === "" ? "" : response.json().detail]
  }
  assert.deepEqual(await sent("/small", 50), [204, ""])
  assert.deepEqual(await sent("/small", 200), [413, "The body is larger than 100 bytes."])
  assert.deepEqual(await sent("/large", 2_000_000), [204, ""])
  await own.stop()
})
