import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { commitsInLog, insertItem, reading, testFile, writing } from "./support.ts"

const deferredParts =
  "CREATE TABLE parts (name TEXT, item INTEGER REFERENCES items DEFERRABLE INITIALLY DEFERRED) STRICT"
const insertPart = writing("INSERT INTO parts (name, item) VALUES (?, ?)")

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

describe("writes that wait together", () => {
  it("are committed together, each with its own result", async () => {
    await using file = await testFile()
    const before = commitsInLog(file.path)
    const rows = await Promise.all(range(32).map((at) => file.engine.first(insertItem, [`item ${at}`])))
    assert.deepEqual(
      rows,
      range(32).map((at) => [at + 1, `item ${at}`]),
    )
    // One, unless other programs keep the processor for longer than a group may take.
    assert.ok(commitsInLog(file.path) - before <= 8)
  })

  it("share a commit where they come in different callbacks of one turn, as requests do", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["before"])
    const before = commitsInLog(file.path)
    const fromCallback = (at: number) =>
      new Promise((resolve) => setImmediate(() => resolve(file.engine.first(insertItem, [`item ${at}`]))))
    await Promise.all(range(20).map(fromCallback))
    // The first may be served at once, the others wait for each other, unless other programs keep the processor.
    assert.ok(commitsInLog(file.path) - before <= 7)
  })

  it("are committed one by one where they come one by one", async () => {
    await using file = await testFile()
    const before = commitsInLog(file.path)
    for (const at of range(5)) await file.engine.first(insertItem, [`item ${at}`])
    assert.equal(commitsInLog(file.path) - before, 5)
  })

  it("are not answered before others can see them", async () => {
    await using file = await testFile()
    const other = await file.open()
    const seen = await Promise.all(
      range(32).map(async (at) => {
        const name = `item ${at}`
        await file.engine.first(insertItem, [name])
        return (await other.first(reading("SELECT name FROM items WHERE name = ?"), [name]))?.[0]
      }),
    )
    assert.deepEqual(
      seen,
      range(32).map((at) => `item ${at}`),
    )
  })

  it("fail alone", async () => {
    await using file = await testFile()
    const results = await Promise.allSettled(
      ["a", "b", "a", "c", "b", "d"].map((name) => file.engine.first(insertItem, [name])),
    )
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"],
    )
    for (const result of results) if (result.status === "rejected") assert.equal(result.reason.code, "UNIQUE")
    assert.deepEqual(await file.names(), ["a", "b", "c", "d"])
  })

  it("fail alone where only the commit finds the fault", async () => {
    await using file = await testFile([deferredParts])
    await file.engine.first(insertItem, ["a"])
    const results = await Promise.allSettled([
      file.engine.run(insertPart, ["first", 1]),
      file.engine.run(insertPart, ["wrong", 99]),
      file.engine.first(insertItem, ["b"]),
      file.engine.unit([
        { query: insertItem, values: ["c"] },
        { query: insertPart, values: ["also wrong", 98] },
      ]),
      file.engine.unit([
        { query: insertItem, values: ["d"] },
        { query: insertPart, values: ["last", 1] },
      ]),
    ])
    assert.deepEqual(
      results.map((result) => (result.status === "rejected" ? result.reason.code : "stored")),
      ["stored", "FOREIGN_KEY", "stored", "FOREIGN_KEY", "stored"],
    )
    assert.deepEqual(await file.engine.all(reading("SELECT name FROM parts"), []), [["first"], ["last"]])
    assert.deepEqual(await file.names(), ["a", "b", "d"])
  })

  it("do not fail for a row that was never committed", async () => {
    await using file = await testFile([deferredParts, "CREATE UNIQUE INDEX part_names ON parts (name)"])
    await file.engine.first(insertItem, ["a"])
    const [wrong, right] = await Promise.allSettled([
      file.engine.run(insertPart, ["same name", 99]),
      file.engine.run(insertPart, ["same name", 1]),
    ])
    assert.equal(wrong.status, "rejected")
    assert.equal(right.status, "fulfilled")
    assert.deepEqual(await file.engine.all(reading("SELECT name, item FROM parts"), []), [["same name", 1]])
  })

  it("fail alone where SQLite rolls back the whole group", async () => {
    await using file = await testFile()
    const insertOrRollback = writing("INSERT OR ROLLBACK INTO items (name) VALUES (?)")
    const results = await Promise.allSettled([
      file.engine.first(insertItem, ["a"]),
      file.engine.run(insertOrRollback, ["a"]),
      file.engine.unit([
        { query: insertItem, values: ["b"] },
        { query: insertOrRollback, values: ["b"] },
      ]),
      file.engine.first(insertItem, ["c"]),
    ])
    assert.deepEqual(
      results.map((result) => (result.status === "rejected" ? result.reason.code : "stored")),
      ["stored", "UNIQUE", "UNIQUE", "stored"],
    )
    assert.deepEqual(await file.names(), ["a", "c"])
  })

  it("fail without a trace where their answer cannot be read", async () => {
    await using file = await testFile()
    await file.engine.run(writing("INSERT INTO items (id, name) VALUES (?, 'large')"), [2n ** 60n])
    const change = writing("UPDATE items SET name = 'changed' WHERE name = 'large' RETURNING id")
    const [changed, added] = await Promise.allSettled([
      file.engine.first(change, []),
      file.engine.first(insertItem, ["a"]),
    ])
    assert.equal(changed.status === "rejected" && changed.reason.code, "VALIDATION")
    await assert.rejects(file.engine.first(change, []), { code: "VALIDATION" })
    assert.equal(added.status, "rejected", "the number of its row is beyond 2^53 too")
    assert.deepEqual(await file.names(), ["large"])
  })

  it("keep units of several statements whole", async () => {
    await using file = await testFile()
    const unit = (...names: string[]) => file.engine.unit(names.map((name) => ({ query: insertItem, values: [name] })))
    const results = await Promise.allSettled([unit("a", "b"), unit("c", "a"), unit("d", "d"), unit("e", "f")])
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected", "fulfilled"],
    )
    assert.deepEqual(await file.names(), ["a", "b", "e", "f"])
  })

  it("run in the order in which they were asked for", async () => {
    await using file = await testFile()
    const finished: number[] = []
    await Promise.all(
      range(200).map(async (at) => {
        if (at % 3 === 0)
          await file.engine.unit([0, 1].map((part) => ({ query: insertItem, values: [`item ${at}.${part}`] })))
        else await file.engine.first(insertItem, [`item ${at}`])
        finished.push(at)
      }),
    )
    assert.deepEqual(finished, range(200))
    assert.deepEqual(
      await file.names(),
      range(200).flatMap((at) => (at % 3 === 0 ? [`item ${at}.0`, `item ${at}.1`] : [`item ${at}`])),
    )
  })

  it("stand before and behind a transaction as they were asked for", async () => {
    await using file = await testFile()
    const before = file.engine.first(insertItem, ["before"])
    const transaction = file.engine.begin({ label: "between" })
    const behind = file.engine.first(insertItem, ["behind"])
    const connection = await transaction
    await connection.first(insertItem, ["between"])
    await connection.commit()
    await Promise.all([before, behind])
    assert.deepEqual(await file.names(), ["before", "between", "behind"])
  })

  it("answer with values, not with what later writes of the group made of them", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["0"])
    const change = writing("UPDATE items SET name = name + 1 WHERE id = 1 RETURNING name")
    const rows = await Promise.all(range(10).map(() => file.engine.first(change, [])))
    assert.deepEqual(
      rows,
      range(10).map((at) => [String(at + 1)]),
    )
  })
})
