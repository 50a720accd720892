/** What a worker is told at its start. */
export type WorkerOptions = {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly coherence: "strict" | "bounded" | "ttl"
  readonly local: boolean
  readonly seed: number
}

/** What a worker saw since its last report. Times are microseconds of the machine's monotonic clock. */
export type WorkerReport = {
  /** Versions that were read, with the last time at which such a read began. */
  seen: (readonly [row: string, version: number, begun: number])[]
  /** Versions whose writes were acknowledged. */
  acknowledged: (readonly [row: string, version: number, time: number])[]
  reads: number
  writes: number
  failedReads: number
  failedWrites: number
  slowestReadUs: number
  /** The counts of the cache since the worker's start. */
  counts: Record<string, number>
}
