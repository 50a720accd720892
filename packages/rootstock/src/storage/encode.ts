import type { Dialect } from "../engine/index.ts"
import { CheckError, NotNullError, ValidationError } from "../errors/index.ts"
import { type ColumnDefinition, type Problem, type SqlValue, shown, type TableDefinition } from "../schema/index.ts"

/** The driver's value of a value that is not null. @throws ValidationError, CheckError where the column does not take it */
export function encodeValue(
  table: TableDefinition,
  column: ColumnDefinition,
  dialect: Dialect,
  value: unknown,
): SqlValue {
  const codec = dialect.codec(column.type)
  let problem: Problem | undefined
  if (value === undefined) problem = { kind: "type", sentence: "is undefined" }
  else if (codec.convert === undefined) {
    problem = column.type.problem(value)
    if (problem === undefined) return codec.encode(value)
  } else {
    const converted = codec.convert(value)
    if (typeof converted === "string") return converted
    problem = converted
  }
  const message = `${table.name}.${column.key} ${problem.sentence}.`
  if (problem.kind === "type") throw new ValidationError(message, { cure: "Give a value of the column's type." })
  throw new CheckError(message, {
    table: table.name,
    columns: [column.key],
    cure: "Give a value that fits the column.",
  })
}

/** The driver's value to be stored. @throws NotNullError for null where the column does not take it */
export function encodeStored(
  table: TableDefinition,
  column: ColumnDefinition,
  dialect: Dialect,
  value: unknown,
): SqlValue {
  if (value !== null) return encodeValue(table, column, dialect, value)
  if (column.nullable) return null
  throw new NotNullError(`${table.name}.${column.key} may not be null.`, {
    table: table.name,
    columns: [column.key],
    cure: "Give it a value, or declare the column `.nullable()`.",
  })
}

/** Refuses what is no object, and keys that are no columns. */
export function checkKeys(
  table: TableDefinition,
  call: string,
  given: unknown,
): asserts given is Record<string, unknown> {
  if (typeof given !== "object" || given === null) {
    throw new ValidationError(`${table.name}.${call} needs an object, not ${shown(given)}.`, {
      cure: "Give the columns by name.",
    })
  }
  for (const key in given) {
    if (table.column.has(key)) continue
    throw new ValidationError(`${table.name} has no column ${shown(key)}.`, {
      cure: `Use one of: ${[...table.column.keys()].join(", ")}.`,
    })
  }
}
