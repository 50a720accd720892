export { makePostgresDialect, postgresDialect } from "./dialect.ts"
export { openPostgres, type PostgresEngine } from "./engine.ts"
export type { PoolOptions, PostgresOptions } from "./options.ts"
