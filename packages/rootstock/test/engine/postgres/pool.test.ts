import assert from "node:assert/strict"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { openPostgres } from "../../../src/engine/postgres/index.ts"
import { ConfigError, TimeoutError, UnavailableError } from "../../../src/errors/index.ts"
import { forEachServer, query, startProxy } from "./support.ts"

const one = query("SELECT 1")

forEachServer("the pool", (open, serverUrl) => {
  describe("limits", () => {
    it("opens no more connections than it may, and names who holds them when a call waits too long", async () => {
      await using proxy = await startProxy(serverUrl)
      await using opened = await open({
        url: proxy.url(serverUrl),
        pool: { size: 1, overflow: 1, patienceMs: 5, waitMs: 600 },
      })
      const { engine } = opened
      const held = [await engine.begin({ label: "checkout" }), await engine.begin({ label: "report" })]
      await Promise.all(held.map((transaction) => transaction.first(one, [])))
      await assert.rejects(
        engine.all({ ...one, label: "users.list" }, []),
        (error) => error instanceof TimeoutError && /users\.list.*checkout \(1, held.*report \(1/.test(error.message),
      )
      assert.equal(proxy.open, 2)
      const waiting = engine.first(one, [])
      await held[0]!.commit()
      assert.deepEqual(await waiting, ["1"])
      await held[1]!.rollback()
    })

    it("serves those who wait in the order in which they came", async () => {
      await using opened = await open({ pool: { size: 1, overflow: 0 } })
      const held = await opened.engine.begin({ label: "first" })
      await held.first(one, [])
      const order: number[] = []
      const calls = [1, 2, 3, 4].map((call) => opened.engine.first(one, []).then(() => order.push(call)))
      await held.commit()
      await Promise.all(calls)
      assert.deepEqual(order, [1, 2, 3, 4])
    })

    it("closes what a peak has added, and what is too old", async () => {
      await using proxy = await startProxy(serverUrl)
      const url = proxy.url(serverUrl)
      await using opened = await open({ url, pool: { size: 1, overflow: 3, patienceMs: 5, idleMs: 20 } })
      const held = await Promise.all([1, 2, 3].map((label) => opened.engine.begin({ label: String(label) })))
      assert.equal(proxy.open, 3)
      await Promise.all(held.map((transaction) => transaction.commit()))
      await proxy.atMost(1)
      assert.deepEqual(await opened.engine.first(one, []), ["1"])
      await using aged = await open({ url, pool: { lifetimeMs: 20 } })
      const before = proxy.opened
      await proxy.atMost(1)
      assert.deepEqual(await aged.engine.first(one, []), ["1"])
      assert.equal(proxy.opened, before + 1)
    })
  })

  describe("connections that die", () => {
    const pid = query("SELECT pg_backend_pid()")
    const kill = query("SELECT pg_terminate_backend($1::integer, 5000)")

    it("replaces one that was ended while nobody used it", async () => {
      await using proxy = await startProxy(serverUrl)
      await using opened = await open({ url: proxy.url(serverUrl), pool: { size: 1, overflow: 0 } })
      await using other = await open()
      const [first] = (await opened.engine.first(pid, [])) as [string]
      await other.engine.first(kill, [first])
      await proxy.atMost(0)
      // The end has reached the proxy; the next turn of the loop brings it here.
      let second = await opened.engine.first(pid, []).catch(() => undefined)
      second ??= await opened.engine.first(pid, [])
      assert.notEqual(second?.[0], first)
    })

    it("reports one that is ended in the middle of a statement, and goes on with another", async () => {
      await using opened = await open({ pool: { size: 1, overflow: 0 } })
      await using other = await open()
      const transaction = await opened.engine.begin({ label: "victim" })
      const [victim] = (await transaction.first(pid, [])) as [string]
      const running = assert.rejects(transaction.first(query("SELECT pg_sleep(30)"), []), UnavailableError)
      await other.engine.first(kill, [victim])
      await running
      await transaction.rollback()
      assert.deepEqual(await opened.engine.first(one, []), ["1"])
    })

    it("comes back by itself after the server was away", async () => {
      await using proxy = await startProxy(serverUrl)
      await using opened = await open({ url: proxy.url(serverUrl) })
      const { engine } = opened
      await Promise.all([engine.first(one, []), engine.first(one, [])])
      const transaction = await engine.begin({ label: "cut" })
      await transaction.first(one, [])
      proxy.refusing = true
      proxy.cut()
      await assert.rejects(
        transaction.commit(),
        (error) => error instanceof UnavailableError && error.cure.includes("not known"),
      )
      await assert.rejects(engine.first(one, []), UnavailableError)
      await assert.rejects(engine.ping(), UnavailableError)
      proxy.refusing = false
      assert.deepEqual(await engine.first(one, []), ["1"])
      await engine.ping()
    })

    it("tells each who waits as soon as the tries made for it have failed, though others began later", async () => {
      await using proxy = await startProxy(serverUrl)
      const url = proxy.url(serverUrl)
      await using opened = await open({ url, pool: { patienceMs: 5, waitMs: 2_000 }, connectDelaysMs: [40, 40] })
      proxy.refusing = true
      proxy.cut()
      await proxy.atMost(0)
      // Whoever comes first may still get a connection whose end is not noticed yet.
      await assert.rejects(opened.engine.first(one, []), UnavailableError)
      const calls = [0, 20, 40].map(async (delay) => {
        await pause(delay)
        await opened.engine.first(one, [])
      })
      for (const call of await Promise.allSettled(calls)) {
        assert.match(call.status === "rejected" ? call.reason.message : call.status, /cannot be reached after 3 tries/)
      }
    })

    it("checks one that was long without use before it is used", async () => {
      await using proxy = await startProxy(serverUrl)
      await using opened = await open({
        url: proxy.url(serverUrl),
        pool: { size: 1, overflow: 0, checkMs: 10, answerMs: 400 },
      })
      await opened.engine.first(one, [])
      proxy.freeze()
      const checks = proxy.sent.get("S") ?? 0
      // What is tested is the passing of time without use.
      await pause(60)
      assert.deepEqual(await opened.engine.first(one, []), ["1"])
      assert.equal(proxy.opened, 2)
      assert.ok((proxy.sent.get("S") ?? 0) > checks)
    })
  })

  describe("closing", () => {
    it("waits for what runs and for who waits, and refuses what comes later", async () => {
      await using proxy = await startProxy(serverUrl)
      const engine = await openPostgres({ url: proxy.url(serverUrl), pool: { size: 1, overflow: 0 } })
      const calls = [engine.first(query("SELECT pg_sleep(0.05)"), []), engine.first(one, [])]
      const closing = engine.close()
      await assert.rejects(engine.first(one, []), UnavailableError)
      assert.deepEqual(await Promise.all(calls), [[""], ["1"]])
      await closing
      await engine.close()
      await proxy.atMost(0)
    })
  })

  describe("start", () => {
    it("refuses a wrong database at once", async () => {
      const url = new URL(serverUrl)
      url.pathname = "/there_is_no_such_database"
      await assert.rejects(openPostgres({ url, connectDelaysMs: [60_000] }), ConfigError)
    })

    it("reads from a replica, and only reads", async () => {
      await using opened = await open({ replicaUrl: serverUrl })
      const { replica } = opened.engine
      assert.ok(replica !== undefined)
      const transaction = await replica.begin({ label: "replica" })
      assert.deepEqual(await transaction.first(query("SHOW transaction_read_only"), []), ["on"])
      await transaction.commit()
    })
  })
})

describe("a server that is not there", () => {
  it("is tried three times, and then reported by host and port, without the password", async () => {
    let tries = 0
    const server = createServer((socket) => {
      tries++
      socket.destroy()
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const url = `postgres://app:geheim@127.0.0.1:${port}/app`
    await assert.rejects(
      openPostgres({ url, connectDelaysMs: [1, 2] }),
      (error) =>
        error instanceof UnavailableError &&
        error.message.includes(`127.0.0.1:${port}`) &&
        !JSON.stringify([error, String(error), error.cause]).includes("geheim"),
    )
    assert.equal(tries, 3)
    server.close()
    await once(server, "close")
    await assert.rejects(openPostgres({ url, connectDelaysMs: [] }), UnavailableError)
  })

  it("is given up after the time for one try", async () => {
    const server = createServer(() => undefined)
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    await assert.rejects(
      openPostgres({ url: `postgres://app@127.0.0.1:${port}/app`, connectDelaysMs: [], connectTimeoutMs: 30 }),
      UnavailableError,
    )
    server.close()
  })
})
