import assert from "node:assert/strict"
import { once } from "node:events"
import type { IncomingMessage } from "node:http"
import { connect } from "node:net"
import { after, before, test } from "node:test"
import type { InjectOptions } from "fastify"
import type { Server } from "../../src/http/index.ts"
import { exampleRoutes, exampleServer } from "./example.ts"

let server: Server
let lines: string[]
before(async () => {
  ;({ server, lines } = await exampleServer())
})
after(() => server.stop())

async function send(options: InjectOptions) {
  const response = await server.fastify.inject(options)
  return { status: response.statusCode, headers: response.headers, text: response.body, json: () => response.json() }
}

const post = (payload: unknown) => send({ method: "POST", url: "/things", payload: payload as object })

test("answers a row in snake_case with money in units and instants in UTC", async () => {
  const response = await send({ url: "/things/3" })
  assert.equal(response.status, 200)
  assert.equal(
    response.text,
    '{"id":3,"name":"pen","price":19.99,"note":null,"made_at":"2026-01-31T09:00:00.000Z","version":7}',
  )
  assert.equal(response.headers.etag, '"7"')
})

test("takes money by its digits, and instants with any offset", async () => {
  const response = await post({ name: "ink", price: 19.99, made_at: "2026-01-31T12:00:00+03:00" })
  assert.equal(response.status, 201)
  assert.deepEqual(response.json(), {
    id: 5,
    name: "ink",
    price: 19.99,
    note: null,
    made_at: "2026-01-31T09:00:00.000Z",
    version: 0,
  })
})

const wrongBodies: [string, unknown, string[]][] = [
  ["a missing field", { price: 1 }, ["body/name"]],
  ["several wrong fields at once", { name: "", price: "1" }, ["body/name", "body/price"]],
  ["an unknown field", { name: "a", price: 1, colour: "red" }, ["body/colour"]],
  ["three decimals", { name: "a", price: 1.005 }, ["body/price"]],
  ["a negative price", { name: "a", price: -1 }, ["body/price", "body/price"]],
  ["a number as text", { name: "a", price: "1" }, ["body/price"]],
  ["a text that is too long", { name: "12345678901", price: 1 }, ["body/name"]],
  ["an instant without an offset", { name: "a", price: 1, made_at: "2026-01-31T12:00:00" }, ["body/made_at"]],
  ["an instant that does not exist", { name: "a", price: 1, made_at: "2026-02-30T12:00:00Z" }, ["body/made_at"]],
  [
    "an instant that its offset takes before the year 1",
    { name: "a", price: 1, made_at: "0001-01-01T00:00:00+23:00" },
    ["body/made_at"],
  ],
  [
    "an instant that its offset takes after the year 9999",
    { name: "a", price: 1, made_at: "9999-12-31T23:00:00-01:00" },
    ["body/made_at"],
  ],
  ["a wrong item of a list", { name: "a", price: 1, parts: [{ quantity: 0 }] }, ["body/parts/0/quantity"]],
  ["an unknown field in a list", { name: "a", price: 1, parts: [{ quantity: 1, x: 1 }] }, ["body/parts/0/x"]],
  ["U+0000", { name: "a\0b", price: 1 }, ["body/name"]],
  ["half a surrogate pair", { name: "a\ud800", price: 1 }, ["body/name"]],
  ["null for a field that may not be null", { name: null, price: 1 }, ["body/name"]],
  ["a list for the object", [], ["body"]],
]
for (const [what, body, paths] of wrongBodies) {
  test(`refuses ${what} with 422 and the path`, async () => {
    const response = await post(body)
    assert.equal(response.status, 422)
    assert.equal(response.headers["content-type"], "application/problem+json")
    const problem = response.json()
    assert.equal(problem.error_code, "VALIDATION_FAILED")
    assert.equal(problem.type, "urn:problem:validation-failed")
    assert.deepEqual(
      problem.errors.map((one: { path: string }) => one.path),
      paths,
    )
  })
}

const wrongTexts: [string, string][] = [
  ["/things/0", "params/thing_id"],
  ["/things/-1", "params/thing_id"],
  ["/things/1.0", "params/thing_id"],
  ["/things/0x10", "params/thing_id"],
  ["/things/007", "params/thing_id"],
  ["/things/abc", "params/thing_id"],
  ["/things/99999999999999999999", "params/thing_id"],
  ["/things/%20", "params/thing_id"],
  ["/things/1?expand=1", "query/expand"],
  ["/things?count=0", "query/count"],
  ["/things?count=101", "query/count"],
  ["/things?count=1e1", "query/count"],
  ["/things?count=", "query/count"],
  ["/things?count=1&count=2", "query/count"],
  ["/things?min=1.234", "query/min"],
  ["/things/%zz", "params"],
]
for (const [url, path] of wrongTexts) {
  test(`refuses GET ${url} with 422 at ${path}`, async () => {
    const response = await send({ url })
    assert.equal(response.status, 422, response.text)
    assert.equal(response.json().errors[0].path, path)
  })
}

test("names a hundred fields at most, and says how many there are", async () => {
  const parts = Array.from({ length: 5_000 }, () => 1)
  const { errors, detail } = (await post({ name: "a", price: 1, parts })).json()
  assert.equal(errors.length, 100)
  assert.equal(detail, "body/parts/0 must be object (and 4999 more).")
})

test("says in words that a value is one of those that are not allowed", async () => {
  const [problem] = (await post({ name: "a", price: 1, parts: [{ quantity: 13 }] })).json().errors
  assert.deepEqual(problem, { path: "body/parts/0/quantity", message: "has a value that is not allowed" })
})

test("fills in defaults of a query and reads money in it", async () => {
  assert.deepEqual((await send({ url: "/things?min=19.99" })).json().things[0].price, 19.99)
  assert.equal((await send({ url: "/things" })).json().total, 10)
  assert.equal((await send({ url: "/things?count=25" })).json().total, 25)
})

test("answers a broken rule with its code, status and members", async () => {
  const missing = (await send({ url: "/things/404", headers: { "x-request-id": "my-id.1" } })).json()
  assert.deepEqual(missing, {
    type: "urn:problem:thing-not-found",
    title: "No such thing",
    status: 404,
    detail: "There is no thing 404.",
    error_code: "THING_NOT_FOUND",
    request_id: "my-id.1",
  })
  const stuck = (await post({ name: "stuck", price: 1 })).json()
  assert.deepEqual([stuck.status, stuck.from, stuck.to, stuck.allowed], [409, "a", "b", ["c"]])
})

test("falls back on the library's errors", async () => {
  const twin = (await post({ name: "twin", price: 1 })).json()
  assert.deepEqual([twin.status, twin.error_code, twin.errors[0].path], [409, "DUPLICATE", "body/name"])
  for (const name of ["away", "refused"]) {
    const away = await post({ name, price: 1 })
    assert.equal(away.status, 503)
    assert.equal(away.json().error_code, "UNAVAILABLE")
    assert.doesNotMatch(away.text, /10\.0\.0\.1/)
  }
})

test("shows nothing of an unknown error, and logs it under the request's id", async () => {
  const response = await send({
    method: "POST",
    url: "/things",
    payload: { name: "boom", price: 1 },
    headers: { "x-request-id": "boom-1" },
  })
  assert.equal(response.status, 500)
  assert.equal(response.json().error_code, "INTERNAL")
  assert.doesNotMatch(response.text, /secret cause/)
  const line = lines.map((one) => JSON.parse(one)).find((one) => one.level === "ERROR" && one.request_id === "boom-1")
  assert.equal(line.error.message, "secret cause")
})

test("sends back a request id that is well formed, and makes one otherwise", async () => {
  const given = await send({ url: "/things/3", headers: { "x-request-id": "abc.DEF:1_2-3" } })
  assert.equal(given.headers["x-request-id"], "abc.DEF:1_2-3")
  for (const bad of ["two words", "x".repeat(65), "<script>"]) {
    const made = String((await send({ url: "/things/3", headers: { "x-request-id": bad } })).headers["x-request-id"])
    assert.match(made, /^[0-9a-f-]{36}$/)
  }
})

test("answers unknown paths, other media types, broken JSON and large bodies with problem documents", async () => {
  assert.equal((await send({ url: "/nothing" })).json().error_code, "NOT_FOUND")
  const plain = { method: "POST", url: "/things", headers: { "content-type": "text/plain" }, payload: "x" } as const
  assert.equal((await send(plain)).json().error_code, "UNSUPPORTED_MEDIA_TYPE")
  for (const payload of ["{", '{"__proto__": {"admin": true}, "name": "a", "price": 1}', ""]) {
    const response = await send({ ...plain, headers: { "content-type": "application/json" }, payload })
    assert.deepEqual([response.status, response.json().error_code], [422, "VALIDATION_FAILED"], payload)
  }
  const none = await send({ method: "POST", url: "/things" })
  assert.equal(none.json().errors[0].path, "body")
  const large = await post({ name: "x".repeat(1_100_000), price: 1 })
  assert.deepEqual([large.status, large.json().error_code], [413, "TOO_LARGE"])
})

test("answers with a problem document what cannot be read as a request", async () => {
  const { server: own } = await exampleServer()
  const { hostname, port } = new URL(await own.start({ host: "127.0.0.1", port: 0 }))
  const exchange = async (request: string) => {
    const socket = connect(Number(port), hostname).setEncoding("utf8")
    socket.end(request)
    const answer = (await socket.toArray()).join("")
    const [head = "", body = ""] = answer.split("\r\n\r\n")
    assert.match(head, /^Content-Type: application\/problem\+json/im)
    const problem = JSON.parse(body)
    assert.match(head.toLowerCase(), new RegExp(`^x-request-id: ${problem.request_id}`, "m"))
    return [problem.status, problem.error_code]
  }
  const start = "GET /things HTTP/1.1\r\nHost: x\r\n"
  assert.deepEqual(await exchange(`${start}no colon\r\n\r\n`), [400, "MALFORMED_REQUEST"])
  assert.deepEqual(await exchange(`${start}X-A: ${"a".repeat(20_000)}\r\n\r\n`), [431, "HEADERS_TOO_LARGE"])
  assert.deepEqual(await exchange("QUERY /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), [
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ])
  await own.stop()
})

test("takes a request that was cut off for no error of its own", async () => {
  const { server: own, lines: logged } = await exampleServer()
  const { hostname, port } = new URL(await own.start({ host: "127.0.0.1", port: 0 }))
  const socket = connect(Number(port), hostname)
  socket.write("POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
  const [request] = (await once(own.fastify.server, "request")) as [IncomingMessage]
  const cutOff = once(request, "error")
  socket.destroy()
  await cutOff
  await own.stop()
  assert.deepEqual(logged, [])
})

test("answers 204 without a body, and takes none", async () => {
  const done = await send({ method: "DELETE", url: "/things/1", headers: { "content-type": "application/json" } })
  assert.deepEqual([done.status, done.text], [204, ""])
  const refused = await send({ method: "DELETE", url: "/things/1", payload: { force: true } })
  assert.deepEqual([refused.status, refused.json().errors[0].path], [422, "body"])
})

test("hands the version of If-Match to the call", async () => {
  const put = (header?: string) =>
    send({ method: "PUT", url: "/things/1", payload: {}, headers: header === undefined ? {} : { "if-match": header } })
  assert.equal((await put('"12"')).json().version, 12)
  assert.equal((await put("*")).json().version, -1)
  assert.equal((await put()).json().version, -1)
  assert.equal((await put("12")).status, 422)
})

test("tells a field that is null from one that is left out", async () => {
  const put = (payload: object) => send({ method: "PUT", url: "/things/1", payload })
  assert.equal((await put({ note: "x" })).json().note, "x")
  assert.equal((await put({ note: null })).json().note, null)
})

test("fails to start where a method and path are registered twice", async () => {
  await assert.rejects(exampleServer({ routes: [...exampleRoutes, exampleRoutes[0]!] }), /already declared/)
})
