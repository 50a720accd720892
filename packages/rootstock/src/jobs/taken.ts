import type { Dialect } from "../engine/index.ts"
import { type ColumnDefinition, definitionOf } from "../schema/index.ts"
import { job } from "./tables.ts"

/** A job in the hands of somebody who is to do it. */
export type TakenJob = {
  readonly id: string
  readonly queue: string
  readonly kind: string
  readonly lane: number
  readonly runAt: Date
  /** Of this taking, from 1. */
  readonly attempt: number
  readonly maxAttempts: number
  readonly fireAt: Date | null
  readonly payload: unknown
  /** What its producer called the message of others that it was. */
  readonly messageId: string | null
  readonly createdAt: Date
}

const keys = [
  "id",
  "queue",
  "kind",
  "lane",
  "runAt",
  "attempt",
  "maxAttempts",
  "fireAt",
  "payload",
  "createdAt",
  "messageId",
] as const satisfies readonly (keyof TakenJob)[]

const columns = keys.map((key) => definitionOf(job).column.get(key) as ColumnDefinition)

/** The columns of a taken job, as a statement lists them. */
export const takenColumns: string = columns.map(({ name }) => name).join(", ")

/** Makes taken jobs of rows with these columns. */
export function takenDecoder(dialect: Dialect): (row: readonly unknown[]) => TakenJob {
  const decoders = columns.map(({ type }) => dialect.codec(type).decode)
  const value = (row: readonly unknown[], at: number): never => {
    const raw = row[at]
    const decode = decoders[at]
    return (raw === null || decode === undefined ? raw : decode(raw)) as never
  }
  return (row) => {
    const runAt: Date = value(row, 4)
    return {
      id: value(row, 0),
      queue: value(row, 1),
      kind: value(row, 2),
      lane: value(row, 3),
      runAt,
      attempt: value(row, 5),
      maxAttempts: value(row, 6),
      fireAt: value(row, 7),
      payload: value(row, 8),
      // More often than not it was to run at once.
      createdAt: row[9] === row[4] ? runAt : value(row, 9),
      messageId: value(row, 10),
    }
  }
}
