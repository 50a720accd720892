import { ValidationError } from "../errors/index.ts"
import type { Relation, SqlValue, TableDefinition } from "../schema/index.ts"
import { shown } from "../schema/index.ts"
import type { Backend } from "./backend.ts"
import type { Plan, Plans } from "./plans.ts"
import { type AnyOrder, bindAll, newScope, orderShape, orderSql, orderTerms } from "./select.ts"
import { type AnyWhere, bind, columnSql, compileWhere, whereShape } from "./where.ts"

export type AnyWith = { readonly [relation: string]: unknown }

type RelationOptions = {
  readonly where?: AnyWhere
  readonly orderBy?: AnyOrder
  readonly limit?: number
  readonly with?: AnyWith
}

type AnyRow = Record<string, any>

/** A row that was reached over a link, and the value that leads from its parent to the link. */
type Linked = { readonly key: unknown; readonly row: AnyRow }

const noRelations: readonly string[] = []

/** Names of the relations that a `with` asks for. @throws ValidationError for one that does not exist */
export function relationNames(
  backend: Backend,
  table: TableDefinition,
  wanted: AnyWith | undefined,
): readonly string[] {
  if (wanted === undefined) return noRelations
  const names: string[] = []
  for (const name in wanted) {
    const value = wanted[name]
    if (value === undefined || value === false) continue
    relationOf(backend, table, name)
    names.push(name)
  }
  return names
}

export function relationOf(backend: Backend, table: TableDefinition, name: string): Relation {
  const relations = backend.registry.relations.get(table)
  const relation = relations?.get(name)
  if (relation !== undefined) return relation
  const known = [...(relations?.keys() ?? [])].join(", ")
  throw new ValidationError(`${table.name} has no relation ${shown(name)}.`, {
    cure: `${known === "" ? "It has none" : `It has: ${known}`}. Where two references lead to one table, name the way back with \`many\`.`,
  })
}

/** What is to hold of rows of a table for them to be loaded; undefined where nothing is. */
export type Narrow = (table: TableDefinition) => AnyWhere | undefined

/** Puts the wanted relations into rows: one query for each relation and level. */
export async function loadRelations(
  backend: Backend,
  table: TableDefinition,
  rows: readonly AnyRow[],
  wanted: AnyWith,
  narrow: Narrow | undefined,
): Promise<void> {
  const loads: Promise<void>[] = []
  for (const name of relationNames(backend, table, wanted)) {
    const relation = relationOf(backend, table, name)
    const value = wanted[name]
    const options = value === true ? {} : (value as RelationOptions)
    if (typeof value !== "object" && value !== true) {
      throw new ValidationError(`with.${name} is ${shown(value)}.`, { cure: "Use true, or an object of options." })
    }
    loads.push(
      relation.kind === "one"
        ? loadOne(backend, relation, rows, options, narrow)
        : loadMany(backend, relation, rows, options, narrow),
    )
  }
  if (loads.length === 1) await loads[0]
  else if (loads.length > 1) await Promise.all(loads)
}

/** What a value is known by in a Map: dates and bytes are other objects in each row. */
function mapKey(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  return value instanceof Date ? value.getTime() : Buffer.from(value as Uint8Array).toString("latin1")
}

/** The different values that are not null. */
function keysOf(rows: readonly AnyRow[], key: string): unknown[] {
  const keys = new Map<unknown, unknown>()
  for (const row of rows) {
    const value = row[key]
    if (value !== null) keys.set(mapKey(value), value)
  }
  return [...keys.values()]
}

async function loadOne(
  backend: Backend,
  { name, target, from, to }: Relation,
  rows: readonly AnyRow[],
  options: RelationOptions,
  narrow: Narrow | undefined,
): Promise<void> {
  const keys = keysOf(rows, from.key)
  if (keys.length === 0) return
  const names = relationNames(backend, target, options.with)
  const plans = backend.plans(target)
  const given: unknown[] = [keys]
  const more = narrow?.(target)
  const shape = more === undefined ? "" : `:${whereShape(more, given)}`
  const plan = plans.shape<Plan>(`one:${to.key}:${names.join(",")}${shape}`, () => {
    const scope = newScope(plans)
    // A row that is marked as deleted is still what this row refers to.
    const where = compileWhere({ [to.key]: [] }, scope)
    const only = more === undefined ? "" : ` AND ${compileWhere(more, scope)}`
    const sql = `SELECT ${plans.columns} FROM ${plans.name} WHERE ${where}${only}`
    return { query: plans.query("with", sql, { writes: false, decode: plans.decoder(names) }), binders: scope.binders }
  })
  const found = (await backend.all(plan.query, bindAll(plan, given))) as AnyRow[]
  if (options.with !== undefined && found.length > 0) await loadRelations(backend, target, found, options.with, narrow)
  const byKey = new Map<unknown, AnyRow>()
  for (const row of found) byKey.set(mapKey(row[to.key]), row)
  for (const row of rows) row[name] = byKey.get(mapKey(row[from.key])) ?? null
}

async function loadMany(
  backend: Backend,
  relation: Relation,
  rows: readonly AnyRow[],
  options: RelationOptions,
  narrow: Narrow | undefined,
): Promise<void> {
  const { name, target, from, to, link } = relation
  const groups = new Map<unknown, AnyRow[]>()
  for (const row of rows) {
    const key = mapKey(row[from.key])
    // Several rows may be one and the same, reached on different ways.
    let group = groups.get(key)
    if (group === undefined) {
      group = []
      if (key !== null) groups.set(key, group)
    }
    row[name] = group
  }
  if (groups.size === 0) return
  const { plan, values } = planMany(backend, relation, keysOf(rows, from.key), narrowed(target, options, narrow))
  const found = await backend.all(plan.query, values)
  if (link === undefined) for (const row of found as AnyRow[]) groups.get(mapKey(row[to.key]))?.push(row)
  else for (const { key, row } of found as Linked[]) groups.get(mapKey(key))?.push(row)
  if (options.with === undefined || found.length === 0) return
  const children = link === undefined ? (found as AnyRow[]) : (found as Linked[]).map(({ row }) => row)
  await loadRelations(backend, target, children, options.with, narrow)
}

function narrowed(target: TableDefinition, options: RelationOptions, narrow: Narrow | undefined): RelationOptions {
  const more = narrow?.(target)
  if (more === undefined) return options
  return { ...options, where: options.where === undefined ? more : { and: [options.where, more] } }
}

function planMany(
  backend: Backend,
  relation: Relation,
  keys: unknown[],
  options: RelationOptions,
): { plan: Plan; values: SqlValue[] } {
  const { target, to, link } = relation
  const { where, orderBy, limit } = options
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 0)) {
    throw new ValidationError(`The limit of with.${relation.name} is ${shown(limit)}.`, {
      cure: "Give a whole number from 0 on.",
    })
  }
  const plans = backend.plans(target)
  const names = relationNames(backend, target, options.with)
  const given: unknown[] = [keys]
  let shape = `many:${link === undefined ? to.key : `${link.table.name}.${link.from.key}`}:${orderShape(orderBy)}:${names.join(",")}`
  if (where !== undefined) shape += `:${whereShape(where, given)}`
  if (limit !== undefined) {
    shape += ":l"
    given.push(limit)
  }
  const plan = plans.shape<Plan>(shape, () => compileMany(backend, plans, relation, options, names))
  return { plan, values: bindAll(plan, given) }
}

function compileMany(
  backend: Backend,
  plans: Plans,
  relation: Relation,
  options: RelationOptions,
  names: readonly string[],
): Plan {
  const { dialect } = backend
  const { to, link } = relation
  const scope = newScope(plans)
  const decodeRow = plans.decoder(names)
  const columns = plans.table.columns.map((column) => columnSql(scope, column)).join(", ")
  const linkPlans = link === undefined ? undefined : backend.plans(link.table)
  const parent = link === undefined ? columnSql(scope, to) : `${linkPlans?.name}.${dialect.identifier(link.from.name)}`
  const from =
    link === undefined
      ? plans.name
      : `${linkPlans?.name} JOIN ${plans.name} ON ${columnSql(scope, to)} = ${linkPlans?.name}.${dialect.identifier(link.to.name)}`
  const keyScope = link === undefined ? scope : { ...scope, table: link.table, alias: linkPlans?.name as string }
  const parts = [compileWhere({ [link === undefined ? to.key : link.from.key]: [] }, keyScope)]
  if (options.where !== undefined) parts.push(compileWhere(options.where, scope))
  if (plans.living !== undefined) parts.push(plans.living)
  const terms = orderTerms(plans, options.orderBy)
  const order = orderSql(scope, terms)
  const condition = parts.join(" AND ")
  // Without a link, the row itself says whose it is.
  const more = link === undefined ? "" : `, ${parent}`
  const sql =
    options.limit === undefined
      ? `SELECT ${columns}${more} FROM ${from} WHERE ${condition} ORDER BY ${order}`
      : limited(
          columns,
          parent,
          from,
          condition,
          order,
          plans,
          bind(scope, (value) => value),
        )
  if (link === undefined) {
    return { query: plans.query("with", sql, { writes: false, decode: decodeRow }), binders: scope.binders }
  }
  const width = plans.table.columns.length
  const keyType = dialect.codec(link.from.type)
  const decodeKey = keyType.decode ?? ((raw: unknown) => raw)
  return {
    query: {
      ...plans.query("with", sql, {
        writes: false,
        decode: (raw): Linked => ({ key: decodeKey(raw[width]), row: decodeRow(raw) }),
      }),
      wide: plans.wide || keyType.wide === true,
    },
    binders: scope.binders,
  }
}

/** At most so many rows for each parent, in one query. */
function limited(
  columns: string,
  parent: string,
  from: string,
  condition: string,
  order: string,
  plans: Plans,
  limit: string,
): string {
  const { dialect, table } = plans
  // No column is named with a space.
  const parentName = dialect.identifier("parent key")
  const rank = dialect.identifier("rank in parent")
  const place = dialect.identifier("place in order")
  const outer = table.columns.map(({ name }) => dialect.identifier(name)).join(", ")
  const inner = `SELECT ${columns}, ${parent} AS ${parentName}, ROW_NUMBER() OVER (PARTITION BY ${parent} ORDER BY ${order}) AS ${rank}, ROW_NUMBER() OVER (ORDER BY ${order}) AS ${place} FROM ${from} WHERE ${condition}`
  return `SELECT ${outer}, ${parentName} FROM (${inner}) AS ranked WHERE ${rank} <= ${limit} ORDER BY ${place}`
}
