import type { Ddl } from "../../ddl/contract.ts"
import { patiently } from "../patience.ts"
import { compareSqlite } from "./compare.ts"
import { compile } from "./compile.ts"
import { SqliteDdlConnection, usualPatience } from "./connection.ts"
import { sqliteConversion } from "./convert.ts"
import { createSchema } from "./create.ts"
import { openSqlite } from "./open.ts"

/** Schema changes on SQLite. */
export const sqliteDdl: Ddl = {
  name: "sqlite",
  createSchema,
  compare: compareSqlite,
  connect: SqliteDdlConnection.open,
  converts: (from, to) => sqliteConversion(from, to) !== undefined,
  compile,
  async create(url, schema) {
    const database = await openSqlite(url, usualPatience)
    try {
      await patiently(usualPatience, () => database.exec("BEGIN IMMEDIATE"))
      for (const statement of createSchema(schema)) database.exec(statement)
      await patiently(usualPatience, () => database.exec("COMMIT"))
    } finally {
      database.close()
    }
  },
}
