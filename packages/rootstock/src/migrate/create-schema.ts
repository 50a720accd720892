import { type Ddl, ddlEngines, ddlFor, declaredSchema } from "../engine/index.ts"
import type { Tables } from "../schema/index.ts"

/**
 * Makes declared tables in an empty database, without a migration; for tests and for what is thrown away.
 *
 * @param url of the database; on PostgreSQL its `schema` is made where it is not there
 *
 * ### Examples
 *
 * ```ts
 * await createSchema("sqlite:./scratch.db", { users, orders })
 * ```
 */
export async function createSchema(url: string, tables: Tables): Promise<void> {
  await ddlFor(url).create(url, declaredSchema(tables).schema)
}

/**
 * The statements that make declared tables in an empty database, in the order in which they are run.
 *
 * ### Examples
 *
 * ```ts
 * for (const statement of schemaStatements("sqlite", { users })) database.exec(statement)
 * ```
 */
export function schemaStatements(engine: Ddl["name"], tables: Tables): string[] {
  return ddlEngines.find(({ name }) => name === engine)!.createSchema(declaredSchema(tables).schema)
}
