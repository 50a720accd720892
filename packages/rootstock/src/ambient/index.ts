import { AsyncLocalStorage } from "node:async_hooks"

/**
 * All values that go along with running code. They share one storage of the runtime, since each `run` of such a storage
 * copies the map of all of them, and a request or a job sets several.
 */
const frames = new AsyncLocalStorage<readonly unknown[]>()

/** A frame in which nothing is set, with a place for each value. */
const nothing: undefined[] = []

/**
 * A value that goes along with everything that the running code awaits or starts.
 *
 * Made once for a program, where modules are loaded: it lasts as long as the process.
 */
export class Ambient<T> {
  /** Its place in a frame. */
  readonly slot = nothing.push(undefined) - 1

  /** What is set here; undefined where nothing is. */
  get value(): T | undefined {
    return frames.getStore()?.[this.slot] as T | undefined
  }

  /** Runs `work` with this value, or with none; gives what it gives. */
  run<R>(value: T | undefined, work: () => R): R {
    return new Surroundings().set(this, value).run(work)
  }
}

/**
 * Several values at once, for code that would otherwise set them one within another.
 *
 * ### Examples
 *
 * ```ts
 * new Surroundings().set(requestIds, id).set(actors, actor).run(work)
 * ```
 */
export class Surroundings {
  readonly #values: unknown[] = (frames.getStore() ?? nothing).slice()

  /** Before `run`. */
  set<T>({ slot }: Ambient<T>, value: T | undefined): this {
    // A frame may be older than the value; without holes it stays a plain list.
    while (this.#values.length < slot) this.#values.push(undefined)
    this.#values[slot] = value
    return this
  }

  /** Runs `work` with what was set, and with the other values as they are here; gives what it gives. */
  run<R>(work: () => R): R {
    return frames.run(this.#values, work)
  }
}
