import { hostname } from "node:os"
import { ConfigError } from "../errors/index.ts"
import { uuidv7 } from "../schema/index.ts"
import { Claim } from "./claim.ts"
import { ownCommits, SharedCommits } from "./commits.ts"
import { BatchCompletion } from "./completions.ts"
import type { Job, JobHandler } from "./define.ts"
import { DueJobs } from "./due-jobs.ts"
import { JobInterruptedError } from "./errors.ts"
import { heldBy } from "./fence.ts"
import { Heartbeat } from "./heartbeat.ts"
import { Holdings } from "./holdings.ts"
import type { Jobs } from "./jobs.ts"
import { Outcomes } from "./outcomes.ts"
import { type KeepDays, Pruning } from "./pruning.ts"
import { QueueService } from "./queue-service.ts"
import { Repeating } from "./repeating.ts"
import { Rescue } from "./rescue.ts"
import type { Identity, Source, Transport } from "./source.ts"
import { takenAwayTopic, wakesOf } from "./wakes.ts"

/** Times are milliseconds. */
export type WorkerOptions = {
  /** Handlers beside those that were given with the kinds of jobs. */
  handlers?: readonly JobHandler[]
  /** The queues to work on (default: those of all kinds with a handler). */
  queues?: readonly string[]
  /** The most jobs that are done at a time in each queue, or by queue (default 10). */
  concurrency?: number | Readonly<Record<string, number>>
  /** The most jobs of a queue that are taken ahead, where they are short; 0 for none (default 2,000). */
  prefetch?: number
  /** How long `stop` waits for what runs (default 25,000). */
  patienceMs?: number
  /** Between two signs of life (default 5,000). */
  heartbeatMs?: number
  /** Without a sign of life for so long, a worker counts as dead (default 20,000). */
  lostAfterMs?: number
  /** Between two looks for dead workers (default 10,000). */
  rescueMs?: number
  /** Between two looks for jobs that nobody announced (default 1,000). */
  pollMs?: number
  /** Between two removals of old history (default 3,600,000). */
  pruneMs?: number
  /** How long history is kept. */
  keepDays?: KeepDays
  /** Brings the jobs (default: the worker takes them from the database itself). */
  broker?: Broker
}

/** What stands between the database and the workers, and hands over jobs. */
export type Broker = {
  /** `off` where there is none, and workers look by themselves. */
  readonly state: "connected" | "away" | "off"
  /** Makes what brings jobs to one worker. */
  transport(): Transport
}

const defaultConcurrency = 10

/** Does the jobs of queues, until it is stopped. */
export class JobWorker {
  readonly queues: readonly string[]
  readonly #jobs: Jobs
  readonly #options: WorkerOptions
  readonly #services: readonly QueueService[]
  readonly #holdings: Holdings
  readonly #transport: Transport | undefined
  readonly #periodic: readonly Repeating[]
  #identity: Identity | undefined
  #heartbeat: Heartbeat | undefined
  #starting: Promise<void> | undefined
  #becoming: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  readonly #hurry = Promise.withResolvers<void>()
  readonly #stops: (() => unknown)[] = []

  /** @throws ConfigError where a queue has no handler, or an option makes no sense */
  constructor(jobs: Jobs, options: WorkerOptions) {
    this.#jobs = jobs
    this.#options = options
    this.#transport =
      options.broker === undefined || options.broker.state === "off" ? undefined : options.broker.transport()
    const handlers = handlersOf(jobs, options, this.#transport !== undefined)
    this.queues = queuesOf(handlers, options, this.#transport === undefined ? [] : jobs.definitions)
    const { backend, engine } = jobs
    this.#holdings = new Holdings(backend)
    const claim = new Claim(backend.dialect)
    const source = (queue: string, concurrency: number): Source =>
      this.#transport?.source(queue, concurrency) ??
      new DueJobs({
        jobs,
        queue,
        claim,
        pollMs: options.pollMs ?? 1_000,
        giveBackUnknown: (...unknown) => this.#holdings.giveBackUnknown(...unknown),
      })
    const shared = {
      jobs,
      handlers,
      commits: engine.singleWriter ? new SharedCommits() : ownCommits,
      completion: new BatchCompletion(backend),
      holdings: this.#holdings,
      prefetch: options.prefetch ?? 2_000,
    }
    this.#services = this.queues.map((queue) => {
      const concurrency = concurrencyOf(queue, options)
      return new QueueService({ ...shared, queue, concurrency, source: source(queue, concurrency) })
    })
    const rescue = new Rescue(jobs, options.lostAfterMs ?? 20_000)
    const pruning = new Pruning(jobs, options.keepDays, this.#transport === undefined)
    const report = (what: string) => (error: unknown) => jobs.log.warning(`${what} failed`, { error })
    this.#periodic = [
      new Repeating(options.rescueMs ?? 10_000, () => rescue.run(), report("The look for dead workers")),
      new Repeating(
        options.pruneMs ?? 3_600_000,
        (signal) => pruning.run(signal),
        report("The removal of old history"),
      ),
    ]
  }

  /** Its id in the table `worker`, while it has one. */
  get id(): string | undefined {
    return this.#identity?.id
  }

  /** Begins to work; where that fails, it may be tried again. @throws UnavailableError where the database is away */
  start(): Promise<void> {
    this.#starting ??= this.#begin()
    return this.#starting
  }

  async #begin(): Promise<void> {
    const { engine } = this.#jobs
    const identity = await this.#register().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    const look = () => void this.#dropLost()
    this.#stops.push(wakesOf(engine).listen(takenAwayTopic, look), await engine.signals.listen(takenAwayTopic, look))
    await this.#transport?.start(identity)
    for (const service of this.#services) await service.start(identity)
    for (const one of this.#periodic) one.start()
    this.#jobs.log.info(`Working on ${this.queues.join(", ")}`, { worker: identity.id })
  }

  /**
   * Takes no more jobs, gives back those that were not begun, and waits for those that run; what runs for longer than the
   * patience is aborted and given back. Idempotent; a second call, or `now`, waits no longer.
   */
  stop(options: { now?: boolean } = {}): Promise<void> {
    if (this.#starting === undefined) return Promise.resolve()
    if (options.now === true || this.#stopping !== undefined) this.#hurry.resolve()
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    for (const service of this.#services) service.halt()
    for (const stop of this.#stops.splice(0)) await stop()
    await Promise.all(this.#periodic.map((one) => one.stop()))
    await this.#transport?.quiesce()
    const unbegun = (await Promise.all(this.#services.map((service) => service.quiesce()))).flat()
    await this.#whileReachable(async ({ id }) => {
      await this.#holdings.giveBack(
        id,
        unbegun.map((job) => job.id),
      )
      this.#announce(new Set(unbegun.map(({ queue }) => queue)))
    })
    const drained = Promise.all(this.#services.map((service) => service.drain()))
    await this.#untilPatienceEnds(drained)
    const aborted = new JobInterruptedError("The worker stops.", {
      cure: "Nothing is to be done: the job waits again.",
    })
    for (const service of this.#services) service.interrupt(aborted)
    await this.#briefly(drained)
    for (const service of this.#services) service.abandon()
    await this.#transport?.stop()
    await this.#becoming
    await this.#heartbeat?.stop()
    await this.#whileReachable(async ({ id }) => {
      if ((await this.#holdings.giveBackAll(id)) > 0) this.#announce(new Set(this.queues))
      await this.#jobs.store.workers.delete(id)
    })
    this.#identity = undefined
    this.#jobs.log.info(`Stopped working on ${this.queues.join(", ")}`)
  }

  async #untilPatienceEnds(drained: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, this.#options.patienceMs ?? 25_000)
    await Promise.race([drained, late, this.#hurry.promise])
    clearTimeout(timer)
  }

  /** What was interrupted ends at once, unless its commit is under way or the database is away. */
  async #briefly(drained: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, 2_000)
    await Promise.race([drained, late])
    clearTimeout(timer)
  }

  /** What cannot be given back, others rescue. */
  async #whileReachable(work: (identity: Identity) => Promise<unknown>): Promise<void> {
    if (this.#identity === undefined) return
    try {
      await work(this.#identity)
    } catch (error) {
      this.#jobs.log.warning("Jobs cannot be given back", { error })
    }
  }

  #announce(queues: ReadonlySet<string>): void {
    const present = this.#jobs.clock.now().getTime()
    for (const queue of queues) this.#jobs.wake(queue, present)
  }

  async #register(): Promise<Identity> {
    const { store, clock, backend } = this.#jobs
    const id = uuidv7()
    await store.workers.create({ id, host: hostname().slice(0, 255), pid: process.pid, seen: clock.now() })
    this.#identity = { id, outcomes: new Outcomes(this.#jobs, heldBy(id)) }
    this.#heartbeat = new Heartbeat({
      backend,
      clock,
      worker: id,
      intervalMs: this.#options.heartbeatMs ?? 5_000,
      onLost: () => this.#lose(),
    })
    this.#heartbeat.start()
    return this.#identity
  }

  /** It was taken for dead: it drops everything and goes on as another one. */
  #lose(): void {
    this.#jobs.log.warning(`The worker ${this.id} was taken for dead, and goes on as another one`)
    this.#identity = undefined
    this.#transport?.lose()
    for (const service of this.#services) service.lose()
    this.#becoming ??= this.#become().finally(() => {
      this.#becoming = undefined
    })
  }

  async #become(): Promise<void> {
    while (this.#stopping === undefined) {
      try {
        const identity = await this.#register()
        this.#transport?.resume(identity)
        for (const service of this.#services) service.resume(identity)
        return
      } catch (error) {
        this.#jobs.log.warning("The worker cannot be registered", { error })
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      }
    }
  }

  async #dropLost(): Promise<void> {
    try {
      for (const service of this.#services) await service.dropLost()
    } catch (error) {
      this.#jobs.log.debug("The jobs of the worker cannot be looked at", { error })
    }
  }
}

function handlersOf(jobs: Jobs, { handlers = [] }: WorkerOptions, brokered: boolean): ReadonlyMap<string, JobHandler> {
  const byKind = new Map<string, JobHandler>()
  for (const job of jobs.definitions) if (job.handler !== undefined) byKind.set(job.kind, { job, handler: job.handler })
  for (const one of handlers) {
    const { kind } = one.job
    if (jobs.definition(kind) !== one.job) {
      throw new ConfigError(`The handler of ${kind} is for a kind of job that is not among those of the database.`, {
        cure: "Add it to `jobs` where the jobs are opened.",
      })
    }
    if (byKind.has(kind)) {
      throw new ConfigError(`The kind of job ${kind} has two handlers.`, { cure: "Remove one of them." })
    }
    byKind.set(kind, one)
  }
  for (const job of jobs.definitions) {
    if (job.published === undefined) continue
    // Publishing is all that is to be done with them; and without a broker, there is nothing.
    if (!brokered) byKind.delete(job.kind)
    else if (!byKind.has(job.kind)) byKind.set(job.kind, { job, handler: () => undefined })
  }
  return byKind
}

/** @param brokered kinds that are published, where that needs a worker, are nobody's in particular */
function queuesOf(
  handlers: ReadonlyMap<string, JobHandler>,
  { queues }: WorkerOptions,
  brokered: readonly Job[],
): readonly string[] {
  const known = new Set([...handlers.values()].map(({ job }) => job.queue))
  for (const queue of queues ?? []) {
    if (known.has(queue)) continue
    throw new ConfigError(`No kind of job in the queue ${JSON.stringify(queue)} has a handler.`, {
      cure: `Name some of: ${[...known].join(", ")}.`,
    })
  }
  if (known.size === 0) throw new ConfigError("The worker has no handler.", { cure: "Give it some: handle(job, …)." })
  const published = brokered.filter((job) => job.published !== undefined).map(({ queue }) => queue)
  return [...new Set([...(queues ?? known), ...published])]
}

function concurrencyOf(queue: string, { concurrency = defaultConcurrency }: WorkerOptions): number {
  const most = typeof concurrency === "number" ? concurrency : (concurrency[queue] ?? defaultConcurrency)
  if (Number.isInteger(most) && most >= 1) return most
  throw new ConfigError(`The concurrency of the queue ${queue} is ${most}.`, { cure: "Give a whole number from 1 on." })
}
