import type { Metric } from "../metrics/index.ts"
import type { CacheState } from "./coherence.ts"
import type { CacheCounts } from "./counters.ts"

/** What happened in a cache since the start of the process, and what it holds. */
export type CacheStats = {
  readonly state: CacheState
  /** Values in the process's memory. */
  readonly entries: number
  /** Their size, as estimated. */
  readonly bytes: number
  /** Counts by pattern of keys. */
  readonly kinds: Readonly<Record<string, CacheCounts>>
}

const counters: readonly (readonly [keyof CacheCounts, name: string, help: string])[] = [
  ["hitsLocal", "cache_hits_local_total", "Values given from the process's memory."],
  ["hitsRemote", "cache_hits_remote_total", "Values given from Redis."],
  ["misses", "cache_misses_total", "Reads that found nothing kept."],
  ["fills", "cache_fills_total", "Values that were loaded and kept."],
  ["refusedFills", "cache_refused_fills_total", "Loaded values that were not kept, because a write came in between."],
  ["invalidations", "cache_invalidations_total", "Entries that writes made good no longer."],
  ["renewals", "cache_renewals_total", "Values renewed in the background because of their age."],
  ["corrupt", "cache_corrupt_total", "Entries that could not be read."],
  ["evictions", "cache_evictions_total", "Values pushed out of memory by its bound."],
  ["bypassed", "cache_bypassed_total", "Reads that went past the cache because it was away or off."],
]

export function cacheMetrics({ state, entries, bytes, kinds }: CacheStats): readonly Metric[] {
  const gauge = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    type: "gauge",
    samples: [{ value }],
  })
  return [
    ...counters.map(([count, name, help]): Metric => {
      const samples = Object.entries(kinds).map(([key, counts]) => ({ labels: { key }, value: counts[count] }))
      return { name, help, type: "counter", samples }
    }),
    gauge("cache_up", "1 where the cache answers, 0 where it is away or off.", state === "connected" ? 1 : 0),
    gauge("cache_memory_entries", "Values in the process's memory.", entries),
    gauge("cache_memory_bytes", "Their size in bytes, as estimated.", bytes),
  ]
}
