import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { createSchema } from "../../src/migrate/index.ts"
import { openDatabase, Storage } from "../../src/storage/index.ts"
import { type Engine, forEachEngine } from "../support/index.ts"
import { arbitraryRow, everything, stored } from "./values.ts"

const tables = { everything }

async function withStore(engine: Engine, work: (store: ReturnType<typeof storeOf>) => Promise<void>): Promise<void> {
  await using temporary = await engine.temporaryDatabase()
  await createSchema(temporary.url, tables)
  await using db = await openDatabase(temporary.url, { tables })
  await work(storeOf(db))
}

function storeOf(db: Awaited<ReturnType<typeof openDatabase<typeof tables>>>) {
  return db.storage(Storage(everything))
}

/** Types whose values are compared as a whole. */
const comparable = [
  "uuid",
  "integer",
  "bigint",
  "real",
  "decimal",
  "whole",
  "text",
  "short",
  "boolean",
  "timestamp",
  "date",
  "time",
  "bytes",
  "choice",
] as const

describe("a value of every type", () => {
  forEachEngine((engine) => {
    it("comes back as it was given, from every call", () =>
      withStore(engine, async (store) => {
        await fc.assert(
          fc.asyncProperty(fc.array(arbitraryRow, { minLength: 2, maxLength: 8 }), async (rows) => {
            const expected = rows.map(stored)
            const [first, ...rest] = rows
            const made = [await store.create(first!), ...(await store.createMany(rest))]
            const without = made.map(({ id: _, ...row }) => row)
            assert.deepStrictEqual(without, expected)
            const [one, ...others] = made
            assert.deepStrictEqual(await store.get(one!.id), one)
            assert.deepStrictEqual(await store.getMany(made.map(({ id }) => id)), made)
            const { id, ...values } = rest[0] === undefined ? one! : others[0]!
            assert.deepStrictEqual(await store.update(one!.id, values), { id: one!.id, ...values })
            assert.ok(id > 0)
          }),
          { numRuns: 25 },
        )
      }))

    it("is found by itself", () =>
      withStore(engine, async (store) => {
        await fc.assert(
          fc.asyncProperty(arbitraryRow, async (row) => {
            const { id } = await store.create(row)
            for (const key of comparable) {
              const value = row[key]
              assert.ok(await store.exists({ id, [key]: value }), `${key} = ${String(value)}`)
              if (value === null) continue
              assert.ok(await store.exists({ id, [key]: [value] }), `${key} in ${String(value)}`)
              assert.ok(!(await store.exists({ id, [key]: { not: value } })), `${key} not ${String(value)}`)
            }
          }),
          { numRuns: 15 },
        )
      }))
  })
})
