import type { AssistantsDatabase } from "../storages/index.ts"

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
  let statement = ""
  const stop = database.on("query", ({ sql }) => {
    statement = sql
  })
  await work()
  stop()
  let unnumbered = 0
  const filled = statement.replace(
    /[?$](\d+)|\?/g,
    (_, place) => values[place === undefined ? unnumbered++ : Number(place) - 1] as string,
  )
  const how = database.version.startsWith("SQLite") ? "EXPLAIN QUERY PLAN" : "EXPLAIN"
  const sql = `${how} ${filled}`
  const rows = await database.fetch(Object.assign([sql], { raw: [sql] }))
  return rows.map((row) => Object.values(row).join(" ")).join("\n")
}
