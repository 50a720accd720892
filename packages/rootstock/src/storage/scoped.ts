import { type ForeignKeyError, ScopeError } from "../errors/index.ts"
import type { ColumnDefinition, Relation, TableDefinition } from "../schema/index.ts"
import type { Backend } from "./backend.ts"
import type { Given } from "./changes.ts"
import { encodeValue } from "./encode.ts"
import { missingReference } from "./explain-references.ts"
import type { Plan } from "./plans.ts"
import { comparableValue, type ScopeRule } from "./scope.ts"
import { scopesOf } from "./scoped-tables.ts"
import { bindAll, newScope } from "./select.ts"
import { type AnyWhere, columnOf, compileWhere, whereShape } from "./where.ts"

/** What rows of a table a call may see and change: those of the value that a scope has while it is made. */
export class Bounds {
  readonly #backend: Backend
  readonly #table: TableDefinition
  readonly #rule: ScopeRule
  readonly #value: unknown

  constructor(backend: Backend, table: TableDefinition, rule: ScopeRule, value: unknown) {
    this.#backend = backend
    this.#table = table
    this.#rule = rule
    this.#value = value
  }

  /** The condition of a read, narrowed. */
  seen(where: AnyWhere | undefined): AnyWhere {
    return both(where, this.#rule.readable(this.#value))
  }

  /** The condition of a change, narrowed. */
  own(where: AnyWhere | undefined): AnyWhere {
    return both(where, this.#rule.writable(this.#value))
  }

  /** Whether a row by itself tells if it is of the scope. */
  get isTold(): boolean {
    return this.#rule.parent === undefined
  }

  /** Whether more rows may be read than changed. */
  get readsMore(): boolean {
    return this.#rule.readsMore
  }

  /** Whether a row has the value. Asked only where it tells. */
  has(row: Given): boolean {
    return this.#isValue(row[this.#rule.column])
  }

  #isValue(value: unknown): boolean {
    return this.#rule.isSame(this.#table, this.#backend.dialect, value, this.#value)
  }

  /** A row to be made, with the value in its column. @throws ScopeError where it has another one */
  filled<R>(row: R): R {
    const { column } = this.#rule
    if (!this.isTold || typeof row !== "object" || row === null) return row
    if ((row as Given)[column] === undefined) return { ...row, [column]: this.#value }
    this.refuseOther(row)
    return row
  }

  /** @throws ScopeError where changes would give a row to another value */
  refuseOther(changes: unknown): void {
    const { column, scope } = this.#rule
    if (!this.isTold || typeof changes !== "object" || changes === null) return
    const given = (changes as Given)[column]
    if (given === undefined || this.#isValue(given)) return
    throw new ScopeError(`${this.#table.name}.${column} is given another ${scope.name} than the current one.`, {
      cure: `Leave ${column} out, or run the work in the ${scope.name} that is meant.`,
    })
  }

  /** @throws ScopeError where an amount would give a row to another value */
  refuseAdded(amounts: unknown): void {
    const { column, scope } = this.#rule
    if (typeof amounts !== "object" || amounts === null || (amounts as Given)[column] === undefined) return
    throw new ScopeError(`${this.#table.name}.${column} says of which ${scope.name} a row is: it is not added to.`, {
      cure: "Name another column.",
    })
  }

  /** Those of the rows to be made whose parent is none of the scope; also those that name none. */
  misplacedNew<R>(rows: readonly R[]): Promise<R[]> {
    return this.#misplaced(rows)
  }

  /** Those of the changes that name a parent that is none of the scope. */
  misplaced<R>(changes: readonly R[]): Promise<R[]> {
    return this.#misplaced(changes.filter((change) => (change as Given)[this.#rule.column] !== undefined))
  }

  async #misplaced<R>(rows: readonly R[]): Promise<R[]> {
    const { parent, column } = this.#rule
    if (parent === undefined || rows.length === 0) return []
    const own = columnOf(this.#table, column)
    const keys = new Map<unknown, unknown>()
    const known = ({ [column]: value }: Given) =>
      value === null || value === undefined
        ? null
        : comparableValue(encodeValue(this.#table, own, this.#backend.dialect, value))
    for (const row of rows) {
      const key = known(row as Given)
      if (key !== null) keys.set(key, (row as Given)[column])
    }
    const key = parent.table.primaryKey[0] as string
    const found = await this.#present(parent.table, key, [...keys.values()], { [parent.column]: this.#value })
    return rows.filter((row) => !found.has(known(row as Given)))
  }

  /** Of these values of a column, those that a row has that fulfils a condition; in the form in which they compare. */
  async #present(
    table: TableDefinition,
    key: string,
    values: readonly unknown[],
    where: AnyWhere,
  ): Promise<ReadonlySet<unknown>> {
    if (values.length === 0) return new Set()
    const plans = this.#backend.plans(table)
    const column = columnOf(table, key)
    const whole = both({ [key]: values.length === 1 ? values[0] : values }, where)
    const given: unknown[] = []
    const plan = plans.shape<Plan>(`present:${key}:${whereShape(whole, given)}`, () => {
      const scope = newScope(plans)
      const { decode } = plans.dialect.codec(column.type)
      const sql = `SELECT ${plans.dialect.identifier(column.name)} FROM ${plans.name} WHERE ${compileWhere(whole, scope)}`
      const value = (row: readonly unknown[]) => (decode === undefined ? row[0] : decode(row[0]))
      return { query: plans.query("present", sql, { writes: false, decode: value }), binders: scope.binders }
    })
    const found = await this.#backend.all(plan.query, bindAll(plan, given))
    return new Set(found.map((value) => comparableValue(encodeValue(table, column, plans.dialect, value))))
  }

  /** The error of a parent that is none of the scope: the same as of one that does not exist. */
  noParent(): ForeignKeyError {
    const { column, parent } = this.#rule
    const target = (parent as NonNullable<typeof parent>).table
    return this.#missing(this.#table, columnOf(this.#table, column), target)
  }

  #missing(source: TableDefinition, column: ColumnDefinition, targetTable: TableDefinition): ForeignKeyError {
    const keys = this.#backend.registry.foreignKeys.get(source) ?? []
    const declared = keys.find((key) => key.column === column && key.targetTable === targetTable)
    return missingReference({ source, column, targetTable, name: declared?.name }, undefined)
  }

  /** What is to hold of rows of a table that are loaded as a relation; undefined where nothing is. */
  related(table: TableDefinition): AnyWhere | undefined {
    let narrowed: AnyWhere | undefined
    for (const rule of scopesOf(table)) {
      const setting =
        rule.scope === this.#rule.scope ? { value: this.#value } : rule.scope.setting(`The relation to ${table.name}`)
      if (setting !== "unbounded") narrowed = both(narrowed, rule.readable(setting.value))
    }
    return narrowed
  }

  /** @throws ForeignKeyError where the rows at the other ends of links are not all to be seen */
  async refuseForeignEnds({ link, target, to }: Relation, others: readonly unknown[]): Promise<void> {
    const where = this.related(target)
    if (where === undefined || link === undefined) return
    const column = columnOf(target, to.key)
    const wanted = others.map((other) => comparableValue(encodeValue(target, column, this.#backend.dialect, other)))
    const found = await this.#present(target, to.key, others, where)
    if (!wanted.every((one) => found.has(one))) throw this.#missing(link.table, link.to, target)
  }

  /** The error of a link from a row that is none of the scope. */
  noLinkedRow({ link }: Relation): ForeignKeyError {
    const { table, from } = link as NonNullable<typeof link>
    return this.#missing(table, from, this.#table)
  }
}

/** Both conditions; the narrowing one stands last. */
function both(where: AnyWhere | undefined, narrowing: AnyWhere): AnyWhere {
  return where === undefined ? narrowing : { and: [where, narrowing] }
}
