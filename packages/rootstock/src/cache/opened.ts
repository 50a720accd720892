import { SessionError } from "../errors/index.ts"
import { currentSession, type Host } from "../session/index.ts"
import type { Cache } from "./cache.ts"

/** The caches that are open in this process. */
export const openedCaches = new Set<Cache>()

/** Databases with a cache, from the beginning of its start to its end: a second one would not be told of their writes. */
export const served = new WeakSet<Host>()

/**
 * The cache that fits: that of the ambient session's database, or the only one; undefined where there is none, which means
 * that nothing is cached.
 *
 * @param what what is asked for, for the error
 * @throws SessionError where several come into question
 */
export function cacheOf(what: string, fits: (cache: Cache) => boolean): Cache | undefined {
  const candidates = [...openedCaches].filter(fits)
  if (candidates.length <= 1) return candidates[0]
  const host = currentSession()?.host
  const own = candidates.filter((cache) => cache.host === host)
  if (own.length === 1) return own[0]
  throw new SessionError(`${candidates.length} opened caches have ${what}.`, {
    cure: "Use the one that is meant: cache.result(projectDetail)(7), cache.forget([…]).",
  })
}
