export { type Engine, type EngineName, engines, forEachEngine } from "./engines.ts"
export { requireService, type ServiceVariable } from "./services.ts"
export { type TemporaryDatabase, type TemporaryDatabaseOptions, temporaryDatabase } from "./temporary-database.ts"
