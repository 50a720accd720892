import { Worker } from "node:worker_threads"
import type { EngineAddress } from "../engine/index.ts"

export type StandInOptions = {
  readonly address: EngineAddress
  readonly worker: string
  readonly intervalMs: number
  readonly onLost: () => void
}

/** What the thread is told. */
export type ToThread =
  | { readonly kind: "start"; readonly worker: string; readonly address: EngineAddress; readonly intervalMs: number }
  | { readonly kind: "beaten"; readonly worker: string }
  | { readonly kind: "stop"; readonly worker: string }

/** What the thread tells: the worker was removed. */
export type FromThread = { readonly lost: string }

/** One thread for all workers of the process, as long as there are some. */
let thread: Worker | undefined
const standIns = new Map<string, StandIn>()

function openThread(): Worker {
  // The file is TypeScript in the repository and JavaScript in the published package, as this one is.
  const file = new URL(
    import.meta.url.endsWith(".ts") ? "./stand-in-thread.ts" : "./stand-in-thread.js",
    import.meta.url,
  )
  const opened = new Worker(file, { name: "rootstock heartbeats", execArgv: [], stdout: false, stderr: false })
  opened.unref()
  opened.on("message", ({ lost }: FromThread) => standIns.get(lost)?.options.onLost())
  opened.on("error", (error) => {
    // Without it, heartbeats depend on the event loop alone.
    process.emitWarning(`The thread of heartbeats ended: ${error instanceof Error ? error.message : error}`)
    if (thread === opened) thread = undefined
  })
  return opened
}

/** Asks the thread to beat for a worker whenever the event loop has not done it in time. */
export class StandIn {
  readonly options: StandInOptions

  constructor(options: StandInOptions) {
    this.options = options
  }

  start(): void {
    const { worker, address, intervalMs } = this.options
    standIns.set(worker, this)
    thread ??= openThread()
    this.#tell({ kind: "start", worker, address, intervalMs })
  }

  /** The event loop has beaten. */
  beaten(): void {
    this.#tell({ kind: "beaten", worker: this.options.worker })
  }

  stop(): void {
    const { worker } = this.options
    if (!standIns.delete(worker)) return
    this.#tell({ kind: "stop", worker })
    if (standIns.size > 0) return
    const last = thread
    thread = undefined
    void last?.terminate()
  }

  #tell(message: ToThread): void {
    thread?.postMessage(message)
  }
}
