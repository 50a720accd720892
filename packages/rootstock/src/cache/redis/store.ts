import { AsyncLocalStorage } from "node:async_hooks"
import { type Clock, systemClock } from "../../clock/index.ts"
import { ConfigError, UniqueError } from "../../errors/index.ts"
import { type Database, Storage } from "../../storage/index.ts"
import { cacheControl, cacheOutbox } from "../tables.ts"
import type { ControlRow, ControlStore } from "./ports.ts"

/** The key of the only row of `cache_ctl`. */
const id = 1

/** `cache_ctl` and `cache_outbox` of a database. */
export class DatabaseStore implements ControlStore {
  readonly #database: Database
  readonly #control
  readonly #outbox
  readonly #clock: Clock
  /** Leaves the transaction and the request that happen to be around a call. */
  readonly #outside = AsyncLocalStorage.snapshot()

  constructor(database: Database, clock: Clock = systemClock) {
    const { byName } = database.registry
    for (const name of ["cache_ctl", "cache_outbox"]) {
      if (byName.has(name)) continue
      throw new ConfigError(`The database has no table ${name}, which the cache needs with Redis.`, {
        cure: "Add cacheTables to `tables` where the database is opened, and make a migration.",
      })
    }
    this.#database = database
    this.#control = database.storage(Storage(cacheControl))
    this.#outbox = database.storage(Storage(cacheOutbox))
    this.#clock = clock
  }

  async read(): Promise<ControlRow | undefined> {
    const row = await this.#outside(() => this.#control.get(id))
    if (row === undefined) return undefined
    const { epoch, mode, redisRunId: runId, windowMs } = row
    return { epoch, mode, runId, windowMs }
  }

  async create({ runId, ...row }: ControlRow): Promise<boolean> {
    try {
      await this.#outside(() => this.#control.create({ ...row, id, redisRunId: runId, since: this.#clock.now() }))
      return true
    } catch (error) {
      if (error instanceof UniqueError) return false
      throw error
    }
  }

  async change(epoch: number, { mode, runId, windowMs, epoch: next }: ControlRow): Promise<boolean> {
    const changes = { epoch: next, mode, redisRunId: runId, windowMs, since: this.#clock.now() }
    return (await this.#outside(() => this.#control.updateWhere({ id, epoch }, changes))) === 1
  }

  async raiseWindow(epoch: number, windowMs: number): Promise<void> {
    await this.#outside(() => this.#control.updateWhere({ id, epoch, windowMs: { lt: windowMs } }, { windowMs }))
  }

  async record(keys: readonly string[]): Promise<number> {
    return (await this.#outbox.create({ keys })).id
  }

  async recorded(limit: number): Promise<readonly number[]> {
    const ask = () => this.#database.fetch<{ id: number }>`SELECT id FROM cache_outbox ORDER BY id LIMIT ${limit}`
    return (await this.#outside(ask)).map((row) => row.id)
  }

  recordedKeys(ids: readonly number[]): Promise<readonly { readonly id: number; readonly keys: readonly string[] }[]> {
    return this.#outside(() => this.#outbox.getMany([...ids]))
  }

  async forget(ids: readonly number[]): Promise<void> {
    await this.#outside(() => this.#outbox.deleteWhere({ id: [...ids] }))
  }
}
