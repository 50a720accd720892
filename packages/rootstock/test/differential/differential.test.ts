import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { after, before, describe, it } from "node:test"
import fc from "fast-check"
import pg from "pg"
import { openDatabase } from "../../src/index.ts"
import { schemaStatements } from "../../src/migrate/index.ts"
import { plainSql } from "../storage/sql.ts"
import { engines } from "../support/index.ts"
import { type CallSpec, callSpecs } from "./calls.ts"
import { declare, schemaSpec, type TableSpec } from "./schemas.ts"
import { Side } from "./side.ts"

// More of them: ROOTSTOCK_RUNS=5000; those of another seed: ROOTSTOCK_SEED=1.
const runs = Number(process.env["ROOTSTOCK_RUNS"] ?? 400)
const seed = Number(process.env["ROOTSTOCK_SEED"] ?? 20_261_121)

const servers = { "embedded-postgres": "TEST_EMBEDDED_POSTGRES_URL", postgres: "TEST_POSTGRES_URL" } as const

describe("SQLite and PostgreSQL", () => {
  for (const { name } of engines) {
    if (name === "sqlite") continue
    describe(`the same calls on SQLite and on ${name}`, () => {
      const url = new URL(process.env[servers[name]] as string)
      let admin: pg.Client
      before(async () => {
        admin = new pg.Client({ connectionString: url.href })
        await admin.connect()
      })
      after(async () => {
        await admin.end()
      })

      it("give equal rows, order and errors on random tables", async () => {
        await fc.assert(
          fc.asyncProperty(schemaSpec, callSpecs, (specs, calls) => compare(admin, url, specs, calls)),
          {
            numRuns: Math.ceil(runs / (engines.length - 1)),
            seed,
          },
        )
      })
    })
  }
})

async function compare(
  admin: pg.Client,
  server: URL,
  specs: readonly TableSpec[],
  calls: readonly CallSpec[],
): Promise<void> {
  const model = declare(specs)
  const schema = `d_${randomBytes(8).toString("hex")}`
  await admin.query(
    [`CREATE SCHEMA ${schema}`, `SET search_path TO ${schema}`, ...schemaStatements("postgres", model.tables)].join(
      ";\n",
    ),
  )
  const url = new URL(server)
  url.searchParams.set("schema", schema)
  const options = { tables: model.tables, nPlusOne: { mode: "off" as const } }
  try {
    await using sqlite = await openDatabase("sqlite::memory:", options)
    for (const statement of schemaStatements("sqlite", model.tables)) await sqlite.execute(plainSql(statement))
    await using postgres = await openDatabase(url.href, options)
    const left = new Side(sqlite, model)
    const right = new Side(postgres, model)
    for (const call of calls) {
      const [one, other] = await Promise.all([left.run(call), right.run(call)])
      assert.deepEqual(one, other, `${JSON.stringify(call)} gave on SQLite and on PostgreSQL:`)
    }
    assert.deepEqual(await left.contents(), await right.contents(), "the tables differ in the end")
  } finally {
    await admin.query(`DROP SCHEMA ${schema} CASCADE`)
  }
}
