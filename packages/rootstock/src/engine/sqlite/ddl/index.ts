import type { Ddl } from "../../ddl/contract.ts"
import { compareSqlite } from "./compare.ts"
import { compile } from "./compile.ts"
import { SqliteDdlConnection } from "./connection.ts"
import { sqliteConversion } from "./convert.ts"
import { createSchema } from "./create.ts"
import { openSqlite } from "./open.ts"

/** Schema changes on SQLite. */
export const sqliteDdl: Ddl = {
  name: "sqlite",
  createSchema,
  compare: compareSqlite,
  connect: async (url, options) => new SqliteDdlConnection(url, options),
  converts: (from, to) => sqliteConversion(from, to) !== undefined,
  compile,
  async create(url, schema) {
    const database = openSqlite(url)
    try {
      database.exec("BEGIN IMMEDIATE")
      for (const statement of createSchema(schema)) database.exec(statement)
      database.exec("COMMIT")
    } finally {
      database.close()
    }
  },
}
