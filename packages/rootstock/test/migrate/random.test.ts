// biome-ignore-all lint/suspicious/noExplicitAny: columns are put together freely here, beyond what the types can follow
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { checkDrift, describeDifference, migrateDown, migrateUp, newMigration } from "../../src/migrate/index.ts"
import {
  bigint,
  boolean,
  type Columns,
  check,
  choice,
  date,
  decimal,
  definitionOf,
  identity,
  index,
  integer,
  json,
  list,
  real,
  type Tables,
  table,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "../../src/schema/index.ts"
import { forEachEngine } from "../support/index.ts"
import { openHistory } from "./history.ts"
import { execute, query } from "./support.ts"

type Any = any

/** Types by name, each with a default that the others of its family take too, so that any can be added to any table with rows. */
const types: Record<string, () => Any> = {
  integer: () => integer().default(1),
  bigint: () => bigint().default(1n),
  real: () => real().default(0.5),
  decimal: () => decimal(9, 2).default("1"),
  finer: () => decimal(12, 4).default("1"),
  text: () => text().default("a"),
  short: () => text({ max: 12 }).default("b"),
  choice: () => choice("a", "b").default("b"),
  boolean: () => boolean().default(true),
  timestamp: () => timestamp().default(new Date(0)),
  date: () => date().default("2026-01-31"),
  uuid: () => uuid().default("01890000-0000-7000-8000-000000000000"),
  json: () => json().default({ a: [1] }),
  list: () => list(text()).default(["x"]),
}

/** Types whose values become one another; a column stays within one family. */
const families = [
  ["integer", "bigint", "decimal", "finer"],
  ["text", "short", "choice"],
  ["integer", "boolean"],
  ["date", "timestamp"],
  ["real"],
  ["uuid"],
  ["json"],
  ["list"],
]

type ColumnSeed = {
  there: boolean
  type: number
  nullable: boolean
  plain: boolean
  indexed: number
  target: number
  action: number
}
type TableSeed = { there: boolean; columns: ColumnSeed[]; checked: boolean; paired: boolean; guarded: boolean }

const columnSeed = fc.record({
  there: fc.boolean(),
  type: fc.nat(3),
  nullable: fc.boolean(),
  plain: fc.boolean(),
  indexed: fc.nat(7),
  target: fc.nat(5),
  action: fc.nat(3),
})
const tableSeed = fc.record({
  there: fc.boolean(),
  columns: fc.array(columnSeed, { minLength: 5, maxLength: 5 }),
  checked: fc.boolean(),
  paired: fc.boolean(),
  guarded: fc.boolean(),
})
const schemaSeed = fc.array(tableSeed, { minLength: 3, maxLength: 3 })
const familySeed = fc.array(fc.nat(families.length - 1), { minLength: 15, maxLength: 15 })

const actions = ["cascade", "restrict", "no action", "set null"] as const

/** Tables from a seed; the same place has a type of the same family in every schema. */
function schemaOf(seeds: readonly TableSeed[], familyOf: readonly number[]): Tables {
  const tables: Record<string, Any> = { anchor: table("anchor", { id: identity() }) }
  for (const [at, seed] of seeds.entries()) {
    if (!seed.there) continue
    const columns: Record<string, Any> = { id: identity() }
    for (const [place, one] of seed.columns.entries()) {
      if (!one.there) continue
      const family = families[familyOf[at * 5 + place]!]!
      let column = types[family[one.type % family.length]!]!()
      if (one.nullable) column = column.nullable()
      columns[`c${place}`] = column
    }
    const [link] = seed.columns
    if (link!.target < 3) {
      const target = link!.target
      const onDelete = actions[link!.action]!
      const name = `toward${target}`
      const options = { onDelete, deferrable: link!.plain, as: `to${target}`, many: `from${at}` }
      columns[name] = integer()
        .nullable()
        .references((): Any => (tables[`t${target}`] ?? tables["anchor"]).id, options)
    }
    tables[`t${at}`] = table(
      `t${at}`,
      columns as Columns,
      (t: Any) => [
        ...seed.columns.flatMap((one, place) => (one.there ? indexOf(t[`c${place}`], one, columns[`c${place}`]) : [])),
        ...(seed.checked ? [check("positive", "id > 0")] : []),
        ...(seed.paired && columns["c1"] !== undefined && columns["c1"].settings.type.kind !== "json"
          ? [unique(t.id, t.c1)]
          : []),
      ],
      seed.guarded ? { appendOnly: true } : {},
    )
  }
  return tables
}

function indexOf(term: Any, seed: ColumnSeed, { settings }: Any): Any[] {
  const { kind } = settings.type
  if (kind === "json" || kind === "list") return seed.indexed === 1 ? [index(term).contains()] : []
  switch (seed.indexed) {
    case 1:
      return [index(term)]
    case 2:
      return [index(term.desc()).where("id > 1")]
    case 3:
      return [index(term.nullsFirst())]
    case 4:
      return [uniqueIndex(term).where("id < 0")]
    default:
      return []
  }
}

describe("random schemas", () => {
  forEachEngine((engine) => {
    it("lead from one to the other and back, and then nothing differs", async () => {
      await fc.assert(
        fc.asyncProperty(schemaSeed, schemaSeed, familySeed, async (one, other, familyOf) => {
          const [before, after] = [schemaOf(one, familyOf), schemaOf(other, familyOf)]
          await using history = await openHistory(engine)
          await history.move(before)
          const { directory, clock, url } = history
          const names = Object.values(before).map((one) => definitionOf(one).name)
          for (const name of [...names, ...names]) await execute(url, `INSERT INTO ${name} DEFAULT VALUES`)
          const kept = Object.values(after)
            .map((one) => definitionOf(one).name)
            .filter((name) => names.includes(name))
          const counted = async () => {
            for (const name of kept)
              assert.equal((await query(url, `SELECT id FROM ${name}`)).length, 2, `rows of ${name}`)
          }
          const ask = async () => undefined
          const made = await newMigration({ directory, tables: after, name: "step", clock, ask })
          assert.equal(await newMigration({ directory, tables: after, name: "again", clock, ask }), undefined)
          const differs = async (tables: Tables) => (await checkDrift({ url, tables })).map(describeDifference)
          await migrateUp(history)
          assert.deepEqual(await differs(after), [])
          await counted()
          if (made === undefined) return
          await migrateDown({ ...history, allowLoss: true })
          assert.deepEqual(await differs(before), [])
          await counted()
        }),
        { numRuns: engine.dialect === "sqlite" ? 120 : 20, endOnFailure: false },
      )
    })
  })
})
