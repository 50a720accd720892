import {
  bigint,
  boolean,
  bytes,
  type ColumnType,
  choice,
  date,
  decimal,
  identity,
  integer,
  json,
  list,
  real,
  text,
  time,
  timestamp,
  uuid,
} from "../../schema/index.ts"
import type { Json, TypeModel } from "./model.ts"

type Typed = { readonly settings: { readonly type: ColumnType } }

const plain: Partial<Record<TypeModel["kind"], () => unknown>> = {
  identity,
  uuid,
  integer,
  bigint,
  real,
  boolean,
  timestamp,
  date,
  time,
  json,
  bytes,
}

/** The column type that a model of it stands for. */
export function typeOf(model: TypeModel): ColumnType {
  return (column(model) as Typed).settings.type
}

function column(model: TypeModel): unknown {
  switch (model.kind) {
    case "decimal":
      return decimal(model.precision!, model.scale!)
    case "text":
      return text(model.max === undefined ? {} : { max: model.max })
    case "choice":
      return choice(...(model.values as readonly [string, ...string[]]))
    case "list":
      return list(column(model.of!) as Parameters<typeof list>[0])
    default:
      return plain[model.kind]!()
  }
}

/** The model of a column type. */
export function typeModel({ kind, options }: ColumnType): TypeModel {
  const { of, ...rest } = options
  return { kind, ...rest, ...(of === undefined ? {} : { of: typeModel(of) }) }
}

/** A type in the words of a declaration, e.g. `text({ max: 150 })`. */
export function typeText(model: TypeModel): string {
  switch (model.kind) {
    case "decimal":
      return `decimal(${model.precision}, ${model.scale})`
    case "text":
      return model.max === undefined ? "text()" : `text({ max: ${model.max} })`
    case "choice":
      return `choice(${model.values!.map((value) => JSON.stringify(value)).join(", ")})`
    case "list":
      return `list(${typeText(model.of!)})`
    default:
      return `${model.kind}()`
  }
}

/** A value of the type as JSON. */
export function encodeConstant(type: TypeModel, value: unknown): Json {
  switch (type.kind) {
    case "bigint":
      return String(value)
    case "timestamp":
      return (value as Date).toISOString()
    case "bytes":
      return Buffer.from(value as Uint8Array).toString("hex")
    case "list":
      return (value as unknown[]).map((item) => encodeConstant(type.of!, item))
    default:
      return value as Json
  }
}

/** The value that `encodeConstant` wrote. */
export function decodeConstant(type: TypeModel, value: Json): unknown {
  switch (type.kind) {
    case "bigint":
      return BigInt(value as string)
    case "timestamp":
      return new Date(value as string)
    case "bytes":
      return new Uint8Array(Buffer.from(value as string, "hex"))
    case "list":
      return (value as Json[]).map((item) => decodeConstant(type.of!, item))
    default:
      return value
  }
}
