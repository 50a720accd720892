import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { type Engine, openEngine } from "../../../src/engine/index.ts"
import { StatementCache } from "../../../src/engine/sqlite/statements.ts"
import { integer } from "../../../src/schema/index.ts"
import { insertItem, reading, testFile, writing } from "./support.ts"

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

async function withMemory(work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await openEngine("sqlite::memory:")
  try {
    await engine.run(writing("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT"), [])
    await work(engine)
  } finally {
    await engine.close()
  }
}

describe("a database in memory", () => {
  it("shows nobody what is not committed", () =>
    withMemory(async (engine) => {
      const count = reading("SELECT count(*) FROM items")
      const transaction = await engine.begin({ label: "test" })
      await transaction.first(insertItem, ["a"])
      const outside = [
        engine.all(count, []),
        engine.first(count, []).then((row) => [row]),
        engine.free(count.sql, [], false).then(({ rows }) => [rows[0]?.map(Number)]),
        engine.lookup({ one: count, many: count as never, column: integer() as never }, 0).then(
          (row) => [row],
          () => [[0]],
        ),
        collect(engine.stream(count, [], 10)).then((portions) => portions.flat()),
      ]
      assert.deepEqual(await transaction.first(count, []), [1])
      await transaction.rollback()
      for (const rows of await Promise.all(outside)) assert.deepEqual(rows, [[0]])
    }))

  it("refuses writes in a transaction that only reads, and takes them after it", () =>
    withMemory(async (engine) => {
      const transaction = await engine.begin({ label: "test", readOnly: true })
      await assert.rejects(transaction.first(insertItem, ["a"]), { code: "QUERY" })
      await transaction.rollback()
      assert.deepEqual(await engine.first(insertItem, ["a"]), [1, "a"])
    }))

  it("is one of its own each time", () =>
    withMemory(async (engine) => {
      await engine.first(insertItem, ["a"])
      await withMemory(async (other) => {
        assert.deepEqual(await other.all(reading("SELECT * FROM items"), []), [])
      })
    }))
})

describe("a stream", () => {
  it("gives rows in portions", async () => {
    await using file = await testFile()
    await Promise.all(Array.from({ length: 25 }, (_, at) => file.engine.first(insertItem, [`item ${at}`])))
    const portions = await collect(file.engine.stream(reading("SELECT id FROM items ORDER BY id"), [], 10))
    assert.deepEqual(
      portions.map(({ length }) => length),
      [10, 10, 5],
    )
  })

  it("gives its reader back where it is left early", async () => {
    await using file = await testFile()
    await Promise.all(Array.from({ length: 25 }, (_, at) => file.engine.first(insertItem, [`item ${at}`])))
    // The log can be emptied only while no reader is in the midst of a statement.
    const emptyLog = () =>
      file.engine.free("PRAGMA wal_checkpoint(TRUNCATE)", [], true).then(({ rows }) => Number(rows[0]?.[0]))
    const held = file.engine.stream(reading("SELECT id FROM items"), [], 1)[Symbol.asyncIterator]()
    await held.next()
    await file.engine.first(insertItem, ["while the stream is open"])
    assert.equal(await emptyLog(), 1)
    await held.return?.()
    assert.equal(await emptyLog(), 0)
    for await (const _ of file.engine.stream(reading("SELECT id FROM items"), [], 1)) break
    await file.engine.first(insertItem, ["after the stream"])
    assert.equal(await emptyLog(), 0)
  })

  it("sees the state at its start", async () => {
    await using file = await testFile()
    await Promise.all(Array.from({ length: 10 }, (_, at) => file.engine.first(insertItem, [`item ${at}`])))
    let rows = 0
    for await (const portion of file.engine.stream(reading("SELECT id FROM items"), [], 2)) {
      rows += portion.length
      await file.engine.first(insertItem, [`later ${rows}`])
    }
    assert.equal(rows, 10)
  })

  it("tells an error of its statement", async () => {
    await using file = await testFile()
    await assert.rejects(collect(file.engine.stream(reading("SELECT nothing FROM items"), [], 2)), { code: "QUERY" })
  })
})

describe("integers beyond 2^53", () => {
  const beyond = 9_007_199_254_740_993n

  it("are an error, never a wrong number", async () => {
    await using file = await testFile()
    await file.engine.run(writing("INSERT INTO items (id, name) VALUES (?, 'large')"), [beyond])
    const code = "VALIDATION"
    await assert.rejects(file.engine.all(reading("SELECT id FROM items"), []), { code, cure: /bigint/ })
    await assert.rejects(file.engine.first(reading("SELECT id FROM items"), []), { code })
    await assert.rejects(collect(file.engine.stream(reading("SELECT id FROM items"), [], 2)), { code })
    const { columns, rows } = await file.engine.free("SELECT id FROM items", [], false)
    assert.throws(() => columns[0]?.decode?.(rows[0]?.[0]), /beyond 2\^53/)
  })

  it("are exact in statements that read bigints", async () => {
    await using file = await testFile()
    await file.engine.run(writing("INSERT INTO items (id, name) VALUES (?, 'large')"), [beyond])
    assert.deepEqual(await file.engine.first(reading("SELECT id FROM items", { wide: true }), []), [beyond])
    const changed = { ...writing("UPDATE items SET name = 'x' RETURNING id"), wide: true }
    assert.deepEqual(await file.engine.first(changed, []), [beyond])
  })
})

describe("a row whose number is beyond 2^53", () => {
  it("does not make later writes of its connection fail after they happened", async () => {
    await using file = await testFile()
    await file.engine.run(writing("INSERT INTO items (id, name) VALUES (?, 'large')"), [2n ** 60n])
    assert.equal(await file.engine.run(writing("UPDATE items SET name = 'changed'"), []), 1)
    const unit = await file.engine.unit([{ query: writing("DELETE FROM items"), values: [] }])
    assert.deepEqual(unit, [{ rows: [], changes: 1 }])
  })
})

describe("kept statements", () => {
  it("are bounded in number, and the most used stay", () => {
    const cache = new StatementCache(8)
    const statement = {} as never
    cache.set("hot", statement)
    for (let at = 0; at < 100; at++) {
      cache.set(`SELECT ${at}`, statement)
      assert.equal(cache.get("hot"), statement)
    }
    const kept = Array.from({ length: 100 }, (_, at) => cache.get(`SELECT ${at}`)).filter(
      (found) => found !== undefined,
    )
    assert.ok(kept.length > 0 && kept.length < 8, String(kept.length))
    cache.clear()
    assert.equal(cache.get("hot"), undefined)
  })

  it("follow a change of the table", async () => {
    await using file = await testFile()
    const all = reading("SELECT * FROM items")
    await file.engine.first(insertItem, ["a"])
    assert.deepEqual(await file.engine.all(all, []), [[1, "a"]])
    await file.engine.run(writing("ALTER TABLE items ADD COLUMN price REAL DEFAULT 1.5"), [])
    assert.deepEqual(await file.engine.all(all, []), [[1, "a", 1.5]])
  })
})
