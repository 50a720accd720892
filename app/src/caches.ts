import type { Database } from "rootstock"
import { type Cache, type CacheDeclaration, openCache } from "rootstock/cache"
import type { Settings } from "rootstock/config"
import type { System } from "rootstock/http"
import type { Logger } from "rootstock/log"
import type { Tables } from "rootstock/schema"

/** Opens the cache of a system as the settings say. */
export function openSystemCache(
  system: System<Tables>,
  database: Database<Tables>,
  caches: readonly CacheDeclaration[],
  { settings, log }: { settings: Settings; log: Logger },
): Promise<Cache> {
  const own = log.named(`${system.name}.cache`)
  return openCache(database, {
    url: settings.cache,
    caches,
    prefix: cachePrefix(system, settings),
    local: settings.CACHE_LOCAL,
    coherence: settings.CACHE_COHERENCE,
    warn: (message, cause) => own.warning(message, cause === undefined ? {} : { error: cause }),
    ...(own.writes("debug") ? { trace: (event, key) => own.debug(`${event} ${key}`, { event, cache_key: key }) } : {}),
  })
}

/**
 * What stands before the keys of a system in Redis: the same in every process, whatever else that one serves, since
 * processes under different names would not hear of each other's writes.
 */
function cachePrefix({ name, cachePrefix = `${name}:` }: System<Tables>, { CACHE_PREFIX }: Settings): string {
  return CACHE_PREFIX + cachePrefix
}
