import fc from "fast-check"
import {
  bigint,
  boolean,
  bytes,
  type Column,
  check,
  choice,
  date,
  decimal,
  identity,
  index,
  integer,
  json,
  list,
  real,
  table,
  text,
  time,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "../../src/schema/index.ts"
import { pools } from "./values.ts"

/** The types of columns that a random table may have, by the name of their values in `pools`. */
export const columnTypes: Record<string, () => Column<any, any, any, any, any>> = {
  integer,
  bigint,
  real,
  decimal: () => decimal(6, 2),
  wide: () => decimal(30, 4),
  text,
  short: () => text({ max: 4 }),
  boolean,
  timestamp,
  date,
  time,
  uuid: () => uuid() as any,
  json,
  texts: () => list(text()),
  integers: () => list(integer()),
  bytes,
  choice: () => choice("b", "a", "C"),
}

export type ColumnSpec = { type: string; nullable: boolean; unique: boolean; check: boolean; hasDefault: boolean }
export type ReferenceSpec = {
  to: number
  nullable: boolean
  unique: boolean
  onDelete: "no action" | "cascade" | "set null"
  deferrable: boolean
}
export type TableSpec = {
  key: "identity" | "uuid" | "text" | "composite"
  columns: ColumnSpec[]
  references: ReferenceSpec[]
  together: number[]
  indexed: number[]
  softDelete: boolean
  version: boolean
}

/** True once in `times`. */
const rarely = (times: number): fc.Arbitrary<boolean> => fc.integer({ min: 1, max: times }).map((one) => one === times)

const columnSpec: fc.Arbitrary<ColumnSpec> = fc.record({
  type: fc.constantFrom(...Object.keys(columnTypes)),
  nullable: fc.boolean(),
  unique: rarely(6),
  check: rarely(4),
  hasDefault: fc.boolean(),
})

const referenceSpec: fc.Arbitrary<ReferenceSpec> = fc.record({
  to: fc.nat(3),
  nullable: fc.integer({ min: 1, max: 3 }).map((one) => one > 1),
  unique: rarely(8),
  onDelete: fc.constantFrom("no action", "cascade", "set null"),
  deferrable: rarely(4),
})

const tableSpec: fc.Arbitrary<TableSpec> = fc.record({
  key: fc.constantFrom("identity", "uuid", "text", "composite"),
  columns: fc.array(columnSpec, { minLength: 1, maxLength: 6 }),
  references: fc.array(referenceSpec, { maxLength: 2 }),
  together: fc.option(fc.array(fc.nat(5), { maxLength: 2 }), { nil: [], freq: 1 }),
  indexed: fc.array(fc.nat(5), { maxLength: 2 }),
  softDelete: rarely(4),
  version: rarely(4),
})

/** Tables of all kinds that refer to each other. */
export const schemaSpec: fc.Arbitrary<TableSpec[]> = fc.array(tableSpec, { minLength: 1, maxLength: 3 })

/** What the calls need to know of a column. */
export type Field = {
  readonly key: string
  /** Name of its values in `pools`; `id` for identities, `reference` for references. */
  readonly type: string
  readonly nullable: boolean
  /** For an identity and a reference: number of the table whose rows it names. */
  readonly names?: number
  readonly unique: boolean
}

export type Model = {
  readonly tables: Record<string, any>
  readonly fields: readonly Field[][]
  readonly keys: readonly (readonly string[])[]
  readonly specs: readonly TableSpec[]
  /** Names of relations by table: those to one row, and those to many. */
  readonly relations: readonly { readonly one: string[]; readonly many: string[] }[]
}

const ordered = (type: string) => !["json", "texts", "integers"].includes(type)

const checks: Record<string, (name: string) => string> = {
  integer: (name) => `${name} <> 2`,
  bigint: (name) => `${name} >= 0`,
  real: (name) => `${name} < 1000`,
  text: (name) => `${name} <> 'bad'`,
  short: (name) => `length(${name}) <> 2`,
  date: (name) => `${name} <> '2024-02-29'`,
}

/** Declares the tables that a spec stands for. */
export function declare(specs: readonly TableSpec[]): Model {
  const tables: Record<string, any> = {}
  const fields: Field[][] = []
  const keys: string[][] = []
  // Which of several broken at one commit is found first is the engines' choice, so there is one at most.
  let deferred = false
  const relations: { one: string[]; many: string[] }[] = specs.map(() => ({ one: [], many: [] }))
  specs.forEach((spec, number) => {
    const columns: Record<string, any> = {}
    const own: Field[] = []
    if (spec.key === "identity") {
      columns["id"] = identity()
      own.push({ key: "id", type: "id", nullable: false, names: number, unique: true })
    } else if (spec.key === "composite") {
      columns["left"] = integer().primaryKey()
      columns["right"] = text().primaryKey()
      own.push(
        { key: "left", type: "integer", nullable: false, unique: false },
        { key: "right", type: "text", nullable: false, unique: false },
      )
    } else {
      columns["id"] = spec.key === "uuid" ? uuid().primaryKey() : text().primaryKey()
      own.push({ key: "id", type: spec.key, nullable: false, unique: true })
    }
    keys.push(own.map(({ key }) => key))
    spec.columns.forEach(({ type, nullable, unique: isUnique, check: isChecked, hasDefault }, at) => {
      const key = `c${at}`
      let column = columnTypes[type]!()
      if (nullable) column = column.nullable()
      if (isUnique && type !== "json") column = column.unique()
      if (hasDefault) column = column.default(pools[type]![0])
      const checking = checks[type]
      if (isChecked && checking !== undefined) column = column.check(checking(key))
      columns[key] = column
      own.push({ key, type, nullable, unique: isUnique && type !== "json" })
    })
    spec.references.forEach((reference, at) => {
      const to = reference.to % (number + 1)
      if (specs[to]!.key === "composite") return
      const key = `r${at}`
      const nullable = reference.nullable || reference.onDelete === "set null"
      let column: any = specs[to]!.key === "identity" ? integer() : specs[to]!.key === "uuid" ? uuid() : text()
      if (nullable) column = column.nullable()
      if (reference.unique) column = column.unique()
      const one = `one${at}`
      const many = `many${number}${at}`
      const options = { onDelete: reference.onDelete, deferrable: reference.deferrable && !deferred, as: one, many }
      deferred ||= reference.deferrable
      columns[key] =
        to === number ? column.references("id", options) : column.references(() => tables[`t${to}`].id, options)
      relations[number]!.one.push(one)
      relations[to]!.many.push(many)
      own.push({ key, type: "reference", nullable, names: to, unique: reference.unique })
    })
    if (spec.softDelete) columns["deletedAt"] = timestamp().nullable()
    if (spec.version) columns["version"] = integer().default(0)
    const sortable = own.filter(({ type, names }) => ordered(type) && names !== number)
    const pick = (numbers: readonly number[]) =>
      [...new Set(numbers.map((one) => sortable[one % sortable.length]?.key))].filter((key) => key !== undefined)
    const together = pick(spec.together)
    const indexed = pick(spec.indexed)
    tables[`t${number}`] = table(
      `t${number}`,
      columns,
      (t: any) => [
        ...(together.length === 2 ? [unique(...(together.map((key) => t[key]) as [any, any]))] : []),
        ...(indexed.length > 0
          ? [index(...(indexed.map((key, at) => (at === 0 ? t[key] : t[key].desc())) as [any]))]
          : []),
        ...(spec.columns[0]!.type === "integer" && spec.columns[0]!.check
          ? [check("zero", "c0 <> 0"), uniqueIndex(t.c0).where("c0 > 5")]
          : []),
      ],
      { ...(spec.softDelete ? { softDelete: "deletedAt" } : {}), ...(spec.version ? { version: "version" } : {}) },
    )
    fields.push(own)
  })
  return { tables, fields, keys, specs, relations }
}
