import { type AnyTable, type ColumnDefinition, definitionOf, type Row, snakeCase } from "../schema/index.ts"
import { amountFromCents, centsFromAmount, mostCents } from "../shared/index.ts"

/** A JSON Schema of the draft 2020-12, which is that of OpenAPI 3.1. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A value as JSON carries it: its schema, and the ways from and to its value in TypeScript. */
export type Field<T, Optional extends boolean = boolean> = {
  readonly schema: JsonSchema
  /** Name of the schema among the components of the OpenAPI document. */
  readonly name?: string
  readonly optional: Optional
  /** Name in JSON, where it is not the `snake_case` of the key. */
  jsonName?(key: string): string
  /** From validated JSON; absent where the value is the same. */
  fromJson?(json: never): T
  /** To what is serialised by the schema; absent where the value is the same. */
  toJson?(value: T): unknown
}

/** The value of a field. */
export type ValueOf<F> = F extends Field<infer T, boolean> ? T : never

/** Fields by their TypeScript keys. */
export type Fields = Readonly<Record<string, Field<unknown>>>

/** The values of several fields by their keys; optional ones may be left out. */
export type ValuesOf<F> = {
  [K in keyof F as F[K] extends { readonly optional: false } ? K : never]: ValueOf<F[K]>
} & { [K in keyof F as F[K] extends { readonly optional: false } ? never : K]?: ValueOf<F[K]> | undefined }

const instant: { fromJson: (text: never) => Date } = { fromJson: (text: never) => new Date(text as string) }

const dropCents = (key: string) => snakeCase(key).replace(/_cents$/, "")

/** An amount of money: a number with at most two decimals in JSON, minor units in TypeScript. */
export function money(options: { most?: number; description?: string } = {}): Field<number, false> {
  return {
    schema: {
      type: "number",
      format: "money",
      minimum: 0,
      maximum: amountFromCents(options.most ?? mostCents),
      ...(options.description === undefined ? {} : { description: options.description }),
    },
    optional: false,
    jsonName: dropCents,
    fromJson: (amount: never) => centsFromAmount(amount as number)!,
    toJson: amountFromCents,
  }
}

/** A whole number within `minimum` and `maximum`. */
export function wholeNumber(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Field<number, false> {
  return { schema: { type: "integer", minimum, maximum }, optional: false }
}

/** Key of a row as paths carry it: a whole number from 1. */
export const rowId: Field<number, false> = wholeNumber(1)

/** Text of 1 to `max` characters. */
export function words(max: number): Field<string, false> {
  return { schema: { type: "string", minLength: 1, maxLength: max }, optional: false }
}

/** An e-mail address; white space around it is taken off, and letters become lower-case. */
export const emailAddress: Field<string, false> = {
  schema: { type: "string", format: "email", minLength: 3, maxLength: 255 },
  optional: false,
  fromJson: (text: never) => (text as string).trim().toLowerCase(),
}

/** A day as `YYYY-MM-DD`. */
export const day: Field<string, false> = { schema: { type: "string", format: "date" }, optional: false }

/** A UUID in lower case. */
export const uuidText: Field<string, false> = { schema: { type: "string", format: "uuid" }, optional: false }

/** An instant with its offset, e.g. `2026-01-31T09:00:00.000Z`. */
export const moment: Field<Date, false> = {
  schema: { type: "string", format: "date-time" },
  optional: false,
  ...instant,
}

/** `true` or `false`. */
export const flag: Field<boolean, false> = { schema: { type: "boolean" }, optional: false }

/** One of `values`. */
export function oneOf<const V extends readonly string[]>(...values: V): Field<V[number], false> {
  return { schema: { type: "string", enum: values }, optional: false }
}

/** The same field, which may be left out. */
export function optional<T>(field: Field<T>): Field<T, true> {
  return { ...field, optional: true }
}

/** The same field, which has `value` where it is left out of a query. */
export function withDefault<T>(field: Field<T>, value: T): Field<T, false> {
  return { ...field, schema: { ...field.schema, default: value }, optional: false }
}

/** The same field, which may also be null. */
export function orNull<T>(field: Field<T>): Field<T | null, false> {
  const { fromJson, toJson, schema } = field
  const choices = Array.isArray(schema["enum"]) ? { enum: [...schema["enum"], null] } : {}
  return {
    ...(field as Field<T | null>),
    optional: false,
    schema: { ...schema, type: [schema["type"], "null"], ...choices },
    ...(fromJson === undefined ? {} : { fromJson: (json: never) => (json === null ? null : fromJson(json)) }),
    ...(toJson === undefined ? {} : { toJson: (value: T | null) => (value === null ? null : toJson(value)) }),
  }
}

/** The same field with more keywords in its schema, e.g. `{ minimum: 0 }`. */
export function refined<T, O extends boolean>(field: Field<T, O>, keywords: JsonSchema): Field<T, O> {
  return { ...field, schema: { ...field.schema, ...keywords } }
}

/** A list. */
export function listOf<T>(item: Field<T>, limits: { minItems?: number; maxItems?: number } = {}): Field<T[], false> {
  const { fromJson, toJson } = item
  return {
    schema: { type: "array", items: item.schema, ...limits },
    optional: false,
    ...(fromJson === undefined ? {} : { fromJson: (items: never) => (items as never[]).map((one) => fromJson(one)) }),
    ...(toJson === undefined ? {} : { toJson: (items: T[]) => items.map((one) => toJson(one)) }),
  }
}

/** An object with these fields and no others. Its name goes into the OpenAPI document. */
export function objectOf<const F extends Fields>(name: string, fields: F): Field<Simplify<ValuesOf<F>>, false> {
  const entries = Object.entries(fields).map(([key, field]) => ({ key, json: jsonNameOf(key, field), field }))
  const schema: JsonSchema = {
    title: name,
    type: "object",
    properties: Object.fromEntries(entries.map(({ json, field }) => [json, field.schema])),
    required: entries.filter(({ field }) => !field.optional).map(({ json }) => json),
    additionalProperties: false,
  }
  return {
    name,
    schema,
    optional: false,
    fromJson: (object: never) => {
      const value: Record<string, unknown> = {}
      for (const { key, json, field } of entries) {
        const raw = object[json] as never
        if (raw !== undefined) value[key] = field.fromJson === undefined ? raw : field.fromJson(raw)
      }
      return value as never
    },
    toJson: (value) => {
      const object: Record<string, unknown> = {}
      for (const { key, json, field } of entries) {
        const own = (value as Record<string, never>)[key]
        if (own !== undefined) object[json] = field.toJson === undefined ? own : field.toJson(own)
      }
      return object
    },
  }
}

type Simplify<T> = { [K in keyof T]: T[K] } & {}

/** The name of a key in JSON. */
export function jsonNameOf(key: string, field: Pick<Field<unknown>, "jsonName">): string {
  return field.jsonName === undefined ? snakeCase(key) : field.jsonName(key)
}

/** The fields of a table's rows. Columns whose keys end in `Cents` are money. */
export function fieldsOf<T extends AnyTable>(table: T): { [K in keyof Row<T>]: Field<Row<T>[K], false> } {
  const fields: Record<string, Field<unknown>> = {}
  for (const column of definitionOf(table).columns) fields[column.key] = fieldOfColumn(column)
  return fields as never
}

function fieldOfColumn(column: ColumnDefinition): Field<unknown, false> {
  const { kind, jsonSchema } = column.type
  const own =
    kind === "integer" && column.key.endsWith("Cents")
      ? (money() as Field<unknown, false>)
      : ({ schema: jsonSchema, optional: false, ...(kind === "timestamp" ? instant : {}) } as Field<unknown, false>)
  const described = column.description === undefined ? own : refined(own, { description: column.description })
  if (!column.nullable || kind === "json") return described
  return orNull(described)
}
