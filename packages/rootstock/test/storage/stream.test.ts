import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { openDatabase } from "../../src/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { forEachEngine } from "../support/index.ts"
import { readings } from "./readings.ts"
import { plainSql } from "./sql.ts"

const program = fileURLToPath(new URL("stream-process.ts", import.meta.url))
const rows = 1_000_000

const filling = {
  sqlite: `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1})
    INSERT INTO readings (sensor, value, at) SELECT 'sensor ' || (i % 100), i % 10, '2026-01-02T03:04:05.678Z' FROM n`,
  postgres: `INSERT INTO readings (sensor, value, at)
    SELECT 'sensor ' || (i % 100), i % 10, '2026-01-02T03:04:05.678Z' FROM generate_series(0, ${rows - 1}) AS i`,
}

describe("stream", () => {
  forEachEngine((engine) => {
    it("reads a million rows in less than 150 MB", async () => {
      await using database = await engine.temporaryDatabase()
      await createSchema(database.url, { readings })
      {
        await using db = await openDatabase(database.url, { tables: { readings } })
        assert.equal(await db.execute(plainSql(filling[engine.dialect])), rows)
      }
      // A small heap, so that the peak shows what the stream holds, and not when the collector finds time on a busy machine.
      const heap = ["--max-old-space-size=32", "--max-semi-space-size=8"]
      const { stdout } = await promisify(execFile)(process.execPath, [...heap, program, database.url])
      const { count, sum, peakMegabytes } = JSON.parse(stdout)
      assert.equal(count, rows)
      assert.equal(sum, (rows / 10) * 45)
      assert.ok(peakMegabytes < 150, `it took ${Math.round(peakMegabytes)} MB`)
    })
  })
})
