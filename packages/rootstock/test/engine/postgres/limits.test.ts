import assert from "node:assert/strict"
import { describe, it } from "node:test"
import {
  CheckError,
  ForeignKeyError,
  NotNullError,
  QueryError,
  RootstockError,
  TimeoutError,
  UniqueError,
} from "../../../src/errors/index.ts"
import { forEachServer, query } from "./support.ts"

forEachServer("limits and errors", (open) => {
  it("stops a statement and a wait for a lock after their time", async () => {
    await using opened = await open({ statementTimeoutMs: 300 })
    await assert.rejects(opened.engine.first(query("SELECT pg_sleep(30)"), []), TimeoutError)
    await using locks = await open({ lockTimeoutMs: 30 })
    await locks.engine.free("CREATE TABLE things (id integer)", [], true)
    const holder = await locks.engine.begin({ label: "holder" })
    await holder.free("LOCK TABLE things", [], true)
    await assert.rejects(locks.engine.all(query("SELECT * FROM things"), []), TimeoutError)
    await holder.rollback()
  })

  it("ends a transaction that does nothing", async () => {
    await using opened = await open({ idleInTransactionMs: 400, pool: { size: 1, overflow: 0 } })
    const transaction = await opened.engine.begin({ label: "idle" })
    const [pid] = (await transaction.first(query("SELECT pg_backend_pid()"), [])) as [string]
    await using other = await open()
    // The server gives the process number free when it has ended the transaction.
    await other.engine.first(query("SELECT pg_terminate_backend($1::integer, 0) WHERE false"), [pid])
    while (
      ((await other.engine.all(query("SELECT 1 FROM pg_stat_activity WHERE pid = $1::integer"), [pid])) as unknown[])
        .length > 0
    );
    await assert.rejects(transaction.commit(), RootstockError)
    assert.deepEqual(await opened.engine.first(query("SELECT 1"), []), ["1"])
  })

  it("gives each error of a constraint its class, its names and no values", async () => {
    await using opened = await open()
    const { engine } = opened
    await engine.free(
      `CREATE TABLE parents (id integer PRIMARY KEY);
       CREATE TABLE things (id integer PRIMARY KEY, name varchar(5) NOT NULL, price numeric(4, 2), size smallint CONSTRAINT things_size_check CHECK (size > 0),
         parent integer CONSTRAINT things_parent_fkey REFERENCES parents, "Odd, one" text, CONSTRAINT things_pair_key UNIQUE (name, "Odd, one"));
       INSERT INTO parents VALUES (1);
       INSERT INTO things VALUES (1, 'a', 1, 1, 1, 'secret')`,
      [],
      true,
    )
    const cases: [
      sql: string,
      values: (string | null)[],
      type: unknown,
      constraint?: string | undefined,
      columns?: string[],
    ][] = [
      ["INSERT INTO things (id, name) VALUES ($1, 'geheim1')", ["5"], CheckError],
      ["INSERT INTO things (id, name) VALUES ($1, 'b')", ["1"], UniqueError, "things_pkey", ["id"]],
      [`INSERT INTO things (id, name, "Odd, one") VALUES (7, 'a', $1)`, ["secret"], UniqueError, "things_pair_key"],
      ["INSERT INTO things (id, name) VALUES (7, $1)", [null], NotNullError, undefined, ["name"]],
      ["INSERT INTO things (id, name, size) VALUES (7, 'b', $1)", ["-5"], CheckError, "things_size_check"],
      ["INSERT INTO things (id, name, size) VALUES (7, 'b', $1)", ["99999"], CheckError],
      ["INSERT INTO things (id, name, price) VALUES (7, 'b', $1)", ["100.5"], CheckError],
      [
        "INSERT INTO things (id, name, parent) VALUES (7, 'b', $1)",
        ["99"],
        ForeignKeyError,
        "things_parent_fkey",
        ["parent"],
      ],
      ["DELETE FROM parents WHERE id = $1", ["1"], ForeignKeyError, "things_parent_fkey"],
      ["SELECT $1::uuid", ["geheim"], QueryError],
    ]
    for (const [sql, values, type, constraint, columns] of cases) {
      await assert.rejects(engine.run(query(sql, { label: "things.create" }), values), (error) => {
        assert.ok(error instanceof (type as ErrorConstructor), `${sql}: ${error}`)
        const found = error as unknown as UniqueError
        if (constraint !== undefined) assert.equal(found.constraint, constraint)
        if (columns !== undefined) assert.deepEqual(found.columns, columns)
        assert.ok(found.cure.length > 0 && found.cause instanceof Error)
        const shown = JSON.stringify([found, found.message, found.cause, (found.cause as Error).message])
        assert.doesNotMatch(shown, /geheim|secret|99999|100\.5/)
        return true
      })
    }
  })

  describe("behind a pooler in transaction mode", () => {
    it("keeps nothing on a connection", async () => {
      await using opened = await open({ pooler: true, statementTimeoutMs: 4_321, pool: { size: 1, overflow: 0 } })
      const { engine } = opened
      const settings = query("SELECT current_setting('TimeZone'), current_setting('statement_timeout')")
      // As if another client of the pooler had left the connection behind.
      const leave = "SELECT set_config('TimeZone', 'Asia/Tokyo', false), set_config('search_path', 'nowhere', false);"
      await engine.free(`${leave} COMMIT; ${leave}`, [], true)
      assert.deepEqual(await engine.first(settings, []), ["UTC", "4321ms"])
      await engine.free("CREATE TABLE things (id integer PRIMARY KEY)", [], true)
      const insert = query("INSERT INTO things VALUES ($1)", { writes: true, returns: false })
      await engine.unit([
        { query: insert, values: ["1"] },
        { query: insert, values: ["2"] },
      ])
      await assert.rejects(
        engine.unit([
          { query: insert, values: ["3"] },
          { query: insert, values: ["1"] },
        ]),
        UniqueError,
      )
      const transaction = await engine.begin({ label: "pooled" })
      assert.deepEqual(await transaction.first(settings, []), ["UTC", "4321ms"])
      assert.deepEqual(await transaction.all(query("SELECT id FROM things ORDER BY id"), []), [["1"], ["2"]])
      await transaction.commit()
      let rows = 0
      for await (const portion of engine.stream(query("SELECT id FROM things"), [], 1)) rows += portion.length
      assert.equal(rows, 2)
      assert.deepEqual(await engine.first(query("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"), []), [
        "0",
      ])
    })
  })
})
