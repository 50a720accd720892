import {
  type CatalogColumn,
  type CatalogIndex,
  type CatalogReference,
  type CatalogTable,
  fingerprint,
} from "../../ddl/catalog.ts"
import { canonicalSql, type SqlToken, tokenize } from "../../ddl/sql-tokens.ts"

type ParsedTable = Omit<CatalogTable, "indexes" | "triggers">
type Draft = { -readonly [K in keyof CatalogColumn]: CatalogColumn[K] }
type ParsedReference = { -readonly [K in keyof CatalogReference]: CatalogReference[K] }

/** Reads tokens one after the other. */
class Reader {
  readonly #sql: string
  readonly #tokens: readonly SqlToken[]
  #at = 0

  constructor(sql: string) {
    this.#sql = sql
    this.#tokens = tokenize(sql)
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length
  }

  /** Whether the next tokens are these words; then they are passed. */
  take(...words: string[]): boolean {
    const fits = words.every((word, at) => {
      const token = this.#tokens[this.#at + at]
      return (
        token !== undefined && token.kind !== "quoted" && token.kind !== "string" && token.text.toUpperCase() === word
      )
    })
    if (fits) this.#at += words.length
    return fits
  }

  /** Whether the next token is one of these words; it is not passed. */
  sees(words: ReadonlySet<string>): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === "word" && words.has(token.text.toUpperCase())
  }

  next(): SqlToken {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new SyntaxError(`unexpected end of ${this.#sql}`)
    return token
  }

  name(): string {
    const { kind, name, text } = this.next()
    return kind === "string" ? text.slice(1, -1).replaceAll("''", "'") : name
  }

  /** The text in the parentheses that come next. */
  enclosed(): string {
    const open = this.next()
    let depth = 1
    for (;;) {
      const token = this.next()
      if (token.text === "(") depth++
      if (token.text === ")" && --depth === 0) return this.#sql.slice(open.end, token.start).trim()
    }
  }

  names(): string[] {
    const inner = new Reader(this.enclosed())
    const names: string[] = []
    while (!inner.done) {
      names.push(inner.name())
      while (!inner.done && !inner.take(",")) inner.next()
    }
    return names
  }

  /** Whether a parenthesis opens next. */
  get opens(): boolean {
    return this.#tokens[this.#at]?.text === "("
  }

  rest(): string {
    return this.#sql.slice(this.#tokens[this.#at]?.start ?? this.#sql.length).trim()
  }
}

const tableConstraints = new Set(["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"])
const columnConstraints = new Set([
  "CONSTRAINT",
  "PRIMARY",
  "NOT",
  "NULL",
  "UNIQUE",
  "CHECK",
  "DEFAULT",
  "COLLATE",
  "REFERENCES",
  "GENERATED",
  "AS",
  "ON",
])

/** What a CREATE TABLE statement of `sqlite_schema` says. https://www.sqlite.org/lang_createtable.html */
export function parseTable(sql: string): ParsedTable {
  const reader = new Reader(sql)
  while (!reader.opens) reader.next()
  const body = reader.enclosed()
  const options = reader
    .rest()
    .split(",")
    .map((word) => word.trim().toLowerCase().replace(/\s+/g, " "))
    .filter((word) => word !== "")
  const table = {
    name: "",
    columns: [] as Draft[],
    primaryKey: [] as string[],
    uniques: [] as { name: string; columns: string[] }[],
    checks: [] as { name: string; sql: string }[],
    references: [] as ParsedReference[],
    options: options.sort(),
  }
  for (const part of splitList(body)) {
    const item = new Reader(part)
    if (item.sees(tableConstraints)) readTableConstraints(item, table)
    else readColumn(item, table)
  }
  for (const column of table.columns) {
    // In a table that is not STRICT, parts of a primary key may be null, unless it is the row's number.
    if (table.primaryKey.includes(column.name) && options.some((word) => word !== "")) column.nullable = false
    if (table.primaryKey.length === 1 && table.primaryKey[0] === column.name && column.type === "integer")
      column.nullable = false
  }
  return table
}

/** The parts of a list, divided by the commas that stand in no parentheses. */
export function splitList(sql: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (const token of tokenize(sql)) {
    if (token.text === "(") depth++
    if (token.text === ")") depth--
    if (token.text === "," && depth === 0) {
      parts.push(sql.slice(start, token.start).trim())
      start = token.end
    }
  }
  parts.push(sql.slice(start).trim())
  return parts
}

type Mutable = {
  columns: Draft[]
  primaryKey: string[]
  uniques: { name: string; columns: string[] }[]
  checks: { name: string; sql: string }[]
  references: ParsedReference[]
}

function readTableConstraints(item: Reader, table: Mutable): void {
  while (!item.done) {
    const name = item.take("CONSTRAINT") ? item.name() : ""
    if (item.take("PRIMARY", "KEY")) table.primaryKey = item.names()
    else if (item.take("UNIQUE")) table.uniques.push({ name, columns: item.names() })
    else if (item.take("CHECK")) table.checks.push({ name, sql: canonicalSql(item.enclosed()) })
    else if (item.take("FOREIGN", "KEY")) {
      const columns = item.names()
      item.next()
      table.references.push(readReference(item, name, columns))
    } else if (item.take("ON", "CONFLICT")) item.next()
    else throw new SyntaxError(`a constraint that is not known: ${item.rest()}`)
  }
}

function readColumn(item: Reader, table: Mutable): void {
  const column: Draft = { name: item.name(), type: "", nullable: true, default: null, generated: null, identity: false }
  let type = ""
  while (!item.done && !item.sees(columnConstraints)) {
    if (item.opens) type += `(${item.enclosed().replace(/\s+/g, "")})`
    else type += `${type === "" ? "" : " "}${item.name()}`
  }
  column.type = type.toLowerCase()
  table.columns.push(column)
  while (!item.done) {
    const name = item.take("CONSTRAINT") ? item.name() : ""
    if (item.take("PRIMARY", "KEY")) {
      table.primaryKey = [column.name]
      if (!item.take("ASC")) item.take("DESC")
    } else if (item.take("AUTOINCREMENT")) column.identity = true
    else if (item.take("NOT", "NULL")) column.nullable = false
    else if (item.take("NULL")) column.nullable = true
    else if (item.take("UNIQUE")) table.uniques.push({ name, columns: [column.name] })
    else if (item.take("CHECK")) table.checks.push({ name, sql: canonicalSql(item.enclosed()) })
    else if (item.take("DEFAULT")) column.default = readDefault(item)
    else if (item.take("COLLATE")) column.type += ` collate ${item.name().toLowerCase()}`
    else if (item.take("REFERENCES")) table.references.push(readReference(item, name, [column.name]))
    else if (item.take("GENERATED", "ALWAYS", "AS") || item.take("AS")) {
      column.generated = canonicalSql(item.enclosed())
      if (!item.take("STORED")) {
        item.take("VIRTUAL")
        column.generated += " virtual"
      }
    } else if (item.take("ON", "CONFLICT")) item.next()
    else throw new SyntaxError(`a constraint that is not known: ${item.rest()}`)
  }
}

function readDefault(item: Reader): string {
  if (item.opens) return canonicalSql(item.enclosed())
  const { text, kind } = item.next()
  if (text === "-" || text === "+") return (text === "-" ? "- " : "") + item.next().text
  return kind === "word" ? text.toLowerCase() : text
}

function readReference(item: Reader, name: string, columns: string[]): ParsedReference {
  const reference: ParsedReference = {
    name,
    columns,
    table: item.name(),
    targets: [],
    onDelete: "no action",
    onUpdate: "no action",
    deferrable: false,
    valid: true,
  }
  if (item.opens) reference.targets = item.names()
  for (;;) {
    if (item.take("ON", "DELETE")) reference.onDelete = readAction(item)
    else if (item.take("ON", "UPDATE")) reference.onUpdate = readAction(item)
    else if (item.take("MATCH")) item.next()
    else if (item.take("NOT", "DEFERRABLE")) readInitially(item)
    else if (item.take("DEFERRABLE")) reference.deferrable = readInitially(item)
    else return reference
  }
}

function readInitially(item: Reader): boolean {
  if (!item.take("INITIALLY")) return false
  return item.next().text.toUpperCase() === "DEFERRED"
}

function readAction(item: Reader): string {
  const first = item.next().text.toLowerCase()
  return first === "set" || first === "no" ? `${first} ${item.next().text.toLowerCase()}` : first
}

/** What a CREATE INDEX statement of `sqlite_schema` says. */
export function parseIndex(name: string, sql: string): CatalogIndex {
  const reader = new Reader(sql)
  reader.take("CREATE")
  const unique = reader.take("UNIQUE")
  while (!reader.opens) reader.next()
  const terms = splitList(reader.enclosed()).map((part) => {
    const direction = /\sDESC$/i.test(part) ? ("desc" as const) : ("asc" as const)
    const text = part.replace(/\s+(?:ASC|DESC)$/i, "")
    const sql = canonicalSql(text)
    const tokens = tokenize(text)
    const plain = tokens.length === 1 && (tokens[0]!.kind === "word" || tokens[0]!.kind === "quoted")
    return { sql, ...(plain ? { column: tokens[0]!.name } : {}), direction }
  })
  const where = reader.take("WHERE") ? canonicalSql(reader.rest()) : null
  return { name, unique, method: "", terms, where, valid: true }
}

/** A short text that is the same for CREATE TABLE statements that make equal tables, whatever their names. */
export function tableFingerprint(sql: string): string {
  return fingerprint({ ...parseTable(sql), indexes: [], triggers: [] })
}
