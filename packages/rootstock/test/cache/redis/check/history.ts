/** A read that gave an older version than it had to. */
export type StaleRead = {
  readonly row: string
  readonly version: number
  /** The newest version that had been acknowledged when the read began. */
  readonly acknowledged: number
  /** How long before the read began that was, in microseconds. */
  readonly sinceUs: number
}

type Acknowledged = { readonly time: number; readonly version: number }

/** Which versions were acknowledged when, and which were read. */
export class History {
  readonly #acknowledged = new Map<string, Acknowledged[]>()
  readonly #seen: (readonly [row: string, version: number, begun: number])[] = []

  acknowledge(row: string, version: number, time: number): void {
    const own = this.#acknowledged.get(row)
    if (own === undefined) this.#acknowledged.set(row, [{ time, version }])
    else own.push({ time, version })
  }

  saw(row: string, version: number, begun: number): void {
    this.#seen.push([row, version, begun])
  }

  /** The reads that broke the guarantee: a read that starts after a write was acknowledged returns that write or a newer one. */
  staleReads(): StaleRead[] {
    const newest = new Map<string, Acknowledged[]>()
    for (const [row, all] of this.#acknowledged) {
      const rising: Acknowledged[] = []
      for (const one of all.toSorted((a, b) => a.time - b.time)) {
        if (one.version > (rising.at(-1)?.version ?? 0)) rising.push(one)
      }
      newest.set(row, rising)
    }
    return this.#seen.flatMap(([row, version, begun]) => {
      const before = (newest.get(row) ?? []).findLast(({ time }) => time < begun)
      if (before === undefined || before.version <= version) return []
      return [{ row, version, acknowledged: before.version, sinceUs: begun - before.time }]
    })
  }
}
