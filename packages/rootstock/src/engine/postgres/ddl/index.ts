import { compareCatalogs } from "../../ddl/catalog.ts"
import type { Ddl } from "../../ddl/contract.ts"
import { compile } from "./compile.ts"
import { PostgresDdlConnection } from "./connection.ts"
import { postgresConversion } from "./convert.ts"
import { createSchema } from "./create.ts"
import { ensureSchema, openPostgres, schemaOf } from "./open.ts"

/** Schema changes on PostgreSQL. */
export const postgresDdl: Ddl = {
  name: "postgres",
  createSchema,
  compare: compareCatalogs,
  connect: PostgresDdlConnection.open,
  converts: (from, to) => postgresConversion(from, to) !== undefined,
  compile,
  async create(url, schema) {
    const client = await openPostgres(url)
    try {
      await ensureSchema(client, schemaOf(url))
      await client.query(["BEGIN", ...createSchema(schema), "COMMIT"].join(";\n"))
    } finally {
      await client.end()
    }
  },
}
