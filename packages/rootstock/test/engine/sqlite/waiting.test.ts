import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { insertItem, reading, startChild, testFile, writing } from "./support.ts"

describe("the line before the writer", () => {
  it("gives the writer to one transaction after another, in the order asked", async () => {
    await using file = await testFile()
    const transactions = ["a", "b", "c"].map(async (name) => {
      const transaction = await file.engine.begin({ label: name })
      await transaction.first(insertItem, [`${name} 1`])
      await new Promise(setImmediate)
      await transaction.first(insertItem, [`${name} 2`])
      await transaction.commit()
    })
    await Promise.all(transactions)
    assert.deepEqual(await file.names(), ["a 1", "a 2", "b 1", "b 2", "c 1", "c 2"])
  })

  it("names the transaction that holds the writer to those who wait too long", async () => {
    await using file = await testFile([], { writerWaitMs: 40 })
    const holder = await file.engine.begin({ label: "placeOrder" })
    try {
      const waiting = [file.engine.first(insertItem, ["a"]), file.engine.begin({ label: "other" })]
      for (const result of await Promise.allSettled(waiting)) {
        assert.equal(result.status, "rejected")
        assert.equal(result.reason.code, "TIMEOUT")
        assert.match(result.reason.message, /40 ms .* by the transaction placeOrder, since \d+ ms/)
        assert.match(result.reason.cure, /shorter/)
      }
    } finally {
      await holder.rollback()
    }
    await file.engine.first(insertItem, ["b"])
    assert.deepEqual(await file.names(), ["b"])
  })

  it("lets reads pass a transaction that holds the writer", async () => {
    await using file = await testFile()
    const holder = await file.engine.begin({ label: "holder" })
    await holder.first(insertItem, ["uncommitted"])
    assert.deepEqual(await file.names(), [])
    assert.deepEqual(await holder.first(reading("SELECT count(*) FROM items"), []), [1])
    await holder.rollback()
  })

  it("is empty before the database closes", async () => {
    await using file = await testFile()
    const transaction = await file.engine.begin({ label: "holder" })
    const write = file.engine.first(insertItem, ["behind"])
    let closed = false
    const closing = file.engine.close().then(() => {
      closed = true
    })
    assert.equal(file.engine.close(), file.engine.close())
    await assert.rejects(file.engine.first(insertItem, ["too late"]), { code: "UNAVAILABLE" })
    await assert.rejects(file.engine.begin({ label: "too late" }), { code: "UNAVAILABLE" })
    await assert.rejects(file.engine.all(reading("SELECT 1"), []), { code: "UNAVAILABLE" })
    await transaction.first(insertItem, ["inside"])
    assert.equal(closed, false)
    await transaction.commit()
    assert.deepEqual(await write, [2, "behind"])
    await closing
    const again = await file.open()
    assert.deepEqual(await again.all(reading("SELECT name FROM items ORDER BY id"), []), [["inside"], ["behind"]])
  })

  it("leaves no log behind once all is closed", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["a"])
    for await (const _ of file.engine.stream(reading("SELECT 1"), [], 1)) break
    await file.engine.close()
    await assert.rejects(
      import("node:fs/promises").then(({ stat }) => stat(`${file.path}-wal`)),
      { code: "ENOENT" },
    )
  })
})

describe("a file that another process holds", () => {
  it("is waited for without keeping the event loop", async () => {
    await using file = await testFile()
    await using holder = startChild("hold.ts", [file.path])
    assert.equal(await holder.line(), "held")
    const single = file.engine.first(insertItem, ["single"])
    const grouped = file.engine.first(insertItem, ["grouped"])
    const transaction = file.engine.begin({ label: "waiting" }).then(async (connection) => {
      await connection.first(insertItem, ["in a transaction"])
      await connection.commit()
    })
    // Were SQLite waiting itself, the calls would have failed by the end of these turns.
    for (let turns = 0; turns < 20; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      assert.deepEqual(await file.names(), [])
    }
    holder.send("release")
    await Promise.all([single, grouped, transaction])
    assert.equal(await holder.line(), "released")
    assert.deepEqual(await file.names(), ["of the holder", "single", "grouped", "in a transaction"])
  })

  it("is given up after the time limit, and can be written to again", async () => {
    await using file = await testFile([], { writerWaitMs: 60 })
    await using holder = startChild("hold.ts", [file.path])
    assert.equal(await holder.line(), "held")
    const calls: (() => Promise<unknown>)[] = [
      () => file.engine.first(insertItem, ["alone"]),
      () => file.engine.begin({ label: "waiting" }),
      () => file.engine.unit([1, 2].map((at) => ({ query: insertItem, values: [`unit ${at}`] }))),
      () => file.engine.first(insertItem, ["in a group"]),
      () => file.engine.first(insertItem, ["in a group too"]),
    ]
    for (const some of [calls.slice(0, 1), calls.slice(1, 2), calls.slice(2)]) {
      for (const result of await Promise.allSettled(some.map((call) => call()))) {
        assert.equal(result.status, "rejected")
        assert.equal(result.reason.code, "TIMEOUT")
        assert.match(result.reason.message, /60 ms .*another process/)
      }
    }
    holder.send("release")
    assert.equal(await holder.line(), "released")
    await file.engine.first(insertItem, ["after"])
    assert.deepEqual(await file.names(), ["of the holder", "after"])
  })

  it("answers reads meanwhile, in transactions that only read too", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["a"])
    await using holder = startChild("hold.ts", [file.path])
    assert.equal(await holder.line(), "held")
    const transaction = await file.engine.begin({ label: "reader", readOnly: true })
    assert.deepEqual(await transaction.all(reading("SELECT name FROM items"), []), [["a"]])
    holder.send("release")
    assert.equal(await holder.line(), "released")
    assert.deepEqual(await transaction.all(reading("SELECT name FROM items"), []), [["a"]])
    await transaction.commit()
    assert.deepEqual(await file.names(), ["a", "of the holder"])
  })

  it("shows a transaction that only reads what was committed when it began", async () => {
    await using file = await testFile()
    const transaction = await file.engine.begin({ label: "reader", readOnly: true })
    await file.engine.first(insertItem, ["later"])
    assert.deepEqual(await transaction.all(reading("SELECT name FROM items"), []), [])
    await transaction.commit()
    assert.deepEqual(await file.names(), ["later"])
  })

  it("refuses a write in a transaction that only reads", async () => {
    await using file = await testFile()
    const transaction = await file.engine.begin({ label: "reader", readOnly: true })
    await assert.rejects(transaction.run(writing("DELETE FROM items"), []), { code: "QUERY", message: /read-only/ })
    await transaction.rollback()
    await file.engine.run(writing("DELETE FROM items"), [])
  })
})
