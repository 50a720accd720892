import { decodeConstant, type Inspected, type ReferenceModel, type TableModel, typeText } from "../engine/index.ts"
import { camelCase, generatedName, snakeCase } from "../schema/index.ts"
import { withConnection } from "./run.ts"

/**
 * An existing SQLite or PostgreSQL database as TypeScript: declarations of its tables, which compile and from which
 * nothing differs. What declarations cannot say, or say only nearly, stands in comments.
 *
 * @param url of the database; only read
 *
 * ### Examples
 *
 * ```ts
 * await writeFile("tables.ts", await inspectDatabase("sqlite:./old.db"))
 * ```
 */
export async function inspectDatabase(url: string): Promise<string> {
  return withConnection({ url }, async (connection) => declarationSource(await connection.inspect()))
}

/** TypeScript of the declarations. */
export function declarationSource({ schema, notes, nows }: Inspected): string {
  const tables = inOrder(schema.tables)
  const writer = new Writer(tables, notes, nows)
  const parts = tables.map((table) => writer.table(table))
  const head = (notes.get("") ?? []).map((sentence) => `// ${sentence}\n`).join("")
  const names = tables.map(({ name }) => writer.tableKey(name))
  return `${writer.imports()}${head === "" ? "" : `\n${head}`}\n${parts.join("\n")}\nexport const tables = { ${names.join(", ")} }\n`
}

/** Tables after those that they refer to, as far as they go round in no circle. */
function inOrder(tables: readonly TableModel[]): TableModel[] {
  const ordered: TableModel[] = []
  const entered = new Set<TableModel>()
  const enter = (table: TableModel) => {
    if (entered.has(table)) return
    entered.add(table)
    for (const { table: target } of table.references) enter(tables.find(({ name }) => name === target)!)
    ordered.push(table)
  }
  for (const table of tables) enter(table)
  return ordered
}

const builders = [
  "bigint",
  "boolean",
  "bytes",
  "check",
  "choice",
  "date",
  "decimal",
  "expression",
  "identity",
  "index",
  "integer",
  "json",
  "list",
  "now",
  "real",
  "table",
  "text",
  "time",
  "timestamp",
  "unique",
  "uniqueIndex",
  "uuid",
]

const reserved = new Set([
  ...builders,
  ..."tables arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof undefined var void while with yield".split(
    " ",
  ),
])

class Writer {
  readonly #tables: readonly TableModel[]
  readonly #notes: Inspected["notes"]
  readonly #nows: Inspected["nows"]
  readonly #tableKeys = new Map<string, string>()
  readonly #columnKeys = new Map<string, string>()
  readonly #written = new Set<string>()
  readonly #relations = new Map<string, Set<string>>()
  #body = ""

  constructor(tables: readonly TableModel[], notes: Inspected["notes"], nows: Inspected["nows"]) {
    this.#tables = tables
    this.#notes = notes
    this.#nows = nows
    for (const { name } of tables) this.#tableKeys.set(name, freeKey(name, this.#tableKeys.values(), "Table"))
    for (const { name, columns } of tables) {
      const own = new Map<string, string>()
      for (const column of columns)
        own.set(column.name, freeKey(column.name, own.values(), "Value", ["or", "and", "not"]))
      for (const [column, key] of own) this.#columnKeys.set(`${name}.${column}`, key)
      this.#relations.set(name, new Set(own.values()))
    }
  }

  tableKey(name: string): string {
    return this.#tableKeys.get(name)!
  }

  #columnKey(table: string, column: string): string {
    return this.#columnKeys.get(`${table}.${column}`)!
  }

  imports(): string {
    const code = this.#body.replace(/^ *\/\/.*$/gm, "")
    const used = builders.filter((name) => new RegExp(`(?<![\\w.$"])${name}\\b(?=\\(|\\))`).test(code))
    const types = this.#body.includes("AnyTableColumn") ? ["type AnyTableColumn"] : []
    return `import { ${[...types, ...used].join(", ")} } from "rootstock/schema"\n`
  }

  table(table: TableModel): string {
    const lines = (this.#notes.get(table.name) ?? []).map((sentence) => `// ${sentence}\n`)
    const order = [...table.columns].sort((a, b) => keyPlace(table, a.name) - keyPlace(table, b.name))
    const columns = order.map(({ name }) => this.#column(table, name)).join("")
    const extras = this.#extras(table)
    const options = this.#options(table)
    const rest = [
      ...(extras.length > 0
        ? [`(t) => [\n    ${extras.join(",\n    ")},\n  ]`]
        : options === undefined
          ? []
          : ["() => []"]),
      ...(options === undefined ? [] : [options]),
    ]
    const text = `${lines.join("")}export const ${this.tableKey(table.name)} = table(\n  ${JSON.stringify(table.name)},\n  {\n${columns}  },\n${rest.map((part) => `  ${part},\n`).join("")})\n`
    this.#written.add(table.name)
    this.#body += text
    return text
  }

  #column(table: TableModel, name: string): string {
    const column = table.columns.find((one) => one.name === name)!
    const place = `${table.name}.${name}`
    const key = this.#columnKey(table.name, name)
    const parts = [typeText(column.type)]
    if (snakeCase(key) !== name) parts.push(`.named(${JSON.stringify(name)})`)
    if (column.nullable) parts.push(".nullable()")
    if (table.primaryKey.includes(name) && column.type.kind !== "identity") parts.push(".primaryKey()")
    if (table.uniques.some((unique) => isPlainUnique(table, unique) && unique.columns[0] === name))
      parts.push(".unique()")
    if (column.default !== undefined)
      parts.push(`.default(${valueSource(decodeConstant(column.type, column.default))})`)
    const isNow = this.#nows.has(place) && column.type.kind === "timestamp"
    if (isNow) parts.push(".default(now)")
    if (column.generated !== undefined) parts.push(`.generated(${sqlSource(table, column.generated)})`)
    const reference = table.references.find((one) => one.column === name)
    if (reference !== undefined) parts.push(this.#reference(table, reference))
    const notes = [...(this.#notes.get(place) ?? [])]
    if (this.#nows.has(place)) {
      notes.push(
        isNow
          ? "The database fills it by itself; declared, the library does."
          : "The database fills it with the present instant; the library does not.",
      )
    }
    return `${notes.map((sentence) => `    // ${sentence}\n`).join("")}    ${key}: ${parts.join("")},\n`
  }

  #reference(table: TableModel, reference: ReferenceModel): string {
    const { onDelete, onUpdate, deferrable } = reference
    const target = this.#tables.find(({ name }) => name === reference.table)!
    const key = this.#columnKey(target.name, reference.target)
    const options = [
      ...(onDelete === "restrict" ? [] : [`onDelete: ${JSON.stringify(onDelete)}`]),
      ...(onUpdate === "no action" ? [] : [`onUpdate: ${JSON.stringify(onUpdate)}`]),
      ...(deferrable ? ["deferrable: true"] : []),
      ...this.#relationNames(table, reference),
    ]
    // A circle of tables needs a type somewhere, or the compiler follows it for ever.
    const arrow = this.#written.has(target.name) ? "() =>" : "(): AnyTableColumn =>"
    const place = target === table ? JSON.stringify(key) : `${arrow} ${this.tableKey(target.name)}.${key}`
    return `.references(${place}${options.length === 0 ? "" : `, { ${options.join(", ")} }`})`
  }

  /** Names for relations that would meet a column or another relation. */
  #relationNames(table: TableModel, reference: ReferenceModel): string[] {
    const key = this.#columnKey(table.name, reference.column)
    const names: string[] = []
    const take = (owner: string, name: string, option: string) => {
      const taken = this.#relations.get(owner)!
      let free = name
      while (taken.has(free)) free += `Of${key[0]!.toUpperCase()}${key.slice(1)}`
      taken.add(free)
      if (free !== name) names.push(`${option}: ${JSON.stringify(free)}`)
    }
    const one = key.endsWith("Id") ? key.slice(0, -2) : ""
    if (one !== "") take(table.name, one, "as")
    const twins = table.references.filter((other) => other.table === reference.table)
    if (twins.length === 1 && reference.table !== table.name) take(reference.table, this.tableKey(table.name), "many")
    return names
  }

  #extras(table: TableModel): string[] {
    const own = (column: string) => `t.${this.#columnKey(table.name, column)}`
    const named = (text: string, name: string, usual: string) =>
      name === usual ? text : `${text}.named(${JSON.stringify(name)})`
    const uniques = table.uniques
      .filter((unique) => !isPlainUnique(table, unique))
      .map(({ name, columns }) =>
        named(`unique(${columns.map(own).join(", ")})`, name, generatedName([table.name, ...columns], "key")),
      )
    const checks = table.checks.map(
      ({ name, sql }) =>
        `check(${JSON.stringify(name.slice(table.name.length + 1, -"_check".length))}, ${sqlSource(table, sql)})`,
    )
    const indexes = table.indexes.map((index) => {
      const terms = index.terms.map(({ column, expression, direction, nulls }) => {
        const what = column === undefined ? `expression(${sqlSource(table, expression!)})` : own(column)
        const order = direction === "desc" ? ".desc()" : ""
        return `${what}${order}${nulls === undefined ? "" : nulls === "first" ? ".nullsFirst()" : ".nullsLast()"}`
      })
      const where = index.where === undefined ? "" : `.where(${sqlSource(table, index.where)})`
      const contains = index.method === "contains" ? ".contains()" : ""
      const text = `${index.unique ? "uniqueIndex" : "index"}(${terms.join(", ")})${where}${contains}`
      const words = index.terms.map(({ column }) => column ?? "expression")
      const usual = generatedName(
        [table.name, ...words, ...(where === "" ? [] : ["where"])],
        index.unique ? "key" : "index",
      )
      return named(text, index.name, usual)
    })
    return [...uniques, ...checks, ...indexes]
  }

  #options(table: TableModel): string | undefined {
    if (table.appendOnly === undefined) return undefined
    const { parent } = table.appendOnly
    return parent === undefined
      ? "{ appendOnly: true }"
      : `{ appendOnly: { parent: ${JSON.stringify(this.#columnKey(table.name, parent))} } }`
  }
}

function keyPlace(table: TableModel, column: string): number {
  const place = table.primaryKey.indexOf(column)
  return place === -1 ? table.primaryKey.length : place
}

function isPlainUnique(table: TableModel, { name, columns }: TableModel["uniques"][number]): boolean {
  return columns.length === 1 && name === generatedName([table.name, columns[0]!], "key")
}

/** A key in camelCase that is not taken, nor means something else where it stands. */
function freeKey(name: string, taken: Iterable<string>, suffix: string, words: Iterable<string> = reserved): string {
  const used = new Set([...taken, ...words])
  let key = camelCase(snakeCase(name).replace(/^_+/, ""))
  if (!/^[a-z]/i.test(key)) key = `column${key}`
  while (used.has(key)) key += suffix
  return key
}

/** SQL that names decimals must be given for each engine. */
function sqlSource(table: TableModel, sql: string | { sqlite: string; postgres: string }): string {
  const forBoth = typeof sql === "object" || !table.columns.some(({ type }) => type.kind === "decimal")
  return JSON.stringify(forBoth ? sql : { sqlite: sql, postgres: sql })
}

function valueSource(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`
  if (value instanceof Date) return `new Date(${JSON.stringify(value.toISOString())})`
  if (value instanceof Uint8Array) return `new Uint8Array([${[...value].join(", ")}])`
  return Array.isArray(value) ? `[${value.map(valueSource).join(", ")}]` : JSON.stringify(value)
}
