import { setTimeout as pause } from "node:timers/promises"
import { createClient } from "redis"
import { Random } from "../data/random.ts"
import { answerRequests } from "../run/requests.ts"
import { type CacheChoice, openUsers } from "./contestants/rootstock.ts"
import { userCount } from "./tables.ts"

/** What the bench asks of a process that writes. */
export type WriteRequest =
  | { kind: "open"; database: string; choice: CacheChoice }
  /**
   * `recorded`: the write records its key in its transaction, as one over Redis does. `pauseMs`: before each write, and not
   * measured.
   */
  | { kind: "measure"; seconds: number; recorded: boolean; pauseMs: number }
  /** Round trips to Redis, one after the other. */
  | { kind: "ping"; redis: string; count: number }
  | { kind: "close" }

let opened: Awaited<ReturnType<typeof openUsers>>
const random = new Random(3)
let written = 0

async function answer(request: WriteRequest): Promise<unknown> {
  switch (request.kind) {
    case "open":
      opened = await openUsers(request.database, request.choice)
      for (let id = 1; id <= userCount; id++) await opened.users.get(id)
      return undefined
    case "measure":
      globalThis.gc?.()
      return measure(request)
    case "ping":
      return ping(request.redis, request.count)
    case "close":
      return opened.close()
  }
}

/** Milliseconds of each of the writes of one caller; each is read back, which fills the cache again. */
async function measure({ seconds, recorded, pauseMs }: Extract<WriteRequest, { kind: "measure" }>): Promise<number[]> {
  const { users, record, transaction } = opened
  const latencies: number[] = []
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    const id = random.between(1, userCount)
    const loginCount = ++written
    if (pauseMs > 0) await pause(pauseMs)
    const start = performance.now()
    if (recorded) {
      await transaction(async () => {
        await users.update(id, { loginCount })
        await record(id)
      })
    } else await users.update(id, { loginCount })
    latencies.push(performance.now() - start)
    const read = await users.get(id)
    if (read?.loginCount !== loginCount) throw new Error(`user ${id} was read as it was before the write`)
  }
  return latencies
}

async function ping(url: string, count: number): Promise<number[]> {
  const client = createClient({ url, RESP: 3, commandOptions: { timeout: undefined } as object })
  client.on("error", (error: Error) => {
    throw error
  })
  await client.connect()
  const latencies: number[] = []
  for (let index = 0; index < count; index++) {
    const start = performance.now()
    await client.ping()
    latencies.push(performance.now() - start)
  }
  client.destroy()
  return latencies
}

answerRequests<WriteRequest>(answer)
