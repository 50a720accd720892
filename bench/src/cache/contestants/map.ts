import { LRUCache } from "lru-cache"
import type { User } from "../../schema/rows.ts"
import type { HitContestant } from "../contract.ts"

/** The floor in process: a `Map` behind an async function. */
export function openMap(): HitContestant {
  const map = new Map<number, User>()
  return {
    form: "a `Map` by number, behind an `async` function",
    packages: [],
    async fill(users) {
      for (const user of users) map.set(user.id, user)
    },
    get: async (id) => map.get(id),
    close: () => undefined,
  }
}

export function openLruCache(): HitContestant {
  const cache = new LRUCache<number, User>({ max: 10_000, ttl: 3_600_000 })
  return {
    form: "`max` and `ttl`, by number, behind an `async` function",
    packages: ["lru-cache"],
    async fill(users) {
      for (const user of users) cache.set(user.id, user)
    },
    get: async (id) => cache.get(id),
    close: () => undefined,
  }
}
