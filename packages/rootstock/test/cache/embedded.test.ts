import assert from "node:assert/strict"
import { beforeEach, describe, it, type TestContext } from "node:test"
import {
  absent,
  EmbeddedCoherence,
  type EmbeddedOptions,
  type Kind,
  newCounters,
  type Target,
} from "../../src/cache/index.ts"

/** A clock that stands until it is moved, in place of the monotonic one. */
function standingClock(t: TestContext): { advance(milliseconds: number): Promise<void> } {
  let present = 1_000
  t.mock.method(performance, "now", () => present)
  return {
    async advance(milliseconds) {
      present += milliseconds
      // What runs in one piece sees one time.
      await settled()
    },
  }
}

function newKind(settings: Partial<Kind> = {}): Kind {
  return {
    pattern: "x:{id}",
    ttlMs: 1_000,
    negativeTtlMs: 0,
    softTtlMs: undefined,
    jitter: 0,
    counters: newCounters(),
    encode: JSON.stringify,
    decode: JSON.parse,
    freeze: (value) => value,
    sizeOf: () => 10,
    kept: () => undefined,
    left: () => undefined,
    ...settings,
  }
}

const reports: unknown[] = []
const open = (options: Partial<EmbeddedOptions> = {}) =>
  new EmbeddedCoherence({ random: () => 1, report: (error) => reports.push(error), ...options })
const target = (kind: Kind, key = "x:1", tags: readonly string[] = []): Target => ({ kind, key, tags, slot: undefined })
const dropping = (...keys: string[]) => ({ dropped: new Set(keys), renewed: new Map() })

/** A load that is held until it is let go. */
function heldLoad() {
  const waiting: { resolve(value: unknown): void; reject(error: unknown): void }[] = []
  const load = () => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.push({ resolve, reject })
    return promise
  }
  return { load, waiting }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe("values in the process", () => {
  // A test may begin in the piece that another ended in, and would see its time.
  beforeEach(settled)

  it("live as long as their kind says, less a part taken off at random", async (t) => {
    const clock = standingClock(t)
    for (const [random, life] of [
      [0, 1_000],
      [0.5, 750],
      [1, 500],
    ] as const) {
      const coherence = open({ random: () => random })
      const one = target(newKind({ jitter: 0.5 }))
      await coherence.read(one, async () => "a")
      await clock.advance(life - 1)
      assert.equal(coherence.peek(one), "a")
      assert.deepEqual(await coherence.inspect("x:1"), { text: '"a"', ttlMs: 1 })
      await clock.advance(1)
      assert.equal(coherence.peek(one), absent)
      assert.equal(await coherence.inspect("x:1"), undefined)
      assert.equal(await coherence.read(one, async () => "b"), "b")
    }
  })

  it("keep that there is none for as long as that may be kept", async (t) => {
    const clock = standingClock(t)
    const coherence = open()
    const one = target(newKind({ negativeTtlMs: 100, softTtlMs: 10 }))
    assert.equal(await coherence.read(one, async () => undefined), undefined)
    await clock.advance(99)
    assert.equal(coherence.peek(one), undefined)
    assert.equal(await coherence.read(one, async () => "not asked"), undefined)
    await clock.advance(1)
    assert.equal(await coherence.read(one, async () => "a"), "a")
    assert.equal(one.kind.counters.renewals, 0)
  })

  it("are renewed in the background past their soft age, once for all who read", async (t) => {
    const clock = standingClock(t)
    const coherence = open()
    const one = target(newKind({ softTtlMs: 100 }))
    const { load, waiting } = heldLoad()
    await coherence.read(one, async () => "old")
    await clock.advance(100)
    assert.equal(coherence.peek(one), absent)
    for (let reader = 0; reader < 3; reader++) assert.equal(await coherence.read(one, load), "old")
    assert.equal(waiting.length, 1)
    assert.equal(one.kind.counters.renewals, 1)
    waiting[0]!.resolve("fresh")
    await settled()
    assert.equal(coherence.peek(one), "fresh")
    await clock.advance(99)
    assert.equal(coherence.peek(one), "fresh")
  })

  it("stay what they are where a renewal fails, which is reported, until their end", async (t) => {
    const clock = standingClock(t)
    const coherence = open()
    const one = target(newKind({ softTtlMs: 100 }))
    await coherence.read(one, async () => "old")
    await clock.advance(200)
    reports.length = 0
    const failure = new Error("away")
    assert.equal(await coherence.read(one, () => Promise.reject(failure)), "old")
    await settled()
    assert.deepEqual(reports, [failure])
    assert.equal(await coherence.read(one, async () => "fresh"), "old")
    await settled()
    assert.equal(coherence.peek(one), "fresh")
    await clock.advance(1_000)
    await assert.rejects(
      coherence.read(one, () => Promise.reject(failure)),
      failure,
    )
  })

  it("go where a renewal finds none", async (t) => {
    const clock = standingClock(t)
    const coherence = open()
    const one = target(newKind({ softTtlMs: 100 }))
    await coherence.read(one, async () => "old")
    await clock.advance(100)
    assert.equal(await coherence.read(one, async () => undefined), "old")
    await settled()
    assert.equal(await coherence.read(one, async () => undefined), undefined)
    assert.equal(coherence.memory.entries, 0)
  })

  it("do not come back by a renewal that began before they were forgotten", async (t) => {
    const clock = standingClock(t)
    const coherence = open()
    const one = target(newKind({ softTtlMs: 100 }), "x:1", ["tag:a"])
    const { load, waiting } = heldLoad()
    for (const key of ["x:1", "tag:a"]) {
      await coherence.read(one, async () => "old")
      await clock.advance(100)
      assert.equal(await coherence.read(one, load), "old")
      await coherence.committed(dropping(key))
      assert.equal(await coherence.read(one, async () => "fresh"), "fresh")
      waiting.pop()!.resolve("old")
      await settled()
      assert.equal(coherence.peek(one), "fresh")
      await coherence.flush()
    }
    assert.equal(one.kind.counters.refusedFills, 2)
  })

  it("come from one load for those who ask meanwhile, and not for those who come after a write", async () => {
    const coherence = open()
    const one = target(newKind({}), "x:1", ["tag:a"])
    const { load, waiting } = heldLoad()
    const early = [coherence.read(one, load), coherence.read(one, load)]
    assert.equal(waiting.length, 1)
    await coherence.committed(dropping("tag:other"))
    early.push(coherence.read(one, load))
    assert.equal(waiting.length, 1)
    await coherence.committed(dropping("tag:a"))
    const late = coherence.read(one, load)
    assert.equal(waiting.length, 2)
    waiting[0]!.resolve("old")
    assert.deepEqual(await Promise.all(early), ["old", "old", "old"])
    assert.equal(coherence.peek(one), absent)
    waiting[1]!.resolve("fresh")
    assert.equal(await late, "fresh")
    assert.equal(coherence.peek(one), "fresh")
  })

  it("come from another load where one takes too long, which may never end", async (t) => {
    const clock = standingClock(t)
    const coherence = open()
    const one = target(newKind())
    const { load, waiting } = heldLoad()
    const early = coherence.read(one, load)
    await clock.advance(29_999)
    const joined = coherence.read(one, load)
    assert.equal(waiting.length, 1)
    await clock.advance(1)
    const late = coherence.read(one, load)
    assert.equal(waiting.length, 2)
    waiting[1]!.resolve("b")
    assert.equal(await late, "b")
    waiting[0]!.resolve("a")
    assert.deepEqual(await Promise.all([early, joined]), ["a", "a"])
    assert.equal(coherence.peek(one), "b")
  })

  it("are asked for once more by those who came while a load was under way that found none", async () => {
    const coherence = open()
    const one = target(newKind())
    const { load, waiting } = heldLoad()
    const readers = Array.from({ length: 5 }, () => coherence.read(one, load))
    waiting[0]!.resolve(undefined)
    await settled()
    assert.equal(waiting.length, 2)
    waiting[1]!.resolve("made")
    assert.deepEqual(await Promise.all(readers), [undefined, "made", "made", "made", "made"])
    assert.equal(waiting.length, 2)
    const kept = target(newKind({ negativeTtlMs: 100 }), "x:2")
    const others = Array.from({ length: 5 }, () => coherence.read(kept, load))
    waiting[2]!.resolve(undefined)
    assert.deepEqual(await Promise.all(others), Array(5).fill(undefined))
    assert.equal(waiting.length, 3)
  })

  it("are replaced after a write that renews them, by what is loaded after the last of them", async () => {
    const coherence = open()
    const one = target(newKind())
    const { load, waiting } = heldLoad()
    const renewing = () => ({ dropped: new Set(["x:1"]), renewed: new Map([["x:1", { target: one, load }]]) })
    await coherence.read(one, async () => "old")
    await coherence.committed(renewing())
    assert.equal(coherence.peek(one), absent)
    const reader = coherence.read(one, load)
    await coherence.committed(renewing())
    const last = coherence.read(one, load)
    assert.equal(waiting.length, 2)
    waiting[1]!.resolve("newest")
    assert.equal(await last, "newest")
    waiting[0]!.resolve("newer")
    assert.equal(await reader, "newer")
    assert.equal(coherence.peek(one), "newest")
    reports.length = 0
    await coherence.committed(renewing())
    await coherence.committed(renewing())
    waiting[2]!.reject(new Error("of no matter any more"))
    const failure = new Error("away")
    waiting[3]!.reject(failure)
    await settled()
    assert.deepEqual(reports, [failure])
    assert.equal(await coherence.read(one, async () => "again"), "again")
  })

  it("are all forgotten when another process committed, and what is under way is not kept", async () => {
    let commits = 1
    const coherence = open({ foreignCommits: () => commits })
    const one = target(newKind())
    const { load, waiting } = heldLoad()
    await coherence.read(one, async () => "a")
    assert.equal(coherence.peek(one), "a")
    commits++
    assert.equal(coherence.peek(one), absent)
    const early = coherence.read(one, load)
    commits++
    const late = coherence.read(one, load)
    assert.equal(waiting.length, 2)
    waiting[0]!.resolve("b")
    waiting[1]!.resolve("c")
    assert.deepEqual(await Promise.all([early, late]), ["b", "c"])
    assert.equal(coherence.peek(one), "c")
    const alone = coherence.read(target(newKind(), "x:2"), load)
    commits++
    waiting[2]!.resolve("d")
    assert.equal(await alone, "d")
    assert.equal(coherence.memory.entries, 0)
  })

  it("are found by patterns and counted", async () => {
    const coherence = open()
    for (const key of ["user:1", "user:2", "user:1:detail", "order:1", "a.b"]) {
      await coherence.read(target(newKind(), key), async () => key)
    }
    assert.deepEqual(await coherence.keys("user:*", 10), ["user:1", "user:2", "user:1:detail"])
    assert.deepEqual(await coherence.keys("*:1", 10), ["user:1", "order:1"])
    assert.deepEqual(await coherence.keys("a?b", 10), [])
    assert.deepEqual(await coherence.keys("*", 2), ["user:1", "user:2"])
    await coherence.stop()
    await coherence.stop()
    assert.deepEqual(await coherence.keys("*", 10), [])
  })

  it("tell what happens to them, key by key", async () => {
    const events: string[] = []
    const coherence = open()
    const one = target(newKind({ trace: (event, key) => events.push(`${event} ${key}`) }), "x:1", ["tag:a"])
    await coherence.read(one, async () => "a")
    coherence.peek(one)
    await coherence.committed(dropping("tag:a"))
    await coherence.read(one, async () => "b")
    assert.deepEqual(events, ["miss x:1", "fill x:1", "hit x:1", "invalidate x:1", "miss x:1", "fill x:1"])
    const { hitsLocal, misses, fills, invalidations } = one.kind.counters
    assert.deepEqual([hitsLocal, misses, fills, invalidations], [1, 2, 2, 1])
  })
})
