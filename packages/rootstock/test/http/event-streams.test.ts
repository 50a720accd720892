import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { test } from "node:test"
import { setImmediate as turn } from "node:timers/promises"
import { Validator } from "@seriousme/openapi-schema-validator"
import { optional, rowId, words } from "../../src/fields/index.ts"
import { type Access, keyAccess, type Route, type StreamEvent, streamRoute, type Ticker } from "../../src/http/index.ts"
import { actAs, currentActor } from "../../src/shared/index.ts"
import { exampleServer, rules } from "./example.ts"

type Handler = Parameters<typeof streamRoute<{ n: typeof rowId }, Record<never, never>>>[2]

const stream = (handler: Handler): Route =>
  streamRoute("/streams/{n}", { summary: "Stream", tag: "t", params: { n: rowId } }, handler)

async function* of(...events: StreamEvent[]): AsyncGenerator<StreamEvent> {
  yield* events
}

type Listening = AsyncDisposable & {
  readonly address: string
  readonly lines: string[]
  stop(): Promise<void>
  /** A socket on which the request for a stream was written. */
  open(path?: string, headers?: string): Promise<Socket>
}

async function listening(
  routes: readonly Route[],
  more: { access?: Access; heartbeat?: Ticker } = {},
): Promise<Listening> {
  const { server, lines } = await exampleServer({ routes, ...more })
  const address = await server.start({ host: "127.0.0.1", port: 0 })
  const { hostname, port } = new URL(address)
  return {
    address,
    lines,
    stop: () => server.stop(),
    async open(path = "/streams/1", headers = "") {
      const socket = connect(Number(port), hostname).setEncoding("utf8")
      await once(socket, "connect")
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)
      return socket
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

/** Waits until something is so; the test's own limit ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

/** Events that are given one by one as the test says, and what was done to their stream. */
function tap() {
  const waiting: ((next: IteratorResult<StreamEvent>) => void)[] = []
  const counts = { asked: 0, returned: 0 }
  return {
    counts,
    give: (event: StreamEvent) => waiting.shift()?.({ done: false, value: event }),
    events: {
      [Symbol.asyncIterator]: () => ({
        next() {
          counts.asked++
          return new Promise<IteratorResult<StreamEvent>>((resolve) => waiting.push(resolve))
        },
        async return() {
          counts.returned++
          return { done: true as const, value: undefined }
        },
      }),
    },
  }
}

test("sends events in their order, with types, ids and all lines, and ends after the last", async () => {
  const handler: Handler = async () =>
    of(
      { data: "a" },
      { event: "edited", id: "7", data: "two\nlines\r\nthree\rfour" },
      { id: "", data: "" },
      { id: "8" },
    )
  await using server = await listening([stream(handler)])
  const response = await fetch(`${server.address}/streams/1`, { headers: { "x-request-id": "mine" } })
  assert.equal(response.status, 200)
  const { headers } = response
  assert.equal(headers.get("content-type"), "text/event-stream; charset=utf-8")
  assert.equal(headers.get("cache-control"), "no-cache")
  assert.equal(headers.get("x-accel-buffering"), "no")
  assert.equal(headers.get("x-request-id"), "mine")
  const expected =
    "data: a\n\nevent: edited\nid: 7\ndata: two\ndata: lines\ndata: three\ndata: four\n\nid: \ndata: \n\nid: 8\n\n"
  assert.equal(await response.text(), expected)
})

test("sends the head at once, and each event when it is there", async () => {
  const { events, give } = tap()
  await using server = await listening([stream(async () => events)])
  const response = await fetch(`${server.address}/streams/1`)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  for (const data of ["one", "two"]) {
    give({ data })
    assert.equal((await reader.read()).value, `data: ${data}\n\n`)
  }
  await reader.cancel()
})

test("answers with a problem document what fails before the first byte", async () => {
  const handler: Handler = async ({ params }) => {
    throw rules.broken("THING_NOT_FOUND", `There is no stream ${params.n}.`)
  }
  const lookup = async () => ({ id: "k", scopes: ["example:read"] })
  await using server = await listening([stream(handler)], { access: keyAccess("example", "required", lookup) })
  const answer = async (path: string, headers: Record<string, string>) => {
    const response = await fetch(`${server.address}${path}`, { headers })
    assert.equal(response.headers.get("content-type"), "application/problem+json")
    return ((await response.json()) as { error_code: string }).error_code
  }
  assert.equal(await answer("/streams/1", {}), "UNAUTHENTICATED")
  assert.equal(await answer("/streams/x", { "x-api-key": "k" }), "VALIDATION_FAILED")
  assert.equal(await answer("/streams/1", { "x-api-key": "k" }), "THING_NOT_FOUND")
  assert.equal(await answer("/streams/1", { "x-api-key": "k", "last-event-id": "1".repeat(65) }), "VALIDATION_FAILED")
})

test("cuts a stream that fails in its midst, and logs why", async () => {
  const handler: Handler = async () =>
    (async function* () {
      yield { data: "a" }
      throw new Error("broken midway")
    })()
  await using server = await listening([stream(handler)])
  await assert.rejects(async () => (await fetch(`${server.address}/streams/1`)).text())
  await until(() => server.lines.some((line) => line.includes("broken midway")))
})

test("cuts a stream whose event would be taken for several lines", async () => {
  await using server = await listening([stream(async () => of({ id: "1\nevent: forged", data: "" }))])
  await assert.rejects(async () => (await fetch(`${server.address}/streams/1`)).text())
})

test("hands over the last id that the client has, from its header or the query", async () => {
  const query = { lastEventId: optional(words(64)) }
  const route = streamRoute("/ids", { summary: "Ids", tag: "t", query }, async ({ lastEventId = "none" }) =>
    of({ data: lastEventId }),
  )
  await using server = await listening([route])
  const ask = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${server.address}${path}`, { headers })).text()
  assert.equal(await ask("/ids"), "data: none\n\n")
  assert.equal(await ask("/ids", { "last-event-id": "" }), "data: none\n\n")
  assert.equal(await ask("/ids", { "last-event-id": "42" }), "data: 42\n\n")
  assert.equal(await ask("/ids?last_event_id=41"), "data: 41\n\n")
  assert.equal(await ask("/ids?last_event_id=41", { "last-event-id": "42" }), "data: 42\n\n")
})

test("asks for events in the name and the scope of the caller", async () => {
  const access: Access = {
    ...keyAccess("example", "open", async () => undefined),
    admit: () => ({ kind: "user", id: "anna" }),
    around: (actor, work) => actAs({ kind: "bot", id: `for ${actor.id}` }, work),
  }
  const handler: Handler = async () =>
    (async function* () {
      yield { data: String(currentActor().id) }
    })()
  await using server = await listening([stream(handler)], { access })
  assert.equal(await (await fetch(`${server.address}/streams/1`)).text(), "data: for anna\n\n")
})

test("calls return() and aborts the signal when the client goes", async () => {
  const { events, counts, give } = tap()
  const signals: AbortSignal[] = []
  await using server = await listening([
    stream(async ({ signal }) => {
      signals.push(signal)
      return events
    }),
  ])
  const socket = await server.open()
  await once(socket, "data")
  give({ data: "a" })
  await once(socket, "data")
  assert.deepEqual([counts.returned, signals[0]?.aborted], [0, false])
  socket.destroy()
  await until(() => counts.returned === 1)
  assert.equal(signals[0]?.aborted, true)
})

test("calls return() where the client went before there were events", async () => {
  const { events, counts } = tap()
  const entered = Promise.withResolvers<AbortSignal>()
  const leave = Promise.withResolvers<void>()
  await using server = await listening([
    stream(async ({ signal }) => {
      entered.resolve(signal)
      await leave.promise
      return events
    }),
  ])
  const socket = await server.open()
  const signal = await entered.promise
  socket.destroy()
  await until(() => signal.aborted)
  leave.resolve()
  await until(() => counts.returned === 1)
  assert.equal(counts.asked, 0)
})

for (const character of ["x", "я", "😀"]) {
  test(`asks for no more events than a slow reader takes, and loses none: ${character}`, () =>
    readSlowly(character.repeat(10_000)))
}

async function readSlowly(filler: string): Promise<void> {
  const many = 2_000
  let asked = 0
  const handler: Handler = async () =>
    (async function* () {
      for (; asked < many; asked++) yield { id: String(asked), data: filler }
    })()
  await using server = await listening([stream(handler)])
  const socket = await server.open("/streams/1", "Connection: close\r\n")
  socket.pause()
  // What the kernel holds for both ends differs from machine to machine; then nothing moves.
  for (let last = -1; last !== asked; ) {
    last = asked
    for (let count = 0; count < 2_000; count++) await turn()
  }
  assert.ok(asked > 0 && asked < many, `asked for ${asked}`)
  const text = (await socket.toArray()).join("")
  const ids = Array.from(text.matchAll(/^id: (\d+)$/gm), ([, id]) => Number(id))
  assert.deepEqual(ids, [...Array(many).keys()])
}

test("ends all streams at a stop, slow readers too, without waiting", async () => {
  const { events, counts, give } = tap()
  const flood: Handler = async ({ params }) => (params.n === 1 ? events : endless())
  async function* endless() {
    for (;;) yield { data: "x".repeat(100_000) }
  }
  await using server = await listening([stream(flood)])
  const idle = await fetch(`${server.address}/streams/1`)
  const slow = await server.open("/streams/2")
  slow.pause().on("error", () => undefined)
  give({ data: "last" })
  await until(() => counts.asked === 2)
  const rest = idle.text()
  const log = server.lines
  await server.stop()
  assert.equal(await rest, "data: last\n\n")
  assert.equal(counts.returned, 1)
  assert.equal(
    log.some((line) => line.includes("did not end in time")),
    false,
  )
  slow.destroy()
})

test("does not wait for events that nobody ends, and says so", async () => {
  const never: Handler = async () =>
    (async function* () {
      await new Promise(() => undefined)
      yield { data: "" }
    })()
  const server = await listening([stream(never)])
  const response = await fetch(`${server.address}/streams/1`)
  await server.stop()
  assert.equal(await response.text(), "")
  assert.ok(server.lines.some((line) => line.includes("did not end in time")))
})

test("sends comments while nothing happens, and none to a reader that takes nothing", async () => {
  const ticks: (() => void)[] = []
  let ended = 0
  const heartbeat: Ticker = (tick) => {
    ticks.push(tick)
    return () => void ended++
  }
  const { events, give, counts } = tap()
  await using server = await listening([stream(async () => events)], { heartbeat })
  const response = await fetch(`${server.address}/streams/1`)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  ticks[0]?.()
  assert.equal((await reader.read()).value, ":\n\n")
  give({ data: "a" })
  assert.equal((await reader.read()).value, "data: a\n\n")
  await reader.cancel()
  await until(() => counts.returned === 1)
  assert.equal(ended, 1)
})

test("is documented as a stream, and has no HEAD", async () => {
  await using server = await listening([stream(async () => of())])
  const document = (await (await fetch(`${server.address}/schema/openapi.json`)).json()) as never
  assert.deepEqual(await new Validator().validate(structuredClone(document)), { valid: true })
  const { get } = (document as { paths: Record<string, any> }).paths["/streams/{n}"]
  assert.deepEqual(Object.keys(get.responses["200"].content), ["text/event-stream"])
  assert.deepEqual(
    get.parameters.map(({ name }: { name: string }) => name),
    ["n", "Last-Event-ID", "X-Request-Id"],
  )
  assert.deepEqual(Object.keys(get.responses), ["200", "401", "403", "422", "500", "503"])
  assert.equal((await fetch(`${server.address}/streams/1`, { method: "HEAD" })).status, 404)
})
