import type { Database } from "rootstock"
import { type Cache, type CacheDeclaration, openCache } from "rootstock/cache"
import type { Settings } from "rootstock/config"
import type { Logger } from "rootstock/log"
import type { Tables } from "rootstock/schema"

/**
 * Opens the cache of a system as the settings say.
 *
 * @param alone whether it is the only system of the process, so that its keys in Redis need no name before them
 */
export function openSystemCache(
  name: string,
  database: Database<Tables>,
  caches: readonly CacheDeclaration[],
  { settings, log, alone }: { settings: Settings; log: Logger; alone: boolean },
): Promise<Cache> {
  const own = log.named(`${name}.cache`)
  return openCache(database, {
    url: settings.cache,
    caches,
    prefix: cachePrefix(name, settings, alone),
    local: settings.CACHE_LOCAL,
    coherence: settings.CACHE_COHERENCE,
    warn: (message, cause) => own.warning(message, cause === undefined ? {} : { error: cause }),
    ...(own.writes("debug") ? { trace: (event, key) => own.debug(`${event} ${key}`, { event, cache_key: key }) } : {}),
  })
}

/** What stands before the keys of a system in Redis. */
export function cachePrefix(name: string, { CACHE_PREFIX }: Settings, alone: boolean): string {
  return alone ? CACHE_PREFIX : `${CACHE_PREFIX}${name}:`
}
