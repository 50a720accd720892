import { absent, type Kind, type Load, type Target } from "../../../src/cache/coherence.ts"
import { newCounters } from "../../../src/cache/counters.ts"
import type { Trust, TrustOptions } from "../../../src/cache/redis/index.ts"
import { type CoherenceMode, RedisCoherence, type Timers, type Timings } from "../../../src/cache/redis/index.ts"
import { type Client, SimulatedServer } from "./client.ts"
import { type SimulatedDatabase, SimulatedStore, type Transaction } from "./database.ts"
import type { Network } from "./network.ts"
import type { Random } from "./random.ts"
import type { RedisPlace } from "./redis-server.ts"
import type { Actor, World } from "./world.ts"

/** What one kind of entries is about, for the check of what is read. */
type Entry = { readonly target: Target; readonly rows: readonly number[]; readonly refreshes: boolean }

/** Versions by row, as they are cached. */
type Versions = readonly (readonly [row: number, version: number])[]

/** What all processes share. */
export type Surroundings = {
  readonly world: World
  readonly network: Network
  readonly place: RedisPlace
  readonly database: SimulatedDatabase
  readonly timings: Timings
  readonly mode: CoherenceMode
  readonly sameRun: boolean
  readonly trust: ((options: TrustOptions) => Trust) | undefined
  readonly tally: Tally
}

/** What happened in a simulation. */
export class Tally {
  reads = 0
  stale = 0
  failedReads = 0
  writes = 0
  acknowledged = 0
  crashes = 0
  faults = 0
  /** Milliseconds that the slowest acknowledgement took. */
  slowestWrite = 0
  /** The newest version of each row whose write was acknowledged. */
  readonly newest = new Map<number, number>()
  readonly counters = newCounters()
  /** How long before its stale read began the oldest write that it missed was acknowledged, at most; milliseconds. */
  longestStale = 0
  /** What the first stale read was. */
  first: string | undefined
  /** When versions of a row were acknowledged. */
  readonly #acknowledgedAt = new Map<number, { version: number; time: number }[]>()

  acknowledge(row: number, version: number, time: number): void {
    if (version > (this.newest.get(row) ?? 1)) this.newest.set(row, version)
    const own = this.#acknowledgedAt.get(row)
    if (own === undefined) this.#acknowledgedAt.set(row, [{ version, time }])
    else own.push({ version, time })
  }

  /** A read that began at `begun` gave an older version than it should have. */
  missed(row: number, version: number, begun: number): void {
    for (const acknowledged of this.#acknowledgedAt.get(row) ?? []) {
      if (acknowledged.version > version) this.longestStale = Math.max(this.longestStale, begun - acknowledged.time)
    }
  }
}

/** Rows that are cached, each in its own way. */
export const rowCount = 6

/** The kinds of the rows: plain, plain and short, refreshed, renewed, with a kept "there is none", refreshed and renewed. */
const lives = [
  { ttlMs: 60_000 },
  { ttlMs: 400 },
  { ttlMs: 60_000, refreshes: true },
  { ttlMs: 20_000, softTtlMs: 150 },
  { ttlMs: 5_000, negativeTtlMs: 5_000 },
  { ttlMs: 3_000, softTtlMs: 500, refreshes: true },
] as const satisfies readonly Partial<Kind & { refreshes: boolean }>[]

/** Results over several rows. */
const results: readonly (readonly number[])[] = [
  [0, 1, 2],
  [3, 5],
]

/** One process of the system: reads, writes, and may be stopped at any moment. */
export class Participant {
  readonly client: Client
  readonly #around: Surroundings
  readonly #random: Random
  readonly #coherence: RedisCoherence
  readonly #store: SimulatedStore
  readonly #entries: readonly Entry[]
  #reading = 0

  constructor(name: string, around: Surroundings, random: Random, local: boolean) {
    this.#around = around
    this.#random = random
    const { world, network, place, database, timings, mode, sameRun, trust } = around
    const actor: Actor = { stalledUntil: 0, dead: false }
    this.client = { name, actor, timers: driftingTimers(world, actor, random) }
    this.#store = new SimulatedStore(database, this.client)
    this.#coherence = new RedisCoherence({
      server: new SimulatedServer(world, network, place, this.client, { tracked: local, sameRun }),
      store: mode === "ttl" ? undefined : this.#store,
      timers: this.client.timers,
      mode,
      local,
      memory: { entries: 7 },
      warn: () => undefined,
      timings,
      trust,
    })
    this.#entries = this.#makeEntries()
  }

  get coherence(): RedisCoherence {
    return this.#coherence
  }

  #makeEntries(): Entry[] {
    const { counters } = this.#around.tally
    const kind = (pattern: string, life: Partial<Kind>): Kind => ({
      pattern,
      ttlMs: 60_000,
      negativeTtlMs: 0,
      softTtlMs: undefined,
      jitter: 0.1,
      counters,
      encode: JSON.stringify,
      decode: JSON.parse,
      freeze: (value) => value,
      sizeOf: () => 1,
      kept: () => undefined,
      left: () => undefined,
      ...life,
    })
    const rows = lives.map(
      (life, row): Entry => ({
        target: { kind: kind("row:{id}", life), key: `row:${row}`, tags: ["tag:rows"], slot: undefined },
        rows: [row],
        refreshes: "refreshes" in life,
      }),
    )
    return rows.concat(
      results.map((own, index) => ({
        target: {
          kind: kind("result:{id}", { ttlMs: 30_000 }),
          key: `result:${index}`,
          tags: ["tag:rows", ...own.map((row) => `tag:row=${row}`)],
          slot: undefined,
        },
        rows: own,
        refreshes: false,
      })),
    )
  }

  async start(): Promise<void> {
    await this.#coherence.start()
    this.#readSoon()
    this.#writeSoon()
  }

  #load({ rows }: Entry): Load {
    return async () => {
      const { database } = this.#around
      const states = await database.call(this.client, () =>
        rows.map((row) => database.rows[row] as (typeof database.rows)[number]),
      )
      if (states.every(({ there }) => !there)) return undefined
      return rows.map((row, index) => [row, states[index]?.version]) as unknown as Versions
    }
  }

  #readSoon(): void {
    this.client.timers.after(this.#random.spread(0.5, 20), () => {
      for (let count = this.#random.whole(5); count >= 0; count--) {
        if (this.#reading < 300) void this.#read(this.#entries[this.#pickEntry()] as Entry)
      }
      this.#readSoon()
    })
  }

  /** Some are read much more often than others. */
  #pickEntry(): number {
    return Math.floor(this.#random.next() ** 2 * this.#entries.length)
  }

  async #read(entry: Entry): Promise<void> {
    const { tally, world } = this.#around
    const floors = entry.rows.map((row) => tally.newest.get(row) ?? 1)
    const begun = world.time
    this.#reading++
    tally.reads++
    try {
      let value = this.#coherence.peek(entry.target)
      if (value === absent) value = await this.#coherence.read(entry.target, this.#load(entry))
      if (!this.#isFresh(entry, value as Versions | undefined, floors)) {
        tally.stale++
        for (const [row, version] of (value as Versions | undefined) ?? []) tally.missed(row, version, begun)
        tally.first ??= `${this.client.name} read ${JSON.stringify(value)} of ${entry.target.key}, asked at ${begun.toFixed(3)}, answered at ${world.time.toFixed(3)}, when ${JSON.stringify(floors)} were acknowledged`
      }
    } catch {
      tally.failedReads++
    } finally {
      this.#reading--
    }
  }

  #isFresh({ rows }: Entry, value: Versions | undefined, floors: readonly number[]): boolean {
    if (value !== undefined) return value.every(([, version], index) => version >= (floors[index] as number))
    return rows.every((row, index) => {
      for (const version of this.#around.database.gone[row] as Set<number>)
        if (version >= (floors[index] as number)) return true
      return false
    })
  }

  #writeSoon(): void {
    this.client.timers.after(this.#random.spread(20, 3_000), () => {
      void this.#write()
      if (this.#random.chance(0.2)) void this.#write()
      this.#writeSoon()
    })
  }

  async #write(): Promise<void> {
    const { tally, database, world } = this.#around
    tally.writes++
    const many = this.#random.chance(0.05)
    const rows = many ? [0, 1, 2, 3, 4, 5] : [this.#random.whole(rowCount)]
    const goes = !many && rows[0] === 4 && this.#random.chance(0.5)
    const dropped = new Set<string>()
    const renewed = new Map<string, { target: Target; load: Load }>()
    if (many) dropped.add("tag:rows")
    else {
      for (const row of rows) {
        const entry = this.#entries[row] as Entry
        dropped.add(entry.target.key)
        dropped.add(`tag:row=${row}`)
        if (entry.refreshes && !goes) renewed.set(entry.target.key, { target: entry.target, load: this.#load(entry) })
      }
    }
    const changes = { dropped, renewed }
    const transaction: Transaction = { rows, recorded: [] }
    try {
      this.#store.ambient = transaction
      await this.#coherence.prepare(changes)
      const versions = await database.call(this.client, () => {
        const made = database.commit(transaction, goes)
        if (this.#random.chance(0.01)) this.crash()
        return made
      })
      const committedAt = world.time
      // The worst moment to stand still is on the way from the commit to the acknowledgement.
      if (this.#random.chance(0.03)) {
        world.after(this.#random.between(0, 1.5), undefined, () => this.stall(this.#random.spread(100, 6_000)))
      }
      await this.#coherence.committed(changes)
      tally.acknowledged++
      tally.slowestWrite = Math.max(tally.slowestWrite, world.time - committedAt)
      for (const [row, version] of versions) {
        tally.acknowledge(row, version, world.time)
      }
    } catch {
      // The commit failed or its answer was lost: nothing is acknowledged.
    }
  }

  /** Stands still, as by SIGSTOP or a long collection of garbage. */
  stall(milliseconds: number): void {
    const { actor } = this.client
    actor.stalledUntil = Math.max(actor.stalledUntil, this.#around.world.time + milliseconds)
  }

  /** Dies at once. */
  crash(): void {
    if (this.client.actor.dead) return
    this.client.actor.dead = true
    this.#around.tally.crashes++
  }
}

/** The clock of a process, whose rate is up to 1 % wrong, and timers that ring late. */
function driftingTimers(world: World, actor: Actor, random: Random): Timers {
  const rate = random.between(0.99, 1.01)
  const start = random.between(0, 1e6)
  return {
    now: () => start + world.time * rate,
    after(milliseconds, work) {
      const late = random.chance(0.01) ? random.spread(1, 60) : random.between(0, 0.5)
      return world.after(milliseconds / rate + late, actor, work)
    },
    soon: (work) => world.soon(work),
    random: () => random.next(),
  }
}
