import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import type { Call } from "../contestants/contract.ts"
import type { ContestantName, Engine } from "./contestants.ts"
import type { GrowthCall } from "./growth-tasks.ts"
import type { Slice } from "./measure.ts"
import type { Reply } from "./requests.ts"
import type { Opened, Request } from "./worker.ts"

/** A program in a process of its own, started once and asked one thing at a time. */
export class AskedProcess<Asked extends { kind: string }> {
  readonly name: string
  readonly #child: ChildProcess

  constructor(name: string, program: URL) {
    this.name = name
    this.#child = fork(program, {
      execArgv: ["--expose-gc"],
      env: { ...process.env, NODE_ENV: "production" },
      serialization: "advanced",
    })
  }

  async ask(request: Asked): Promise<unknown> {
    const reply = new Promise<Reply>((resolve, reject) => {
      const answered = (message: unknown): void => {
        this.#child.off("exit", exited)
        resolve(message as Reply)
      }
      const exited = (code: number | null): void => {
        this.#child.off("message", answered)
        reject(new Error(`the process of ${this.name} ended with ${code} at "${request.kind}"`))
      }
      this.#child.once("message", answered)
      this.#child.once("exit", exited)
      // One that was killed before.
      this.#child.send(request, (error) => {
        if (error !== null) reject(error)
      })
    })
    const answer = await reply
    if ("failure" in answer) throw new Error(`${this.name}: ${answer.failure}`)
    return answer.value
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit")
  }

  /** Ends the process without asking it. */
  kill(): void {
    this.#child.kill("SIGKILL")
  }
}

/** A contestant in a process of its own. */
export class ContestantProcess {
  readonly name: ContestantName
  readonly location: string
  readonly opened: Opened
  readonly #process: AskedProcess<Request>

  private constructor(name: ContestantName, location: string, asked: AskedProcess<Request>, opened: Opened) {
    this.name = name
    this.location = location
    this.#process = asked
    this.opened = opened
  }

  static async start(options: {
    name: ContestantName
    engine: Engine
    location: string
    poolSize: number
  }): Promise<ContestantProcess> {
    const asked = new AskedProcess<Request>(options.name, new URL("worker.ts", import.meta.url))
    const opened = (await asked.ask({ kind: "open", ...options })) as Opened
    return new ContestantProcess(options.name, options.location, asked, opened)
  }

  call(call: Call, ...parameters: unknown[]): Promise<unknown> {
    return this.#process.ask({ kind: "call", call, parameters })
  }

  measure(task: string, seconds: number): Promise<Slice> {
    return this.#process.ask({ kind: "measure", task, seconds }) as Promise<Slice>
  }

  measureGrowth(call: GrowthCall, size: number, seconds: number): Promise<Slice> {
    return this.#process.ask({ kind: "measure growth", call, size, seconds }) as Promise<Slice>
  }

  async close(): Promise<void> {
    await this.#process.ask({ kind: "close" })
    await this.#process.ended()
  }

  /** Ends the process without asking it. */
  kill(): void {
    this.#process.kill()
  }
}
