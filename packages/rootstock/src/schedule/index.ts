export { type Cron, parseCron, shortestInterval } from "./cron.ts"
export { firesAfter, nextFire } from "./fires.ts"
export type { Misfire } from "./misfire.ts"
