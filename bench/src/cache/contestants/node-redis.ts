import { createClient } from "redis"
import type { User } from "../../schema/rows.ts"
import { type HitContestant, hourMs, type Places, userKey } from "../contract.ts"

/** The floor over Redis: node-redis tuned as Rootstock tunes it, GET, and JSON.parse. */
export async function openNodeRedis({ redis }: Places): Promise<HitContestant> {
  const client = createClient({
    url: redis,
    RESP: 3,
    disableOfflineQueue: true,
    // Its timer for each command costs more than the command.
    commandOptions: { timeout: undefined } as object,
    maintNotifications: "disabled",
  })
  client.on("error", (error: Error) => {
    throw error
  })
  await client.connect()
  return {
    form: "RESP3, no timer for each command; `GET` and `JSON.parse`, so that instants stay texts",
    packages: ["redis"],
    async fill(users) {
      for (const user of users) await client.set(userKey(user.id), JSON.stringify(user), { PX: hourMs })
    },
    async get(id) {
      const text = await client.get(userKey(id))
      return text === null ? undefined : (JSON.parse(text) as User)
    },
    close: () => client.destroy(),
  }
}
