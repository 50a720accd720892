import type { ControlRow, ControlStore } from "../../../src/cache/redis/index.ts"
import type { Client } from "./client.ts"
import type { Network } from "./network.ts"
import type { Random } from "./random.ts"
import type { Actor, World } from "./world.ts"

/** A row that exists from one version on and not from another. */
export type RowState = { readonly version: number; readonly there: boolean }

/** A transaction that is going to commit: rows to change and invalidations to record. */
export type Transaction = { readonly rows: readonly number[]; recorded: { id: number; keys: readonly string[] }[] }

/** A database: every call is a message there and one back, in any order among the calls of a process. */
export class SimulatedDatabase {
  readonly actor: Actor = { stalledUntil: 0, dead: false }
  readonly rows: RowState[]
  /** Versions at which a row was not there. */
  readonly gone: Set<number>[]
  readonly outbox = new Map<number, readonly string[]>()
  control: ControlRow | undefined
  readonly #world: World
  readonly #network: Network
  readonly #random: Random
  #ids = 0
  /** Part of the answers that come late. */
  lateShare = 0.02

  constructor(world: World, network: Network, random: Random, rows: number) {
    this.#world = world
    this.#network = network
    this.#random = random
    this.rows = Array.from({ length: rows }, () => ({ version: 1, there: true }))
    this.gone = this.rows.map(() => new Set())
  }

  call<T>(client: Client, run: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const slow = this.#random.chance(0.02) ? this.#random.spread(5, 900) : 0
    this.#world.at(this.#network.arrival(client.name, "database") + slow, this.actor, () => {
      const failed = this.#random.chance(0.001)
      // A failure may be one of the answer alone.
      const value = failed && this.#random.chance(0.5) ? undefined : run()
      const late = this.#random.chance(this.lateShare) ? this.#random.spread(5, 3_000) : 0
      this.#world.at(this.#network.arrival("database", client.name) + late, client.actor, () => {
        if (failed) reject(new Error("the database refused"))
        else resolve(value as T)
      })
    })
    return promise
  }

  /** Makes the changes of a transaction seen by all; their versions. */
  commit({ rows, recorded }: Transaction, goes: boolean): Map<number, number> {
    const versions = new Map<number, number>()
    for (const row of rows) {
      const { version } = this.rows[row] as RowState
      const next = { version: version + 1, there: !goes }
      this.rows[row] = next
      if (goes) (this.gone[row] as Set<number>).add(next.version)
      versions.set(row, next.version)
    }
    for (const { id, keys } of recorded) this.outbox.set(id, keys)
    return versions
  }

  newId(): number {
    return ++this.#ids
  }
}

/** The control tables as a process sees them. */
export class SimulatedStore implements ControlStore {
  readonly #database: SimulatedDatabase
  readonly #client: Client
  /** The transaction around the calls, set while `prepare` is called. */
  ambient: Transaction | undefined

  constructor(database: SimulatedDatabase, client: Client) {
    this.#database = database
    this.#client = client
  }

  read(): Promise<ControlRow | undefined> {
    return this.#database.call(this.#client, () => this.#database.control)
  }

  create(row: ControlRow): Promise<boolean> {
    return this.#database.call(this.#client, () => {
      if (this.#database.control !== undefined) return false
      this.#database.control = row
      return true
    })
  }

  change(epoch: number, row: ControlRow): Promise<boolean> {
    return this.#database.call(this.#client, () => {
      if (this.#database.control?.epoch !== epoch) return false
      this.#database.control = row
      return true
    })
  }

  raiseWindow(epoch: number, windowMs: number): Promise<void> {
    return this.#database.call(this.#client, () => {
      const { control } = this.#database
      if (control?.epoch === epoch && control.windowMs < windowMs) this.#database.control = { ...control, windowMs }
    })
  }

  record(keys: readonly string[]): Promise<number> {
    const transaction = this.ambient as Transaction
    const id = this.#database.newId()
    transaction.recorded.push({ id, keys })
    return Promise.resolve(id)
  }

  recorded(limit: number): Promise<readonly number[]> {
    return this.#database.call(this.#client, () => [...this.#database.outbox.keys()].slice(0, limit))
  }

  recordedKeys(ids: readonly number[]): Promise<readonly { readonly id: number; readonly keys: readonly string[] }[]> {
    return this.#database.call(this.#client, () =>
      ids.flatMap((id) => {
        const keys = this.#database.outbox.get(id)
        return keys === undefined ? [] : [{ id, keys }]
      }),
    )
  }

  forget(ids: readonly number[]): Promise<void> {
    return this.#database.call(this.#client, () => {
      for (const id of ids) this.#database.outbox.delete(id)
    })
  }
}
