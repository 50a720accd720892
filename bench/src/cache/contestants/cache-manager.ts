import { createKeyv } from "@keyv/redis"
import { createCache } from "cache-manager"
import { Keyv } from "keyv"
import type { User } from "../../schema/rows.ts"
import {
  type HitContestant,
  hourMs,
  type Places,
  type SharedContestant,
  type SharedPlaces,
  userKey,
  versionKey,
} from "../contract.ts"
import { openCounters } from "./counters.ts"

export function openCacheManager(): HitContestant {
  const cache = createCache({ ttl: hourMs })
  return {
    form: "`createCache({ ttl })`, which does not serialise; `get`",
    packages: ["cache-manager"],
    ...hitsOf(cache),
  }
}

export function openCacheManagerRedis({ redis }: Places): HitContestant {
  const cache = createCache({ ttl: hourMs, stores: [createKeyv(redis)] })
  const form = "`stores: [createKeyv(url)]`; `get`"
  return { form, packages: ["cache-manager", "keyv", "@keyv/redis"], ...hitsOf(cache) }
}

function hitsOf(cache: ReturnType<typeof createCache>): Pick<HitContestant, "fill" | "get" | "close"> {
  return {
    async fill(users) {
      for (const user of users) await cache.set(userKey(user.id), user)
    },
    get: (id) => cache.get<User>(userKey(id)),
    close: () => cache.disconnect(),
  }
}

/** @param tiers whether a store in memory stands before Redis, as in its quick start */
export async function openCacheManagerShared(
  { database, redis, pause }: SharedPlaces,
  tiers: boolean,
): Promise<SharedContestant> {
  const counters = openCounters(database, pause)
  const remote = createKeyv(redis)
  const cache = createCache({ ttl: hourMs, stores: tiers ? [new Keyv(), remote] : [remote] })
  return {
    form: `${tiers ? "memory and Redis as two stores" : "Redis as the only store"}; \`wrap\`, \`del\` after a write`,
    packages: ["cache-manager", "keyv", "@keyv/redis"],
    read: (id) => cache.wrap(versionKey(id), () => counters.load(id)),
    async raise(id) {
      const version = await counters.raise(id)
      await cache.del(versionKey(id))
      return version
    },
    loads: counters.loads,
    async close() {
      await cache.disconnect()
      await counters.close()
    },
  }
}
