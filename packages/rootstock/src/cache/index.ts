export { type CacheCounts, newCounters } from "./counters.ts"
export { cacheTables } from "./tables.ts"
