import { CursorError, ValidationError } from "../errors/index.ts"
import type { ColumnDefinition, SqlValue } from "../schema/index.ts"
import { encodeValue } from "./encode.ts"
import type { Plan, Plans } from "./plans.ts"
import {
  type AnyOrder,
  bindAll,
  condition,
  newScope,
  type OrderTerm,
  orderShape,
  orderSql,
  orderTerms,
} from "./select.ts"
import { type AnyWhere, type Binder, bind, columnSql, type Scope, whereShape } from "./where.ts"

/** Value of a column in a cursor: JSON, the same on both engines. */
function toCursor(column: ColumnDefinition, value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (typeof value === "bigint") return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64url")
  return column.type.kind === "json" ? null : value
}

function fromCursor(column: ColumnDefinition, value: unknown): unknown {
  if (value === null) return null
  switch (column.type.kind) {
    case "timestamp":
      return new Date(value as string)
    case "bigint":
      return BigInt(value as string)
    case "bytes":
      return new Uint8Array(Buffer.from(String(value), "base64url"))
    default:
      return value
  }
}

/** An order as a cursor names it, so that one of another order is refused. */
function orderName(terms: readonly OrderTerm[]): string {
  return terms
    .map(({ column, direction, nulls }) => `${column.key} ${direction}${nulls === undefined ? "" : ` ${nulls}`}`)
    .join(",")
}

/** The place of a row in an order, as text for a URL. */
export function makeCursor(terms: readonly OrderTerm[], row: Record<string, unknown>): string {
  const values = terms.map(({ column }) => toCursor(column, row[column.key]))
  return Buffer.from(JSON.stringify([orderName(terms), ...values])).toString("base64url")
}

function refuse(cause?: unknown): never {
  throw new CursorError("The cursor is not one of this list.", {
    cure: "Use a cursor that the same list, in the same order, gave.",
    cause,
  })
}

/** The values of a cursor. @throws CursorError where it is none, or one of another order */
function readCursor(plans: Plans, terms: readonly OrderTerm[], cursor: string): unknown[] {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, "base64url").toString())
  } catch (error) {
    refuse(error)
  }
  if (!Array.isArray(parts) || parts.length !== terms.length + 1 || parts[0] !== orderName(terms)) refuse()
  return terms.map(({ column }, index) => {
    try {
      const value = fromCursor(column, parts[index + 1])
      if (value !== null) encodeValue(plans.table, column, plans.dialect, value)
      else if (!column.nullable) refuse()
      return value
    } catch (error) {
      return refuse(error)
    }
  })
}

export type KeysetOptions = {
  readonly where?: AnyWhere | undefined
  readonly orderBy?: AnyOrder | undefined
  readonly limit: number
  readonly withDeleted?: boolean | undefined
}

/** Rows behind (or, `backwards`, before) a cursor; one more than the limit, to know whether there are more. */
export function planKeyset(
  plans: Plans,
  options: KeysetOptions,
  cursor: string | undefined,
  backwards: boolean,
  relations: readonly string[],
): { plan: Plan; values: SqlValue[]; terms: readonly OrderTerm[] } {
  const { limit } = options
  if (!Number.isInteger(limit) || limit < 1) {
    throw new ValidationError(`The limit of a page is ${limit}.`, { cure: "Give a whole number from 1 on." })
  }
  const order = `${orderShape(options.orderBy)}:${backwards}`
  const terms = plans.shape(`terms:${orderShape(options.orderBy)}`, () => orderTerms(plans, options.orderBy))
  const given: unknown[] = []
  let shape = `keyset:${options.where === undefined ? "" : whereShape(options.where, given)}:${order}:${options.withDeleted === true}`
  for (const name of relations) shape += `:${name}`
  const values = cursor === undefined ? undefined : readCursor(plans, terms, cursor)
  if (values !== undefined) {
    shape += ":c"
    for (const value of values) shape += value === null ? "0" : "1"
  }
  const scoped = plans.shape<Plan & { after: readonly number[] }>(shape, () => {
    const scope = newScope(plans)
    const where = condition(plans, scope, options.where, options.withDeleted)
    const directed = backwards ? terms.map(reverse) : terms
    const used: number[] = []
    const after =
      values === undefined
        ? ""
        : `${where === "" ? " WHERE " : " AND "}${afterSql(plans, scope, directed, values, used)}`
    const sql = `SELECT ${plans.columns} FROM ${plans.name}${where}${after} ORDER BY ${orderSql(scope, directed)} LIMIT ${bind(scope, (value) => value)}`
    return {
      query: plans.query(backwards ? "before" : "after", sql, { writes: false, decode: plans.decoder(relations) }),
      binders: scope.binders,
      after: used,
    }
  })
  for (const index of scoped.after) given.push((values as unknown[])[index])
  given.push(limit + 1)
  return { plan: scoped, values: bindAll(scoped, given), terms }
}

function nullsOf({ direction, nulls }: OrderTerm): "first" | "last" {
  return nulls ?? (direction === "desc" ? "first" : "last")
}

function reverse(term: OrderTerm): OrderTerm {
  return {
    column: term.column,
    direction: term.direction === "asc" ? "desc" : "asc",
    nulls: nullsOf(term) === "first" ? "last" : "first",
  }
}

/**
 * The condition "comes after these values". Where all terms run one way and no null is about, it is a comparison of
 * rows, which an index serves: https://sqlite.org/rowvalue.html#scrolling_window_queries
 */
function afterSql(
  plans: Plans,
  scope: Scope,
  terms: readonly OrderTerm[],
  values: readonly unknown[],
  used: number[],
): string {
  const { dialect, table } = plans
  const place = (index: number): string => {
    const { column } = terms[index] as OrderTerm
    used.push(index)
    const encode: Binder = (value) => encodeValue(table, column, dialect, value)
    return dialect.comparable(bind(scope, encode), column.type)
  }
  const own = (index: number): string => {
    const { column } = terms[index] as OrderTerm
    return dialect.comparable(columnSql(scope, column), column.type)
  }
  const sign = (term: OrderTerm) => (term.direction === "asc" ? ">" : "<")
  const first = terms[0] as OrderTerm
  if (terms.every((term) => term.direction === first.direction && !term.column.nullable)) {
    const left = terms.map((_, index) => own(index))
    const right = terms.map((_, index) => place(index))
    return `(${left.join(", ")}) ${sign(first)} (${right.join(", ")})`
  }
  const branches: string[] = []
  for (let at = 0; at < terms.length; at++) {
    const term = terms[at] as OrderTerm
    const last = nullsOf(term) === "last"
    if (values[at] === null && last) continue
    const raw = columnSql(scope, term.column)
    const parts: string[] = []
    for (let index = 0; index < at; index++) {
      parts.push(
        values[index] === null
          ? `${columnSql(scope, (terms[index] as OrderTerm).column)} IS NULL`
          : `${own(index)} = ${place(index)}`,
      )
    }
    if (values[at] === null) {
      parts.push(`${raw} IS NOT NULL`)
    } else {
      const beyond = `${own(at)} ${sign(term)} ${place(at)}`
      parts.push(term.column.nullable && last ? `(${beyond} OR ${raw} IS NULL)` : beyond)
    }
    branches.push(`(${parts.join(" AND ")})`)
  }
  return branches.length === 0 ? "FALSE" : `(${branches.join(" OR ")})`
}
