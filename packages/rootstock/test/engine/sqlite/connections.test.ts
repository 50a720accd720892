import assert from "node:assert/strict"
import { describe, it } from "node:test"
import type { FreeExecutor } from "../../../src/engine/index.ts"
import { reading, testFile } from "./support.ts"

const expected = { journal_mode: "wal", synchronous: 2, foreign_keys: 1 }

async function pragmas(on: FreeExecutor, writes: boolean): Promise<Record<string, unknown>> {
  const read: Record<string, unknown> = {}
  for (const name of Object.keys(expected)) {
    const { rows, columns } = await on.free(`PRAGMA ${name}`, [], writes)
    read[name] = columns[0]?.decode?.(rows[0]?.[0])
  }
  return read
}

describe("the connections of an SQLite database", () => {
  it("write durably, with a write-ahead log and foreign keys", async () => {
    await using file = await testFile()
    assert.deepEqual(await pragmas(file.engine, true), expected)
  })

  it("read with the same settings, and refuse to write", async () => {
    await using file = await testFile()
    assert.deepEqual(await pragmas(file.engine, false), expected)
    await assert.rejects(file.engine.free("DELETE FROM items", [], false), { code: "QUERY" })
  })

  it("have the same settings in transactions of either kind", async () => {
    await using file = await testFile()
    for (const readOnly of [false, true]) {
      const transaction = await file.engine.begin({ label: "test", readOnly })
      assert.deepEqual(await pragmas(transaction, true), expected)
      await transaction.rollback()
    }
  })

  it("have the same settings in streams", async () => {
    await using file = await testFile()
    for (const [name, value] of Object.entries(expected)) {
      for await (const rows of file.engine.stream(reading(`PRAGMA ${name}`), [], 1)) assert.deepEqual(rows, [[value]])
    }
  })

  it("refuse a reference to a row that is not there", async () => {
    await using file = await testFile([
      "CREATE TABLE parts (id INTEGER PRIMARY KEY, item INTEGER REFERENCES items) STRICT",
    ])
    await assert.rejects(file.engine.free("INSERT INTO parts (item) VALUES (9)", [], true), { code: "FOREIGN_KEY" })
  })

  it("wait in SQLite itself no longer than the event loop can bear", async () => {
    await using file = await testFile()
    const { rows } = await file.engine.free("PRAGMA busy_timeout", [], true)
    assert.ok(Number(rows[0]?.[0]) <= 100)
  })
})
