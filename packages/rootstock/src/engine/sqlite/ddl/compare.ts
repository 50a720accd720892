import { type Catalog, type CatalogTable, compareCatalogs, type Difference } from "../../ddl/catalog.ts"
import { typeCheckName } from "./create.ts"
import { isStrict } from "./inspect.ts"

/**
 * In what a database differs from what is expected.
 *
 * A table that is not STRICT was made by another program. It equals a declared one where each column can hold what the
 * declared type stores: its affinity is the same, or NUMERIC, which keeps whole numbers, floats and text.
 * The checks of types, names of constraints and AUTOINCREMENT are not compared there; all else is.
 * https://www.sqlite.org/datatype3.html#determination_of_column_affinity
 */
export function compareSqlite(actual: Catalog, expected: Catalog): Difference[] {
  const pairs = actual.tables.flatMap((table) => {
    const other = expected.tables.find(({ name }) => name === table.name)
    return other === undefined || isStrict(table) ? [] : [[table, other] as const]
  })
  const loosen = (catalog: Catalog, made: (table: CatalogTable) => CatalogTable | undefined): Catalog => ({
    tables: catalog.tables.map((table) => made(table) ?? table),
  })
  const loose = new Map(
    pairs.flatMap(([table, other]) => [
      [table, looseActual(table, other, actual)],
      [other, looseExpected(other)],
    ]),
  )
  return compareCatalogs(
    loosen(actual, (table) => loose.get(table)),
    loosen(expected, (table) => loose.get(table)),
  )
}

function looseActual(table: CatalogTable, expected: CatalogTable, catalog: Catalog): CatalogTable {
  const columns = table.columns.map((column) => {
    const other = expected.columns.find(({ name }) => name === column.name)
    const holds = other !== undefined && canHold(column.type, other.type)
    const inKey = table.primaryKey.includes(column.name)
    return { ...column, type: holds ? other.type : column.type, nullable: column.nullable && !inKey, identity: false }
  })
  const references = table.references.map((reference) => {
    const target = catalog.tables.find(({ name }) => name.toLowerCase() === reference.table.toLowerCase())
    const targets = reference.targets.length > 0 ? reference.targets : (target?.primaryKey ?? [])
    return { ...reference, table: target?.name ?? reference.table, targets }
  })
  return nameless({ ...table, columns, references })
}

function looseExpected(table: CatalogTable): CatalogTable {
  const typeChecks = new Set(table.columns.map(({ name }) => typeCheckName(table.name, name)))
  return nameless({
    ...table,
    columns: table.columns.map((column) => ({ ...column, identity: false })),
    checks: table.checks.filter(({ name }) => !typeChecks.has(name)),
  })
}

/** Constraints are told by what they say. */
function nameless(table: CatalogTable): CatalogTable {
  return {
    ...table,
    columns: table.columns.map((column) => ({
      ...column,
      generated: column.generated?.replace(/ virtual$/, "") ?? null,
    })),
    uniques: table.uniques.map(({ columns }) => ({ name: `of ${columns.join(", ")}`, columns })),
    checks: table.checks.map(({ sql }) => ({ name: `of ${sql}`, sql })),
    references: table.references.map((reference) => ({ ...reference, name: `of ${reference.columns.join(", ")}` })),
    options: [],
  }
}

/** Whether a column of this type, as any program may write it, holds what a STRICT type stores. */
function canHold(type: string, strict: string): boolean {
  const affinity = affinityOf(type)
  if (affinity === "numeric") return strict !== "blob"
  return affinity === "blob" || affinity === affinityOf(strict)
}

function affinityOf(type: string): "integer" | "text" | "blob" | "real" | "numeric" {
  if (/int/.test(type)) return "integer"
  if (/char|clob|text/.test(type)) return "text"
  if (type === "" || /blob/.test(type)) return "blob"
  return /real|floa|doub/.test(type) ? "real" : "numeric"
}
