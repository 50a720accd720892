import { createKeyv } from "@keyv/redis"
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

export function openKeyv(): HitContestant {
  const keyv = new Keyv({ ttl: hourMs })
  keyv.serialize = undefined
  keyv.deserialize = undefined
  return { form: "in memory, `ttl`, without serialisation; `get`", packages: ["keyv"], ...hitsOf(keyv) }
}

export function openKeyvRedis({ redis }: Places): HitContestant {
  const keyv = createKeyv(redis)
  return { form: "`createKeyv(url)`; `get`", packages: ["keyv", "@keyv/redis"], ...hitsOf(keyv) }
}

function hitsOf(keyv: Keyv): Pick<HitContestant, "fill" | "get" | "close"> {
  return {
    async fill(users) {
      for (const user of users) await keyv.set(userKey(user.id), user, hourMs)
    },
    get: (id) => keyv.get<User>(userKey(id)),
    close: () => keyv.disconnect(),
  }
}

export async function openKeyvShared({ database, redis, pause }: SharedPlaces): Promise<SharedContestant> {
  const counters = openCounters(database, pause)
  const keyv = createKeyv(redis)
  return {
    form: "Redis; `get`, else load and `set`; `delete` after a write",
    packages: ["keyv", "@keyv/redis"],
    async read(id) {
      const known = await keyv.get<number>(versionKey(id))
      if (known !== undefined) return known
      const version = await counters.load(id)
      await keyv.set(versionKey(id), version, hourMs)
      return version
    },
    async raise(id) {
      const version = await counters.raise(id)
      await keyv.delete(versionKey(id))
      return version
    },
    loads: counters.loads,
    async close() {
      await keyv.disconnect()
      await counters.close()
    },
  }
}
