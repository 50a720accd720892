import { Claim } from "../claim.ts"
import { DueJobs } from "../due-jobs.ts"
import type { Holdings } from "../holdings.ts"
import type { Jobs } from "../jobs.ts"
import type { Identity, Source, Taker } from "../source.ts"
import type { TakenJob } from "../taken.ts"
import type { Declarations } from "./declarations.ts"
import { briefly } from "./link.ts"
import type { BrokerMeasures } from "./measures.ts"
import { bodyOf, eventEnvelope } from "./message.ts"
import type { Publication, Publisher } from "./publisher.ts"

export type PublishedJobsOptions = {
  readonly jobs: Jobs
  readonly queue: string
  readonly holdings: Holdings
  readonly publisher: Publisher
  readonly declarations: Declarations
  readonly measures: BrokerMeasures
  /** Whose messages they are. */
  readonly sender: string
  readonly pollMs: number
}

/**
 * Publishes the jobs of a queue for whoever listens, and brings them to the worker when the broker has them: all that is
 * left to be done is to complete them.
 */
export class PublishedJobs implements Source {
  readonly #options: PublishedJobsOptions
  readonly #due: DueJobs
  #identity: Identity | undefined
  #taker: Taker | undefined
  readonly #inFlight = new Map<string, TakenJob>()
  #confirmed: TakenJob[] = []
  #returned: TakenJob[] = []
  #tidying: Promise<void> | undefined

  constructor(options: PublishedJobsOptions) {
    const { jobs, queue, pollMs, holdings, declarations } = options
    this.#options = options
    this.#due = new DueJobs({
      jobs,
      queue,
      claim: new Claim(jobs.backend.dialect),
      pollMs,
      giveBackUnknown: (...unknown) => holdings.giveBackUnknown(...unknown),
    })
    declarations.add(queue, () => this.#due.look())
  }

  async start(identity: Identity, taker: Taker): Promise<void> {
    this.#identity = identity
    this.#taker = taker
    await this.#due.start(identity, {
      room: () => this.#room(),
      accept: (jobs) => this.#publish(jobs),
      has: (id) => this.#has(id),
    })
  }

  look(): void {
    this.#due.look()
  }

  lose(): void {
    this.#identity = undefined
    this.#inFlight.clear()
    this.#confirmed = []
    this.#returned = []
    this.#due.lose()
  }

  resume(identity: Identity): void {
    this.#identity = identity
    this.#due.resume(identity)
  }

  /** What the broker does not confirm in time is given back with all that the worker holds. */
  async stop(): Promise<void> {
    await this.#due.stop()
    await briefly(this.#options.publisher.drain())
    await this.#tidying
  }

  #room(): number {
    const { publisher, declarations, queue } = this.#options
    if (!publisher.ready || !declarations.has(queue)) return 0
    return (this.#taker?.room() ?? 0) - this.#inFlight.size - this.#confirmed.length
  }

  #has(id: string): boolean {
    const isIt = (job: TakenJob) => job.id === id
    return (
      this.#inFlight.has(id) || this.#confirmed.some(isIt) || this.#returned.some(isIt) || this.#taker?.has(id) === true
    )
  }

  #publish(jobs: readonly TakenJob[]): void {
    const { publisher, sender } = this.#options
    publisher.together(() => {
      for (const job of jobs) {
        this.#inFlight.set(job.id, job)
        publisher.publish(eventEnvelope(job, sender), bodyOf(job), (publication) => this.#told(job, publication))
      }
    })
  }

  #told(job: TakenJob, publication: Publication): void {
    if (this.#inFlight.get(job.id) !== job) return
    this.#inFlight.delete(job.id)
    const { measures, queue, declarations, jobs } = this.#options
    const measured = measures.of(queue)
    if (publication === "confirmed") {
      measured.published++
      measured.lag.observe(Math.max(0, jobs.clock.now().getTime() - job.runAt.getTime()) / 1_000)
      this.#confirmed.push(job)
    } else {
      measured[publication]++
      this.#returned.push(job)
    }
    if (publication === "returned") declarations.declareAgain(queue)
    this.#tidying ??= this.#tidy()
  }

  /** After what was told of many messages at once. */
  async #tidy(): Promise<void> {
    const { holdings, jobs, queue } = this.#options
    await undefined
    while (this.#confirmed.length > 0 || this.#returned.length > 0) {
      const confirmed = this.#confirmed.splice(0)
      if (confirmed.length > 0) this.#taker?.accept(confirmed)
      const returned = this.#returned.splice(0)
      if (returned.length === 0 || this.#identity === undefined) continue
      try {
        await holdings.giveBack(
          this.#identity.id,
          returned.map(({ id }) => id),
        )
        jobs.wake(queue, Math.min(...returned.map(({ runAt }) => runAt.getTime())))
      } catch (error) {
        // The next look gives them back, as jobs that nobody here knows.
        jobs.log.warning(`Jobs of the queue ${queue} cannot be given back`, { error })
        this.#due.doubt()
      }
    }
    this.#tidying = undefined
  }
}
