export {
  type CoherenceMode,
  RedisCoherence,
  type RedisCoherenceOptions,
  type RedisStanding,
} from "./coherence.ts"
export { type RedisCacheOptions, realTimers, redisCoherence } from "./open.ts"
export type {
  ControlRow,
  ControlStore,
  Fill,
  LeaseAnswer,
  LeaseAsk,
  Link,
  Mode,
  Server,
  ServerListener,
  Timers,
} from "./ports.ts"
export { RealServer } from "./server.ts"
export { DatabaseStore } from "./store.ts"
export { type Timings, timings } from "./timings.ts"
export { BlindTrust, DatabaseTrust, type Trust, type TrustOptions } from "./trust.ts"
export { type DescribedValue, describeValue, renewalPrefix, tagPrefix } from "./value.ts"
