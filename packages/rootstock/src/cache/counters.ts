/** What happened to one kind of entries since the start, in this process. */
export type CacheCounts = {
  /** Values given from the process's memory. */
  hitsLocal: number
  /** Values given from Redis. */
  hitsRemote: number
  misses: number
  /** Values that were loaded and kept. */
  fills: number
  /** Loaded values that were not kept, because a write had come in between. */
  refusedFills: number
  invalidations: number
  /** Hits past the soft time to live, renewed in the background. */
  renewals: number
  /** Entries that could not be read and were thrown away. */
  corrupt: number
  /** Entries that were pushed out by the size bound. */
  evictions: number
  /** Reads that went past the cache because it was away or not to be trusted. */
  bypassed: number
}

/** The counts of one kind of entries; plain numbers, raised in place. */
export type Counters = CacheCounts

export function newCounters(): Counters {
  return {
    hitsLocal: 0,
    hitsRemote: 0,
    misses: 0,
    fills: 0,
    refusedFills: 0,
    invalidations: 0,
    renewals: 0,
    corrupt: 0,
    evictions: 0,
    bypassed: 0,
  }
}
