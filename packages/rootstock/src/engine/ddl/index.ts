import { ConfigError } from "../../errors/index.ts"
import { postgresDdl } from "../postgres/ddl/index.ts"
import { sqliteDdl } from "../sqlite/ddl/index.ts"
import type { Ddl } from "./contract.ts"

export type { Catalog, Difference } from "./catalog.ts"
export type {
  AppliedMigration,
  ConnectOptions,
  Ddl,
  DdlConnection,
  Direction,
  Plan,
  Statement as SchemaStatement,
  Step as SchemaStep,
  UnfinishedMigration,
} from "./contract.ts"
export { boundSql } from "./failures.ts"
export { applyOperation, foldOperations } from "./fold.ts"
export { type Backfill, type Declared, declaredSchema } from "./from-tables.ts"
export type { Inspected } from "./inspect.ts"
export * from "./model.ts"
export {
  type ConstraintKind,
  describeOperation,
  type HandwrittenSql,
  invertOperations,
  type Operation,
} from "./operations.ts"
export { canonicalSql } from "./sql-tokens.ts"
export { decodeConstant, typeText } from "./types.ts"

/** Every engine for which migrations are frozen. */
export const ddlEngines: readonly Ddl[] = [sqliteDdl, postgresDdl]

/** The engine that a database's URL names. */
export function ddlFor(url: string): Ddl {
  if (url.startsWith("sqlite:")) return sqliteDdl
  if (/^postgres(ql)?:\/\//.test(url)) return postgresDdl
  throw new ConfigError("The database URL must begin with sqlite: or postgres://.", {
    cure: "Write it as sqlite:./data/shop.db or postgres://user@host/database?schema=shop.",
  })
}
