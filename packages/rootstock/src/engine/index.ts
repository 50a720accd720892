export type {
  BeginOptions,
  Connection,
  Dialect,
  Engine,
  Executor,
  FreeColumn,
  FreeExecutor,
  FreeResult,
  Isolation,
  Lookup,
  Query,
  RowSource,
  Step,
  StepResult,
} from "./contract.ts"
export * from "./ddl/index.ts"
export { type EngineOptions, openEngine } from "./open.ts"
export { transactionWord } from "./transaction-word.ts"
