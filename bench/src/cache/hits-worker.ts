import type { Slice } from "../run/measure.ts"
import { answerRequests } from "../run/requests.ts"
import type { User } from "../schema/rows.ts"
import { openBentocache, openBentocacheRedis } from "./contestants/bentocache.ts"
import { openCacheManager, openCacheManagerRedis } from "./contestants/cache-manager.ts"
import { openKeyv, openKeyvRedis } from "./contestants/keyv.ts"
import { openLruCache, openMap } from "./contestants/map.ts"
import { openNodeRedis } from "./contestants/node-redis.ts"
import { openRootstock, openRootstockOff, openRootstockRedis } from "./contestants/rootstock.ts"
import type { HitContestant, Places } from "./contract.ts"

const forms = {
  map: openMap,
  "lru-cache": openLruCache,
  rootstock: openRootstock,
  "rootstock-off": openRootstockOff,
  "rootstock-redis": openRootstockRedis,
  "cache-manager": openCacheManager,
  "cache-manager-redis": openCacheManagerRedis,
  bentocache: openBentocache,
  "bentocache-redis": openBentocacheRedis,
  keyv: openKeyv,
  "keyv-redis": openKeyvRedis,
  "node-redis": openNodeRedis,
} satisfies Record<string, (places: Places) => HitContestant | Promise<HitContestant>>

export type HitForm = keyof typeof forms

/** What the bench asks of the process of a cache that holds users. */
export type HitRequest =
  | { kind: "open"; form: HitForm; places: Places; users: readonly User[] }
  | { kind: "get"; ids: readonly number[] }
  /**
   * Callers, each of which starts its next call when its last one is answered; the clock is looked at every `batch` calls.
   * Where all work is in this process, its processor time is what counts: a busy machine does not change it.
   */
  | { kind: "measure"; callers: number; batch: number; seconds: number; inProcess: boolean }
  /** One call in each turn of the event loop; `empty` measures the turns alone. */
  | { kind: "measure turns"; seconds: number; empty: boolean }
  | { kind: "close" }

/** @property misses reads that the cache did not answer */
export type HitSlice = Slice & { misses: number }

let contestant: HitContestant
let ids: readonly number[]
let next = 0

async function answer(request: HitRequest): Promise<unknown> {
  switch (request.kind) {
    case "open":
      contestant = await forms[request.form](request.places)
      await contestant.fill(request.users)
      ids = Array.from({ length: 4_096 }, (_, index) => 1 + ((index * 7_919) % request.users.length))
      return { form: contestant.form, packages: contestant.packages }
    case "get":
      return Promise.all(request.ids.map((id) => contestant.get(id)))
    case "measure": {
      globalThis.gc?.()
      const before = contestant.misses?.() ?? 0
      const slice = await measureCallers(request)
      return { ...slice, misses: (contestant.misses?.() ?? 0) - before } satisfies HitSlice
    }
    case "measure turns":
      globalThis.gc?.()
      return measureTurns(request)
    case "close":
      return contestant.close()
  }
}

async function measureCallers({
  callers,
  batch,
  seconds,
  inProcess,
}: HitRequest & { kind: "measure" }): Promise<Slice> {
  let operations = 0
  const used = process.cpuUsage()
  const start = performance.now()
  const end = start + seconds * 1_000
  const call = async (): Promise<void> => {
    while (performance.now() < end) {
      for (let index = 0; index < batch; index++) {
        const id = ids[next++ & 4_095] as number
        if ((await contestant.get(id)) === undefined) throw new Error(`the cache does not hold user ${id}`)
      }
      operations += batch
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  const { user, system } = process.cpuUsage(used)
  return { operations, seconds: inProcess ? (user + system) / 1e6 : (performance.now() - start) / 1_000 }
}

async function measureTurns({ seconds, empty }: HitRequest & { kind: "measure turns" }): Promise<HitSlice> {
  let operations = 0
  const used = process.cpuUsage()
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    await new Promise(setImmediate)
    if (!empty) await contestant.get(ids[next++ & 4_095] as number)
    operations += 1
  }
  const { user, system } = process.cpuUsage(used)
  return { operations, seconds: (user + system) / 1e6, misses: 0 }
}

answerRequests<HitRequest>(answer)
