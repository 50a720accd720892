import type { CatalogColumn, CatalogTable } from "../../ddl/catalog.ts"
import { type CatalogReader, type ColumnReading, isBeyondNumbers } from "../../ddl/inspect.ts"
import type { Json, TypeModel } from "../../ddl/model.ts"
import { encodeConstant, typeOf } from "../../ddl/types.ts"
import { appendOnlyNames } from "./create.ts"

/** How PostgreSQL's words are read. */
export const postgresReader: CatalogReader = {
  column: readColumn,
  default: readDefault,
  isSideTable: () => false,
  containsIndexes: () => [],
  appendOnly: readAppendOnly,
  isIdentity: (_table, column) => column.identity || /^nextval\(/.test(column.default ?? ""),
}

const exact: Record<string, TypeModel> = {
  bigint: { kind: "integer" },
  "double precision": { kind: "real" },
  boolean: { kind: "boolean" },
  uuid: { kind: "uuid" },
  "timestamp(3) with time zone": { kind: "timestamp" },
  date: { kind: "date" },
  "time(0) without time zone": { kind: "time" },
  jsonb: { kind: "json" },
  bytea: { kind: "bytes" },
  "text collate C": { kind: "text" },
}

/** By the start of the type's name. */
const near: readonly [RegExp, TypeModel][] = [
  [/^(integer|smallint)$/, { kind: "integer" }],
  [/^real$/, { kind: "real" }],
  [/^timestamp/, { kind: "timestamp" }],
  [/^time/, { kind: "time" }],
  [/^json$/, { kind: "json" }],
  [/^numeric$/, { kind: "decimal", precision: 38, scale: 10 }],
]

function readColumn(table: CatalogTable, column: CatalogColumn): ColumnReading {
  const { type, exactly } = readType(column.type)
  const values = type.kind === "text" && type.max === undefined ? choicesOf(table, column.name) : undefined
  if (type.kind === "integer" && isBeyondNumbers(column.default)) return { type: { kind: "bigint" } }
  const note = exactly ? undefined : `${column.type} in the database.`
  return values === undefined
    ? { type, note }
    : { type: { kind: "choice", values: values.values }, check: values.check, note }
}

function readType(text: string): { type: TypeModel; exactly: boolean } {
  const known = exact[text]
  if (known !== undefined) return { type: known, exactly: true }
  const array = /^(.*)\[\](.*)$/.exec(text)
  if (array !== null) {
    const { type, exactly } = readType(`${array[1]}${array[2]}`)
    return type.kind === "list" || type.kind === "json" || type.kind === "bytes"
      ? { type: { kind: "json" }, exactly: false }
      : { type: { kind: "list", of: type }, exactly }
  }
  const numeric = /^numeric\((\d+),(-?\d+)\)$/.exec(text)
  if (numeric !== null && Number(numeric[2]) >= 0 && Number(numeric[2]) <= Number(numeric[1])) {
    return { type: { kind: "decimal", precision: Number(numeric[1]), scale: Number(numeric[2]) }, exactly: true }
  }
  const sized = /^character(?: varying)?\((\d+)\)( collate C)?$/.exec(text)
  if (sized !== null) {
    return {
      type: { kind: "text", max: Number(sized[1]) },
      exactly: text.startsWith("character varying") && sized[2] !== undefined,
    }
  }
  return { type: near.find(([form]) => form.test(text))?.[1] ?? { kind: "text" }, exactly: false }
}

function choicesOf(
  table: CatalogTable,
  column: string,
): { values: string[]; check: CatalogTable["checks"][number] } | undefined {
  const own = /^[a-z_][a-z0-9_]*$/.test(column) ? `"?${column}"?` : `"${column}"`
  const item = "'(?:[^']|'')*'::text"
  const several = new RegExp(`^CHECK \\(${own} = ANY \\(ARRAY\\[(${item}(?:, ${item})*)\\]\\)\\)$`)
  const single = new RegExp(`^CHECK \\(${own} = (${item})\\)$`)
  for (const check of table.checks) {
    const list = several.exec(check.sql)?.[1] ?? single.exec(check.sql)?.[1]
    if (list === undefined) continue
    const values = [...list.matchAll(/'((?:[^']|'')*)'::text/g)].map(([, value]) => value!.replaceAll("''", "'"))
    return { values, check }
  }
  return undefined
}

function readDefault(type: TypeModel, text: string): { constant: Json } | "now" | undefined {
  if (/^(now\(\)|CURRENT_TIMESTAMP|LOCALTIMESTAMP)(\(\d\))?$/i.test(text)) return "now"
  const quoted = /^'((?:[^']|'')*)'(?:::[\w\s"()[\],]+)?$/.exec(text)?.[1]?.replaceAll("''", "'")
  const bare = /^\(?(-?[\d.]+|true|false)\)?(?:::[\w\s(),]+)?$/.exec(text)?.[1]
  const raw = quoted ?? (bare === "true" ? "t" : bare === "false" ? "f" : bare)
  if (raw === undefined) return undefined
  const { decode } = typeOf(type).codecs.postgres
  try {
    const value = decode === undefined ? raw : decode(raw)
    return typeOf(type).problem(value) === undefined ? { constant: encodeConstant(type, value) } : undefined
  } catch {
    return undefined
  }
}

function readAppendOnly(table: CatalogTable): { parent?: string } | undefined {
  const trigger = table.triggers.find(({ name }) => name === appendOnlyNames(table.name).trigger)
  if (trigger === undefined) return undefined
  const parent = /OLD\."([^"]+)" IS NOT NULL/.exec(trigger.sql)?.[1]
  return parent === undefined ? {} : { parent }
}
