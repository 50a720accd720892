import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { Cache, EmbeddedCoherence, openCache } from "../../src/cache/index.ts"
import type { Database } from "../../src/index.ts"
import type { Tables } from "../../src/schema/index.ts"
import { forEachDatabase, type Place } from "../storage/support.ts"
import { randomOf } from "./simulation/random.ts"
import {
  callAtOnce,
  checkSequence,
  counterCaches,
  counterTables,
  FailingCoherence,
  inProcess,
  makeWorld,
  sequences,
  worldTables,
} from "./support/index.ts"

type Caches = Parameters<typeof openCache>[1]["caches"]
type Tier = {
  readonly name: string
  open(place: Place<any>, caches: Caches, random: () => number): Promise<Cache | undefined>
}

const tiers: readonly Tier[] = [
  { name: "without a cache", open: async () => undefined },
  { name: "off", open: ({ db }, caches) => openCache(db, { url: "off:", caches }) },
  {
    name: "in the process",
    open: ({ db, url }, caches, random) => openCache(db, { url: inProcess(url), caches, random }),
  },
  {
    name: "in little memory",
    open: ({ db, url }, caches, random) =>
      openCache(db, { url: inProcess(url), caches, random, memory: { entries: 3 } }),
  },
  {
    name: "with a cache that fails",
    async open({ db, url }, caches, random) {
      const plain = db as unknown as Database
      const report = (error: unknown) => {
        throw error
      }
      const foreignCommits = url?.startsWith("postgres") === true ? undefined : plain.foreignCommits
      const inner = new EmbeddedCoherence({ foreignCommits, random, report })
      const cache = new Cache(plain, new FailingCoherence(inner, random), caches, undefined)
      await cache.start()
      return cache
    },
  },
]

/** Runs by place: in memory nothing waits, and the others have the same code above them. */
const runsOf = ({ url }: Place<Tables>) => (url === undefined ? 60 : 8)

describe("random calls", () => {
  forEachDatabase(
    worldTables,
    (place) => {
      for (const [index, tier] of tiers.entries()) {
        it(`have the model's answers ${tier.name}`, async () => {
          const { world, caches } = makeWorld(place.db)
          const cache = await tier.open(place, caches, randomOf(index + 1))
          try {
            const same = fc.asyncProperty(sequences, (sequence) => checkSequence(() => world, sequence))
            await fc.assert(same, { numRuns: runsOf(place as never) })
          } finally {
            await cache?.close()
          }
        })
      }
    },
    { nPlusOne: { mode: "off" } },
  )
})

describe("callers at once", () => {
  forEachDatabase(
    counterTables,
    (place) => {
      for (const tier of tiers) {
        it(`read nothing older than what was acknowledged ${tier.name}`, async (t) => {
          const { rows, versionOf, versions } = counterCaches(place.db)
          const cache = await tier.open(place, [rows, versionOf, versions], randomOf(7))
          const results = {
            versionOf: cache?.result(versionOf) ?? versionOf,
            versions: cache?.result(versions) ?? versions,
          }
          try {
            const met = await callAtOnce({
              places: [{ db: place.db, results }],
              callers: 4,
              calls: 100,
              random: randomOf(11),
            })
            t.diagnostic(`${met.reads} reads and ${met.writes} writes, ${met.stale} stale`)
            assert.equal(met.stale, 0)
            assert.ok(met.reads > 200 && met.writes > 50)
          } finally {
            await cache?.close()
          }
        })
      }
    },
    { nPlusOne: { mode: "off" } },
  )
})
