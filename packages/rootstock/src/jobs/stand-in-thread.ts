import { parentPort } from "node:worker_threads"
import { elapsed, systemClock } from "../clock/index.ts"
import { type Engine, type EngineAddress, openEngine } from "../engine/index.ts"
import { beatStatement } from "./beat.ts"
import type { FromThread, ToThread } from "./stand-in.ts"

/** Beats for one worker while its event loop does not. */
class Beats {
  readonly #worker: string
  readonly #address: EngineAddress
  readonly #lateMs: number
  readonly #timer: NodeJS.Timeout
  #last = elapsed()
  /** Open only as long as it is needed. */
  #engine: Engine | undefined
  #busy = false
  #stopped = false

  constructor(worker: string, address: EngineAddress, intervalMs: number) {
    this.#worker = worker
    this.#address = address
    this.#lateMs = intervalMs * 1.2
    this.#timer = setInterval(() => this.#look(), intervalMs / 2)
  }

  beaten(): void {
    this.#last = elapsed()
    if (!this.#busy) void this.#close()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    if (!this.#busy) await this.#close()
  }

  async #look(): Promise<void> {
    if (this.#busy || elapsed() - this.#last < this.#lateMs) return
    this.#busy = true
    try {
      this.#engine ??= await openEngine(this.#address.url, this.#address.options)
      const present = systemClock.now().toISOString()
      const found = await this.#engine.run(beatStatement(this.#engine.dialect), [present, this.#worker])
      this.#last = elapsed()
      if (found === 0) this.#lose()
    } catch {
      // The database is away: the next look may reach it.
      await this.#close()
    } finally {
      this.#busy = false
      if (this.#stopped) await this.#close()
    }
  }

  #lose(): void {
    clearInterval(this.#timer)
    parentPort?.postMessage({ lost: this.#worker } satisfies FromThread)
  }

  async #close(): Promise<void> {
    const engine = this.#engine
    this.#engine = undefined
    await engine?.close().catch(() => undefined)
  }
}

const beats = new Map<string, Beats>()

parentPort?.on("message", (message: ToThread) => {
  const { worker } = message
  if (message.kind === "start") beats.set(worker, new Beats(worker, message.address, message.intervalMs))
  else if (message.kind === "beaten") beats.get(worker)?.beaten()
  else {
    void beats.get(worker)?.stop()
    beats.delete(worker)
  }
})
