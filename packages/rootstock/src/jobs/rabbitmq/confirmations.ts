import { elapsed } from "../../clock/index.ts"
import type { Logger } from "../../log/index.ts"
import type { TakenJob } from "../taken.ts"
import type { AtBroker } from "./at-broker.ts"

/**
 * How long the note of a confirmation is put off, in milliseconds: a job that is received meanwhile needs none, and the
 * others share a statement. Should the process die before, its jobs are published once more, and received once.
 */
const putOffMs = 1_000
const tickMs = 500
/** The most notes that are put off. */
const mostPutOff = 10_000

/** Notes in the database which messages the broker has. */
export class Confirmations {
  readonly #atBroker: AtBroker
  readonly #log: Logger
  #worker: string | undefined
  /** By job, in the order of their confirmations. */
  readonly #jobs = new Map<string, { readonly job: TakenJob; readonly since: number }>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined

  constructor(atBroker: AtBroker, log: Logger) {
    this.#atBroker = atBroker
    this.#log = log
  }

  /** Goes on in the name of a worker; what was to be noted in another's is others' business. */
  begin(worker: string | undefined): void {
    this.#worker = worker
    this.#jobs.clear()
  }

  has(id: string): boolean {
    return this.#jobs.has(id)
  }

  /** The broker has the job's message. */
  add(job: TakenJob): void {
    this.#jobs.set(job.id, { job, since: elapsed() })
    if (this.#jobs.size > mostPutOff) this.#writeSoon()
    else this.#timer ??= setTimeout(() => this.#tick(), tickMs)
  }

  /** The job was received, or taken anew. @returns whether it was to be noted */
  forget(id: string): boolean {
    return this.#jobs.delete(id)
  }

  /**
   * Notes at once what is left, and nothing else of the worker's: it may answer for jobs of which nobody here knows. What
   * cannot be noted, others see to.
   */
  async end(): Promise<void> {
    await this.#writing
    clearTimeout(this.#timer)
    this.#timer = undefined
    const worker = this.#worker
    const left = Array.from(this.#jobs.values(), ({ job }) => job)
    this.begin(undefined)
    if (left.length > 0 && worker !== undefined) await this.#attempt(() => this.#atBroker.confirm(left, worker))
  }

  #tick(): void {
    this.#timer = undefined
    this.#writeSoon()
  }

  #writeSoon(): void {
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    const worker = this.#worker
    const before = this.#jobs.size > mostPutOff ? Number.POSITIVE_INFINITY : elapsed() - putOffMs
    const due: TakenJob[] = []
    for (const { job, since } of this.#jobs.values()) {
      if (since > before) break
      due.push(job)
    }
    await undefined
    if (due.length > 0 && worker !== undefined) {
      await this.#attempt(async () => {
        await this.#atBroker.confirm(due, worker)
        for (const job of due) if (this.#jobs.get(job.id)?.job === job) this.#jobs.delete(job.id)
      })
    }
    this.#writing = undefined
    if (this.#jobs.size > 0) this.#timer ??= setTimeout(() => this.#tick(), tickMs)
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#log.warning("What RabbitMQ has cannot be noted in the database", { error })
    }
  }
}
