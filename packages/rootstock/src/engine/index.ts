export type {
  BeginOptions,
  Connection,
  Dialect,
  Engine,
  EngineAddress,
  EngineSettings,
  Executor,
  FreeColumn,
  FreeExecutor,
  FreeResult,
  Isolation,
  Lookup,
  Query,
  RowSource,
  Signals,
  Step,
  StepResult,
} from "./contract.ts"
export * from "./ddl/index.ts"
export { type EngineOptions, openEngine } from "./open.ts"
export { transactionWord } from "./transaction-word.ts"
