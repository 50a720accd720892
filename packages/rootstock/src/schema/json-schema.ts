import { type AnyTable, type ColumnDefinition, definitionOf } from "./table.ts"

/** A JSON Schema (draft 2020-12) of an object. */
export type ObjectSchema = {
  readonly type: "object"
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly required: readonly string[]
  readonly additionalProperties: false
}

function columnSchema(column: ColumnDefinition): Readonly<Record<string, unknown>> {
  const { jsonSchema } = column.type
  const described = column.description === undefined ? jsonSchema : { ...jsonSchema, description: column.description }
  if (!column.nullable || Object.keys(jsonSchema).length === 0) return described
  if ("enum" in described)
    return { ...described, type: [described.type, "null"], enum: [...(described.enum as unknown[]), null] }
  return { ...described, type: [described.type, "null"] }
}

function schemaOf(columns: readonly ColumnDefinition[], required: (column: ColumnDefinition) => boolean): ObjectSchema {
  return Object.freeze({
    type: "object",
    properties: Object.freeze(
      Object.fromEntries(columns.map((column) => [column.key, Object.freeze(columnSchema(column))])),
    ),
    required: Object.freeze(columns.filter(required).map(({ key }) => key)),
    additionalProperties: false,
  })
}

function cached(make: (table: AnyTable) => ObjectSchema): (table: AnyTable) => ObjectSchema {
  const made = new WeakMap<AnyTable, ObjectSchema>()
  return (table) => {
    let schema = made.get(table)
    if (schema === undefined) {
      schema = make(table)
      made.set(table, schema)
    }
    return schema
  }
}

const isWritable = (column: ColumnDefinition): boolean => column.generated === undefined

/** JSON Schema of a row: every column is required. Keys are the TypeScript ones. */
export const rowSchema: (table: AnyTable) => ObjectSchema = cached((table) =>
  schemaOf(definitionOf(table).columns, () => true),
)

/** JSON Schema of what is given to make a row: nullable columns and those with a default are optional. */
export const newRowSchema: (table: AnyTable) => ObjectSchema = cached((table) =>
  schemaOf(
    definitionOf(table).columns.filter(isWritable),
    (column) => !column.nullable && column.default === undefined && column.type.kind !== "identity",
  ),
)

/** JSON Schema of changes to a row: every column is optional, keys are left out. */
export const changesSchema: (table: AnyTable) => ObjectSchema = cached((table) =>
  schemaOf(
    definitionOf(table).columns.filter((column) => isWritable(column) && !column.primaryKey),
    () => false,
  ),
)
