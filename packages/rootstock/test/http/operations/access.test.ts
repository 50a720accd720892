import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Validator } from "@seriousme/openapi-schema-validator"
import type { Server, ServerOptions } from "../../../src/http/index.ts"
import { type Database, openDatabase } from "../../../src/index.ts"
import { openJobs } from "../../../src/jobs/index.ts"
import { createSchema } from "../../../src/migrate/index.ts"
import { openSchedules } from "../../../src/schedule/index.ts"
import { temporaryDatabase } from "../../support/index.ts"
import { letter, serverOver, systemOver, tables } from "./support.ts"

type Opened = AsyncDisposable & { readonly server: Server }

/** A server over one or several systems in one database. */
async function opened(options: Partial<ServerOptions> = {}, names = ["example"]): Promise<Opened> {
  const temporary = await temporaryDatabase("sqlite")
  await createSchema(temporary.url, tables)
  const database = (await openDatabase(temporary.url, { tables })) as unknown as Database
  const schedules = openSchedules(openJobs(database, { jobs: [letter] }))
  const server = await serverOver(
    names.map((name) => systemOver(database, schedules, name)),
    options,
  )
  return {
    server,
    async [Symbol.asyncDispose]() {
      await server.stop()
      await database.close()
      await temporary.dispose()
    },
  }
}

type Sent = { readonly from?: string; readonly headers?: Record<string, string>; readonly method?: "GET" | "POST" }

async function ask({ server }: Opened, { from = "127.0.0.1", headers = {}, method = "GET" }: Sent) {
  const url = method === "GET" ? "/operations/example/queues" : "/operations/example/queues/letters/pause"
  const json = method === "POST" ? { "content-type": "application/json" } : {}
  const response = await server.fastify.inject({ method, url, remoteAddress: from, headers: { ...json, ...headers } })
  return { status: response.statusCode, headers: response.headers, body: response.json() }
}

describe("operations without a token", () => {
  const answered: [what: string, sent: Sent][] = [
    ["this machine", {}],
    ["this machine over IPv6", { from: "::1", headers: { host: "[::1]:8000" } }],
    ["this machine over IPv4 at a socket of IPv6", { from: "::ffff:127.0.0.1" }],
    ["its name", { headers: { host: "localhost:8000" } }],
    ["its address", { headers: { host: "127.0.0.1" } }],
    ["the documentation's own page", { headers: { host: "localhost:8000", origin: "http://localhost:8000" } }],
  ]
  const absent: [what: string, sent: Sent][] = [
    ["another machine", { from: "10.0.0.9" }],
    ["another machine over IPv6", { from: "2001:db8::1", headers: { host: "[::1]" } }],
    ["another machine that claims to be this one", { from: "10.0.0.9", headers: { "x-forwarded-for": "127.0.0.1" } }],
    ["a proxy on this machine", { headers: { "x-forwarded-for": "10.0.0.9" } }],
    ["a proxy that names the caller otherwise", { headers: { forwarded: "for=10.0.0.9" } }],
    ["a page whose name was pointed here", { headers: { host: "evil.example:8000" } }],
    ["a name that only begins like this machine's", { headers: { host: "localhost.evil.example" } }],
    ["a host with a user", { headers: { host: "evil.example@127.0.0.1" } }],
    ["a page of another origin", { headers: { origin: "https://evil.example" } }],
    ["a page of another port", { headers: { host: "localhost:8000", origin: "http://localhost:3000" } }],
    ["a page without an origin", { headers: { origin: "null" } }],
    ["a token that nobody configured", { from: "10.0.0.9", headers: { authorization: "Bearer 0123456789abcdef" } }],
  ]

  it("answer this machine", async () => {
    await using place = await opened()
    for (const [what, sent] of answered) {
      assert.equal((await ask(place, sent)).status, 200, what)
      assert.equal((await ask(place, { ...sent, method: "POST" })).status, 200, what)
    }
  })

  it("are as if they were not there for all others, and for pages of other places in a browser", async () => {
    await using place = await opened()
    const nothing = await place.server.fastify.inject({ url: "/operations/example/nothing" })
    const { request_id: _, detail: __, ...expected } = nothing.json()
    for (const [what, sent] of absent) {
      for (const method of ["GET", "POST"] as const) {
        const { status, body } = await ask(place, { ...sent, method })
        const { request_id, detail, ...rest } = body
        assert.deepEqual([status, rest], [404, expected], what)
        assert.match(detail, /^There is no (GET|POST) \/operations\/example\/queues/)
      }
    }
  })

  it("answer nobody where the server is reached from beyond this machine", async () => {
    await using place = await opened({ publicUrl: "https://shop.example.com" })
    assert.equal((await ask(place, {})).status, 404)
    await using local = await opened({ publicUrl: "http://[::1]:8000" })
    assert.equal((await ask(local, {})).status, 200)
  })
})

describe("operations with a token", () => {
  const operatorToken = "correct-horse-battery"
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

  it("answer who sends it, from wherever", async () => {
    await using place = await opened({ operatorToken, publicUrl: "https://shop.example.com" })
    for (const from of ["127.0.0.1", "10.0.0.9"]) {
      const headers = { ...bearer(operatorToken), host: "shop.example.com", "x-forwarded-for": "192.0.2.1" }
      assert.equal((await ask(place, { from, headers })).status, 200)
      assert.equal((await ask(place, { from, headers, method: "POST" })).status, 200)
    }
    assert.equal((await ask(place, { headers: { authorization: `bearer  ${operatorToken}` } })).status, 200)
  })

  it("refuse all others, on this machine too", async () => {
    await using place = await opened({ operatorToken })
    for (const headers of [
      {},
      bearer("correct-horse-batterx"),
      bearer(`${operatorToken}x`),
      bearer(operatorToken.slice(0, -1)),
      bearer(""),
      { authorization: operatorToken },
      { authorization: `Basic ${operatorToken}` },
      { "x-api-key": operatorToken },
    ] as Record<string, string>[]) {
      const { status, body, headers: answered } = await ask(place, { headers })
      assert.deepEqual([status, body.error_code], [401, "UNAUTHENTICATED"], JSON.stringify(headers))
      assert.equal(answered["www-authenticate"], "Bearer")
    }
  })
})

describe("operations", () => {
  it("change nothing for a call without a JSON media type, which any page can send", async () => {
    const operatorToken = "correct-horse-battery"
    for (const options of [{}, { operatorToken }]) {
      await using place = await opened(options)
      for (const type of [undefined, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]) {
        const headers = {
          authorization: `Bearer ${operatorToken}`,
          ...(type === undefined ? {} : { "content-type": type }),
        }
        const url = "/operations/example/queues/letters/pause"
        const response = await place.server.fastify.inject({ method: "POST", url, headers })
        assert.deepEqual(
          [response.statusCode, response.json().error_code],
          [415, "UNSUPPORTED_MEDIA_TYPE"],
          String(type),
        )
      }
      const { body } = await ask(place, { headers: { authorization: `Bearer ${operatorToken}` } })
      assert.equal(body.queues[0].paused, false)
    }
  })

  it("say nothing to browsers that ask whether other places may call", async () => {
    await using place = await opened()
    const { statusCode, headers } = await place.server.fastify.inject({
      method: "OPTIONS",
      url: "/operations/example/queues/letters/pause",
      headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
    })
    assert.equal(statusCode, 404)
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("access-control")),
      [],
    )
  })

  it("are under the name of each system, whether it is alone or not, and in the OpenAPI document with their errors", async () => {
    for (const names of [["example"], ["example", "other"]]) {
      await using place = await opened({}, names)
      const document = (await place.server.fastify.inject({ url: "/schema/openapi.json" })).json()
      assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true })
      for (const name of names) {
        assert.equal((await place.server.fastify.inject({ url: `/operations/${name}/jobs` })).statusCode, 200)
        const under = `/operations/${name}`
        const paths = Object.keys(document.paths).filter((path) => path.startsWith(`${under}/`))
        assert.equal(paths.length, 31)
        const { post } = document.paths[`${under}/jobs/{job_id}/retry`]
        assert.deepEqual(post.security, [{ operatorToken: [] }, {}])
        assert.deepEqual(Object.keys(post.responses), ["200", "401", "404", "409", "413", "415", "422", "500", "503"])
        assert.match(post.responses["404"].description, /JOB_NOT_FOUND.*NOT_FOUND/)
        assert.match(post.responses["409"].description, /WRONG_JOB_STATE/)
        const put = document.paths[`${under}/schedules/{schedule_key}`].put
        assert.deepEqual(Object.keys(put.responses), [
          "200",
          "401",
          "404",
          "409",
          "412",
          "413",
          "415",
          "422",
          "500",
          "503",
        ])
      }
      assert.ok("OperationsJobDetail" in document.components.schemas)
      assert.equal(document.components.schemas.OperationsQueueTarget.minProperties, 1)
    }
  })
})
