export type { Difference, Operation } from "../engine/index.ts"
export { type AdoptOptions, adoptDrift } from "./adopt.ts"
export { createSchema, schemaStatements } from "./create-schema.ts"
export { type LoadedMigration, loadMigrations } from "./files.ts"
export { inspectDatabase } from "./inspect.ts"
export type { Loss } from "./losses.ts"
export { type Migration, sql } from "./migration.ts"
export { type NewMigration, type NewMigrationOptions, newMigration } from "./new-migration.ts"
export type { RenameAnswers, RenameQuestion } from "./renames.ts"
export {
  type CountedLoss,
  type DownOptions,
  lossesOfDown,
  type MigrationRun,
  type MigrationStep,
  migrateDown,
  migrateUp,
  type RunOptions,
  type UpOptions,
} from "./run.ts"
export {
  checkDrift,
  describeDifference,
  type MigrationState,
  migrationStatus,
  type StampOptions,
  stampMigrations,
} from "./status.ts"
