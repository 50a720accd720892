import type { Dialect, Query } from "../engine/index.ts"

/** The statement that shows that a worker lives; it changes no row once the worker was removed. */
export function beatStatement(dialect: Dialect): Query {
  return {
    sql: `UPDATE worker SET seen = ${dialect.parameter(1)} WHERE id = ${dialect.parameter(2)}`,
    decode: (row) => row,
    wide: false,
    writes: true,
    returns: false,
    label: "jobs.heartbeat",
  }
}
