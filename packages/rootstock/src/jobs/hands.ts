import type { NewJob } from "./send.ts"
import type { TakenJob } from "./taken.ts"

/**
 * Room that a worker keeps for jobs while they are stored, as its own from the start: then they need not be claimed. One of
 * the calls ends it.
 */
export type Offer = {
  /** How the rows say whose they are. */
  readonly state: "held" | "at_broker"
  readonly worker: string
  /** They are stored. */
  accept(jobs: readonly TakenJob[]): void
  /** They are not. `closed`: because the queue is paused, or the worker counts as dead. */
  decline(why?: "closed"): void
  /** Nobody knows whether they are. */
  doubt(): void
}

/** Who takes the jobs of a queue. */
export type Hand = {
  /** Room for jobs that are due; undefined where they have to wait, if only because others do. */
  offer(jobs: readonly NewJob[]): Offer | undefined
}

/** Who takes jobs of which queues in this process. */
export class Hands {
  readonly #byQueue = new Map<string, Set<Hand>>()

  /** @returns the call that ends it */
  open(queue: string, hand: Hand): () => void {
    const hands = this.#byQueue.get(queue) ?? new Set()
    this.#byQueue.set(queue, hands.add(hand))
    return () => {
      hands.delete(hand)
    }
  }

  /** The first offer for jobs that are about to be stored: of one queue, due, and without keys that twins may have. */
  offer(jobs: readonly NewJob[]): Offer | undefined {
    const queue = (jobs[0] as NewJob).definition.queue
    const hands = this.#byQueue.get(queue)
    if (hands === undefined || hands.size === 0) return undefined
    const fits = ({ definition, dedupe, runAt, createdAt }: NewJob) =>
      definition.queue === queue && dedupe === null && runAt.getTime() <= createdAt.getTime()
    if (!jobs.every(fits)) return undefined
    for (const hand of hands) {
      const offer = hand.offer(jobs)
      if (offer !== undefined) return offer
    }
    return undefined
  }
}
