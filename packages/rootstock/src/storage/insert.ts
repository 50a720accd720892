import type { Clock } from "../clock/index.ts"
import type { Query, Step } from "../engine/index.ts"
import { ValidationError } from "../errors/index.ts"
import type { ColumnDefinition, DefaultValue, SqlValue } from "../schema/index.ts"
import { chunks, defaultOf, type Given, touched, versionStep } from "./changes.ts"
import { checkKeys, encodeStored } from "./encode.ts"
import type { Plan, Plans } from "./plans.ts"
import { bindAll, newScope } from "./select.ts"
import { type AnyWhere, columnOf, compileWhere, whereShape } from "./where.ts"

/** Columns that an insert names: all but generated ones, and the identity only where it is given. */
function insertColumns(plans: Plans, withIdentity: boolean): readonly ColumnDefinition[] {
  return plans.shape(`columns:${withIdentity}`, () =>
    plans.table.columns.filter(
      ({ generated, type }) => generated === undefined && (withIdentity || type.kind !== "identity"),
    ),
  )
}

/** Puts a row to be made into `values` from `at` on, in the order of `columns`. */
function encodeNew(
  plans: Plans,
  columns: readonly ColumnDefinition[],
  row: Given,
  clock: Clock,
  values: SqlValue[] = new Array(columns.length),
  at = 0,
): SqlValue[] {
  const { table, dialect } = plans
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] as ColumnDefinition
    const value = row[column.key]
    let encoded: SqlValue
    if (value !== undefined) encoded = encodeStored(table, column, dialect, value)
    else if (column.default !== undefined) encoded = defaultOf(plans, column, column.default, clock)
    else encoded = encodeStored(table, column, dialect, null)
    values[at + index] = encoded
  }
  return values
}

function identityOf(plans: Plans): string | undefined {
  return plans.keyColumns.find(({ type }) => type.kind === "identity")?.key
}

function isGiven(row: Given, key: string | undefined): boolean {
  return key !== undefined && row[key] !== undefined
}

function checkNew(plans: Plans, call: string, row: unknown): asserts row is Given {
  checkKeys(plans.table, call, row)
  for (const { key } of plans.generated) {
    if (row[key] === undefined) continue
    throw new ValidationError(`${plans.table.name}.${key} is computed by the database and cannot be given.`, {
      cure: "Leave it out.",
    })
  }
}

function names(plans: Plans, columns: readonly ColumnDefinition[]): string {
  return columns.map(({ name }) => plans.dialect.identifier(name)).join(", ")
}

function parameters(plans: Plans, count: number): string {
  return Array.from({ length: count }, (_, index) => plans.dialect.parameter(index + 1)).join(", ")
}

/** One row; the statement returns it as stored. */
export function planInsert(plans: Plans, row: unknown, clock: Clock): { query: Query; values: SqlValue[] } {
  checkNew(plans, "create", row)
  const withIdentity = isGiven(row, identityOf(plans))
  const columns = insertColumns(plans, withIdentity)
  const query = plans.shape(`create:${withIdentity}`, () =>
    plans.query(
      "create",
      columns.length === 0
        ? `INSERT INTO ${plans.name} DEFAULT VALUES RETURNING ${plans.columns}`
        : `INSERT INTO ${plans.name} (${names(plans, columns)}) VALUES (${parameters(plans, columns.length)}) RETURNING ${plans.columns}`,
      { writes: true, decode: plans.decoder() },
    ),
  )
  return { query, values: encodeNew(plans, columns, row, clock) }
}

/** Many rows: one statement for each chunk that the engine takes. */
export function planInsertMany(plans: Plans, rows: readonly unknown[], returning: boolean, clock: Clock): Step[] {
  const identity = identityOf(plans)
  const withIdentity = rows.some((row) => isGiven(row as Given, identity))
  const columns = insertColumns(plans, withIdentity)
  const types = columns.map(({ type }) => type)
  return chunks(rows, (count) => plans.dialect.rowsAtOnce(columns.length, count)).map((chunk) => {
    const values = new Array<SqlValue>(chunk.length * columns.length)
    for (let index = 0; index < chunk.length; index++) {
      const row = chunk[index]
      checkNew(plans, "createMany", row)
      if (withIdentity && !isGiven(row, identity)) {
        throw new ValidationError(`Some rows of ${plans.table.name}.createMany have ${identity} and some have not.`, {
          cure: `Give ${identity} in all of them or in none.`,
        })
      }
      encodeNew(plans, columns, row, clock, values, index * columns.length)
    }
    const source = plans.shape(`rows:${withIdentity}:${plans.dialect.rowsShape(chunk.length)}`, () =>
      plans.dialect.rows(types, chunk.length),
    )
    const query = plans.shape(`createMany:${withIdentity}:${plans.dialect.rowsShape(chunk.length)}:${returning}`, () =>
      plans.query(
        "createMany",
        `INSERT INTO ${plans.name} (${names(plans, columns)}) ${source.insert}${returning ? ` RETURNING ${plans.columns}` : ""}`,
        { writes: true, ...(returning ? { decode: plans.decoder() } : {}) },
      ),
    )
    return { query, values: source.bind(values) }
  })
}

/** Inserts a row, or changes the one that has the same values in `by`; it returns the row. One that does not fulfil `where` stays as it is, and nothing is returned. */
export function planUpsert(
  plans: Plans,
  row: unknown,
  by: readonly string[],
  update: readonly string[] | undefined,
  clock: Clock,
  where?: AnyWhere | undefined,
): { query: Query; values: SqlValue[] } {
  const { table, dialect } = plans
  checkNew(plans, "upsert", row)
  const withIdentity = isGiven(row, identityOf(plans))
  const columns = insertColumns(plans, withIdentity)
  const changed = (update ?? Object.keys(row).filter((key) => row[key] !== undefined)).filter(
    (key) => !by.includes(key) && !columnOf(table, key).primaryKey,
  )
  const touches = touched(plans).filter(({ key }) => !changed.includes(key))
  const values: unknown[] = encodeNew(plans, columns, row, clock)
  for (const column of touches) values.push(defaultOf(plans, column, column.onUpdate as DefaultValue, clock))
  const before = values.length
  let shape = `upsert:${withIdentity}:${by.join(",")}:${changed.join(",")}`
  if (where !== undefined) shape += `:${whereShape(where, values)}`
  const plan = plans.shape<Plan>(shape, () => {
    const scope = newScope(plans)
    for (let index = 0; index < before; index++) scope.binders.push((value) => value)
    const only = where === undefined ? "" : ` WHERE ${compileWhere(where, scope)}`
    const isKey = (keys: readonly string[]) => keys.length === by.length && keys.every((key) => by.includes(key))
    if (!isKey(table.primaryKey) && !table.uniques.some((unique) => isKey(unique.columns))) {
      throw new ValidationError(
        `${table.name}.upsert by ${by.join(", ")}: no unique constraint has just these columns.`,
        {
          cure: "Name the columns of the primary key or of a unique constraint.",
        },
      )
    }
    const set = changed.map((key) => {
      const name = dialect.identifier(columnOf(table, key).name)
      return `${name} = excluded.${name}`
    })
    touches.forEach(({ name }, index) => {
      set.push(`${dialect.identifier(name)} = ${dialect.parameter(columns.length + index + 1)}`)
    })
    const step = versionStep(plans, (key) => changed.includes(key))
    if (step !== undefined) set.push(step)
    // An update of nothing keeps the row as it is, and returns it.
    if (set.length === 0) {
      const name = dialect.identifier(columnOf(table, by[0] as string).name)
      set.push(`${name} = excluded.${name}`)
    }
    const target = by.map((key) => dialect.identifier(columnOf(table, key).name)).join(", ")
    const sql = `INSERT INTO ${plans.name} (${names(plans, columns)}) VALUES (${parameters(plans, columns.length)}) ON CONFLICT (${target}) DO UPDATE SET ${set.join(", ")}${only} RETURNING ${plans.columns}`
    return { query: plans.query("upsert", sql, { writes: true, decode: plans.decoder() }), binders: scope.binders }
  })
  return { query: plan.query, values: where === undefined ? (values as SqlValue[]) : bindAll(plan, values) }
}
