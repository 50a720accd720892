import type { Clock } from "../clock/index.ts"
import type { Query, Step } from "../engine/index.ts"
import { ValidationError } from "../errors/index.ts"
import type { ColumnDefinition, DefaultValue, SqlValue } from "../schema/index.ts"
import { chunks, defaultOf, touched, versionStep } from "./changes.ts"
import { checkKeys, encodeStored, encodeValue } from "./encode.ts"
import type { Plan, Plans } from "./plans.ts"
import { bindAll, condition, newScope } from "./select.ts"
import { type AnyWhere, columnOf, compileWhere, whereShape } from "./where.ts"

type Assignment = { readonly column: ColumnDefinition; readonly value: SqlValue }

/** What an update sets: the changes, and columns that change with every update. */
function assignments(plans: Plans, call: string, changes: unknown, clock: Clock): Assignment[] {
  const { table, dialect } = plans
  checkKeys(table, call, changes)
  const set: Assignment[] = []
  for (const key in changes) {
    const value = changes[key]
    if (value === undefined) continue
    const column = table.column.get(key) as ColumnDefinition
    if (column.primaryKey || column.generated !== undefined) {
      throw new ValidationError(
        `${table.name}.${key} cannot be changed: it is ${column.primaryKey ? "the key" : "computed"}.`,
        {
          cure: column.primaryKey ? "Make another row and delete this one." : "Leave it out.",
        },
      )
    }
    set.push({ column, value: encodeStored(table, column, dialect, value) })
  }
  if (set.length === 0) return set
  for (const column of touched(plans)) {
    if (changes[column.key] !== undefined) continue
    set.push({ column, value: defaultOf(plans, column, column.onUpdate as DefaultValue, clock) })
  }
  return set
}

function setShape(set: readonly Assignment[]): string {
  let shape = ""
  for (const { column } of set) shape += `${column.key},`
  return shape
}

/** `"a" = ?1, "b" = ?2, "version" = "version" + 1` */
function setSql(plans: Plans, set: readonly Assignment[]): string {
  const { dialect } = plans
  const parts = set.map(({ column }, index) => `${dialect.identifier(column.name)} = ${dialect.parameter(index + 1)}`)
  const step = versionStep(plans, (key) => set.some(({ column }) => column.key === key))
  if (step !== undefined) parts.push(step)
  return parts.join(", ")
}

export type ChangeOptions = { readonly where?: AnyWhere | undefined; readonly withDeleted?: boolean | undefined }

/** The part of a statement that finds its one row: the key, and what else must hold of it. */
export function keyed(plans: Plans, before: number, options: ChangeOptions): { sql: string; binders: Plan["binders"] } {
  const scope = newScope(plans)
  // Parameters of the assignments and the key stand before those of the condition.
  for (let index = 0; index < before + plans.keyColumns.length; index++) scope.binders.push((value) => value)
  const more = condition(plans, scope, options.where, options.withDeleted)
  const sql = ` WHERE ${plans.keyCondition(before)}${more === "" ? "" : ` AND ${more.slice(" WHERE ".length)}`}`
  return { sql, binders: scope.binders }
}

/** Changes of one row by its key, which returns it; undefined where the changes are empty. */
export function planUpdate(
  plans: Plans,
  key: unknown,
  changes: unknown,
  options: ChangeOptions,
  clock: Clock,
): { query: Query; values: SqlValue[] } | undefined {
  const set = assignments(plans, "update", changes, clock)
  if (set.length === 0) return undefined
  const given: unknown[] = set.map(({ value }) => value)
  given.push(...plans.encodeKey(key))
  let shape = `update:${setShape(set)}`
  if (options.where !== undefined) shape += `:${whereShape(options.where, given)}`
  if (options.withDeleted === true) shape += ":d"
  const plan = plans.shape<Plan>(shape, () => {
    const found = keyed(plans, set.length, options)
    const sql = `UPDATE ${plans.name} SET ${setSql(plans, set)}${found.sql} RETURNING ${plans.columns}`
    return { query: plans.query("update", sql, { writes: true, decode: plans.decoder() }), binders: found.binders }
  })
  return { query: plan.query, values: options.where === undefined ? (given as SqlValue[]) : bindAll(plan, given) }
}

/** One row by its key, locked, of which a condition may have to hold besides. */
export function planLock(
  plans: Plans,
  key: unknown,
  where: AnyWhere | undefined,
): { query: Query; values: SqlValue[] } {
  const given: unknown[] = [...plans.encodeKey(key)]
  const plan = plans.shape<Plan>(`lock:${where === undefined ? "" : whereShape(where, given)}`, () => {
    const found = keyed(plans, 0, { where })
    const sql = `SELECT ${plans.columns} FROM ${plans.name}${found.sql} ${plans.dialect.lockClause}`
    return { query: plans.query("lock", sql, { writes: true, decode: plans.decoder() }), binders: found.binders }
  })
  return { query: plan.query, values: bindAll(plan, given) }
}

/** Adds to columns of one row, which it returns. */
export function planIncrement(
  plans: Plans,
  key: unknown,
  amounts: unknown,
  options: ChangeOptions & { readonly returning?: boolean | undefined },
  clock: Clock,
): { query: Query; values: SqlValue[] } {
  const { table, dialect } = plans
  checkKeys(table, "increment", amounts)
  const added = Object.keys(amounts).filter((name) => amounts[name] !== undefined)
  if (added.length === 0)
    throw new ValidationError(`${table.name}.increment needs a column.`, { cure: "Name one, with the amount to add." })
  const columns = added.map((name) => {
    const column = columnOf(table, name)
    if (
      !["integer", "bigint", "real", "decimal"].includes(column.type.kind) ||
      column.primaryKey ||
      column.generated !== undefined
    ) {
      throw new ValidationError(`${table.name}.${name} cannot be added to.`, {
        cure: "Name a column of numbers that is not the key.",
      })
    }
    return column
  })
  const touches = touched(plans).filter(({ key: name }) => !added.includes(name))
  const given: unknown[] = columns.map((column) => encodeValue(table, column, dialect, amounts[column.key]))
  for (const column of touches) given.push(defaultOf(plans, column, column.onUpdate as DefaultValue, clock))
  given.push(...plans.encodeKey(key))
  let shape = `increment:${added.join(",")}`
  if (options.where !== undefined) shape += `:${whereShape(options.where, given)}`
  if (options.withDeleted === true) shape += ":d"
  const returning = options.returning !== false
  if (!returning) shape += ":n"
  const plan = plans.shape<Plan>(shape, () => {
    const parts = columns.map(({ name, type }, index) => {
      const own = dialect.identifier(name)
      return `${own} = ${dialect.add(`${plans.name}.${own}`, dialect.parameter(index + 1), type)}`
    })
    touches.forEach(({ name }, index) => {
      parts.push(`${dialect.identifier(name)} = ${dialect.parameter(columns.length + index + 1)}`)
    })
    const step = versionStep(plans, (name) => added.includes(name))
    if (step !== undefined) parts.push(step)
    const found = keyed(plans, columns.length + touches.length, options)
    const sql = `UPDATE ${plans.name} SET ${parts.join(", ")}${found.sql}${returning ? ` RETURNING ${plans.columns}` : ""}`
    return {
      query: plans.query("increment", sql, { writes: true, ...(returning ? { decode: plans.decoder() } : {}) }),
      binders: found.binders,
    }
  })
  return { query: plan.query, values: bindAll(plan, given) }
}

/** Changes of all rows that fulfil a condition; undefined where the changes are empty. */
export function planUpdateWhere(
  plans: Plans,
  where: AnyWhere,
  changes: unknown,
  clock: Clock,
): { query: Query; values: SqlValue[] } | undefined {
  const set = assignments(plans, "updateWhere", changes, clock)
  if (set.length === 0) return undefined
  const given: unknown[] = set.map(({ value }) => value)
  const shape = `updateWhere:${setShape(set)}:${whereShape(where, given)}`
  const plan = plans.shape<Plan>(shape, () => {
    const scope = newScope(plans)
    for (let index = 0; index < set.length; index++) scope.binders.push((value) => value)
    const sql = `UPDATE ${plans.name} SET ${setSql(plans, set)}${condition(plans, scope, where, false)}`
    return { query: plans.query("updateWhere", sql, { writes: true }), binders: scope.binders }
  })
  return { query: plan.query, values: bindAll(plan, given) }
}

/** Rows with their keys and differing values, and what else must hold of them: one statement for each set of columns and chunk. */
export function planUpdateMany(
  plans: Plans,
  rows: readonly unknown[],
  clock: Clock,
  where?: AnyWhere | undefined,
): Step[] {
  const { table, dialect } = plans
  const seen = new Set<unknown>()
  const groups = new Map<string, { columns: readonly ColumnDefinition[]; rows: SqlValue[][] }>()
  for (const row of rows) {
    checkKeys(table, "updateMany", row)
    const changes = Object.fromEntries(Object.entries(row).filter(([key]) => !table.primaryKey.includes(key)))
    const set = assignments(plans, "updateMany", changes, clock)
    const key = plans.encodeKey(plans.keyColumns.length === 1 ? row[table.primaryKey[0] as string] : row)
    const named = key.length === 1 && typeof key[0] !== "object" ? key[0] : key.join("\u0000")
    if (seen.has(named)) {
      throw new ValidationError(`${table.name}.updateMany names the row ${key.join(", ")} twice.`, {
        cure: "Give the changes of a row once.",
      })
    }
    seen.add(named)
    if (set.length === 0) continue
    const shape = setShape(set)
    let group = groups.get(shape)
    if (group === undefined) {
      group = { columns: set.map(({ column }) => column), rows: [] }
      groups.set(shape, group)
    }
    group.rows.push([...key, ...set.map(({ value }) => value)])
  }
  const more: unknown[] = []
  const moreShape = where === undefined ? "" : whereShape(where, more)
  const steps: Step[] = []
  for (const [shape, { columns, rows: encoded }] of groups) {
    const all = [...plans.keyColumns, ...columns]
    const types = all.map(({ type }) => type)
    const outputs = all.map((_, index) => `c${index}`)
    for (const chunk of chunks(encoded, (count) => dialect.rowsAtOnce(all.length, count))) {
      const source = plans.shape(`changed:${shape}:${dialect.rowsShape(chunk.length)}`, () =>
        dialect.rows(types, chunk.length),
      )
      const values = source.bind(chunk.flat())
      const plan = plans.shape<Plan>(`updateMany:${shape}:${dialect.rowsShape(chunk.length)}:${moreShape}`, () => {
        const scope = newScope(plans)
        for (let index = 0; index < values.length; index++) scope.binders.push((value) => value)
        const set = columns.map(
          ({ name }, index) =>
            `${dialect.identifier(name)} = v.${dialect.identifier(`c${plans.keyColumns.length + index}`)}`,
        )
        const step = versionStep(plans, (name) => columns.some(({ key }) => key === name))
        if (step !== undefined) set.push(step)
        const on = plans.keyColumns.map(
          ({ name }, index) => `${plans.name}.${dialect.identifier(name)} = v.${dialect.identifier(`c${index}`)}`,
        )
        const living = plans.living === undefined ? "" : ` AND ${plans.living}`
        const rest = where === undefined ? "" : ` AND ${compileWhere(where, scope)}`
        const sql = `UPDATE ${plans.name} SET ${set.join(", ")} FROM (${source.select(outputs)}) AS v WHERE ${on.join(" AND ")}${living}${rest}`
        return { query: plans.query("updateMany", sql, { writes: true }), binders: scope.binders }
      })
      steps.push({ query: plan.query, values: where === undefined ? values : bindAll(plan, [...values, ...more]) })
    }
  }
  return steps
}
