export { type Access, combinedAccess, type SecurityScheme } from "./access.ts"
export type { AnswerStore, KeptAnswer, KeyedRequest } from "./answer-store.ts"
export { type AuthMode, allows, type KeyGrant, type KeyHolder, type KeyLookup, keyAccess } from "./authentication.ts"
export type { MountedSystem } from "./calls.ts"
export type { StreamEvent, Ticker } from "./event-streams.ts"
export { type Health, type HealthParts, type PartState, type Probe, worstOf } from "./health.ts"
export { DatabaseAnswers, IdempotencyStorage } from "./idempotency.ts"
export { checkListening, isLoopback } from "./listen.ts"
export * from "./operations/index.ts"
export type { Problem } from "./problem.ts"
export {
  Existing,
  type Method,
  type Route,
  type RouteInput,
  type RouteOptions,
  route,
  type StreamInput,
  type StreamOptions,
  streamRoute,
} from "./route.ts"
export { createServer, type Server, type ServerOptions } from "./server.ts"
export {
  mountable,
  type Secrets,
  type ServiceContext,
  type System,
  type SystemContext,
  type SystemParts,
} from "./system.ts"
