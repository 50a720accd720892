import { createHash } from "node:crypto"

/** What an engine tells of its tables, in its own words, brought into one form so that two can be compared. */
export type Catalog = { readonly tables: readonly CatalogTable[] }

export type CatalogTable = {
  readonly name: string
  readonly columns: readonly CatalogColumn[]
  readonly primaryKey: readonly string[]
  readonly uniques: readonly { readonly name: string; readonly columns: readonly string[] }[]
  readonly checks: readonly { readonly name: string; readonly sql: string }[]
  readonly references: readonly CatalogReference[]
  readonly indexes: readonly CatalogIndex[]
  readonly triggers: readonly { readonly name: string; readonly sql: string }[]
  /** Of the table as a whole, e.g. `strict`. */
  readonly options: readonly string[]
}

export type CatalogColumn = {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly default: string | null
  readonly generated: string | null
  readonly identity: boolean
}

export type CatalogReference = {
  readonly name: string
  readonly columns: readonly string[]
  readonly table: string
  /** Empty where the statement names none: the primary key. */
  readonly targets: readonly string[]
  readonly onDelete: string
  readonly onUpdate: string
  readonly deferrable: boolean
  /** Whether all rows are known to fulfil it. */
  readonly valid: boolean
}

export type CatalogIndex = {
  readonly name: string
  readonly unique: boolean
  readonly method: string
  readonly terms: readonly {
    readonly sql: string
    readonly column?: string
    readonly direction: "asc" | "desc"
    readonly nulls?: "first" | "last"
  }[]
  readonly where: string | null
  readonly valid: boolean
}

/** One thing in which a database differs from what is declared. */
export type Difference = {
  readonly table: string
  /** What it is, e.g. `column age`. */
  readonly what: string
  /** As the database has it; absent where it is missing there. */
  readonly actual?: string
  /** As it is declared; absent where it is not. */
  readonly expected?: string
}

/** In what a database differs from what is expected; empty where it does not. */
export function compareCatalogs(actual: Catalog, expected: Catalog): Difference[] {
  const differences: Difference[] = []
  const names = new Set([...actual.tables, ...expected.tables].map(({ name }) => name))
  for (const name of [...names].sort()) {
    const [one, other] = [actual, expected].map(({ tables }) => tables.find((table) => table.name === name))
    if (one === undefined || other === undefined) {
      differences.push({ table: name, what: "table", ...(one === undefined ? { expected: name } : { actual: name }) })
    } else {
      differences.push(...compareTables(one, other))
    }
  }
  return differences
}

function compareTables(actual: CatalogTable, expected: CatalogTable): Difference[] {
  const [one, other] = [describeTable(actual), describeTable(expected)]
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((what) => {
    const [is, should] = [one.get(what), other.get(what)]
    if (is === should) return []
    return [
      {
        table: actual.name,
        what,
        ...(is === undefined ? {} : { actual: is }),
        ...(should === undefined ? {} : { expected: should }),
      },
    ]
  })
}

/** A short text that is the same for equal tables. */
export function fingerprint(table: CatalogTable): string {
  const parts = [...describeTable(table)].map((part) => part.join(" ")).sort()
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 24)
}

/** What a table consists of, in words, by what it is. */
function describeTable(table: CatalogTable): Map<string, string> {
  const parts = new Map<string, string>()
  const put = (what: string, words: readonly string[]) => parts.set(what, words.filter((word) => word !== "").join(" "))
  for (const column of table.columns) {
    put(`column ${column.name}`, [
      column.type,
      column.nullable ? "" : "not null",
      column.identity ? "identity" : "",
      column.default === null ? "" : `default ${column.default}`,
      column.generated === null ? "" : `generated as ${column.generated}`,
    ])
  }
  put("primary key", [table.primaryKey.join(", ")])
  for (const { name, columns } of table.uniques) put(`unique constraint ${name}`, [columns.join(", ")])
  for (const { name, sql } of table.checks) put(`check ${name}`, [sql])
  for (const one of table.references) {
    put(`reference ${one.name}`, [
      one.columns.join(", "),
      `to ${one.table} (${one.targets.join(", ")})`,
      one.onDelete === "no action" ? "" : `on delete ${one.onDelete}`,
      one.onUpdate === "no action" ? "" : `on update ${one.onUpdate}`,
      one.deferrable ? "deferrable" : "",
      one.valid ? "" : "not valid",
    ])
  }
  for (const one of table.indexes) {
    const terms = one.terms.map(({ sql, direction, nulls }) =>
      [sql, direction === "desc" ? "desc" : "", nulls === undefined ? "" : `nulls ${nulls}`]
        .filter((word) => word !== "")
        .join(" "),
    )
    put(`index ${one.name}`, [
      one.unique ? "unique" : "",
      one.method,
      `(${terms.join(", ")})`,
      one.where === null ? "" : `where ${one.where}`,
      one.valid ? "" : "invalid",
    ])
  }
  for (const { name, sql } of table.triggers) put(`trigger ${name}`, [sql])
  put("options", table.options)
  return parts
}
