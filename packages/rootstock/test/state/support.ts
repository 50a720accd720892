import { describe } from "node:test"
import { type Coherence, EmbeddedCoherence } from "../../src/cache/index.ts"
import { forEachDatabase, type Place } from "../storage/support.ts"
import { tables } from "./tables.ts"

export { refuses } from "../storage/support.ts"

export type StatePlace = Place<typeof tables>

/** Where reads come from. */
export type Tier = {
  readonly name: string
  /** A coherence for one process; undefined where every read is one of the database. */
  open(): Coherence | undefined
}

export const tiers: readonly Tier[] = [
  { name: "without a cache", open: () => undefined },
  {
    name: "in memory",
    open: () =>
      new EmbeddedCoherence({
        random: Math.random,
        report: (error) => {
          throw error
        },
      }),
  },
]

/** Defines the same cases on every engine and tier. */
export function forEachTier(
  define: (place: StatePlace, tier: Tier) => void,
  options: Parameters<typeof forEachDatabase>[2] = {},
): void {
  const inTiers = (place: StatePlace) => {
    for (const tier of tiers) describe(tier.name, () => define(place, tier))
  }
  forEachDatabase(tables, inTiers, options)
}

/** For cases that read row by row, as no program should. */
export const unwatched = { nPlusOne: { mode: "off" } } as const
