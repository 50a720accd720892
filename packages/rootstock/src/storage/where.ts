import type { Dialect } from "../engine/index.ts"
import { ValidationError } from "../errors/index.ts"
import { type ColumnDefinition, type SqlValue, shown, type TableDefinition } from "../schema/index.ts"
import { encodeValue } from "./encode.ts"

/** How one parameter of a plan is made from the value that a call gives. */
export type Binder = (value: any) => SqlValue

export type AnyWhere = { readonly [key: string]: unknown }

function isOperators(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array) &&
    !Array.isArray(value)
  )
}

/** The key of a condition on the row that a row refers to. No column is named with a space. */
export const inOther = "in other"

/** That a column holds the primary key of a row of another table that fulfils a condition. */
export class InOther {
  readonly column: string
  readonly target: TableDefinition
  readonly where: AnyWhere

  constructor(column: string, target: TableDefinition, where: AnyWhere) {
    this.column = column
    this.target = target
    this.where = where
  }
}

/** A word of a shape; its length stands first, so that none can pass for several. */
export const word = (key: string): string => `${key.length}:${key}`

/**
 * The shape of a condition, with its values put into `values` in the order in which `compileWhere` binds them. Two
 * conditions of one shape share a plan.
 */
export function whereShape(where: AnyWhere, values: unknown[]): string {
  let shape = ""
  for (const key in where) {
    const value = where[key]
    if (key === "or" || key === "and") {
      shape += `${key}(`
      for (const branch of branches(key, value)) shape += `${whereShape(branch, values)}|`
      shape += ")"
    } else if (value === null) shape += `${word(key)} null;`
    else if (Array.isArray(value)) {
      shape += `${word(key)} in;`
      values.push(value)
    } else if (isOperators(value)) {
      if (value instanceof InOther) {
        shape += `${word(value.column)} in ${word(value.target.name)}(${whereShape(value.where, values)})`
        continue
      }
      shape += `${word(key)}{`
      for (const operator in value) {
        const operand = value[operator]
        if (operand === null) shape += `${word(operator)} null;`
        else if (operator === "between") {
          shape += "between;"
          values.push(
            ...(Array.isArray(operand) && operand.length === 2 ? operand : refuseOperand(key, operator, "two values")),
          )
        } else if (operator === "not" && Array.isArray(operand)) {
          shape += "notin;"
          values.push(operand)
        } else {
          shape += `${word(operator)};`
          values.push(operand)
        }
      }
      shape += "}"
    } else {
      shape += `${word(key)};`
      values.push(value)
    }
  }
  return shape
}

function branches(key: string, value: unknown): AnyWhere[] {
  if (Array.isArray(value) && value.length > 0 && value.every(isOperators)) return value
  throw new ValidationError(`\`${key}\` of a condition must be a list of conditions with at least one in it.`, {
    cure: `Write it as { ${key}: [{ … }, { … }] }.`,
  })
}

function refuseOperand(key: string, operator: string, wanted: string): never {
  throw new ValidationError(`The condition ${key}.${operator} needs ${wanted}.`, { cure: "Correct the condition." })
}

/** What is known of the columns of a table that a statement reads. */
export type Scope = {
  readonly table: TableDefinition
  readonly dialect: Dialect
  /** Quoted name of the table in the statement. */
  readonly alias: string
  /** Parameters so far. */
  readonly binders: Binder[]
}

export function columnSql(scope: Scope, column: ColumnDefinition): string {
  return `${scope.alias}.${scope.dialect.identifier(column.name)}`
}

/** The column of a key. @throws ValidationError where there is none */
export function columnOf(table: TableDefinition, key: string): ColumnDefinition {
  const column = table.column.get(key)
  if (column !== undefined) return column
  throw new ValidationError(`${table.name} has no column ${shown(key)}.`, {
    cure: `Use one of: ${[...table.column.keys()].join(", ")}.`,
  })
}

/** Adds a parameter and gives its placeholder. */
export function bind(scope: Scope, binder: Binder): string {
  return scope.dialect.parameter(scope.binders.push(binder))
}

const comparisons = new Map([
  ["gt", ">"],
  ["gte", ">="],
  ["lt", "<"],
  ["lte", "<="],
])

/** Many parts become a tree of few levels: SQLite takes no more than 1,000. https://sqlite.org/limits.html#max_expr_depth */
function joined(parts: readonly string[], word: string): string {
  if (parts.length <= 100) return parts.join(word)
  const middle = parts.length >> 1
  return `(${joined(parts.slice(0, middle), word)})${word}(${joined(parts.slice(middle), word)})`
}

/** The condition in SQL, `TRUE` where it is empty. */
export function compileWhere(where: AnyWhere, scope: Scope): string {
  const parts: string[] = []
  for (const key in where) {
    const value = where[key]
    if (key === "or" || key === "and") {
      const compiled = branches(key, value).map((branch) => compileWhere(branch, scope))
      parts.push(`(${joined(compiled, key === "or" ? " OR " : " AND ")})`)
      continue
    }
    if (value instanceof InOther) {
      parts.push(existsInOther(value, scope))
      continue
    }
    const column = columnOf(scope.table, key)
    if (value === null) parts.push(`${columnSql(scope, column)} IS NULL`)
    else if (Array.isArray(value)) parts.push(operation("in", value, column, scope))
    else if (isOperators(value)) {
      // Conditions are often put together: one that came out empty would mean all rows.
      if (Object.keys(value).length === 0)
        refuseOperand(key, "{}", "an operator: leave the column out where it does not matter")
      for (const operator in value) parts.push(operation(operator, value[operator], column, scope))
    } else parts.push(operation("eq", value, column, scope))
  }
  if (parts.length === 0) return "TRUE"
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(" AND ")})`
}

/** A look-up by the primary key for each row, so that the indexes of the other conditions stay in use. */
function existsInOther({ column, target, where }: InOther, scope: Scope): string {
  const { dialect } = scope
  const name = dialect.identifier(target.name)
  // It may be the table that the statement reads.
  const alias = dialect.identifier(inOther)
  const key = columnOf(target, target.primaryKey[0] as string)
  const own = columnSql(scope, columnOf(scope.table, column))
  const other: Scope = { ...scope, table: target, alias }
  return `EXISTS (SELECT 1 FROM ${name} AS ${alias} WHERE ${columnSql(other, key)} = ${own} AND ${compileWhere(where, other)})`
}

function operation(operator: string, operand: unknown, column: ColumnDefinition, scope: Scope): string {
  const { dialect, table } = scope
  const { type } = column
  const place = `${table.name}.${column.key}`
  const own = columnSql(scope, column)
  const encode: Binder = (value) => encodeValue(table, column, dialect, value)
  const comparison = comparisons.get(operator)
  if (operand === null) {
    if (operator === "eq") return `${own} IS NULL`
    if (operator === "not") return `${own} IS NOT NULL`
    return refuseOperand(place, operator, "a value, not null")
  }
  if (comparison !== undefined) {
    refuseUnordered(place, operator, type.kind)
    return `${dialect.comparable(own, type)} ${comparison} ${dialect.comparable(bind(scope, encode), type)}`
  }
  switch (operator) {
    case "eq":
      return `${own} = ${bind(scope, encode)}`
    case "not":
      // A null differs from every value: `IS DISTINCT FROM` says so, but no index serves it.
      if (Array.isArray(operand) && type.kind !== "list")
        return orNull(`NOT (${among(own, column, scope, encode)})`, own, column)
      return orNull(`${own} <> ${bind(scope, encode)}`, own, column)
    case "in":
      return among(own, column, scope, encode)
    case "between": {
      refuseUnordered(place, operator, type.kind)
      const from = dialect.comparable(bind(scope, encode), type)
      const to = dialect.comparable(bind(scope, encode), type)
      return `${dialect.comparable(own, type)} BETWEEN ${from} AND ${to}`
    }
    case "like":
      refuseUntextual(place, operator, type.kind)
      return dialect.like(
        own,
        bind(scope, (value) => dialect.likePattern(patternOperand(place, operator, value))),
      )
    case "contains":
      refuseUntextual(place, operator, type.kind)
      return dialect.contains(
        own,
        bind(scope, (value) => dialect.containsPattern(textOperand(place, operator, value))),
      )
    case "has": {
      if (type.kind === "list") {
        const item = { ...column, type: type.options.of as typeof type }
        return dialect.has(
          scope.alias,
          table,
          column,
          bind(scope, (value) => encodeValue(table, item, dialect, value)),
        )
      }
      if (type.kind === "json") return dialect.has(scope.alias, table, column, bind(scope, encode))
      return refuseOperand(place, operator, "a list() or json() column")
    }
  }
  throw new ValidationError(`The condition on ${place} has an unknown operator ${shown(operator)}.`, {
    cure: "Use eq, not, in, gt, gte, lt, lte, between, like, contains or has.",
  })
}

function orNull(condition: string, own: string, column: ColumnDefinition): string {
  return column.nullable ? `(${condition} OR ${own} IS NULL)` : condition
}

function among(own: string, column: ColumnDefinition, scope: Scope, encode: Binder): string {
  const { dialect } = scope
  if (column.type.kind === "json" || column.type.kind === "list")
    refuseOperand(`${scope.table.name}.${column.key}`, "in", "a column of single values")
  const place = `${scope.table.name}.${column.key}`
  const parameter = bind(scope, (values) => {
    if (!Array.isArray(values)) return refuseOperand(place, "in", "a list")
    return dialect.list(values.map(encode))
  })
  return dialect.among(own, parameter, column.type)
}

function textOperand(place: string, operator: string, value: unknown): string {
  if (typeof value !== "string") return refuseOperand(place, operator, "a string")
  if (value.includes("\0") || !value.isWellFormed())
    return refuseOperand(place, operator, "well-formed text without U+0000")
  return value
}

/** Length that patterns may have, in UTF-16 units: in bytes, and with what is escaped, still less than SQLite's 50,000. */
const longestPattern = 10_000

function patternOperand(place: string, operator: string, value: unknown): string {
  const pattern = textOperand(place, operator, value)
  return pattern.length <= longestPattern
    ? pattern
    : refuseOperand(place, operator, `at most ${longestPattern} characters`)
}

function refuseUnordered(place: string, operator: string, kind: string): void {
  if (kind === "json" || kind === "list" || kind === "boolean")
    refuseOperand(place, operator, "a column whose values have an order")
}

function refuseUntextual(place: string, operator: string, kind: string): void {
  if (kind !== "text" && kind !== "choice") refuseOperand(place, operator, "a text column")
}
