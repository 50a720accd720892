import { generatedName } from "../../../schema/index.ts"
import type { Statement, Step } from "../../ddl/contract.ts"
import { type ColumnModel, isIdentity, type TableModel } from "../../ddl/model.ts"
import type { Operation } from "../../ddl/operations.ts"
import {
  type Rows,
  refuseAny,
  refuseBroken,
  refuseNulls,
  refuseOrphans,
  refuseRows,
  refuseTwins,
  rowsOf,
} from "../../ddl/probe.ts"
import { columnList, identifier, literal } from "../../ddl/text.ts"
import { itemsName, itemsTriggers } from "../items.ts"
import { sqliteConversion } from "./convert.ts"
import {
  appendOnlyTriggers,
  constantLiteral,
  createAttachments,
  createPlainTable,
  defaultLiteral,
  sqlOf,
  typeCondition,
} from "./create.ts"
import { tableFingerprint } from "./parse.ts"

const randomUuid = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (abs(random()) % 4), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`

/**
 * A table that is made anew: changes of it that SQLite has no ALTER for are gathered, and it is copied once.
 * https://www.sqlite.org/lang_altertable.html#otheralter
 */
export class Rebuild {
  readonly #before: TableModel
  /** What each column of the copy is made of. */
  readonly #sources = new Map<string, string>()
  readonly #refusals: ((before: Rows, after: Rows) => Statement)[] = []
  #usesNow = false

  constructor(before: TableModel) {
    this.#before = before
    for (const { name, generated } of before.columns) {
      if (generated === undefined) this.#sources.set(name, identifier(name))
    }
  }

  /** Takes a change of the table in. */
  add(operation: Operation): void {
    switch (operation.op) {
      case "addColumn":
        this.#addColumn(operation)
        break
      case "dropColumn":
        this.#sources.delete(operation.column.name)
        break
      case "changeColumn":
        this.#changeColumn(operation.from, operation.to)
        break
      case "changePrimaryKey":
        this.#refusals.push((_, after) => refuseTwins(after, "of its key", operation.to))
        break
      case "addUnique":
        this.#refusals.push((_, after) => refuseTwins(after, operation.unique.name, operation.unique.columns))
        break
      case "addCheck":
        this.#refusals.push((_, after) => refuseBroken(after, operation.check.name, sqlOf(operation.check.sql)))
        break
      case "addReference":
        this.#refusals.push((_, after) => refuseOrphans(after, operation.reference))
        break
    }
  }

  #addColumn({ column, backfill }: Extract<Operation, { op: "addColumn" }>): void {
    if (column.generated !== undefined) return
    const set = (source: string) => this.#sources.set(column.name, source)
    const value = defaultLiteral(column)
    if (value !== undefined) set(value)
    else if (column.nullable || isIdentity(column)) set("NULL")
    else if (backfill?.kind === "value") set(constantLiteral(column, backfill.value))
    else if (backfill?.kind === "uuid") set(randomUuid)
    else if (backfill?.kind === "now") {
      this.#usesNow = true
      set("'@now'")
    } else {
      set("NULL")
      this.#refusals.push((before) => refuseAny(before, column.name))
    }
  }

  #changeColumn(from: ColumnModel, to: ColumnModel): void {
    const source = this.#sources.get(from.name)!
    const conversion = sqliteConversion(from.type, to.type)!
    if (conversion.refuse !== undefined) {
      const condition = conversion.refuse(source)
      this.#refusals.push((before) =>
        refuseRows(before, condition, `have a ${to.name} that cannot be converted without a loss`),
      )
    }
    this.#sources.set(to.name, conversion.value(source))
    const condition = typeCondition(to)
    if (condition !== undefined && condition !== typeCondition(from)) {
      this.#refusals.push((_, after) =>
        refuseRows(after, `NOT (${condition})`, `have a ${to.name} that its type does not take`),
      )
    }
    if (from.nullable && !to.nullable) this.#refusals.push((_, after) => refuseNulls(after, to.name))
  }

  /** The steps that make `after` of what was there. */
  steps(after: TableModel): Step[] {
    const before = this.#before
    const sources = after.columns.filter(({ generated }) => generated === undefined)
    const projected = sources.map(({ name }) => `${this.#sources.get(name)} AS ${identifier(name)}`).join(", ")
    let projection = `(SELECT ${projected} FROM ${identifier(before.name)})`
    for (const { name, generated } of after.columns) {
      if (generated !== undefined)
        projection = `(SELECT *, (${sqlOf(generated)}) AS ${identifier(name)} FROM ${projection})`
    }
    const rows = { from: projection, table: after.name, keys: after.primaryKey }
    const refusals = this.#refusals.map((refusal) => refusal(rowsOf(before.name, before.primaryKey), rows))
    const copyName = generatedName([after.name], "rebuild")
    const copy = identifier(copyName)
    const names = columnList(sources.map(({ name }) => name))
    const values = sources.map(({ name }) => this.#sources.get(name)).join(", ")
    const identity = after.columns.find(isIdentity)
    const counts =
      identity !== undefined && before.columns.some((column) => column.name === identity.name && isIdentity(column))
    const sequence = [
      `DELETE FROM sqlite_sequence WHERE name = ${literal(copyName)}`,
      `INSERT INTO sqlite_sequence (name, seq) SELECT ${literal(copyName)}, seq FROM sqlite_sequence WHERE name = ${literal(after.name)}`,
    ]
    return [
      ...plain(dropAttachments(before)),
      ...refusals.map((statement) => ({ statements: [statement] })),
      {
        rebuilds: { table: after.name, expects: tableFingerprint(createPlainTable(before, before.name)) },
        statements: [
          { sql: createPlainTable(after, copyName) },
          {
            sql: `INSERT INTO ${copy} ${names} SELECT ${values} FROM ${identifier(before.name)}`,
            ...(this.#usesNow ? { usesNow: true } : {}),
          },
          ...(counts ? sequence.map((sql) => ({ sql })) : []),
          { sql: `DROP TABLE ${identifier(before.name)}` },
          { sql: `ALTER TABLE ${copy} RENAME TO ${identifier(after.name)}` },
        ],
      },
      ...plain(createAttachments(after)),
    ]
  }
}

/** Statements as steps of their own. */
export function plain(statements: readonly string[]): Step[] {
  return statements.map((sql) => ({ statements: [{ sql }] }))
}

/** Statements that remove the declared indexes and triggers of a table. */
export function dropAttachments(table: TableModel): string[] {
  return [
    ...table.indexes.filter(({ method }) => method === "ordered").map(({ name }) => `DROP INDEX ${identifier(name)}`),
    ...table.indexes
      .filter(({ method }) => method === "contains")
      .flatMap(({ terms }) => dropItems(table, terms[0]!.column!)),
    ...dropAppendOnly(table),
  ]
}

export function dropItems(table: TableModel, column: string): string[] {
  return [
    ...itemsTriggers(table.name, column).map((name) => `DROP TRIGGER ${identifier(name)}`),
    `DROP TABLE ${identifier(itemsName(table.name, column))}`,
  ]
}

export function dropAppendOnly(table: TableModel): string[] {
  if (table.appendOnly === undefined) return []
  return appendOnlyTriggers(table.name).map((name) => `DROP TRIGGER ${identifier(name)}`)
}
