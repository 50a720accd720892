export { sqliteDialect } from "./dialect.ts"
export { openSqlite, type SqliteOptions } from "./engine.ts"
