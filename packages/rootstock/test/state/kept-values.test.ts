import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { absent, type Changes, type Coherence, type Load, type Target } from "../../src/cache/index.ts"
import { openDatabase, transaction } from "../../src/index.ts"
import { schemaStatements } from "../../src/migrate/index.ts"
import { OrderedSets, StateStore } from "../../src/state/index.ts"
import { plainSql } from "../storage/sql.ts"
import { tables } from "./tables.ts"

/** A coherence that keeps nothing and tells what it was told. */
class Recording implements Coherence {
  readonly state = "connected"
  readonly memory = undefined
  readonly recordsWrites: boolean
  readonly heard: string[] = []
  target: Target | undefined
  loaded: unknown

  constructor(recordsWrites: boolean) {
    this.recordsWrites = recordsWrites
  }

  peek(): unknown {
    return absent
  }

  async read(target: Target, load: Load): Promise<unknown> {
    this.heard.push(`read ${target.key}`)
    this.target = target
    this.loaded = target.kind.freeze(await load())
    return this.loaded
  }

  async prepare(changes: Changes): Promise<void> {
    this.heard.push(`prepare ${[...changes.dropped].sort().join(" ")}`)
  }

  async committed(changes: Changes): Promise<void> {
    this.heard.push(`committed ${[...changes.dropped].sort().join(" ")}`)
  }

  async inspect() {
    return undefined
  }

  async keys() {
    return []
  }

  readonly flush = async () => undefined
  readonly start = async () => undefined
  readonly stop = async () => undefined
}

async function site(recordsWrites: boolean) {
  const db = await openDatabase("sqlite::memory:", { tables })
  for (const statement of schemaStatements("sqlite", tables)) await db.execute(plainSql(statement))
  const coherence = new Recording(recordsWrites)
  return {
    states: new StateStore(db, { coherence }),
    sets: new OrderedSets(db, { coherence }),
    coherence,
    /** What the coherence heard since the last call. */
    heard: () => coherence.heard.splice(0),
    [Symbol.asyncDispose]: () => db.close(),
  }
}

describe("what the state layer tells a coherence", () => {
  it("is each write after it, where the coherence records none", async () => {
    await using at = await site(false)
    const version = await at.states.set("a", { state: "s" })
    assert.deepEqual(at.heard(), ["committed state:a"])
    await at.states.touch("a")
    await at.states.compareAndSet("a", version, { data: 1 })
    await at.sets.add("f", { member: "m", score: 1 }, { trimTo: 5 })
    await at.states.delete("a")
    await at.sets.clear("f")
    assert.deepEqual(at.heard(), [
      "committed state:a",
      "committed state:a",
      "committed set:f",
      "committed state:a",
      "committed set:f",
    ])
  })

  it("is each write in a transaction of its own, where the coherence records them", async () => {
    await using at = await site(true)
    await at.states.set("a", { state: "s" })
    await at.sets.add("f", { member: "m", score: 1 })
    assert.deepEqual(at.heard(), ["prepare state:a", "committed state:a", "prepare set:f", "committed set:f"])
  })

  it("is nothing where nothing was changed", async () => {
    for (const recordsWrites of [false, true]) {
      await using at = await site(recordsWrites)
      await at.states.compareAndSet("a", 7, { state: "s" })
      await at.states.touch("a")
      await at.states.delete("a")
      await at.sets.remove("f", "m")
      await at.sets.trim("f", 1)
      await at.sets.add("f", [])
      assert.deepEqual(at.heard(), [])
    }
  })

  it("is all that a transaction changed, once before and once after its commit", async () => {
    await using at = await site(true)
    await transaction(async () => {
      await at.states.set("a", { state: "s" })
      await at.sets.add("f", { member: "m", score: 1 })
      await transaction(() => at.states.set("b", { state: "s" }), { nested: true })
      const undone = transaction(
        async () => {
          await at.states.set("c", { state: "s" })
          throw new Error("undone")
        },
        { nested: true },
      )
      await assert.rejects(undone, /undone/)
      assert.deepEqual(at.heard(), [])
      // Nobody waits for it but the commit.
      void at.states.set("d", { state: "s" })
    })
    const keys = "set:f state:a state:b state:d"
    assert.deepEqual(at.heard(), [`prepare ${keys}`, `committed ${keys}`])
  })

  it("is nothing of a transaction that rolled back", async () => {
    await using at = await site(true)
    const undone = transaction(async () => {
      await at.states.set("a", { state: "s" })
      throw new Error("undone")
    })
    await assert.rejects(undone, /undone/)
    assert.deepEqual(at.heard(), [])
  })

  it("is no read in a transaction", async () => {
    await using at = await site(true)
    await transaction(async () => {
      await at.states.get("a")
      await at.sets.page("f", { limit: 1 })
    })
    assert.deepEqual(at.heard(), [])
    await at.states.get("a")
    await at.sets.page("f", { limit: 1 })
    assert.deepEqual(at.heard(), ["read state:a", "read set:f"])
  })

  it("is a write whose outcome nobody knows", async () => {
    await using at = await site(false)
    await at[Symbol.asyncDispose]()
    await assert.rejects(at.states.set("a", { state: "t" }))
    assert.deepEqual(at.heard(), ["committed state:a"])
  })
  it("takes back what it keeps, and refuses any other text", async () => {
    await using at = await site(true)
    const wrong = ["", "null", "7", "[]", "{}", '{"state":1}', '{"members":[null],"whole":true}', '{"members":[]}']
    await at.states.set("a", { state: "s", data: { n: [1] } })
    await at.sets.add("f", { member: "m", score: 1.5, ttlMs: 1_000 })
    for (const read of [() => at.states.get("a"), () => at.sets.page("f", { limit: 1 })]) {
      await read()
      const { kind, key } = at.coherence.target as Target
      const value = at.coherence.loaded
      assert.deepEqual(kind.decode(kind.encode(value)), value, key)
      for (const text of [...wrong, kind.encode(value).slice(1)])
        assert.throws(
          () => kind.decode(text),
          (error) => error instanceof Error,
          text,
        )
    }
  })
})
