import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { registerTables } from "../../src/schema/index.ts"
import { isReading, tablesWritten } from "../../src/storage/statement.ts"
import { people, teams } from "./support/tables.ts"

const registry = registerTables({ people, teams })
const written = (sql: string) => tablesWritten(sql, registry).map(({ name }) => name)

describe("free SQL", () => {
  it("only reads where it can be seen to", () => {
    const reading = [
      "SELECT 1",
      "  ( select 1 )",
      "-- a note; update\nSELECT 1;",
      "/* ; update x */ SELECT 1 ;  ",
      "WITH a AS (SELECT 1) SELECT 'update; x', \"delete; y\" FROM a",
      "SELECT 'it''s; update x'",
      "SELECT e'it\\'s; update x'",
      "SELECT $$; UPDATE x$$, $a$; $$ DELETE $a$",
      "VALUES (1)",
      "TABLE people",
      "SHOW ALL",
      "EXPLAIN SELECT 1",
      "SELECT 1 -- the end",
    ]
    for (const sql of reading) assert.equal(isReading(sql), true, sql)
    const writing = [
      "",
      "UPDATE people SET id = 1",
      "SELECT 1; UPDATE people SET id = 1",
      "SELECT 1;\n-- note\nDELETE FROM people",
      "SELECT '; x'; UPDATE people SET id = 1",
      'SELECT 1 AS "a--b"; UPDATE people SET id = 1',
      "SELECT E'\\''; UPDATE people SET name = ''",
      "WITH a AS (DELETE FROM people RETURNING 1) SELECT 1 FROM a",
      "EXPLAIN ANALYZE DELETE FROM people",
      "explain (analyze, buffers) update people set id = 1",
      "SELECT 1 FOR UPDATE",
      "SELECT 1 FOR NO KEY UPDATE",
      "CALL x()",
      "DO $$ BEGIN END $$",
      "VACUUM",
    ]
    for (const sql of writing) assert.equal(isReading(sql), false, sql)
  })

  it("writes what it names, in whatever way, and all where it names nothing", () => {
    assert.deepEqual(written("UPDATE people SET id = 1"), ["people"])
    assert.deepEqual(written('UPDATE "public"."People" SET id = 1'), ["people"])
    assert.deepEqual(written("DELETE FROM teams USING people"), ["people", "teams"])
    assert.deepEqual(written("SELECT 1; UPDATE teams SET id = 1"), ["teams"])
    assert.deepEqual(written("DO $$ BEGIN EXECUTE 'UPDATE people SET id = 1'; END $$"), ["people"])
    assert.deepEqual(written("UPDATE other SET peoples = xpeople"), ["people", "teams"])
    assert.deepEqual(written("CALL change_all()"), ["people", "teams"])
    assert.deepEqual(written("TRUNCATE people CASCADE"), ["people", "teams"])
  })

  it("writes nothing where it only keeps the database in order", () => {
    for (const sql of [
      "VACUUM",
      "vacuum (analyze) people",
      "PRAGMA optimize",
      "CREATE INDEX a ON people (id)",
      "SET x = 1",
    ]) {
      assert.deepEqual(written(sql), [], sql)
    }
    assert.deepEqual(written("SELECT id FROM people FOR UPDATE"), [])
    assert.deepEqual(written("SET x = 1; UPDATE people SET id = 1"), ["people"])
  })
})
