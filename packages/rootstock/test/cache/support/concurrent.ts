import { setImmediate as turn } from "node:timers/promises"
import { type Database, transaction } from "../../../src/index.ts"
import { Counters } from "./counters.ts"

/** What concurrent callers met. */
export type Met = { readonly reads: number; readonly writes: number; readonly stale: number }

/** A process, as its callers see it. */
export type CallersPlace = {
  /** Opened with the counters' table, and perhaps others. */
  readonly db: Database<any>
  readonly results: {
    readonly versionOf: (id: number) => Promise<number>
    readonly versions: () => Promise<number[]>
  }
}

export type Callers = {
  /** Processes on one database, among which the callers are dealt out. */
  readonly places: readonly CallersPlace[]
  readonly callers: number
  /** Calls of each caller. */
  readonly calls: number
  readonly random: () => number
}

const counterIds = [1, 2, 3]

/**
 * Lets several callers read and write a few counters at once, in every way there is. A read is stale where it gives less
 * than the newest version that was acknowledged before it began.
 */
export async function callAtOnce({ places, callers, calls, random }: Callers): Promise<Met> {
  const [first] = places
  if (first === undefined) throw new Error("there is no place to call")
  const store = first.db.storage(Counters)
  await store.deleteWhere({})
  await store.createMany(counterIds.map((id) => ({ id, version: 0 })))
  /** The newest version that was acknowledged, by counter. */
  const acknowledged = new Map(counterIds.map((id) => [id, 0]))
  const met = { reads: 0, writes: 0, stale: 0 }
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const floorOf = (id: number) => acknowledged.get(id) as number

  const note = (least: number, version: number): void => {
    met.reads++
    if (version < least) met.stale++
  }

  const pauseNow = async (): Promise<void> => {
    if (random() < 0.3) await turn()
  }

  const readsOf = ({ db, results }: CallersPlace): readonly ((id: number) => Promise<void>)[] => {
    const store = db.storage(Counters)
    return [
      async (id) => {
        const least = floorOf(id)
        note(least, (await store.getOrFail(id)).version)
      },
      async (id) => {
        const least = floorOf(id)
        note(least, await results.versionOf(id))
      },
      async () => {
        const least = counterIds.map(floorOf)
        const versions = await results.versions()
        for (const [index, version] of versions.entries()) note(least[index] as number, version)
      },
    ]
  }
  const writesOf = ({ db }: CallersPlace): readonly ((id: number) => Promise<number | undefined>)[] => {
    const store = db.storage(Counters)
    /** Adds to a counter and gives its version, of which nobody else can know before the transaction ends. */
    const addTo = async (id: number): Promise<number> => {
      await store.increment(id, { version: 1 }, { returning: false })
      return (await store.getOrFail(id)).version
    }
    return [
      async (id) => (await store.increment(id, { version: 1 }))?.version,
      (id) => transaction(() => addTo(id)),
      (id) =>
        transaction(async () => {
          const version = await transaction(() => addTo(id), { nested: true })
          await pauseNow()
          return version
        }),
      (id) =>
        transaction(async () => {
          await db.execute`UPDATE counters SET version = version + 1 WHERE id = ${id}`
          return (await store.getOrFail(id)).version
        }),
      async (id) => {
        const undone = new Error("undone")
        const failing = transaction(async () => {
          await addTo(id)
          await pauseNow()
          throw undone
        })
        await failing.catch((error) => {
          if (error !== undone) throw error
        })
        return undefined
      },
    ]
  }

  const call = async (place: CallersPlace): Promise<void> => {
    const [reads, writes] = [readsOf(place), writesOf(place)]
    for (let left = calls; left > 0; left--) {
      const id = pick(counterIds)
      if (random() < 0.75) await pick(reads)(id)
      else {
        const version = await pick(writes)(id)
        met.writes++
        if (version !== undefined) acknowledged.set(id, Math.max(floorOf(id), version))
      }
      await pauseNow()
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, index) => call(places[index % places.length] ?? first)))
  return met
}
