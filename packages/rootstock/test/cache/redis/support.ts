import { after, before } from "node:test"
import type { Changes, Kind, Load, Target } from "../../../src/cache/coherence.ts"
import { newCounters } from "../../../src/cache/counters.ts"
import {
  type CoherenceMode,
  type ControlRow,
  type ControlStore,
  type Link,
  RealServer,
  RedisCoherence,
  realTimers,
  type Timings,
  timings as usualTimings,
} from "../../../src/cache/redis/index.ts"
import { elapsed } from "../../../src/clock/index.ts"
import type { RedisOptions } from "../../../src/redis/index.ts"
import { OwnRedis } from "../../redis/redis-server.ts"

/** A Redis server for the tests of a `describe`. */
export function ownRedis(): { readonly server: OwnRedis } {
  const place = { server: undefined as unknown as OwnRedis }
  before(async () => {
    place.server = await OwnRedis.start()
  })
  after(() => place.server[Symbol.asyncDispose]())
  return place
}

/** A connection as the protocol sees it, with what was told about it. */
export type OpenedLink = AsyncDisposable & {
  readonly link: Link
  readonly server: RealServer
  readonly changed: (string | undefined)[]
}

export async function openLink(url: string, options: Omit<RedisOptions, "listener"> = {}): Promise<OpenedLink> {
  const server = new RealServer(url, { warn: () => undefined, deadlineMs: 5_000, ...options }, true)
  const changed: (string | undefined)[] = []
  await server.start({
    connected: () => undefined,
    lost: () => undefined,
    changed: (_, key) => changed.push(key),
  })
  if (server.link === undefined) throw new Error("Redis is away")
  return { link: server.link, server, changed, [Symbol.asyncDispose]: () => server.stop() }
}

/** Long enough that a machine under load does not end a lease, or give up a reader, where a test is about something else. */
const patient: Partial<Timings> = { leaseMs: 10_000, fenceMs: 10_400, pollMs: 10_000 }

export type CoherenceOptions = {
  readonly url: string
  readonly store?: ControlStore | undefined
  readonly mode?: CoherenceMode
  readonly local?: boolean
  readonly timings?: Partial<Timings>
  readonly prefix?: string
  readonly deadlineMs?: number
  readonly warn?: (message: string) => void
}

/** A cache over a real server that is not started. */
export function makeCoherence(options: CoherenceOptions): RedisCoherence {
  const { url, mode = "strict", local = true, warn = () => undefined, prefix = "", deadlineMs = 5_000 } = options
  return new RedisCoherence({
    server: new RealServer(url, { warn, prefix, deadlineMs }, local),
    store: mode === "ttl" ? undefined : (options.store ?? new MemoryStore()),
    timers: realTimers(),
    mode,
    local,
    warn,
    timings: { ...usualTimings, ...patient, ...options.timings },
  })
}

/** A started cache over a real server; one process may hold several, as if they were processes of a system. */
export async function openCoherence(options: CoherenceOptions): Promise<RedisCoherence & AsyncDisposable> {
  const coherence = makeCoherence(options)
  await coherence.start()
  return Object.assign(coherence, { [Symbol.asyncDispose]: () => coherence.stop() })
}

/** A value that a test changes, loaded as from a database. */
export class Source {
  value: unknown
  loads = 0
  /** What a load waits for, after it has read the value. */
  gate: Promise<void> | undefined

  constructor(value: unknown) {
    this.value = value
  }

  readonly load = async (): Promise<unknown> => {
    this.loads++
    const { value } = this
    await (this.gate ?? new Promise((resolve) => setImmediate(resolve)))
    return value
  }

  /** Makes loads wait; the call that lets them go on. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gate = promise
    return () => {
      this.gate = undefined
      resolve()
    }
  }
}

/** A kind of plain JSON values. */
export function kindOf(settings: Partial<Kind> = {}): Kind {
  return {
    pattern: "thing:{id}",
    ttlMs: 60_000,
    negativeTtlMs: 0,
    softTtlMs: undefined,
    jitter: 0,
    counters: newCounters(),
    trace: undefined,
    encode: JSON.stringify,
    decode: JSON.parse,
    freeze: Object.freeze,
    sizeOf: () => 100,
    kept: () => undefined,
    left: () => undefined,
    ...settings,
  }
}

export const targetOf = (kind: Kind, key: string, tags: readonly string[] = ["tag:things"]): Target => ({
  kind,
  key,
  tags,
  slot: undefined,
})

/** What a write changed. */
export const changesOf = (
  dropped: readonly string[],
  renewed: readonly { target: Target; load: Load }[] = [],
): Changes => ({
  dropped: new Set([...dropped, ...renewed.map(({ target }) => target.key)]),
  renewed: new Map(renewed.map((one) => [one.target.key, one])),
})

/** The control tables without a database, shared by the caches of one process. */
export class MemoryStore implements ControlStore {
  row: ControlRow | undefined
  readonly outbox = new Map<number, readonly string[]>()
  /** Set to make every call fail. */
  away = false
  #ids = 0

  async #answer<T>(give: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.away) throw new Error("the database is away")
    return give()
  }

  read(): Promise<ControlRow | undefined> {
    return this.#answer(() => this.row)
  }

  create(row: ControlRow): Promise<boolean> {
    return this.#answer(() => {
      if (this.row !== undefined) return false
      this.row = row
      return true
    })
  }

  change(epoch: number, row: ControlRow): Promise<boolean> {
    return this.#answer(() => {
      if (this.row?.epoch !== epoch) return false
      this.row = row
      return true
    })
  }

  raiseWindow(epoch: number, windowMs: number): Promise<void> {
    return this.#answer(() => {
      if (this.row?.epoch === epoch) this.row = { ...this.row, windowMs }
    })
  }

  record(keys: readonly string[]): Promise<number> {
    return this.#answer(() => {
      this.outbox.set(++this.#ids, keys)
      return this.#ids
    })
  }

  recorded(limit: number): Promise<readonly number[]> {
    return this.#answer(() => [...this.outbox.keys()].slice(0, limit))
  }

  recordedKeys(ids: readonly number[]): Promise<readonly { readonly id: number; readonly keys: readonly string[] }[]> {
    return this.#answer(() => ids.map((id) => ({ id, keys: this.outbox.get(id) ?? [] })))
  }

  forget(ids: readonly number[]): Promise<void> {
    return this.#answer(() => {
      for (const id of ids) this.outbox.delete(id)
    })
  }
}

/** Waits until something holds that is under way. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = elapsed() + 20_000
  while (!(await holds())) {
    if (elapsed() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

/** Invalidates as a write does that has just been committed. */
export async function write(coherence: RedisCoherence, changes: Changes): Promise<void> {
  await coherence.prepare(changes)
  await coherence.committed(changes)
}
