import assert from "node:assert/strict"
import { describe, it } from "node:test"
import {
  type ControlRow,
  DatabaseTrust,
  type Link,
  type Mode,
  type Server,
  type Timers,
  timings,
} from "../../../src/cache/redis/index.ts"
import { Pace } from "../../../src/cache/redis/pace.ts"
import { World } from "../simulation/world.ts"
import { MemoryStore } from "./support.ts"

/** A store in simulated time whose answers come after `delayMs`. */
class SlowStore extends MemoryStore {
  readonly #world: World
  delayMs = 0

  constructor(world: World) {
    super()
    this.#world = world
  }

  async #late<T>(give: () => T): Promise<T> {
    const value = give()
    await new Promise<void>((resolve) => this.#world.after(this.delayMs, undefined, resolve))
    return value
  }

  override read(): Promise<ControlRow | undefined> {
    return this.#late(() => this.row)
  }

  override create(row: ControlRow): Promise<boolean> {
    return this.#late(() => {
      if (this.row !== undefined) return false
      this.row = row
      return true
    })
  }

  override change(epoch: number, row: ControlRow): Promise<boolean> {
    return this.#late(() => {
      if (this.row?.epoch !== epoch) return false
      this.row = row
      return true
    })
  }

  override raiseWindow(_epoch: number, windowMs: number): Promise<void> {
    return this.#late(() => {
      if (this.row !== undefined) this.row = { ...this.row, windowMs }
    })
  }
}

/** One process's view of the control row, in simulated time. */
function view({ row, windowMs = 20 }: { row?: ControlRow; windowMs?: number } = {}) {
  const world = new World()
  const store = new SlowStore(world)
  store.row = row
  const dropped: string[] = []
  const link = (runId: string): Link =>
    ({
      runId,
      open: true,
      remove: async () => undefined,
      drop: () => {
        dropped.push(runId)
      },
    }) as unknown as Link
  const server: { link: Link | undefined } & Server = {
    link: link("run"),
    start: async () => undefined,
    stop: async () => undefined,
  }
  const timers: Timers = {
    now: () => world.time,
    after: (milliseconds, work) => world.after(milliseconds, undefined, work),
    soon: (work) => world.soon(work),
    random: () => 0.5,
  }
  const pace = new Pace(timers)
  const warnings: string[] = []
  const trust = new DatabaseTrust({
    server,
    store,
    pace,
    timings,
    windowMs,
    changed: () => undefined,
    warn: (message) => warnings.push(message),
  })
  /** Lets so much time pass. */
  const pass = async (milliseconds: number) => {
    const end = world.time + milliseconds
    let over = false
    world.at(end, undefined, () => {
      over = true
    })
    await world.run(() => over)
  }
  return { world, store, server, trust, pass, link, dropped, warnings }
}

const row = (mode: Mode, more: Partial<ControlRow> = {}): ControlRow => ({
  epoch: 5,
  mode,
  runId: "run",
  windowMs: 20,
  ...more,
})

describe("the trust in Redis", () => {
  it("is there at once in a system that is new, with a first epoch that others hardly have", async () => {
    const { trust, store, server, pass } = view()
    void trust.start()
    await pass(1)
    assert.equal(store.row?.mode, "on")
    assert.ok((store.row?.epoch as number) > 1e6)
    assert.ok(trust.trustedUntil(server.link) > 0)
    assert.equal(trust.memoryFrom, Number.NEGATIVE_INFINITY)
  })

  it("lasts for a lease from before the question, not from its answer", async () => {
    const { trust, store, server, pass, world } = view({ row: row("on") })
    store.delayMs = 700
    void trust.start()
    await pass(701)
    assert.equal(trust.trustedUntil(server.link), timings.leaseMs)
    await pass(timings.leaseMs - 701)
    assert.equal(world.time >= trust.trustedUntil(server.link), true)
    assert.equal(trust.counts(server.link as Link), false)
  })

  it("is in one run of Redis and in no other", async () => {
    const { trust, server, link, pass } = view({ row: row("on") })
    void trust.start()
    await pass(1)
    assert.ok(trust.trustedUntil(server.link) > 0)
    assert.equal(trust.trustedUntil(link("other")), 0)
    assert.equal(trust.counts(link("other")), false)
    assert.equal(trust.trustedUntil(undefined), 0)
  })

  it("comes back in two steps, each after every earlier look is relied on no more", async () => {
    const { trust, store, pass, server } = view({ row: row("off", { runId: null }) })
    void trust.start()
    await pass(timings.fenceMs - 1)
    assert.equal(store.row?.mode, "off")
    await pass(3)
    assert.deepEqual(store.row, row("warming", { epoch: 6 }))
    assert.equal(trust.trustedUntil(server.link), 0)
    assert.equal(trust.counts(server.link as Link), true, "writes invalidate already")
    await pass(timings.fenceMs - 4)
    assert.equal(store.row?.mode, "warming")
    await pass(6)
    assert.deepEqual(store.row, row("on", { epoch: 7 }))
  })

  it("is withdrawn by who reaches another run of Redis, after it made sure with a new connection", async () => {
    const { trust, store, server, link, pass, dropped } = view({ row: row("on") })
    void trust.start()
    await pass(1)
    server.link = link("next run")
    trust.connected()
    await pass(timings.leaseMs)
    assert.notEqual(store.row?.runId, "run")
    assert.ok((store.row?.epoch as number) > 5)
    assert.deepEqual(dropped, [], "its connection was newer than what it had seen")
  })

  it("is not withdrawn over a connection that may be the old one", async () => {
    const { trust, store, server, link, pass, dropped } = view({ row: row("on") })
    server.link = link("old run")
    trust.connected()
    await pass(5)
    void trust.start()
    await pass(timings.leaseMs)
    assert.equal(store.row?.mode, "on")
    assert.ok(dropped.length > 0)
  })

  it("does not come back while a process whose writes need it is cut off", async () => {
    const { trust, store, server, pass } = view({ row: row("warming") })
    server.link = undefined
    trust.stuck = true
    void trust.start()
    await pass(timings.leaseMs)
    assert.equal(store.row?.mode, "off")
  })

  it("knows since when nobody can have begun to believe Redis", async () => {
    const { trust, store, pass, world } = view({ row: row("off") })
    void trust.start()
    await pass(1)
    const since = trust.quietSince as number
    assert.ok(since <= world.time)
    store.row = row("warming", { epoch: 6 })
    await trustLook(trust, pass)
    assert.equal(trust.quietSince, since, "warming is quiet too")
    store.row = row("off", { epoch: 7 })
    await trustLook(trust, pass)
    assert.equal(trust.quietSince, since)
    store.row = row("off", { epoch: 10 })
    await trustLook(trust, pass)
    assert.ok((trust.quietSince as number) > since, "it may have been on in between")
    store.row = row("on", { epoch: 12 })
    await trustLook(trust, pass)
    assert.equal(trust.quietSince, undefined)
  })

  it("lets the memory be used only when every writer must know that it is", async () => {
    const { trust, store, pass, world } = view({ row: row("on", { windowMs: 0 }) })
    void trust.start()
    await pass(1)
    assert.equal(trust.memoryFrom, Number.POSITIVE_INFINITY)
    await pass(timings.leaseMs)
    assert.equal(store.row?.windowMs, 20)
    const from = trust.memoryFrom
    assert.ok(from > timings.fenceMs + 20 && from <= world.time + timings.fenceMs + 21, `${from}`)
    store.row = row("on", { epoch: 6, windowMs: 0 })
    await trustLook(trust, pass)
    assert.equal(trust.memoryFrom, Number.POSITIVE_INFINITY)
  })

  it("asks anew for each look, and answers those that ask together once", async () => {
    const { trust, store, pass } = view({ row: row("on") })
    store.delayMs = 10
    void trust.start()
    await pass(11)
    const early = trust.look()
    await pass(5)
    store.row = row("off", { epoch: 6 })
    const late = [trust.look(), trust.look()]
    await pass(30)
    assert.deepEqual(await Promise.all([early, ...late]), [true, true, true])
    assert.equal(trust.mode, "off")
  })
})

async function trustLook(trust: DatabaseTrust, pass: (milliseconds: number) => Promise<void>): Promise<void> {
  const look = trust.look()
  await pass(1)
  await look
}
