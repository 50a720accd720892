import { setTimeout as pause } from "node:timers/promises"
import { startRabbitServer, startTcpProxy } from "../../support/index.ts"
import { type Disturbance, randomNumbers } from "./chaos.ts"

/** A server of its own that something is done to now and then. */
export type UnsteadyServer<Deed extends string> = Disturbance & {
  readonly url: string
  /** What was done to it. */
  readonly counts: Readonly<Record<Deed, number>>
  stop(): Promise<void>
}

export type UnsteadyBroker = UnsteadyServer<"cuts" | "hangs" | "stops" | "kills">

/**
 * Starts a RabbitMQ whose connections break, that hangs for a while, and that ends, in order or not, and starts again; it is
 * killed soon.
 *
 * @returns undefined where the machine has no RabbitMQ
 */
export async function startUnsteadyBroker(seed: number): Promise<UnsteadyBroker | undefined> {
  const server = await startRabbitServer()
  if (server === undefined) return undefined
  const proxy = await startTcpProxy(server.url)
  const random = randomNumbers(seed + 1)
  const counts = { cuts: 0, hangs: 0, stops: 0, kills: 0 }
  const hang = async () => {
    counts.hangs++
    proxy.hang()
    await pause(500 + random() * 2_500)
    proxy.cut()
    proxy.restore()
  }
  const restart = async (how: "stop" | "kill") => {
    counts[`${how}s`]++
    await server[how]()
    await pause(random() * 2_000)
    await server.start()
  }
  return {
    url: proxy.url,
    counts,
    chance: 0.06,
    async disturb() {
      const dice = random()
      if (counts.kills === 0) {
        // Behind some work, so that messages are under way.
        await pause(2_000)
        await restart("kill")
      } else if (dice < 0.1) await restart(dice < 0.05 ? "kill" : "stop")
      else if (dice < 0.3) await hang()
      else {
        counts.cuts++
        proxy.cut()
      }
    },
    async stop() {
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
