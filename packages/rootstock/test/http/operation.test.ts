import assert from "node:assert/strict"
import { test } from "node:test"
import { Validator } from "@seriousme/openapi-schema-validator"
import { ConfigError, UnavailableError } from "../../src/errors/index.ts"
import { objectOf, optional, rowId } from "../../src/fields/index.ts"
import { checkListening, createServer, Existing, type KeyGrant, type Route, route } from "../../src/http/index.ts"
import { createLogger } from "../../src/log/index.ts"
import { currentActor } from "../../src/shared/index.ts"
import { exampleRoutes, exampleServer, noAnswers } from "./example.ts"

test("publishes an OpenAPI 3.1 document that validates and lists every error", async () => {
  const { server } = await exampleServer()
  const response = await server.fastify.inject({ url: "/schema/openapi.json" })
  const document = response.json()
  const result = await new Validator().validate(structuredClone(document))
  assert.deepEqual(result, { valid: true })
  assert.equal(document.openapi, "3.1.0")
  assert.deepEqual(Object.keys(document.paths).sort(), ["/health", "/metrics", "/things", "/things/{thing_id}"])
  const { get, put, delete: remove } = document.paths["/things/{thing_id}"]
  assert.deepEqual(Object.keys(get.responses).sort(), ["200", "401", "403", "404", "422", "500", "503"])
  assert.deepEqual(Object.keys(put.responses).sort(), ["200", "401", "403", "412", "413", "415", "422", "500", "503"])
  assert.deepEqual(Object.keys(remove.responses).sort(), ["204", "401", "403", "413", "415", "422", "500", "503"])
  assert.match(get.responses["404"].description, /THING_NOT_FOUND/)
  assert.deepEqual(get.responses["200"].content["application/json"].schema, { $ref: "#/components/schemas/Thing" })
  assert.deepEqual(document.components.schemas.Thing.properties.note, { type: ["string", "null"], maxLength: 20 })
  const post = document.paths["/things"].post
  assert.ok(
    post.parameters.some((one: { name: string; in: string }) => one.name === "Idempotency-Key" && one.in === "header"),
  )
  await server.stop()
})

test("answers 200 for what is there already, and takes a missing body that is optional for an empty one", async () => {
  const body = optional(objectOf("Ask", { n: optional(rowId) }))
  const answer = objectOf("Thing", { n: rowId })
  const ensure = route(
    "POST",
    "/ensured",
    { summary: "E", tag: "t", body, answer, status: 201, mayExist: true },
    async ({ body: { n = 7 } }) => (n === 7 ? new Existing({ n }) : { n }),
  )
  const kept: number[] = []
  const { server } = await exampleServer({
    routes: [ensure],
    answers: {
      async answerOnce(_request, work) {
        const answered = await work()
        kept.push(answered.status)
        return answered
      },
    },
  })
  const post = async (payload?: object, headers = {}) => {
    const given = payload === undefined ? {} : { payload }
    const response = await server.fastify.inject({ method: "POST", url: "/ensured", headers, ...given })
    return [response.statusCode, response.json()]
  }
  assert.deepEqual(await post(), [200, { n: 7 }])
  assert.deepEqual(await post({}), [200, { n: 7 }])
  assert.deepEqual(await post({ n: 8 }), [201, { n: 8 }])
  assert.deepEqual(await post(undefined, { "idempotency-key": "a" }), [200, { n: 7 }])
  assert.deepEqual(await post({ n: 8 }, { "idempotency-key": "b" }), [201, { n: 8 }])
  assert.deepEqual(kept, [200, 201])
  assert.equal((await post({ n: 0 }))[0], 422)
  const document = (await server.fastify.inject({ url: "/schema/openapi.json" })).json()
  assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true })
  const { responses } = document.paths["/ensured"].post
  assert.deepEqual(responses["200"].content, responses["201"].content)
  await server.stop()
})

test("puts each of several systems under its name, with schemas and operations of its own", async () => {
  const other = route(
    "GET",
    "/things",
    { summary: "T", tag: "t", answer: objectOf("Things", { n: rowId }) },
    async () => ({ n: 1 }),
  )
  const log = createLogger({ name: "http", level: "error" })
  const server = await createServer({
    title: "Two",
    version: "1",
    systems: [
      { name: "example", title: "Example", routes: exampleRoutes, auth: "open", answers: noAnswers },
      { name: "other", routes: [other], auth: "required", answers: noAnswers },
    ],
    lookupKey: async () => undefined,
    health: { probes: [] },
    log,
  })
  assert.equal((await server.fastify.inject({ url: "/example/things/3" })).statusCode, 200)
  assert.equal((await server.fastify.inject({ url: "/other/things" })).statusCode, 401)
  const [example, others, root] = await Promise.all(
    ["/example", "/other", ""].map(async (prefix) => {
      const document = (await server.fastify.inject({ url: `${prefix}/schema/openapi.json` })).json()
      assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true })
      const page = await server.fastify.inject({ url: `${prefix}/docs/` })
      assert.match(page.body, /swagger-ui/)
      assert.deepEqual((await server.fastify.inject({ url: `${prefix}/docs/json` })).json(), document)
      return document
    }),
  )
  assert.deepEqual(
    [example, others, root].map(({ info, paths }) => [info.title, Object.keys(paths).sort()]),
    [
      ["Example", ["/example/things", "/example/things/{thing_id}"]],
      ["other", ["/other/things"]],
      ["Two: operations", ["/health", "/metrics"]],
    ],
  )
  assert.deepEqual(
    [
      Object.keys(example.components.schemas.Things.properties),
      Object.keys(others.components.schemas.Things.properties),
    ],
    [["things", "total"], ["n"]],
  )
  const [first, second] = [example.paths["/example/things"].get, others.paths["/other/things"].get]
  assert.deepEqual([first.operationId, second.operationId], ["getExampleThings", "getOtherThings"])
  assert.deepEqual([first.security, second.security], [[{}, { apiKey: [] }], [{ apiKey: [] }]])
  const unknown = await server.fastify.inject({ url: "/example/nothing" })
  assert.deepEqual([unknown.statusCode, unknown.json().error_code], [404, "NOT_FOUND"])
  await server.stop()
})

test("fails to start where two different schemas have one name", async () => {
  const twin = route("GET", "/twin", { summary: "T", tag: "t", answer: objectOf("Thing", { n: rowId }) }, async () => ({
    n: 1,
  }))
  await assert.rejects(exampleServer({ routes: [...exampleRoutes, twin] }), /Two different schemas are named Thing/)
})

test("serves the interactive documentation", async () => {
  const { server } = await exampleServer()
  const response = await server.fastify.inject({ url: "/docs/" })
  const page =
    response.statusCode === 302 ? await server.fastify.inject({ url: String(response.headers.location) }) : response
  assert.equal(page.statusCode, 200)
  assert.match(page.body, /swagger-ui/)
  assert.match((await server.fastify.inject({ url: "/docs/json" })).json().openapi, /^3\.1/)
  assert.equal((await server.fastify.inject({ url: "/docs" })).statusCode < 400, true)
  await server.stop()
})

test("is healthy while every database answers", async () => {
  const { server } = await exampleServer({ probes: [async () => 1, async () => 1] })
  const response = await server.fastify.inject({ url: "/health" })
  assert.equal(response.statusCode, 200)
  const { latency_ms, ...rest } = response.json()
  const parts = { cache: "off", broker: "off", scheduler: "off" }
  assert.deepEqual(rest, { status: "healthy", database: "connected", ...parts })
  assert.equal(typeof latency_ms, "number")
  await server.stop()
})

test("is degraded, and still 200, where the cache or the broker is away", async () => {
  for (const part of ["cache", "broker"] as const) {
    const { server } = await exampleServer({ probes: [async () => 1], health: { [part]: () => "away" } })
    const response = await server.fastify.inject({ url: "/health" })
    assert.deepEqual([response.statusCode, response.json().status, response.json()[part]], [200, "degraded", "away"])
    await server.stop()
  }
})

test("shows metrics to callers on this machine, and to keys that may read", async () => {
  const metrics = [() => [{ name: "things_total", help: "Things.", type: "counter", samples: [{ value: 3 }] } as const]]
  const grants: Record<string, string[]> = { reader: ["example:read"], stranger: ["other:read"] }
  const lookupKey = async (key: string) => {
    const scopes = grants[key]
    return scopes === undefined ? undefined : { id: key, scopes }
  }
  const { server } = await exampleServer({ auth: "required", lookupKey, metrics })
  const statusOf = async (remoteAddress: string, key?: string) => {
    const headers = key === undefined ? {} : { "x-api-key": key }
    return (await server.fastify.inject({ url: "/metrics", remoteAddress, headers })).statusCode
  }
  const { body } = await server.fastify.inject({ url: "/metrics" })
  assert.equal(body, "# HELP things_total Things.\n# TYPE things_total counter\nthings_total 3\n")
  assert.deepEqual(
    [await statusOf("10.0.0.9"), await statusOf("10.0.0.9", "stranger"), await statusOf("10.0.0.9", "reader")],
    [401, 403, 200],
  )
  const behindProxy = { "x-forwarded-for": "127.0.0.1" }
  assert.equal((await server.fastify.inject({ url: "/metrics", headers: behindProxy })).statusCode, 401)
  await server.stop()
  const publicUrl = "https://example.com"
  const { server: known } = await exampleServer({ auth: "required", lookupKey, metrics, publicUrl })
  assert.equal((await known.fastify.inject({ url: "/metrics" })).statusCode, 401)
  await known.stop()
})

test("is unhealthy without showing host, user or password, and logs the reason", async () => {
  const probe = async () => {
    throw new UnavailableError("connect to app:s3cret@10.0.0.1 failed", { cure: "" })
  }
  const { server, lines } = await exampleServer({ probes: [probe] })
  const response = await server.fastify.inject({ url: "/health" })
  assert.equal(response.statusCode, 503)
  assert.deepEqual([response.json().status, response.json().database], ["unhealthy", "cannot be reached"])
  const failures = lines.map((line) => JSON.parse(line)).filter((line) => line.level === "ERROR")
  assert.deepEqual(
    failures.map((line) => line.message),
    ["Health check failed: cannot be reached"],
  )
  assert.doesNotMatch(response.body + lines.join(""), /s3cret|10\.0\.0\.1/)
  await server.stop()
})

test("is unhealthy where a database refuses the connection", async () => {
  const probe = async () => {
    throw new ConfigError("10.0.0.1 refuses the user app or the password.", { cure: "" })
  }
  const { server, lines } = await exampleServer({ probes: [probe] })
  const response = await server.fastify.inject({ url: "/health" })
  assert.deepEqual([response.statusCode, response.json().database], [503, "refuses the connection"])
  assert.ok(lines.some((line) => JSON.parse(line).message === "Health check failed: refuses the connection"))
  assert.doesNotMatch(response.body + lines.join(""), /10\.0\.0\.1/)
  await server.stop()
})

test("is unhealthy when a database hangs, and asks it once for requests that come together", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] })
  let asked = 0
  const probe = () => {
    asked++
    return new Promise(() => undefined)
  }
  const { server } = await exampleServer({ probes: [probe] })
  const both = Promise.all([1, 2].map(() => server.fastify.inject({ url: "/health" })))
  while (asked === 0) await new Promise((resolve) => setImmediate(resolve))
  t.mock.timers.tick(2_000)
  for (const response of await both) {
    assert.deepEqual([response.statusCode, response.json().database], [503, "no answer in time"])
  }
  assert.equal(asked, 1)
  t.mock.timers.reset()
  await server.stop()
})

test("finishes running requests before it stops, takes no more, and stops once", async () => {
  const [entered, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const events: string[] = []
  const slow: Route = route("GET", "/slow", { summary: "Slow", tag: "slow" }, async () => {
    entered.resolve()
    await leave.promise
    events.push("finished")
    return undefined
  })
  const { server } = await exampleServer({ routes: [slow], release: async () => void events.push("released") })
  const address = await server.start({ host: "127.0.0.1", port: 0 })
  const running = fetch(`${address}/slow`)
  await entered.promise
  const stopped = Promise.all([server.stop(), server.stop()])
  await assert.rejects(async () => {
    for (;;) await fetch(`${address}/health`)
  })
  assert.deepEqual(events, [])
  leave.resolve()
  const [{ status }] = await Promise.all([running, stopped])
  await server.stop()
  assert.equal(status, 204)
  assert.deepEqual(events, ["finished", "released"])
})

const key =
  (scopes: string[]) =>
  async (sent: string): Promise<KeyGrant | undefined> =>
    sent === "good" ? { id: "key-1", scopes } : undefined

test("needs a valid key with the scope of the method where credentials are required", async () => {
  const { server } = await exampleServer({ auth: "required", lookupKey: key(["example:read", "other:admin"]) })
  const send = async (method: "GET" | "DELETE", headers: Record<string, string>) => {
    const response = await server.fastify.inject({ method, url: "/things/1", headers })
    return [response.statusCode, response.statusCode < 400 ? undefined : response.json().error_code]
  }
  assert.deepEqual(await send("GET", {}), [401, "UNAUTHENTICATED"])
  assert.deepEqual(await send("GET", { "x-api-key": "bad" }), [401, "UNAUTHENTICATED"])
  assert.deepEqual(await send("GET", { "x-api-key": "good" }), [200, undefined])
  assert.deepEqual(await send("DELETE", { "x-api-key": "good" }), [403, "FORBIDDEN"])
  assert.equal((await server.fastify.inject({ url: "/health" })).statusCode, 200)
  await server.stop()
})

test("checks a key that is given although none is needed, and says whose it is", async () => {
  const who: Route = route("GET", "/who", { summary: "Who", tag: "who" }, async () => {
    seen.push(currentActor())
    return undefined
  })
  const seen: unknown[] = []
  const { server } = await exampleServer({ routes: [who], lookupKey: key(["example:admin"]) })
  await server.fastify.inject({ url: "/who" })
  await server.fastify.inject({ url: "/who", headers: { "x-api-key": "good" } })
  assert.equal((await server.fastify.inject({ url: "/who", headers: { "x-api-key": "bad" } })).statusCode, 401)
  assert.deepEqual(seen, [{ kind: "user" }, { kind: "api_key", id: "key-1", scopes: ["example:admin"] }])
  await server.stop()
})

test("listens beyond this machine only with credentials or when that is asked for", async () => {
  for (const host of ["0.0.0.0", "::", "192.168.1.5", "example.com"]) {
    assert.throws(() => checkListening({ host, open: true, allowOpen: false }), /API_AUTH=open/)
    checkListening({ host, open: false, allowOpen: false })
    checkListening({ host, open: true, allowOpen: true })
  }
  for (const host of ["127.0.0.1", "127.8.8.8", "::1", "localhost"]) {
    checkListening({ host, open: true, allowOpen: false })
  }
  const { server } = await exampleServer({ routes: exampleRoutes })
  await assert.rejects(server.start({ host: "0.0.0.0", port: 0 }), { code: "CONFIG" })
  await server.stop()
})
