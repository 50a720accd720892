import type { Coherence } from "../../../src/cache/index.ts"
import { type Database, transaction } from "../../../src/index.ts"
import { OnceKeys, OrderedSets, StateStore } from "../../../src/state/index.ts"
import type { tablesOverRedis } from "../tables.ts"

export type Conversing = {
  readonly db: Database<typeof tablesOverRedis>
  readonly coherence: Coherence | undefined
  /** How many events there are; each is to have its effect once, whoever takes it. */
  readonly events: number
  /** How many callers work at once. */
  readonly width: number
  /** Told of each change, by its key, and each event when it is acknowledged. */
  readonly tell: (line: string) => void
}

/** Counts in shared conversations, and takes events once each. */
export async function converse({ db, coherence, events, width, tell }: Conversing): Promise<void> {
  const states = new StateStore<number>(db, { coherence })
  const sets = new OrderedSets(db, { coherence })
  const keys = new OnceKeys(db)
  let next = 0
  const work = async () => {
    while (next < events) {
      const event = next++
      const key = `bot:${event % 3}`
      await states.update(key, ({ data = 0 }) => ({ state: `step ${data + 1}`, data: data + 1 }))
      tell(key)
      await transaction(async () => {
        if (!(await keys.once(`event:${event}`))) return
        await states.update("effects", ({ data = 0 }) => ({ data: data + 1 }))
        await sets.add("events", { member: `event:${event}`, score: event })
      })
      tell(`event:${event}`)
    }
  }
  await Promise.all(Array.from({ length: width }, work))
}
