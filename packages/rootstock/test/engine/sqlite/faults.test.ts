import assert from "node:assert/strict"
import { chmod, copyFile, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { describe, it } from "node:test"
import { openEngine } from "../../../src/engine/index.ts"
import { insertItem, reading, startChild, testFile, writing } from "./support.ts"

const big = "x".repeat(100_000)

describe("a disk that is full", () => {
  async function fullFile() {
    const file = await testFile()
    const { rows } = await file.engine.free("PRAGMA page_count", [], true)
    await file.engine.free(`PRAGMA max_page_count = ${Number(rows[0]?.[0]) + 5}`, [], true)
    return file
  }

  it("is named, and leaves nothing half done", async () => {
    await using file = await fullFile()
    await assert.rejects(file.engine.first(insertItem, [big]), {
      code: "UNAVAILABLE",
      message: /full/,
      cure: /free space/,
    })
    const unit = ["small", big].map((name) => ({ query: insertItem, values: [name] }))
    await assert.rejects(file.engine.unit(unit), { code: "UNAVAILABLE" })
    assert.deepEqual(await file.names(), [])
  })

  it("does not touch the writes that still fit", async () => {
    await using file = await fullFile()
    const results = await Promise.allSettled(["a", big, "b", "a"].map((name) => file.engine.first(insertItem, [name])))
    assert.deepEqual(
      results.map((result) => (result.status === "rejected" ? result.reason.code : "stored")),
      ["stored", "UNAVAILABLE", "stored", "UNIQUE"],
    )
    assert.deepEqual(await file.names(), ["a", "b"])
  })

  it("ends a transaction as a whole, and the writer goes on", async () => {
    await using file = await fullFile()
    const transaction = await file.engine.begin({ label: "test" })
    await transaction.first(insertItem, ["inside"])
    await assert.rejects(transaction.first(insertItem, [big]), { code: "UNAVAILABLE" })
    await transaction.rollback()
    await file.engine.first(insertItem, ["behind"])
    assert.deepEqual(await file.names(), ["behind"])
  })
})

describe("a transaction that SQLite rolled back by itself", () => {
  it("does not run its rest outside of it", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["a"])
    const transaction = await file.engine.begin({ label: "test" })
    await transaction.first(insertItem, ["inside"])
    const refused = transaction.run(writing("INSERT OR ROLLBACK INTO items (name) VALUES ('a')"), [])
    await assert.rejects(refused, { code: "UNIQUE" })
    await assert.rejects(transaction.first(insertItem, ["rest"]), { code: "SESSION", message: /rolled back/ })
    await assert.rejects(transaction.commit(), { code: "SESSION" })
    await file.engine.first(insertItem, ["behind"])
    assert.deepEqual(await file.names(), ["a", "behind"])
  })
})

describe("a file that cannot be used", () => {
  it("is refused where it is no database", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rootstock-test-"))
    try {
      await writeFile(join(folder, "text.db"), "not a database, but long enough to be taken for one. ".repeat(100))
      await assert.rejects(openEngine(`sqlite:${join(folder, "text.db")}`), {
        code: "UNAVAILABLE",
        message: /not a database/,
      })
      await assert.rejects(openEngine(`sqlite:${folder}`), { code: "UNAVAILABLE" })
      await assert.rejects(openEngine(`sqlite:${join(folder, "text.db", "below.db")}`), {
        code: "UNAVAILABLE",
        message: /below\.db|text\.db/,
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it("is made with the folders that lead to it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rootstock-test-"))
    try {
      const engine = await openEngine(`sqlite:${join(folder, "a", "b", "c.db")}`)
      await engine.ping()
      await engine.close()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it("says that it may not be written to", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["a"])
    await file.engine.close()
    await chmod(file.path, 0o444)
    await chmod(dirname(file.path), 0o555)
    try {
      // The administrator may write to everything, so the attempt is made by somebody else.
      const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {}
      await using child = startChild("attempt.ts", [file.url], nobody)
      const { code, cure } = JSON.parse((await child.line()) ?? "{}")
      assert.ok(["UNAVAILABLE", "QUERY"].includes(code), code)
      assert.match(cure, /permissions/)
    } finally {
      await chmod(dirname(file.path), 0o755)
    }
  })

  it("is not changed by an attempt that fails", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["a"])
    await file.engine.close()
    const before = await readFile(file.path)
    const again = await file.open()
    await assert.rejects(again.run(writing("INSERT INTO nothing VALUES (1)"), []), {
      code: "QUERY",
      message: /nothing/,
    })
    await assert.rejects(again.all(reading("SELEKT"), []), { code: "QUERY", message: /SELEKT/ })
    await again.close()
    assert.deepEqual(await readFile(file.path), before)
  })
})

describe("a file that is open", () => {
  const gone = { code: "UNAVAILABLE", message: /test\.db was removed while it was open/, cure: /start it again/ }

  it("is missed where it was removed, and not made anew", async () => {
    await using file = await testFile()
    await file.engine.ping()
    await rm(file.path)
    await assert.rejects(file.engine.ping(), gone)
    await assert.rejects(file.engine.begin({ label: "reader", readOnly: true }), gone)
    await assert.rejects(readFile(file.path), { code: "ENOENT" })
    await rm(dirname(file.path), { recursive: true })
    await assert.rejects(file.engine.ping(), gone)
  })

  it("is told from another that took its place", async () => {
    await using file = await testFile()
    await file.engine.first(insertItem, ["a"])
    await copyFile(file.path, `${file.path}.copy`)
    await rename(`${file.path}.copy`, file.path)
    const replaced = { code: "UNAVAILABLE", message: /test\.db was replaced by another while it was open/ }
    await assert.rejects(file.engine.ping(), replaced)
    await assert.rejects(async () => {
      for await (const _ of file.engine.stream(reading("SELECT name FROM items"), [], 1));
    }, replaced)
  })
})
