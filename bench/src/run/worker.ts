import type { Call, Contestant } from "../contestants/contract.ts"
import { type ContestantName, type Engine, openContestant } from "./contestants.ts"
import { type GrowthCall, growthTask } from "./growth-tasks.ts"
import { measure, type Slice } from "./measure.ts"
import { answerRequests } from "./requests.ts"
import { tasks } from "./tasks.ts"

/** What the bench asks of a contestant's process. */
export type Request =
  | { kind: "open"; name: ContestantName; engine: Engine; location: string; poolSize: number }
  | { kind: "call"; call: Call; parameters: unknown[] }
  | { kind: "measure"; task: string; seconds: number }
  | { kind: "measure growth"; call: GrowthCall; size: number; seconds: number }
  | { kind: "close" }

export interface Opened {
  form: string
  packages: readonly string[]
}

/** There with `--expose-gc`: a slice does not pay for the garbage of the one before. */
const collectGarbage = globalThis.gc

let contestant: Contestant | undefined

async function answer(request: Request): Promise<Opened | Slice | unknown> {
  if (request.kind === "open") {
    contestant = await openContestant(request.name, request.engine, request)
    return { form: contestant.form, packages: contestant.packages } satisfies Opened
  }
  if (contestant === undefined) throw new Error("the contestant is not open")
  switch (request.kind) {
    case "call": {
      const call = contestant[request.call] as (...parameters: unknown[]) => unknown
      const value = await call.apply(contestant, request.parameters)
      return contestant.plain === undefined ? value : contestant.plain(value)
    }
    case "measure": {
      const task = tasks.find(({ name }) => name === request.task)
      if (task === undefined) throw new Error(`no task ${request.task}`)
      collectGarbage?.()
      return measure(task, contestant, request.seconds)
    }
    case "measure growth":
      collectGarbage?.()
      return measure(growthTask(request.call, request.size), contestant, request.seconds)
    case "close":
      return contestant.close()
  }
}

answerRequests<Request>(answer)
