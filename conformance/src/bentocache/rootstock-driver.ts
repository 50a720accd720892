import { BaseDriver } from "bentocache/drivers/base_driver"
import type { L2CacheDriver } from "bentocache/types"
import type { KeyValueCache } from "../../../packages/rootstock/src/cache/index.ts"
import { longestMs } from "../places.ts"

export type RootstockDriverOptions = {
  prefix?: string
  /** The values; opened once, for the driver and its namespaces. */
  values: Promise<KeyValueCache>
}

/** Values under keys as a driver of bentocache, which gives and takes texts. */
export class RootstockDriver extends BaseDriver implements L2CacheDriver {
  readonly type = "l2"
  readonly #values: Promise<KeyValueCache>

  constructor(options: RootstockDriverOptions) {
    super(options)
    this.#values = options.values
  }

  namespace(namespace: string): RootstockDriver {
    return new RootstockDriver({ prefix: this.createNamespacePrefix(namespace), values: this.#values })
  }

  async get(key: string): Promise<string | undefined> {
    return (await (await this.#values).get(this.getItemKey(key))) as string | undefined
  }

  async pull(key: string): Promise<string | undefined> {
    const value = await this.get(key)
    await this.delete(key)
    return value
  }

  async set(key: string, value: string, ttl?: number): Promise<boolean> {
    await (await this.#values).set(this.getItemKey(key), value, ttl ? Math.ceil(ttl) : longestMs)
    return true
  }

  async clear(): Promise<void> {
    const values = await this.#values
    await (this.prefix === "" ? values : values.namespace(this.prefix)).clear()
  }

  async delete(key: string): Promise<boolean> {
    return (await (await this.#values).delete(this.getItemKey(key))) === 1
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    await (await this.#values).delete(...keys.map((key) => this.getItemKey(key)))
    return true
  }

  async disconnect(): Promise<void> {
    await (await this.#values).close()
  }
}
