import type { Clock } from "../clock/index.ts"
import type { Engine } from "../engine/index.ts"
import { ConfigError, DeclarationError, TimeoutError, UnavailableError, ValidationError } from "../errors/index.ts"
import { createLogger, type Logger } from "../log/index.ts"
import type { Metric } from "../metrics/index.ts"
import type { Tables } from "../schema/index.ts"
import { afterCommit, currentSession } from "../session/index.ts"
import type { Database, Storages } from "../storage/index.ts"
import { checkQueues, type Job } from "./define.ts"
import { GatheredSends } from "./gathered-sends.ts"
import { Hands } from "./hands.ts"
import { Measures } from "./measures.ts"
import { asItIs } from "./outcomes.ts"
import { Insertion, type NewJob, newJob, type SendOptions } from "./send.ts"
import { type Backend, jobStorages } from "./storages.ts"
import { queueTopic, wakesOf } from "./wakes.ts"
import { JobWorker, type WorkerOptions } from "./worker.ts"

export type JobsOptions = {
  /** All kinds of jobs that are sent to, or done from, this database. */
  jobs: readonly Job[]
  /** Default: one named `jobs`. */
  log?: Logger
  /** Source of randomness for the pauses between attempts, 0 to 1. */
  random?: () => number
}

/** The jobs of an opened database. */
export class Jobs {
  readonly database: Database
  /** That of the database. */
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  /** Storages of the tables of jobs. */
  readonly store: Storages<typeof jobStorages, Tables>
  /** What was counted in this process. */
  readonly measures = new Measures()
  /** Who takes jobs in this process. */
  readonly hands = new Hands()
  readonly #definitions = new Map<string, Job>()
  readonly #insertion: Insertion
  readonly #gathered = new GatheredSends((jobs) => this.#store(jobs))

  constructor(database: Database, options: JobsOptions) {
    this.database = database
    this.store = storagesOf(database)
    this.clock = this.backend.clock
    this.log = options.log ?? createLogger({ name: "jobs", clock: this.clock })
    this.random = options.random ?? Math.random
    this.#insertion = new Insertion(this.backend)
    for (const one of options.jobs) {
      const twin = this.#definitions.get(one.kind)
      if (twin !== undefined && twin !== one) {
        throw new DeclarationError(`Two kinds of jobs are named ${one.kind}.`, { cure: "Rename one of them." })
      }
      this.#definitions.set(one.kind, one)
    }
    checkQueues(this.definitions)
  }

  /** What the statements of jobs run on: the database, with the ambient session where there is one. */
  get backend(): Backend {
    return this.store.jobs.backend
  }

  get engine(): Engine {
    return this.backend.host.engine
  }

  /** All kinds of jobs. */
  get definitions(): readonly Job[] {
    return [...this.#definitions.values()]
  }

  /** The kind of job with this name, or undefined. */
  definition(kind: string): Job | undefined {
    return this.#definitions.get(kind)
  }

  /**
   * Sends a job. Inside a transaction it commits with the data, or not at all, and costs one statement; outside, those that
   * are sent beside each other share one.
   *
   * @returns its id, or that of the waiting twin that `dedupe` found
   * @throws ValidationError where the payload or an option does not fit
   *
   * ### Examples
   *
   * ```ts
   * await transaction(async () => {
   *   const order = await store.orders.create({ userId })
   *   await jobs.send(orderPlaced, { orderId: order.id })
   * })
   * await jobs.send(reminder, { userId }, { delayMs: 60_000, dedupe: { key: String(userId), onTwin: "replace" } })
   * ```
   */
  async send<P>(job: Job<P>, payload: P, options: SendOptions = {}): Promise<string> {
    this.#check(job)
    return this.#storeOne(newJob(job, job.payload.write(payload), options, this.clock.now()))
  }

  /**
   * Sends many jobs of one kind, all or none, in one statement for each portion that the engine takes.
   *
   * @param options for all of them, or made for each
   * @returns their ids, in the order of the payloads
   */
  async sendMany<P>(
    job: Job<P>,
    payloads: readonly P[],
    options: SendOptions | ((payload: P, index: number) => SendOptions) = {},
  ): Promise<string[]> {
    this.#check(job)
    const present = this.clock.now()
    const of = typeof options === "function" ? options : () => options
    return this.#store(
      payloads.map((payload, index) => newJob(job, job.payload.write(payload), of(payload, index), present)),
    )
  }

  /**
   * Sends a job whose kind and payload are data: from a stored schedule, a request of an operator, a message.
   *
   * @param json as the kind's payload is stored: names in snake_case, instants as text
   * @throws ValidationError where the kind is not known or the payload does not fit
   */
  async sendJson(kind: string, json: unknown, options: SendOptions = {}): Promise<string> {
    const definition = this.#definitions.get(kind)
    if (definition === undefined) {
      throw new ValidationError(`There is no kind of job named ${JSON.stringify(kind)}.`, {
        cure: `Use one of: ${[...this.#definitions.keys()].join(", ")}.`,
      })
    }
    return this.#storeOne(newJob(definition, definition.payload.check(json), options, this.clock.now()))
  }

  /** Makes a worker, which does nothing until it is started. */
  worker(options: WorkerOptions = {}): JobWorker {
    return new JobWorker(this, options)
  }

  /** What is measured of the queues and of this process, for `/metrics`. */
  metrics(): Promise<readonly Metric[]> {
    return this.measures.read(this)
  }

  #check(job: Job): void {
    if (this.#definitions.get(job.kind) === job) return
    throw new ValidationError(`The kind of job ${job.kind} is not among those of this database.`, {
      cure: "Add it to `jobs` where the jobs are opened.",
    })
  }

  async #storeOne(job: NewJob): Promise<string> {
    // One with a key may find a twin in another's transaction, and have to wait for its end.
    if (currentSession() !== undefined || job.dedupe !== null) return (await this.#store([job]))[0] as string
    await this.#gathered.add(job)
    return job.id
  }

  async #store(jobs: readonly NewJob[]): Promise<string[]> {
    if (jobs.length === 0) return []
    if (currentSession() === undefined && (await this.#handOver(jobs))) return jobs.map(({ id }) => id)
    const steps = this.#insertion.steps(jobs)
    const twins = new Map<string, string>()
    const [first] = steps
    if (first !== undefined && steps.length === 1 && !first.query.returns) {
      await this.backend.run(first.query, first.values, asItIs)
    } else {
      for (const { rows } of await this.backend.unit(steps, asItIs)) {
        for (const [dedupe, id] of rows as (readonly [string, string])[]) twins.set(dedupe, id)
      }
    }
    afterCommit(() => this.#announce(jobs))
    return jobs.map(({ id, dedupe }) => (dedupe === null ? id : (twins.get(dedupe) ?? id)))
  }

  /** Stores jobs as those of a worker of this process that has nothing else to do. @returns whether they are stored */
  async #handOver(jobs: readonly NewJob[]): Promise<boolean> {
    const offer = this.hands.offer(jobs)
    if (offer === undefined) return false
    let stored = 0
    try {
      const step = this.#insertion.handingStep(jobs, offer)
      if (step === undefined) {
        offer.decline()
        return false
      }
      stored = await this.backend.run(step.query, step.values, asItIs)
    } catch (error) {
      if (error instanceof UnavailableError || error instanceof TimeoutError) offer.doubt()
      else offer.decline()
      throw error
    }
    if (stored === 0) offer.decline("closed")
    else offer.accept(this.#insertion.taken(jobs))
    return stored > 0
  }

  /** Wakes who serves their queues. */
  #announce(jobs: readonly NewJob[]): void {
    const earliest = new Map<string, number>()
    for (const { definition, runAt } of jobs) {
      const due = runAt.getTime()
      const before = earliest.get(definition.queue)
      if (before === undefined || due < before) earliest.set(definition.queue, due)
    }
    for (const [queue, due] of earliest) this.wake(queue, due)
  }

  /**
   * Wakes who serves a queue, here and in other processes, after a commit that left something to do in it.
   *
   * @param due when it is to be done, in milliseconds of Unix time
   */
  wake(queue: string, due: number): void {
    wakesOf(this.engine).wake(queue, due)
    this.engine.signals.send(queueTopic(queue))
  }
}

function storagesOf(database: Database): Storages<typeof jobStorages, Tables> {
  try {
    return database.storages(jobStorages)
  } catch (cause) {
    throw new ConfigError("The database was opened without the tables of jobs.", {
      cure: "Spread `jobTables` into its tables, and make a migration.",
      cause,
    })
  }
}

/**
 * Opens the jobs of a database.
 *
 * @throws ConfigError where the database lacks `jobTables`; DeclarationError where two kinds have one name
 *
 * ### Examples
 *
 * ```ts
 * const db = await openDatabase(url, { tables: { orders, ...jobTables } })
 * const jobs = openJobs(db, { jobs: [orderPlaced, reminder] })
 * await jobs.send(orderPlaced, { orderId: 7 })
 *
 * const worker = jobs.worker({ handlers: [handle(orderPlaced, place)] })
 * await worker.start()
 * ```
 */
export function openJobs<S extends Tables>(database: Database<S>, options: JobsOptions): Jobs {
  return new Jobs(database as unknown as Database, options)
}
