import type { HandwrittenSql, Operation } from "../engine/index.ts"

/**
 * A migration: the operations that lead to the next state of the schema. The way back follows from them.
 *
 * ### Examples
 *
 * ```ts
 * import { type Migration, sql } from "rootstock/migrate"
 *
 * export const migration: Migration = {
 *   operations: [
 *     sql("UPDATE products SET stock = 0 WHERE stock < 0", { down: "" }),
 *   ],
 * }
 * ```
 */
export type Migration = { readonly operations: readonly Operation[] }

/**
 * A hand-written step of a migration: for data, and for what tables do not declare (views, functions).
 *
 * @param up SQL for both engines, or one for each; an empty text does nothing there
 * @param options.down takes it back; an empty text where nothing is to be done
 */
export function sql(up: string | HandwrittenSql, { down }: { down: string | HandwrittenSql }): Operation {
  return { op: "sql", up: eachEngine(up), down: eachEngine(down) }
}

function eachEngine(text: string | HandwrittenSql): HandwrittenSql {
  return typeof text === "string" ? { sqlite: text, postgres: text } : text
}
