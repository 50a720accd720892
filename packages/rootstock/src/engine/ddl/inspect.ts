import { generatedName } from "../../schema/index.ts"
import type { Catalog, CatalogColumn, CatalogIndex, CatalogTable } from "./catalog.ts"
import type {
  CheckModel,
  ColumnModel,
  IndexModel,
  Json,
  ReferenceModel,
  SchemaModel,
  TableModel,
  TypeModel,
} from "./model.ts"

/** An existing database as declarations can say it, and what they cannot. */
export type Inspected = {
  readonly schema: SchemaModel
  /** Sentences by `table` or `table.column`. */
  readonly notes: ReadonlyMap<string, readonly string[]>
  /** Columns that the database fills with the present instant, as `table.column`. */
  readonly nows: ReadonlySet<string>
}

/** What a column of the database is. */
export type ColumnReading = {
  readonly type: TypeModel
  /** In what it is not exactly that. */
  readonly note?: string | undefined
  /** Name or text of the check that belongs to the type. */
  readonly check?: CatalogTable["checks"][number] | undefined
}

/** How an engine's own words are read. */
export type CatalogReader = {
  column(table: CatalogTable, column: CatalogColumn): ColumnReading
  /** The constant that a default stands for, `now`, or undefined. */
  default(type: TypeModel, text: string): { constant: Json } | "now" | undefined
  /** Tables that belong to indexes of others. */
  isSideTable(name: string, catalog: Catalog): boolean
  /** Indexes with `.contains()`, which are not among the table's indexes. */
  containsIndexes(table: CatalogTable, catalog: Catalog): readonly string[]
  appendOnly(table: CatalogTable): { readonly parent?: string } | undefined
  /** Whether the primary key counts up by itself. */
  isIdentity(table: CatalogTable, column: CatalogColumn): boolean
}

/** Whether a default is a whole number that only a bigint() holds. */
export function isBeyondNumbers(text: string | null): boolean {
  const digits = /^'?- ?(\d+)|^'?(\d+)(?!\.)/.exec(text ?? "")
  return digits !== null && BigInt(digits[1] ?? digits[2]!) > BigInt(Number.MAX_SAFE_INTEGER)
}

/** The catalog in the terms of declarations. */
export function inspectCatalog(catalog: Catalog, reader: CatalogReader): Inspected {
  const notes = new Map<string, string[]>()
  const nows = new Set<string>()
  const note = (place: string, sentence: string) => notes.set(place, [...(notes.get(place) ?? []), sentence])
  const own = catalog.tables.filter(({ name }) => !reader.isSideTable(name, catalog))
  const tables: TableModel[] = []
  for (const table of own) {
    if (table.primaryKey.length === 0) {
      note("", `The table ${table.name} has no primary key and is left out: give it one, then inspect again.`)
    } else if (!sayable(table.name)) {
      note(
        "",
        `The table ${JSON.stringify(table.name)} is left out, because its name has other characters than letters, digits and underscores.`,
      )
    } else {
      tables.push(inspectTable(table, catalog, reader, note, nows))
    }
  }
  const known = new Set(tables.map(({ name }) => name.toLowerCase()))
  return {
    schema: {
      tables: tables.map((table) => ({
        ...table,
        references: table.references.flatMap((reference) => {
          const target = tables.find(({ name }) => name.toLowerCase() === reference.table.toLowerCase())
          if (target !== undefined && known.has(reference.table.toLowerCase())) {
            return [
              {
                ...reference,
                table: target.name,
                target: reference.target === "" ? target.primaryKey[0]! : reference.target,
              },
            ]
          }
          note(`${table.name}.${reference.column}`, `It references ${reference.table}, which is left out.`)
          return []
        }),
      })),
    },
    notes,
    nows,
  }
}

const sayable = (name: string) => /^[A-Za-z_]\w*$/.test(name)

type Note = (place: string, sentence: string) => void

function inspectTable(
  table: CatalogTable,
  catalog: Catalog,
  reader: CatalogReader,
  note: Note,
  nows: Set<string>,
): TableModel {
  const taken = new Set<CatalogTable["checks"][number]>()
  const columns: ColumnModel[] = []
  for (const column of table.columns) {
    const place = `${table.name}.${column.name}`
    if (!sayable(column.name)) {
      note(table.name, `The column ${JSON.stringify(column.name)} is left out, because of its name.`)
      continue
    }
    const reading = reader.column(table, column)
    if (reading.check !== undefined) taken.add(reading.check)
    if (reading.note !== undefined) note(place, reading.note)
    const identity =
      table.primaryKey.length === 1 && table.primaryKey[0] === column.name && reader.isIdentity(table, column)
    const type: TypeModel = identity ? { kind: "identity" } : reading.type
    const value = column.default === null || identity ? undefined : reader.default(type, column.default)
    if (value === "now") nows.add(place)
    else if (value === undefined && column.default !== null && !identity) {
      note(place, `Its default ${column.default} is no constant, and is left out.`)
    }
    if (column.generated?.endsWith(" virtual")) note(place, "It is computed when it is read; declared ones are stored.")
    columns.push({
      name: column.name,
      type,
      nullable: column.nullable && !table.primaryKey.includes(column.name),
      ...(typeof value === "object" ? { default: value.constant } : {}),
      ...(column.generated === null ? {} : { generated: column.generated.replace(/ virtual$/, "") }),
    })
  }
  const checks = table.checks
    .filter((check) => !taken.has(check))
    .map((check, at) => namedCheck(table, check, at, note))
  const indexes = table.indexes.filter((index) => usable(table, index, note)).map(indexModel)
  const contains = reader.containsIndexes(table, catalog).map(
    (column): IndexModel => ({
      name: generatedName([table.name, column], "index"),
      terms: [{ column, direction: "asc" }],
      unique: false,
      method: "contains",
    }),
  )
  const appendOnly = reader.appendOnly(table)
  return {
    name: table.name,
    columns,
    primaryKey: table.primaryKey,
    uniques: table.uniques.map(({ name, columns }) => ({
      name: name || generatedName([table.name, ...columns], "key"),
      columns,
    })),
    checks,
    references: table.references.flatMap((reference) => referenceModel(table, reference, note)),
    indexes: [
      ...indexes,
      ...contains.filter(
        ({ terms }) => !indexes.some((one) => one.method === "contains" && one.terms[0]!.column === terms[0]!.column),
      ),
    ],
    ...(appendOnly === undefined ? {} : { appendOnly }),
  }
}

function namedCheck(
  table: CatalogTable,
  { name, sql }: CatalogTable["checks"][number],
  at: number,
  note: Note,
): CheckModel {
  const [prefix, suffix] = [`${table.name}_`, "_check"]
  const fits = name.startsWith(prefix) && name.endsWith(suffix) && name.length > prefix.length + suffix.length
  const own = fits ? name : generatedName([table.name, name === "" ? String(at + 1) : name], "check")
  if (name !== "" && !fits) note(table.name, `The check ${name} is named ${own} here.`)
  return { name: own, sql: conditionOf(sql) }
}

/** The condition in `CHECK (…)`, where it is written so. */
function conditionOf(sql: string): string {
  return /^CHECK \(([\s\S]*)\)(?: NOT VALID)?$/.exec(sql)?.[1] ?? sql
}

function referenceModel(
  table: CatalogTable,
  reference: CatalogTable["references"][number],
  note: Note,
): ReferenceModel[] {
  const [column] = reference.columns
  if (reference.columns.length > 1 || column === undefined) {
    note(
      table.name,
      `The reference of (${reference.columns.join(", ")}) to ${reference.table} has several columns and is left out.`,
    )
    return []
  }
  const expected = generatedName([table.name, column], "fkey")
  if (reference.name !== "" && reference.name !== expected)
    note(`${table.name}.${column}`, `Its reference ${reference.name} is named ${expected} here.`)
  return [
    {
      name: expected,
      column,
      table: reference.table,
      target: reference.targets[0] ?? "",
      onDelete: reference.onDelete as ReferenceModel["onDelete"],
      onUpdate: reference.onUpdate as ReferenceModel["onUpdate"],
      deferrable: reference.deferrable,
    },
  ]
}

function usable(table: CatalogTable, index: CatalogIndex, note: Note): boolean {
  if (sayable(index.name) && (index.method === "" || index.method === "using gin")) return true
  note(table.name, `The index ${index.name} (${index.method || "its name"}) is left out.`)
  return false
}

function indexModel(index: CatalogIndex): IndexModel {
  return {
    name: index.name,
    terms: index.terms.map(({ sql, column, direction, nulls }) => ({
      ...(column === undefined ? { expression: sql } : { column }),
      direction,
      ...(nulls === undefined ? {} : { nulls }),
    })),
    unique: index.unique,
    ...(index.where === null ? {} : { where: index.where }),
    method: index.method === "using gin" ? "contains" : "ordered",
  }
}
