/** What can be stopped for a while, as a process by SIGSTOP, or for good. */
export type Actor = {
  /** Simulated time until which it does nothing. */
  stalledUntil: number
  dead: boolean
}

type Event = { time: number; order: number; actor: Actor | undefined; work: (() => void) | undefined }

/**
 * Simulated time: a queue of events, each run when all that the one before made ready is done. An event of a stalled
 * actor waits for the end of the stall, one of a dead actor never runs.
 */
export class World {
  /** Milliseconds since the start. */
  time = 0
  readonly #heap: Event[] = []
  #order = 0
  #soon: (() => void)[] = []

  /** Runs `work` at a time, for an actor; the result takes it back. */
  at(time: number, actor: Actor | undefined, work: () => void): () => void {
    const event: Event = { time: Math.max(time, this.time), order: this.#order++, actor, work }
    this.#push(event)
    return () => {
      event.work = undefined
    }
  }

  after(milliseconds: number, actor: Actor | undefined, work: () => void): () => void {
    return this.at(this.time + milliseconds, actor, work)
  }

  /** Runs `work` after all promises that are ready, within the same event. */
  soon(work: () => void): void {
    this.#soon.push(work)
  }

  /** Runs events until `end` says so, or none is left. */
  run(end: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let turns = 0
    const step = (): void => {
      try {
        if (this.#soon.length > 0) {
          const works = this.#soon
          this.#soon = []
          for (const work of works) work()
        } else if (end() || !this.#next()) {
          resolve()
          return
        }
      } catch (error) {
        reject(error)
        return
      }
      // A tick that is asked for in a microtask comes after all microtasks.
      if (++turns % 4096 === 0) setImmediate(step)
      else queueMicrotask(() => process.nextTick(step))
    }
    setImmediate(step)
    return promise
  }

  #next(): boolean {
    for (;;) {
      const event = this.#pop()
      if (event === undefined) return false
      const { actor, work } = event
      if (work === undefined || actor?.dead === true) continue
      if (actor !== undefined && actor.stalledUntil > event.time) {
        // Its order stays, so that what waits is done in order.
        event.time = actor.stalledUntil
        this.#push(event)
        continue
      }
      this.time = event.time
      work()
      return true
    }
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent] as Event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!isBefore(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
    return first
  }
}

const isBefore = (one: Event, other: Event): boolean =>
  one.time < other.time || (one.time === other.time && one.order < other.order)
