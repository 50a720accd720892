import { plainSql } from "../../../packages/rootstock/test/storage/sql.ts"
import type { AssistantsDatabase } from "../storages/index.ts"

/** The statements that a piece of work runs. */
export async function statementsOf(database: AssistantsDatabase, work: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = []
  const stop = database.on("query", ({ sql }) => statements.push(sql))
  await work()
  stop()
  return statements
}

/**
 * How the engine carries out the last statement of `work`, as the engine tells it.
 *
 * @param values the statement's values in SQL, in the order of its parameters
 */
export async function planOf(
  database: AssistantsDatabase,
  work: () => Promise<unknown>,
  values: readonly string[],
): Promise<string> {
  const statement = (await statementsOf(database, work)).at(-1) as string
  let unnumbered = 0
  const filled = statement.replace(
    /\$(\d+)|\?(\d*)/g,
    (_, dollar, mark) => values[Number(dollar || mark || ++unnumbered) - 1] as string,
  )
  const how = database.version.startsWith("SQLite") ? "EXPLAIN QUERY PLAN" : "EXPLAIN"
  const rows = await database.fetch(plainSql(`${how} ${filled}`))
  return rows.map((row) => Object.values(row).at(-1)).join("\n")
}
