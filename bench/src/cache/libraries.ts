import type { CacheDatabases } from "./databases.ts"
import type { RedisServer } from "./redis-server.ts"

/** Who is measured; each task has some of them, in one or two forms. */
export const libraries = ["raw", "rootstock", "lru-cache", "cache-manager", "bentocache", "keyv"] as const
export type Library = (typeof libraries)[number]

/** What a task has of the run. */
export interface CacheRun {
  /** Who takes part. */
  only: readonly Library[]
  /** Length of a slice. */
  seconds: number
  rounds: number
  databases: CacheDatabases
  redis: RedisServer
  /** Is told of what to do at the end, whatever has happened. */
  atEnd(work: () => void | Promise<void>): void
}

/** What a task gives: its part of the results as Markdown, and the packages whose versions belong there. */
export interface CacheReport {
  markdown: string
  packages: readonly string[]
}
