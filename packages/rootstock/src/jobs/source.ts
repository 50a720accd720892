import type { Outcomes } from "./outcomes.ts"
import type { TakenJob } from "./taken.ts"

/** As what a worker holds jobs, until it is taken for dead. */
export type Identity = {
  readonly id: string
  readonly outcomes: Outcomes
}

/** Who does the jobs that a source takes. */
export type Taker = {
  /** How many more jobs are wanted; none where it is 0 or less. */
  room(): number
  /** How many are wanted where it has none; `room` unless it says otherwise. */
  capacity?(): number
  /** Takes over jobs that were taken in the name of the present identity. */
  accept(jobs: readonly TakenJob[]): void
  /** Whether the job is in its hands. */
  has(id: string): boolean
  /** Whether it has a handler for a kind; it has one for each, unless it says otherwise. */
  handles?(kind: string): boolean
}

/** Where the jobs of one queue come from. It takes them, as far as there is room. */
export interface Source {
  /** Begins to take. */
  start(identity: Identity, taker: Taker): Promise<void>
  /** There may be room again. */
  look(): void
  /** A job's handler has returned; that the job is done is going to be written down. */
  returned?(job: TakenJob): void
  /** What came of a job is written down, or another's business. */
  settled?(job: TakenJob): void
  /** The worker was taken for dead: what was taken in its name is another's. */
  lose(): void
  /** The worker goes on as another one. */
  resume(identity: Identity): void
  /** Takes nothing more; resolves when nothing is being taken. Idempotent. */
  stop(): Promise<void>
}

/** Brings the jobs of queues to a worker by another way than its own look into the database. Made for one worker. */
export interface Transport {
  /** That of a queue of which so many jobs are done at a time. */
  source(queue: string, concurrency: number): Source
  /** Begins what it does beside the queues; the sources are started by who uses them. */
  start(identity: Identity): Promise<void>
  lose(): void
  resume(identity: Identity): void
  /** Takes nothing more from the database, and gives back what it has; before the sources stop. */
  quiesce(): Promise<void>
  /** Leaves nothing behind; after all that the sources brought is settled. Idempotent. */
  stop(): Promise<void>
}
