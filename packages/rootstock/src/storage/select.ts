import { ValidationError } from "../errors/index.ts"
import type { ColumnDefinition, NullsPosition, SortDirection, SqlValue } from "../schema/index.ts"
import { shown } from "../schema/index.ts"
import type { Plan, Plans } from "./plans.ts"
import {
  type AnyWhere,
  type Binder,
  bind,
  columnOf,
  columnSql,
  compileWhere,
  type Scope,
  whereShape,
  word,
} from "./where.ts"

export type OrderTerm = {
  readonly column: ColumnDefinition
  readonly direction: SortDirection
  readonly nulls: NullsPosition | undefined
}

export type AnyOrder = Record<string, unknown> | readonly Record<string, unknown>[]

/** The order that a call asks for, with the primary key at its end, so that it is total. */
export function orderTerms(plans: Plans, orderBy: AnyOrder | undefined): OrderTerm[] {
  const terms: OrderTerm[] = []
  const seen = new Set<string>()
  const add = (key: string, value: unknown) => {
    const column = columnOf(plans.table, key)
    const { direction = "asc", nulls } =
      typeof value === "string" ? { direction: value } : ((value ?? {}) as { direction?: unknown; nulls?: unknown })
    if (
      (direction !== "asc" && direction !== "desc") ||
      (nulls !== undefined && nulls !== "first" && nulls !== "last")
    ) {
      throw new ValidationError(`The order by ${plans.table.name}.${key} is ${shown(value)}.`, {
        cure: 'Use "asc", "desc", or { direction, nulls: "first" | "last" }.',
      })
    }
    if (column.type.kind === "json" || column.type.kind === "list") {
      throw new ValidationError(`${plans.table.name}.${key} is ${column.type.kind} and has no order.`, {
        cure: "Order by another column.",
      })
    }
    if (!seen.has(key)) terms.push({ column, direction, nulls })
    seen.add(key)
  }
  for (const one of Array.isArray(orderBy) ? orderBy : [orderBy ?? {}]) {
    for (const key in one) if (one[key] !== undefined) add(key, one[key])
  }
  const last = terms.at(-1)?.direction ?? "asc"
  for (const column of plans.keyColumns)
    if (!seen.has(column.key)) terms.push({ column, direction: last, nulls: undefined })
  return terms
}

/** The shape of an order. */
export function orderShape(orderBy: AnyOrder | undefined): string {
  if (orderBy === undefined) return ""
  let shape = ""
  for (const one of Array.isArray(orderBy) ? orderBy : [orderBy]) {
    for (const key in one) {
      const value = one[key]
      shape +=
        typeof value === "object" && value !== null
          ? `${word(key)} ${word(`${value.direction} ${value.nulls}`)},`
          : `${word(key)} ${word(String(value))},`
    }
  }
  return shape
}

export function orderSql(scope: Scope, terms: readonly OrderTerm[]): string {
  return terms
    .map(({ column, direction, nulls }) => scope.dialect.order(columnSql(scope, column), column, direction, nulls))
    .join(", ")
}

export type ListOptions = {
  readonly where?: AnyWhere | undefined
  readonly orderBy?: AnyOrder | undefined
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly withDeleted?: boolean | undefined
}

export function newScope(plans: Plans): Scope & { binders: Binder[] } {
  return { table: plans.table, dialect: plans.dialect, alias: plans.name, binders: [] }
}

/** The condition of a call, soft-deleted rows left out unless asked for. */
export function condition(
  plans: Plans,
  scope: Scope,
  where: AnyWhere | undefined,
  withDeleted: boolean | undefined,
): string {
  const parts: string[] = []
  if (where !== undefined) parts.push(compileWhere(where, scope))
  if (plans.living !== undefined && withDeleted !== true) parts.push(plans.living)
  return parts.length === 0 ? "" : ` WHERE ${parts.join(" AND ")}`
}

function count(name: string): Binder {
  return (value) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value
    throw new ValidationError(`${name} is ${shown(value)}.`, { cure: `Give ${name} as a whole number from 0 on.` })
  }
}

/** The plan of `list`, and the parameters of this call. */
export function planList(
  plans: Plans,
  call: string,
  options: ListOptions,
  relations: readonly string[],
): { plan: Plan; values: SqlValue[] } {
  const { where, orderBy, limit, offset, withDeleted } = options
  const given: unknown[] = []
  let shape = `${call}:${where === undefined ? "" : whereShape(where, given)}:${orderShape(orderBy)}`
  if (limit !== undefined) {
    shape += ":l"
    given.push(limit)
  }
  if (offset !== undefined) {
    shape += ":o"
    given.push(offset)
  }
  if (withDeleted === true) shape += ":d"
  for (const name of relations) shape += `:${name}`
  const plan = plans.shape(shape, () => compileList(plans, call, options, relations))
  return { plan, values: bindAll(plan, given) }
}

/** What SQLite takes; PostgreSQL takes more. https://sqlite.org/limits.html#max_variable_number */
const mostParameters = 32_766

/** Encodes what a call gives for the parameters of its plan. */
export function bindAll(plan: Plan, given: readonly unknown[]): SqlValue[] {
  const { binders } = plan
  if (binders.length > mostParameters) {
    throw new ValidationError(`${plan.query.label} has ${binders.length} values in its condition.`, {
      cure: `Give at most ${mostParameters}, or a list of values for one column: a list counts as one.`,
    })
  }
  const values = new Array<SqlValue>(binders.length)
  for (let index = 0; index < binders.length; index++) values[index] = (binders[index] as Binder)(given[index])
  return values
}

function compileList(plans: Plans, call: string, options: ListOptions, relations: readonly string[]): Plan {
  const scope = newScope(plans)
  const where = condition(plans, scope, options.where, options.withDeleted)
  const order = orderSql(scope, orderTerms(plans, options.orderBy))
  const limit = options.limit === undefined ? "" : ` LIMIT ${bind(scope, count("limit"))}`
  // SQLite takes an offset only behind a limit.
  const offset =
    options.offset === undefined
      ? ""
      : `${limit === "" ? plans.dialect.noLimit : ""} OFFSET ${bind(scope, count("offset"))}`
  const sql = `SELECT ${plans.columns} FROM ${plans.name}${where} ORDER BY ${order}${limit}${offset}`
  return { query: plans.query(call, sql, { writes: false, decode: plans.decoder(relations) }), binders: scope.binders }
}

/** The plan of a statement that has a condition and gives one value. */
export function planScalar(
  plans: Plans,
  call: string,
  where: AnyWhere | undefined,
  withDeleted: boolean | undefined,
  sql: (from: string) => string,
): { plan: Plan<any>; values: SqlValue[] } {
  const given: unknown[] = []
  const shape = `${call}:${where === undefined ? "" : whereShape(where, given)}:${withDeleted === true}`
  const plan = plans.shape(shape, () => {
    const scope = newScope(plans)
    const text = sql(`FROM ${plans.name}${condition(plans, scope, where, withDeleted)}`)
    return {
      query: plans.query(call, text, { writes: false, decode: (row) => Number(row[0]) }),
      binders: scope.binders,
    }
  })
  return { plan, values: bindAll(plan, given) }
}
