import assert from "node:assert/strict"
import { after, before, beforeEach, describe } from "node:test"
import { type Database, openDatabase, type RootstockError } from "../../src/index.ts"
import { createSchema, schemaStatements } from "../../src/migrate/index.ts"
import { registerTables, type Tables } from "../../src/schema/index.ts"
import { forEachEngine, type TemporaryDatabase } from "../support/index.ts"
import { plainSql } from "./sql.ts"

/** What the cases of one place may ask for. */
export type Place<S extends Tables> = {
  /** The opened database; its tables are empty when a test starts. */
  readonly db: Database<S>
  /** What the database warned of during the test. */
  readonly warnings: readonly string[]
  /** Undefined in memory, where no second connection sees the same database. */
  readonly url: string | undefined
}

type Options = Omit<Parameters<typeof openDatabase>[1], "tables">

/** Defines the same cases on SQLite (a file, and in memory) and on the PostgreSQL servers that are there. */
export function forEachDatabase<const S extends Tables>(
  tables: S,
  define: (place: Place<S>) => void,
  options: Options = {},
): void {
  forEachEngine((engine) => {
    let temporary: TemporaryDatabase
    definePlace(tables, define, options, {
      async start() {
        temporary = await engine.temporaryDatabase()
        await createSchema(temporary.url, tables)
        return temporary.url
      },
      stop: () => temporary.dispose(),
    })
  })
  describe("on sqlite in memory", () => {
    definePlace(tables, define, options, { start: async () => undefined, stop: async () => undefined })
  })
}

function definePlace<const S extends Tables>(
  tables: S,
  define: (place: Place<S>) => void,
  options: Options,
  { start, stop }: { start: () => Promise<string | undefined>; stop: () => Promise<void> },
): void {
  const warnings: string[] = []
  const place: { -readonly [K in keyof Place<S>]: Place<S>[K] } = { db: undefined as never, warnings, url: undefined }
  const emptying = [...registerTables(tables).byName.keys()].reverse()
  before(async () => {
    place.url = await start()
    place.db = await openDatabase(place.url ?? "sqlite::memory:", {
      ...options,
      tables,
      warn: (message) => warnings.push(message),
    })
    if (place.url === undefined)
      for (const statement of schemaStatements("sqlite", tables)) await place.db.execute(plainSql(statement))
  })
  beforeEach(async () => {
    for (const name of emptying) await place.db.execute(plainSql(`DELETE FROM "${name}"`))
    warnings.length = 0
  })
  after(async () => {
    await place.db?.close()
    await stop()
  })
  define(place)
}

type Expected = { [key: string]: unknown }

/** That the work is refused by an error of the library with these properties, a sentence and a cure. */
export async function refuses(
  work: Promise<unknown> | (() => Promise<unknown>),
  expected: Expected,
): Promise<RootstockError> {
  const refusal = await (typeof work === "function" ? work() : work).then(
    () => assert.fail(`nothing was refused, but ${JSON.stringify(expected)} was expected`),
    (error: RootstockError) => error,
  )
  const { message, cure } = refusal
  for (const [key, value] of Object.entries(expected)) {
    const actual: unknown = (refusal as unknown as Expected)[key]
    if (value instanceof RegExp) assert.match(String(actual), value)
    else assert.deepEqual(actual, value, `${key} of ${refusal.stack}`)
  }
  assert.equal(typeof cure, "string", message)
  assert.ok(message.length > 5 && cure.length > 5)
  return refusal
}

/** Collects what the database runs while `work` does. */
export async function queriesOf(db: Database<any>, work: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = []
  const stop = db.on("query", ({ call }) => calls.push(call))
  try {
    await work()
  } finally {
    stop()
  }
  return calls
}
