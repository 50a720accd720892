import { type Database, RootstockError, Storage, transaction } from "../../src/index.ts"
import type { CallSpec, OrderSpec, RowSpec, WhereSpec } from "./calls.ts"
import type { Field, Model } from "./schemas.ts"
import { parts, patterns, pools, wrongs } from "./values.ts"

type AnyRow = Record<string, any>

/** What came of a call, without what may differ: keys that the database counts up are numbered in the order of their making. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

class Undone extends Error {}

/** One of the two databases, with what was made in it. */
export class Side {
  readonly #model: Model
  readonly #stores: any[]
  /** Keys of the rows made, by table. */
  readonly #keys: any[][]
  #made = 0

  constructor(db: Database<any>, model: Model) {
    this.#model = model
    this.#stores = Object.values(model.tables).map((one) => db.storage(Storage(one)))
    this.#keys = this.#stores.map(() => [])
  }

  async run(call: CallSpec): Promise<Outcome> {
    if (call.call === "transaction") return this.#transaction(call)
    const table = call.table % this.#stores.length
    try {
      return { value: this.#canonical(table, await this.#call(table, call)) }
    } catch (error) {
      return { error: described(error) }
    }
  }

  /** All rows that there are. */
  async contents(): Promise<unknown> {
    const all: unknown[] = []
    for (const [table, store] of this.#stores.entries())
      all.push(this.#canonical(table, await store.list({ withDeleted: true })))
    return all
  }

  async #transaction({ calls, throws, nested }: CallSpec & { call: "transaction" }): Promise<Outcome> {
    const lengths = this.#keys.map(({ length }) => length)
    const values: unknown[] = []
    const work = async () => {
      for (const call of calls) {
        const table = (call as { table: number }).table % this.#stores.length
        values.push(this.#canonical(table, await this.#call(table, call)))
      }
      if (throws) throw new Undone("undone")
    }
    try {
      await (nested ? transaction(() => transaction(work, { nested: true })) : transaction(work))
      return { value: values }
    } catch (error) {
      // The database may count a key again that was rolled back.
      for (const [table, keys] of this.#keys.entries()) keys.length = lengths[table]!
      return { error: described(error) }
    }
  }

  async #call(table: number, call: CallSpec): Promise<unknown> {
    const store = this.#stores[table]
    const spec = this.#model.specs[table]!
    switch (call.call) {
      case "create":
        return this.#note(table, await store.create(this.#row(table, call.row)))
      case "createMany":
        return this.#note(table, await store.createMany(call.rows.map((row) => this.#row(table, row))))
      case "upsert": {
        const uniques = this.#fields(table).filter(({ unique, type }) => unique && type !== "id")
        const field = uniques[call.by % Math.max(1, uniques.length)]
        const by = field === undefined ? this.#model.keys[table]! : [field.key]
        return this.#note(table, await store.upsert(this.#row(table, call.row), { by }))
      }
      case "get":
        return store.get(this.#key(table, call.key))
      case "delete":
        return store.delete(this.#key(table, call.key))
      case "restore":
        return store.restore(this.#key(table, call.key))
      case "getMany":
        return store.getMany(call.keys.map((key) => this.#key(table, key)))
      case "list":
        return store.list({ ...this.#reading(table, call), limit: call.limit + 1, offset: call.offset })
      case "page":
        return store.page({ ...this.#reading(table, call), count: call.limit + 1, page: call.offset + 1 })
      case "after":
      case "before":
        return this.#chain(table, call)
      case "stream": {
        const rows: unknown[] = []
        for await (const row of store.stream(this.#reading(table, call))) rows.push(row)
        return rows
      }
      case "with": {
        const { one, many } = this.#model.relations[table]!
        const wanted: AnyRow = {}
        for (const name of one) wanted[name] = true
        for (const name of many) {
          const target = Number(name.slice("many".length, -1))
          wanted[name] = {
            orderBy: this.#order(target, call.order),
            ...(call.limit === 0 ? {} : { limit: call.limit }),
          }
        }
        return store.list({ with: wanted })
      }
      case "count":
        return store.count(this.#where(table, call.where))
      case "exists":
        return store.exists(this.#where(table, call.where), { except: this.#key(table, call.except) })
      case "deleteWhere":
        return store.deleteWhere(this.#where(table, call.where))
      case "update": {
        const where = call.where === undefined ? {} : { where: this.#where(table, call.where) }
        const version = spec.version && call.version > 0 ? { version: call.version - 1 } : {}
        return store.update(this.#key(table, call.key), this.#changes(table, call.row, call.columns), {
          ...where,
          ...version,
        })
      }
      case "updateWhere":
        return store.updateWhere(this.#where(table, call.where), this.#changes(table, call.row, call.columns))
      case "updateMany": {
        // Which of several rows is changed first, and so which value is taken in between, is the engines' choice.
        const plain = (field: Field) => call.rows.length < 2 || !field.unique
        const keys = call.rows.map(({ key }) => JSON.stringify(this.#key(table, key)))
        // A row named twice is refused, so most calls name each once.
        const rows = call.rows.filter((_, at) => call.rows.length === 4 || keys.indexOf(keys[at]!) === at)
        return store.updateMany(
          rows.map(({ key, row }) => {
            const found = this.#key(table, key)
            return {
              ...(typeof found === "object" ? found : { id: found }),
              ...this.#changes(table, row, call.columns, plain),
            }
          }),
        )
      }
      case "increment": {
        const numeric = this.#fields(table).filter(
          ({ key, type }) =>
            !this.#model.keys[table]!.includes(key) && ["integer", "bigint", "real", "decimal", "wide"].includes(type),
        )
        const field = numeric[call.column % Math.max(1, numeric.length)]
        if (field === undefined) return undefined
        const where = call.where === undefined ? {} : { where: this.#where(table, call.where) }
        return store.increment(
          this.#key(table, call.key),
          { [field.key]: this.#value(field, call.amount) ?? pools[field.type]![0] },
          where,
        )
      }
      default:
        throw new Error(`unknown call ${call.call}`)
    }
  }

  async #chain(
    table: number,
    call: CallSpec & { call: "list" | "page" | "after" | "before" | "stream" },
  ): Promise<unknown> {
    const options = { ...this.#reading(table, call), limit: call.limit + 1 }
    const pages: unknown[] = []
    let cursor: string | undefined
    do {
      const page: any = await this.#stores[table][call.call](cursor, options)
      pages.push(page.rows)
      cursor = call.call === "after" ? page.next : page.previous
    } while (cursor !== undefined && pages.length < 20)
    return pages
  }

  #reading(
    table: number,
    { where, order, withDeleted }: { where: WhereSpec | undefined; order: readonly OrderSpec[]; withDeleted: boolean },
  ) {
    return {
      ...(where === undefined ? {} : { where: this.#where(table, where) }),
      orderBy: this.#order(table, order),
      withDeleted,
    }
  }

  #order(table: number, order: readonly OrderSpec[]) {
    const fields = this.#fields(table).filter(({ type }) => !["json", "texts", "integers"].includes(type))
    return order.map(({ field, descending, nulls }) => ({
      [fields[field % fields.length]!.key]: {
        direction: descending ? "desc" : "asc",
        ...(nulls === undefined ? {} : { nulls }),
      },
    }))
  }

  #fields(table: number): readonly Field[] {
    return this.#model.fields[table]!
  }

  #where(table: number, where: WhereSpec): AnyRow {
    if (where.kind !== "compare") return { [where.kind]: where.parts.map((part) => this.#where(table, part)) }
    const fields = this.#fields(table)
    const field = fields[where.field % fields.length]!
    const values = where.values.map((one) => this.#value(field, one) ?? this.#value(field, 1))
    const [first] = values
    const last = values.at(-1)
    const { type } = field
    const any = [{ eq: first }, null, { not: null }]
    const several = [first, values, { not: first }, { not: values }, { in: values }]
    const sorted = [
      { gt: first },
      { gte: first },
      { lt: first },
      { lte: last },
      { between: [first, last] },
      { gte: first, lte: last },
    ]
    const pick = (list: readonly unknown[]) => list[where.values[0]! % list.length]
    const textual = [{ like: pick(patterns) }, { contains: pick(parts) }]
    const inside =
      type === "json"
        ? [{ has: first }]
        : [{ has: ((first as unknown[]) ?? [])[0] ?? pick(type === "texts" ? ["a", "z"] : [1, 9]) }]
    const conditions =
      type === "json" || type === "texts" || type === "integers"
        ? [...any, ...inside]
        : type === "boolean"
          ? [...any, ...several]
          : type === "text" || type === "short" || type === "choice"
            ? [...any, ...several, ...sorted, ...textual]
            : [...any, ...several, ...sorted]
    return { [field.key]: conditions[where.operator % conditions.length] }
  }

  /** A new row; now and then with a wrong value, without a column, or with null. */
  #row(table: number, row: RowSpec): AnyRow {
    this.#made++
    const made: AnyRow = {}
    this.#fields(table).forEach((field, at) => {
      if (field.type === "id") return
      const number = row[at % row.length]! + at
      if (field.nullable && number % 7 === 3) return
      if (field.nullable && field.names !== undefined && this.#keys[field.names]!.length === 0 && number % 7 !== 0)
        return
      // Most keys and unique values differ, so that most rows can be made.
      const count = counted[field.type]
      const differs = field.unique || this.#model.keys[table]!.includes(field.key)
      made[field.key] =
        differs && count !== undefined && number % 5 !== 0 ? count(this.#made) : this.#value(field, number)
    })
    return made
  }

  #changes(
    table: number,
    row: RowSpec,
    columns: readonly number[],
    fits: (field: Field) => boolean = () => true,
  ): AnyRow {
    const keys = this.#model.keys[table]!
    const fields = this.#fields(table).filter((field) => !keys.includes(field.key) && fits(field))
    const changes: AnyRow = {}
    if (fields.length === 0) return changes
    columns.forEach((column, at) => {
      const field = fields[column % fields.length]!
      changes[field.key] = this.#value(field, row[at % row.length]!)
    })
    return changes
  }

  #value(field: Field, number: number): unknown {
    if (field.nullable && number % 6 === 5) return null
    if (field.names !== undefined) return this.#key(field.names, number)
    const wrong = wrongs[field.type]
    if (wrong !== undefined && number === 39 && this.#made % 3 === 0) return wrong[this.#made % wrong.length]
    const pool = pools[field.type]!
    return pool[number % pool.length]
  }

  /** The key of a row that was made, or of none. */
  #key(table: number, number: number): any {
    const keys = this.#keys[table]!
    if (number % 15 !== 14 && keys.length > 0) return keys[number % keys.length]
    const { key } = this.#model.specs[table]!
    if (key === "identity") return 900_000_000 + number
    if (key === "uuid") return "00000000-0000-0000-0000-00000000000f"
    return key === "text" ? "none" : { left: -5, right: "none" }
  }

  #keyOf(table: number, row: AnyRow): any {
    const names = this.#model.keys[table]!
    return names.length === 1 ? row[names[0]!] : Object.fromEntries(names.map((name) => [name, row[name]]))
  }

  #note<T>(table: number, made: T): T {
    const keys = this.#keys[table]!
    for (const row of Array.isArray(made) ? made : [made]) {
      const key = this.#keyOf(table, row)
      if (!keys.some((known) => JSON.stringify(known) === JSON.stringify(key))) keys.push(key)
    }
    return made
  }

  /** Rows with the keys that the database counted up written as their number. */
  #canonical(table: number, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#canonical(table, one))
    if (typeof value !== "object" || value === null) return value
    if ("rows" in value && "total" in value) return { rows: this.#canonical(table, value.rows), total: value.total }
    const row: AnyRow = { ...value }
    for (const { key, names } of this.#fields(table)) {
      if (names === undefined || row[key] === null || this.#model.specs[names]!.key !== "identity") continue
      row[key] = `row ${this.#keys[names]!.indexOf(row[key])}`
    }
    if (row["deletedAt"] instanceof Date) row["deletedAt"] = "deleted"
    for (const name of this.#model.relations[table]!.one) {
      if (row[name] === undefined) continue
      const field = this.#fields(table).find(({ key }) => key === `r${name.slice("one".length)}`)!
      row[name] = this.#canonical(field.names!, row[name])
    }
    for (const name of this.#model.relations[table]!.many) {
      if (row[name] !== undefined) row[name] = this.#canonical(Number(name.slice("many".length, -1)), row[name])
    }
    return row
  }
}

const counted: Record<string, (count: number) => unknown> = {
  integer: (count) => count,
  bigint: BigInt,
  real: (count) => count / 4,
  decimal: (count) => `${count}.25`,
  wide: (count) => `${count}`,
  text: (count) => `k${count}`,
  short: (count) => `${count}`,
  bytes: (count) => Uint8Array.of(count % 256),
  timestamp: (count) => new Date(count * 1_000_003),
  uuid: (count) => `018f2a3b-0000-7000-9000-${String(count).padStart(12, "0")}`,
}

/** What must be the same of two errors. */
function described(error: unknown): unknown {
  if (error instanceof Undone) return "undone"
  if (!(error instanceof RootstockError)) throw error
  const { name, code, cure } = error
  const { table, columns, constraint } = error as { table?: string; columns?: readonly string[]; constraint?: string }
  if (typeof cure !== "string" || cure === "") throw error
  return { name, code, table, columns, constraint }
}
