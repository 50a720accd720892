import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import fc from "fast-check"
import { type Cache, cacheResult, cacheRows, invalidates, openCache, tagsOf } from "../../src/cache/index.ts"
import { KeyPattern } from "../../src/cache/pattern.ts"
import { type Database, openDatabase, Storage } from "../../src/index.ts"
import { bytes, identity, table, text } from "../../src/schema/index.ts"
import { refuses } from "../storage/support.ts"
import { Memberships, memberships, People, people, Slots, Teams, tables, tasks } from "./support/tables.ts"

const declares = (work: () => unknown, message: RegExp) => refuses(async () => work(), { code: "DECLARATION", message })

describe("patterns of keys", () => {
  it("put their values in their places", () => {
    assert.equal(new KeyPattern("user:{id}").key([7]), "user:7")
    assert.equal(new KeyPattern("a.b-c_d:x{id}y:{on}").key([7n, true]), "a.b-c_d:x7y:true")
    assert.equal(new KeyPattern("all").key([]), "all")
    assert.equal(new KeyPattern("u:{x}").key([""]), "u:%")
    assert.equal(new KeyPattern("u:{x}").key(["%"]), "u:%25")
    assert.equal(new KeyPattern("u:{x}").key([new Date(0)]), "u:1970-01-01T00%3A00%3A00.000Z")
    for (const wrong of [
      undefined,
      null,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      {},
      [],
      Symbol("x"),
      new Date(Number.NaN),
    ]) {
      assert.throws(() => new KeyPattern("u:{x}").key([wrong]), { code: "VALIDATION" })
    }
  })

  it("are refused where they are none, or belong to the library", async () => {
    const wrong = ["", ":", "a:", ":a", "a::b", "a b", "{id}", "{id}:a", "a{}", "a:{id", "a:{i-d}", "a:*", "a:{id}{no}"]
    for (const text of [...wrong, "tag:{id}", "set:x", "state:{id}", "tag", "a:{id}:{id}"]) {
      await declares(() => new KeyPattern(text), /is no pattern/)
    }
    for (const text of ["tags:{id}", "settings", "statement:{id}"]) assert.equal(new KeyPattern(text).text, text)
  })

  it("take one placeholder between two colons, since what stands between two could be part of a value", async () => {
    await declares(() => new KeyPattern("member:{a}-{b}"), /is no pattern/)
    await declares(() => new KeyPattern("member:{a}.x.{b}"), /is no pattern/)
  })

  const values = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("", "%", "%25", ":", "*", "a:b", "%3A", "\ud800", "\ufffd", "%-"),
  )

  it("give different keys for different texts, and only keys that they match", () => {
    const pattern = new KeyPattern("x:{a}:y{b}z")
    fc.assert(
      fc.property(values, values, values, values, (a, b, c, d) => {
        const one = pattern.key([a, b])
        assert.ok(pattern.matches(one), one)
        assert.equal(one === pattern.key([c, d]), a === c && b === d)
      }),
      { numRuns: 1_000 },
    )
  })

  const segments = fc.array(
    fc.oneof(
      fc.constantFrom("a", "b", "ab", "ba", "a-b"),
      fc.tuple(fc.constantFrom("", "a", "ab", "b"), fc.constantFrom("", "a", "b", "ba")).map(([x, y]) => `${x}{_}${y}`),
    ),
    { minLength: 1, maxLength: 3 },
  )

  it("collide exactly where they have a key in common", () => {
    // What stands for a placeholder may be any of these, which is enough to meet every prefix and suffix above.
    const parts = ["a", "b", "ab", "ba", "aab", "bba", "abba", "x", "-", "-b", "a-", "a-b"]
    const keysOf = (pattern: KeyPattern): string[] => {
      let keys: unknown[][] = [[]]
      for (const _ of pattern.placeholders) keys = keys.flatMap((begun) => parts.map((part) => [...begun, part]))
      return keys.map((one) => pattern.key(one))
    }
    const make = (list: string[]) => {
      let count = 0
      return new KeyPattern(`k${list.length}:${list.join(":").replace(/_/g, () => `p${count++}`)}`)
    }
    fc.assert(
      fc.property(segments, segments, (first, second) => {
        const [one, other] = [make(first), make(second)]
        const common = keysOf(one).some((key) => other.matches(key)) || keysOf(other).some((key) => one.matches(key))
        assert.equal(one.collides(other), common, `${one.text} and ${other.text}`)
        assert.equal(other.collides(one), common)
      }),
      { numRuns: 500 },
    )
  })
})

describe("declarations", () => {
  it("refuse durations that are none", async () => {
    for (const ttl of [
      0,
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "",
      "1",
      "1 h",
      "1.5h",
      "h",
      "1w",
      "0s",
      "400d",
      "-1s",
    ]) {
      await declares(() => cacheRows(People, { key: "p:{id}", ttl: ttl as "1h" }), /ttl is .* no duration/)
    }
    await declares(() => cacheRows(People, { key: "p:{id}", ttl: "1h", softTtl: "1h" }), /softTtl is not shorter/)
    await declares(() => cacheRows(People, { key: "p:{id}", ttl: "1h", negativeTtl: "x" as "1h" }), /negativeTtl/)
    for (const jitter of [-0.1, 0.6, Number.NaN]) {
      await declares(() => cacheRows(People, { key: "p:{id}", ttl: "1h", jitter }), /jitter/)
    }
    const { ttlMs } = cacheRows(People, { key: "p:{id}", ttl: "366d", softTtl: 1, negativeTtl: "5ms" }).life
    assert.equal(ttlMs, 366 * 86_400_000)
  })

  it("refuse a key that does not fit the table's", async () => {
    for (const key of ["p", "p:{name}", "p:{id}:{name}"]) {
      await declares(() => cacheRows(People, { key, ttl: "1h" }), /does not fit the key of people/)
    }
    await declares(() => cacheRows(Memberships, { key: "m:{personId}", ttl: "1h" }), /does not fit/)
    const blobs = table("blobs", { key: bytes().primaryKey(), name: text() })
    await declares(
      () => cacheRows(Storage(blobs), { key: "b:{key}", ttl: "1h" }),
      /blobs\.key, which is of the type bytes/,
    )
    await declares(
      () => cacheRows(People, { key: "p:{id}", ttl: "1h", onWrite: "renew" as "refresh" }),
      /onWrite is "renew"/,
    )
  })

  it("refuse tags by columns that are none, or have no short text", async () => {
    const tags = tagsOf(people) as any
    await declares(() => tags.where({ nope: 1 }), /people has no column nope/)
    await declares(() => tags.where({ facts: {} }), /people\.facts, which is of the type json/)
    await declares(() => tags.where({ tags: [] }), /people\.tags, which is of the type list/)
    await refuses(async () => tags.where({ name: undefined }), { code: "VALIDATION" })
    await refuses(async () => tags.row(undefined), { code: "VALIDATION" })
    await refuses(async () => tagsOf(memberships).row(5 as any), { code: "VALIDATION" })
  })

  it("name tags by their table, columns and values", () => {
    assert.equal(tagsOf(people).row(7).key, "tag:people:id=7")
    assert.equal(tagsOf(people).all().key, "tag:people:*")
    assert.equal(tagsOf(tasks).where({ personId: null, done: false }).key, "tag:tasks:done=false:personId=%-")
    const teamId = "00000000-0000-4000-8000-00000000ABCD"
    const by = tagsOf(memberships).row({ personId: 1, teamId }).key
    assert.equal(by, `tag:memberships:personId=1:teamId=${teamId.toLowerCase()}`)
    assert.equal(tagsOf(people).where({ balance: "1.5" }).key, "tag:people:balance=1.50")
    assert.notEqual(tagsOf(people).where({ name: "%-" }).key, tagsOf(people).where({ email: null }).key)
  })

  it("refuse a function with more arguments than its key has places, since two calls would share a key", async () => {
    await declares(
      () => cacheResult("x:{a}", { ttl: "1h" }, async (a: number, b: number) => a + b),
      /takes 2 arguments/,
    )
    const first = cacheResult("x:{a}", { ttl: "1h" }, async (...all: number[]) => all.length)
    await using db = await openDatabase("sqlite::memory:", { tables })
    await using _cache = await openCache(db, { caches: [first] })
    assert.equal(await first(1), 1)
    await refuses(() => first(1, 2), { code: "VALIDATION", message: /2 arguments, but the key has places for 1/ })
    await refuses(() => first(), { code: "VALIDATION" })
  })

  it("refuse keys to forget with more places than the function has arguments", async () => {
    await declares(() => invalidates(["x:{a}:{b}"], (a: number) => a), /more placeholders/)
    await declares(() => invalidates(["x:{a"], (a: number) => a), /is no pattern/)
  })
})

describe("an opened cache", () => {
  let db: Database<typeof tables>
  before(async () => {
    db = await openDatabase("sqlite::memory:", { tables })
  })
  after(() => db.close())

  async function opened(...caches: Parameters<typeof openCache>[1]["caches"]): Promise<Cache> {
    const cache = await openCache(db, { caches })
    await cache.close()
    return cache
  }

  it("has a registry of its keys", async () => {
    async function teamSize(id: string) {
      return id.length
    }
    const { keys } = await opened(
      cacheRows(People, { key: "person:{id}", ttl: "1h", onWrite: "refresh" }),
      cacheResult(
        "team:{id}:size",
        { ttl: "10m", tags: (id) => [tagsOf(memberships).where({ teamId: id }), tagsOf(people).all()] },
        teamSize,
      ),
      cacheResult("motd", { ttl: 500 }, () => "hello"),
    )
    assert.deepEqual(keys, [
      { pattern: "person:{id}", ttlMs: 3_600_000, owner: "people", tables: ["people"], onWrite: "refresh" },
      {
        pattern: "team:{id}:size",
        ttlMs: 600_000,
        owner: "teamSize",
        tables: ["memberships", "people"],
        onWrite: "invalidate",
      },
      { pattern: "motd", ttlMs: 500, owner: "(a function)", tables: [], onWrite: "invalidate" },
    ])
    assert.ok(Object.isFrozen(keys[0]))
  })

  it("refuses patterns that may give the same key", async () => {
    const rows = (key: string) => cacheRows(People, { key, ttl: "1h" })
    const result = (key: string) => cacheResult(key, { ttl: "1h" }, (..._values: string[]) => 1)
    await declares(
      () => opened(rows("a:{id}"), result("a:{name}")),
      /a:\{id\} \(of people\) and a:\{name\} .* the same/,
    )
    await declares(() => opened(result("a:{x}:b"), result("a:b:{x}")), /the same key/)
    await declares(() => opened(result("a:x{x}"), result("a:{x}y")), /the same key/)
    await declares(() => opened(result("a:x"), result("a:x")), /the same key/)
    const one = result("a:{x}")
    await opened(one, one, result("a:{x}:b"), result("b:{x}"))
  })

  it("refuses two keys for one table, and tables that the database does not have", async () => {
    await declares(
      () =>
        opened(
          cacheRows(People, { key: "a:{id}", ttl: "1h" }),
          cacheRows(Storage(people), { key: "b:{id}", ttl: "1h" }),
        ),
      /people is cached under two keys/,
    )
    const others = table("others", { id: identity() })
    await declares(() => opened(cacheRows(Storage(others), { key: "o:{id}", ttl: "1h" })), /others is not among/)
    await declares(
      () => opened(cacheResult("o:{id}", { ttl: "1h", tags: (id) => [tagsOf(others).row(id)] }, (id: number) => id)),
      /others is not among/,
    )
    const namesake = table("people", { id: identity() })
    await declares(() => opened(cacheRows(Storage(namesake), { key: "o:{id}", ttl: "1h" })), /people is not among/)
    const cache = await openCache(db, { caches: [] })
    await refuses(() => cache.forgetTables(others), { code: "DECLARATION" })
    await cache.close()
  })

  it("refuses tags that do more than pass arguments on", async () => {
    const computed = cacheResult(
      "n:{id}",
      { ttl: "1h", tags: (id) => [tagsOf(people).where({ seenAt: new Date((id as unknown as Date).getTime()) })] },
      (id: number) => id,
    )
    await declares(() => opened(computed), /tags of n:\{id\} cannot be found out/)
    // With the placeholder for its argument it goes another way than with a value.
    const branching = cacheResult(
      "n:{id}",
      { ttl: "1h", tags: (id) => (typeof id === "number" ? [tagsOf(people).row(id)] : []) },
      (id: number) => id,
    )
    const cache = await openCache(db, { caches: [branching] })
    await refuses(() => branching(1), { code: "DECLARATION", message: /people by id/ })
    await cache.close()
  })

  it("refuses options that make no sense", async () => {
    const caches = [
      cacheRows(Teams, { key: "t:{id}", ttl: "1h" }),
      cacheRows(Slots, { key: "s:{day}:{hour}", ttl: "1h" }),
    ]
    for (const url of ["", "x", "off", "ftp://x", "memory:?exclusive=yes", "memory:?exclusiv=true", "memory:5"]) {
      await refuses(() => openCache(db, { url, caches }), { code: "CONFIG" })
    }
    for (const memory of [{ entries: 0 }, { entries: -1 }, { entries: 1.5 }, { bytes: 0 }, { bytes: Number.NaN }]) {
      await refuses(() => openCache(db, { caches, memory }), { code: "CONFIG" })
    }
    await using cache = await openCache(db, { url: "memory:?exclusive=false", caches })
    assert.equal(cache.state, "connected")
    for (const limit of [0, -1, 1.5, 10_001, Number.NaN]) {
      await refuses(async () => cache.find("*", limit), { code: "VALIDATION" })
    }
  })
})
