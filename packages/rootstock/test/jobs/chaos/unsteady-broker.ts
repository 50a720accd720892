import { setTimeout as pause } from "node:timers/promises"
import { startRabbitServer, startTcpProxy } from "../../support/index.ts"
import { randomNumbers } from "./chaos.ts"

/** A RabbitMQ of its own that something is done to now and then. */
export type UnsteadyBroker = {
  readonly url: string
  /** What was done to it. */
  readonly counts: Readonly<Record<"cuts" | "hangs" | "kills", number>>
  /** Breaks its connections, lets it hang for a while, or kills it and starts it again. */
  disturb(): void
  stop(): Promise<void>
}

/** @throws Error where the machine has no RabbitMQ */
export async function startUnsteadyBroker(seed: number): Promise<UnsteadyBroker> {
  const server = await startRabbitServer()
  if (server === undefined) throw new Error("This machine has no rabbitmq-server to be started.")
  const proxy = await startTcpProxy(server.url)
  const random = randomNumbers(seed + 1)
  const counts = { cuts: 0, hangs: 0, kills: 0 }
  let busy: Promise<void> | undefined
  const hang = async () => {
    counts.hangs++
    proxy.hang()
    await pause(500 + random() * 2_500)
    proxy.cut()
    proxy.restore()
  }
  const restart = async () => {
    counts.kills++
    await server.kill()
    await pause(random() * 2_000)
    await server.start()
  }
  return {
    url: proxy.url,
    counts,
    disturb() {
      if (busy !== undefined) return
      const dice = random()
      if (dice < 0.7) {
        counts.cuts++
        proxy.cut()
        return
      }
      busy = (dice < 0.9 ? hang() : restart()).finally(() => {
        busy = undefined
      })
    },
    async stop() {
      await busy
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
