import { type JobStats, type Jobs, jobStats, pauseQueue, type QueueDepth, resumeQueue } from "../../jobs/index.ts"
import { transaction } from "../../session/index.ts"
import type { AuditStorage } from "../../shared/index.ts"
import { rules } from "./rules.ts"

/** Which queues: these, or all whose names begin so. */
export type QueueTarget =
  | { readonly ids: readonly string[] }
  | { readonly filter: { readonly prefix?: string | undefined } }

/** What operators do with queues. */
export class QueueOperations {
  readonly #jobs: Jobs
  readonly #audit: AuditStorage

  constructor(jobs: Jobs, audit: AuditStorage) {
    this.#jobs = jobs
    this.#audit = audit
  }

  /** How all queues stand, and which workers live. */
  stats(): Promise<JobStats> {
    return jobStats(this.#jobs)
  }

  /** How a queue stands. @throws RuleError `QUEUE_NOT_FOUND` */
  async get(name: string): Promise<QueueDepth> {
    const { queues } = await this.stats()
    const found = queues.find(({ queue }) => queue === name)
    if (found === undefined) throw rules.broken("QUEUE_NOT_FOUND", `There is no queue ${name}.`)
    return found
  }

  /** Takes nothing more from a queue, in all processes, until it is resumed. @throws RuleError `QUEUE_NOT_FOUND` */
  pause(name: string): Promise<QueueDepth> {
    return this.#setOne(name, true)
  }

  /** Takes jobs from a queue again. @throws RuleError `QUEUE_NOT_FOUND` */
  resume(name: string): Promise<QueueDepth> {
    return this.#setOne(name, false)
  }

  /** Pauses those queues that are there and are not paused; how many. */
  pauseAll(target: QueueTarget): Promise<number> {
    return this.#setAll(target, true)
  }

  /** Resumes those queues that are paused; how many. */
  resumeAll(target: QueueTarget): Promise<number> {
    return this.#setAll(target, false)
  }

  async #setOne(name: string, paused: boolean): Promise<QueueDepth> {
    const before = await this.get(name)
    await this.#setAll({ ids: [name] }, paused)
    return { ...before, paused }
  }

  #setAll(target: QueueTarget, paused: boolean): Promise<number> {
    const isMeant = "ids" in target ? among(target.ids) : (name: string) => name.startsWith(target.filter.prefix ?? "")
    return transaction(
      async () => {
        const { queues } = await this.stats()
        const names = queues.filter((one) => one.paused !== paused && isMeant(one.queue)).map(({ queue }) => queue)
        for (const name of names) await (paused ? pauseQueue : resumeQueue)(this.#jobs, name)
        await this.#audit.recordAll(
          names.map((name) => ({
            action: paused ? "queues.pause" : "queues.resume",
            entity: "queue",
            entityId: name,
            before: { paused: !paused },
            after: { paused },
          })),
        )
        return names.length
      },
      { name: "operations.queues" },
    )
  }
}

function among(names: readonly string[]): (name: string) => boolean {
  const all = new Set(names)
  return (name) => all.has(name)
}
