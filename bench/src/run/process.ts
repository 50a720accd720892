import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import type { Call } from "../contestants/contract.ts"
import type { ContestantName, Engine } from "./contestants.ts"
import type { GrowthCall } from "./growth-tasks.ts"
import type { Slice } from "./measure.ts"
import type { Opened, Reply, Request } from "./worker.ts"

/** A contestant in a process of its own, started once and asked one thing at a time. */
export class ContestantProcess {
  readonly name: ContestantName
  readonly location: string
  readonly opened: Opened
  readonly #child: ChildProcess

  private constructor(name: ContestantName, location: string, child: ChildProcess, opened: Opened) {
    this.name = name
    this.location = location
    this.#child = child
    this.opened = opened
  }

  static async start(options: {
    name: ContestantName
    engine: Engine
    location: string
    poolSize: number
  }): Promise<ContestantProcess> {
    const child = fork(new URL("worker.ts", import.meta.url), {
      execArgv: ["--expose-gc"],
      env: { ...process.env, NODE_ENV: "production" },
      serialization: "advanced",
    })
    const opened = (await ask(child, options.name, { kind: "open", ...options })) as Opened
    return new ContestantProcess(options.name, options.location, child, opened)
  }

  call(call: Call, ...parameters: unknown[]): Promise<unknown> {
    return ask(this.#child, this.name, { kind: "call", call, parameters })
  }

  measure(task: string, seconds: number): Promise<Slice> {
    return ask(this.#child, this.name, { kind: "measure", task, seconds }) as Promise<Slice>
  }

  measureGrowth(call: GrowthCall, size: number, seconds: number): Promise<Slice> {
    return ask(this.#child, this.name, { kind: "measure growth", call, size, seconds }) as Promise<Slice>
  }

  async close(): Promise<void> {
    const exit = once(this.#child, "exit")
    await ask(this.#child, this.name, { kind: "close" })
    await exit
  }

  /** Ends the process without asking it. */
  kill(): void {
    this.#child.kill("SIGKILL")
  }
}

async function ask(child: ChildProcess, name: string, request: Request): Promise<unknown> {
  const reply = new Promise<Reply>((resolve, reject) => {
    const answered = (message: unknown): void => {
      child.off("exit", exited)
      resolve(message as Reply)
    }
    const exited = (code: number | null): void => {
      child.off("message", answered)
      reject(new Error(`the process of ${name} ended with ${code} at "${request.kind}"`))
    }
    child.once("message", answered)
    child.once("exit", exited)
  })
  child.send(request)
  const answer = await reply
  if ("failure" in answer) throw new Error(`${name}: ${answer.failure}`)
  return answer.value
}
