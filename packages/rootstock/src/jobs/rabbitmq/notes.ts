import { elapsed } from "../../clock/index.ts"
import type { Logger } from "../../log/index.ts"
import type { TakenJob } from "../taken.ts"

/**
 * How long a note is put off, in milliseconds: a job with which something else happens meanwhile needs none, and the others
 * share a statement.
 */
const putOffMs = 1_000
const tickMs = 500
/** The most notes that are put off. */
const mostPutOff = 10_000

export type NotesOptions = {
  readonly log: Logger
  /** What cannot be noted while the database is away, in a sentence for the log. */
  readonly failure: string
  /** Writes the notes in the name of a worker. @returns the ids of those that need no other try */
  readonly write: (jobs: readonly TakenJob[], worker: string) => Promise<ReadonlySet<string>>
}

/** What is to be noted of jobs in the database, a while later. */
export class Notes {
  readonly #options: NotesOptions
  #worker: string | undefined
  /** By job, in the order in which they came. */
  readonly #jobs = new Map<string, { readonly job: TakenJob; readonly since: number }>()
  /** Being written at this moment. */
  #due: ReadonlySet<TakenJob> = new Set()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined

  constructor(options: NotesOptions) {
    this.#options = options
  }

  /** Goes on in the name of a worker; what was to be noted in another's is others' business. */
  begin(worker: string | undefined): void {
    this.#worker = worker
    this.#jobs.clear()
  }

  has(id: string): boolean {
    return this.#jobs.has(id)
  }

  /** The job in this attempt, if it is to be noted, and that is not being done at this moment. */
  find(id: string, attempt: number): TakenJob | undefined {
    const job = this.#jobs.get(id)?.job
    return job === undefined || job.attempt !== attempt || this.#due.has(job) ? undefined : job
  }

  add(job: TakenJob): void {
    this.#jobs.set(job.id, { job, since: elapsed() })
    if (this.#jobs.size > mostPutOff) this.#writeSoon()
    else this.#timer ??= setTimeout(() => this.#tick(), tickMs)
  }

  /** Nothing is to be noted of it any more. @returns whether it was */
  forget(id: string): boolean {
    return this.#jobs.delete(id)
  }

  /** Notes at once what is left. What cannot be noted, others see to. */
  async end(): Promise<void> {
    const worker = this.#worker
    await this.#halt()
    const left = Array.from(this.#jobs.values(), ({ job }) => job)
    this.begin(undefined)
    if (left.length > 0 && worker !== undefined) await this.#attempt(() => this.#options.write(left, worker))
  }

  /** Leaves what is to be noted to others. */
  async drop(): Promise<void> {
    this.begin(undefined)
    await this.#halt()
  }

  async #halt(): Promise<void> {
    await this.#writing
    clearTimeout(this.#timer)
    this.#timer = undefined
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
    this.#due = new Set(due)
    await undefined
    if (due.length > 0 && worker !== undefined) {
      await this.#attempt(async () => {
        const noted = await this.#options.write(due, worker)
        for (const job of due) {
          if (noted.has(job.id) && this.#jobs.get(job.id)?.job === job) this.#jobs.delete(job.id)
        }
      })
    }
    this.#due = new Set()
    this.#writing = undefined
    if (this.#jobs.size > 0) this.#timer ??= setTimeout(() => this.#tick(), tickMs)
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#options.log.warning(this.#options.failure, { error })
    }
  }
}
