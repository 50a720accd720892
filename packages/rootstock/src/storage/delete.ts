import type { Clock } from "../clock/index.ts"
import type { Query } from "../engine/index.ts"
import type { SqlValue } from "../schema/index.ts"
import { encodeValue } from "./encode.ts"
import type { Plan, Plans } from "./plans.ts"
import { bindAll, condition, newScope } from "./select.ts"
import { keyed } from "./update.ts"
import { type AnyWhere, bind, columnOf, whereShape } from "./where.ts"

/** Deletes, or marks as deleted, one row by its key, of which a condition may have to hold besides. */
export function planDelete(
  plans: Plans,
  key: unknown,
  clock: Clock,
  where?: AnyWhere | undefined,
): { query: Query; values: SqlValue[] } {
  if (where !== undefined) return planDeleteIf(plans, key, clock, where)
  const { table, dialect } = plans
  const values = [...plans.encodeKey(key)]
  if (table.softDelete !== undefined) {
    const column = columnOf(table, table.softDelete)
    const query = plans.shape("delete:soft", () => {
      const sql = `UPDATE ${plans.name} SET ${dialect.identifier(column.name)} = ${dialect.parameter(1)} WHERE ${plans.keyCondition(1)} AND ${plans.living}`
      return plans.query("delete", sql, { writes: true })
    })
    return { query, values: [encodeValue(table, column, dialect, clock.now()), ...values] }
  }
  const query = plans.shape("delete", () =>
    plans.query("delete", `DELETE FROM ${plans.name} WHERE ${plans.keyCondition(0)}`, { writes: true }),
  )
  return { query, values }
}

function planDeleteIf(plans: Plans, key: unknown, clock: Clock, where: AnyWhere): { query: Query; values: SqlValue[] } {
  const { table, dialect } = plans
  const soft = table.softDelete === undefined ? undefined : columnOf(table, table.softDelete)
  const given: unknown[] = soft === undefined ? [] : [encodeValue(table, soft, dialect, clock.now())]
  const before = given.length
  given.push(...plans.encodeKey(key))
  const plan = plans.shape<Plan>(`delete:${whereShape(where, given)}`, () => {
    const what =
      soft === undefined
        ? `DELETE FROM ${plans.name}`
        : `UPDATE ${plans.name} SET ${dialect.identifier(soft.name)} = ${dialect.parameter(1)}`
    const found = keyed(plans, before, { where })
    return { query: plans.query("delete", `${what}${found.sql}`, { writes: true }), binders: found.binders }
  })
  return { query: plan.query, values: bindAll(plan, given) }
}

/** Deletes, or marks as deleted, all rows that fulfil a condition. */
export function planDeleteWhere(plans: Plans, where: AnyWhere, clock: Clock): { query: Query; values: SqlValue[] } {
  const { table, dialect } = plans
  const soft = table.softDelete === undefined ? undefined : columnOf(table, table.softDelete)
  const given: unknown[] = soft === undefined ? [] : [encodeValue(table, soft, dialect, clock.now())]
  const plan = plans.shape<Plan>(`deleteWhere:${whereShape(where, given)}`, () => {
    const scope = newScope(plans)
    const what =
      soft === undefined
        ? `DELETE FROM ${plans.name}`
        : `UPDATE ${plans.name} SET ${dialect.identifier(soft.name)} = ${bind(scope, (value) => value)}`
    return {
      query: plans.query("deleteWhere", `${what}${condition(plans, scope, where, false)}`, { writes: true }),
      binders: scope.binders,
    }
  })
  return { query: plan.query, values: bindAll(plan, given) }
}
