export type { AnswerStore, KeptAnswer, KeyedRequest } from "./answer-store.ts"
export { type AuthMode, allows, type KeyGrant, type KeyLookup } from "./authentication.ts"
export type { MountedSystem } from "./calls.ts"
export {
  day,
  emailAddress,
  type Field,
  fieldsOf,
  flag,
  type JsonSchema,
  listOf,
  moment,
  money,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  rowId,
  type ValueOf,
  type ValuesOf,
  wholeNumber,
  withDefault,
  words,
} from "./fields.ts"
export type { Health, Probe } from "./health.ts"
export { DatabaseAnswers, IdempotencyStorage } from "./idempotency.ts"
export { checkListening, isLoopback } from "./listen.ts"
export type { Problem } from "./problem.ts"
export { type Method, type Route, type RouteInput, type RouteOptions, route } from "./route.ts"
export { createServer, type Server, type ServerOptions } from "./server.ts"
export { mountable, type System, type SystemContext } from "./system.ts"
export { invalidRequest } from "./validation.ts"
