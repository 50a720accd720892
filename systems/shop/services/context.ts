import type { Clock } from "rootstock/clock"
import type { Jobs } from "rootstock/jobs"
import type { Logger } from "rootstock/log"
import type { Caches } from "../caches.ts"
import type { Stores } from "../storages/index.ts"

/** What every service of the shop works with. */
export type Context = {
  readonly stores: Stores
  readonly caches: Caches
  readonly jobs: Jobs
  /** Whether queues are at a broker; else they are in the database. */
  readonly broker: boolean
  readonly log: Logger
  readonly clock: Clock
  /** Zone in which days begin. */
  readonly timeZone: string
}

/** Which page of a list. */
export type PageRequest = { count: number; page: number }
