import { BentoCache, bentostore } from "bentocache"
import { memoryDriver } from "bentocache/drivers/memory"
import { redisBusDriver, redisDriver } from "bentocache/drivers/redis"
import type { User } from "../../schema/rows.ts"
import {
  type HitContestant,
  type Places,
  type SharedContestant,
  type SharedPlaces,
  userKey,
  versionKey,
} from "../contract.ts"
import { openCounters } from "./counters.ts"

const ttl = "1h"

export function openBentocache(): HitContestant {
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: 10_000, serialize: false }))
  const cache = new BentoCache({ default: "users", ttl, stores: { users: store } })
  return {
    form: "memory driver with `serialize: false`; `get`",
    packages: ["bentocache"],
    async fill(users) {
      for (const user of users) await cache.set({ key: userKey(user.id), value: user })
    },
    get: (id) => cache.get<User>({ key: userKey(id) }),
    close: () => cache.disconnectAll(),
  }
}

export function openBentocacheRedis({ redis }: Places): HitContestant {
  const store = bentostore().useL2Layer(redisDriver({ connection: connectionTo(redis) }))
  const cache = new BentoCache({ default: "users", ttl, stores: { users: store } })
  return {
    form: "Redis driver alone; `get`",
    packages: ["bentocache", "ioredis"],
    async fill(users) {
      for (const user of users) await cache.set({ key: userKey(user.id), value: user })
    },
    get: (id) => cache.get<User>({ key: userKey(id) }),
    close: () => cache.disconnectAll(),
  }
}

export async function openBentocacheShared({ database, redis, pause }: SharedPlaces): Promise<SharedContestant> {
  const counters = openCounters(database, pause)
  const connection = connectionTo(redis)
  const store = bentostore()
    .useL1Layer(memoryDriver({ maxItems: 10_000 }))
    .useL2Layer(redisDriver({ connection }))
    .useBus(redisBusDriver({ connection }))
  const cache = new BentoCache({ default: "versions", ttl, stores: { versions: store } })
  return {
    form: "memory, Redis and the Redis bus; `getOrSet`, `delete` after a write",
    packages: ["bentocache", "ioredis"],
    read: (id) => cache.getOrSet({ key: versionKey(id), factory: () => counters.load(id) }),
    async raise(id) {
      const version = await counters.raise(id)
      await cache.delete({ key: versionKey(id) })
      return version
    },
    loads: counters.loads,
    async close() {
      await cache.disconnectAll()
      await counters.close()
    },
  }
}

function connectionTo(url: string): { host: string; port: number; db: number } {
  const { hostname, port, pathname } = new URL(url)
  return { host: hostname, port: Number(port), db: Number(pathname.slice(1)) }
}
