import type {
  Fill,
  LeaseAnswer,
  LeaseAsk,
  Link,
  Server,
  ServerListener,
  Timers,
} from "../../../src/cache/redis/index.ts"
import type { Network } from "./network.ts"
import type { RedisModel } from "./redis-model.ts"
import { makeWire, type RedisPlace, type RedisServer, type Wire } from "./redis-server.ts"
import type { Actor, World } from "./world.ts"

const deadlineMs = 50
const connectMs = 1_000

export type Client = { readonly name: string; readonly actor: Actor; readonly timers: Timers }

type Pending = { readonly askedAt: number; readonly reject: (error: Error) => void }

/** A connection to a simulated server, with a deadline for each answer. */
class SimulatedLink implements Link {
  readonly runId: string
  open = true
  readonly #client: Client
  readonly #world: World
  readonly #server: RedisServer
  readonly #wire: Wire
  readonly #clockError: number
  readonly #lost: (link: SimulatedLink) => void
  readonly #pending = new Set<Pending>()
  #watching = false

  constructor(
    world: World,
    client: Client,
    server: RedisServer,
    wire: Wire,
    runId: string,
    lost: (link: SimulatedLink) => void,
  ) {
    this.#world = world
    this.#client = client
    this.#server = server
    this.#wire = wire
    this.runId = runId
    this.#lost = lost
    this.#clockError = (client.timers.random() - 0.5) * 10
  }

  serverTime(): number {
    return this.#world.time + this.#clockError
  }

  #ask<T>(run: (model: RedisModel) => T, reads: readonly string[] = []): Promise<T> {
    if (!this.open) return Promise.reject(new Error("the link has ended"))
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const pending: Pending = { askedAt: this.#client.timers.now(), reject }
    this.#pending.add(pending)
    const answer = (value: T) => {
      if (!this.#pending.delete(pending)) return
      resolve(value)
    }
    this.#wire.toServer.send(() => this.#server.command(this.#wire, run, reads, answer))
    this.#watch()
    return promise
  }

  #watch(): void {
    if (this.#watching) return
    this.#watching = true
    const [oldest] = this.#pending
    const due = (oldest as Pending).askedAt + deadlineMs
    this.#client.timers.after(due - this.#client.timers.now(), () => {
      this.#watching = false
      const [first] = this.#pending
      if (first === undefined || !this.open) return
      if (this.#client.timers.now() - first.askedAt >= deadlineMs) this.drop()
      else this.#watch()
    })
  }

  drop(): void {
    if (!this.open) return
    this.open = false
    this.#wire.toServer.send(() => this.#server.forget(this.#wire))
    this.#lost(this)
    for (const { reject } of this.#pending) reject(new Error("the link has ended"))
    this.#pending.clear()
  }

  getMany(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#ask((model) => keys.map((key) => model.get(key)), keys)
  }

  lease(ask: LeaseAsk): Promise<LeaseAnswer> {
    return this.#ask((model) => model.lease(ask))
  }

  prolong(key: string, epoch: number, token: string, leaseMs: number): Promise<boolean> {
    return this.#ask((model) => model.prolong(key, epoch, token, leaseMs))
  }

  fill(fill: Fill): Promise<boolean> {
    return this.#ask((model) => model.fill(fill))
  }

  reserve(key: string, token: string, milliseconds: number): Promise<boolean> {
    return this.#ask((model) => model.reserve(key, token, milliseconds))
  }

  discard(key: string, text: string): Promise<void> {
    return this.#ask((model) => model.discard(key, text))
  }

  remove(keys: readonly string[]): Promise<void> {
    return this.#ask((model) => {
      for (const key of keys) model.delete(key)
    })
  }

  ping(): Promise<void> {
    return this.#ask(() => undefined)
  }

  timeToLive(key: string): Promise<number | undefined> {
    return this.#ask((model) => model.timeToLive(key))
  }

  beginnings(keys: readonly string[]): Promise<readonly string[]> {
    return this.#ask((model) => keys.map((key) => model.get(key) ?? ""))
  }

  scan(): Promise<readonly string[]> {
    return this.#ask((model) => model.keys)
  }
}

/** How a process sees Redis. */
export class SimulatedServer implements Server {
  readonly #world: World
  readonly #network: Network
  readonly #place: RedisPlace
  readonly #client: Client
  readonly #tracked: boolean
  readonly #sameRun: boolean
  #listener: ServerListener | undefined
  #link: SimulatedLink | undefined
  #failures = 0
  #stopped = false

  /** @param sameRun an ablation: every run of the server counts as the same */
  constructor(
    world: World,
    network: Network,
    place: RedisPlace,
    client: Client,
    { tracked, sameRun }: { tracked: boolean; sameRun: boolean },
  ) {
    this.#world = world
    this.#network = network
    this.#place = place
    this.#client = client
    this.#tracked = tracked
    this.#sameRun = sameRun
  }

  get link(): Link | undefined {
    return this.#link
  }

  start(listener: ServerListener): Promise<void> {
    this.#listener = listener
    return this.#connect()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#link?.drop()
  }

  /** Resolves when the attempt is over. */
  #connect(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { timers } = this.#client
    const server = this.#place.reached
    let over = false
    const finish = (link: SimulatedLink | undefined) => {
      if (over) return
      over = true
      cancel()
      if (link === undefined) this.#retry()
      else {
        this.#failures = 0
        this.#link = link
        this.#listener?.connected(link)
      }
      resolve()
    }
    const cancel = timers.after(server === undefined ? 1 : connectMs, () => finish(undefined))
    if (server === undefined) return promise
    let link: SimulatedLink | undefined
    const wire = makeWire(this.#world, this.#network, this.#client, server, this.#tracked, {
      changed: (key) => {
        if (link?.open === true) this.#listener?.changed(link, key)
      },
      ended: () => (link === undefined ? finish(undefined) : link.drop()),
    })
    wire.toServer.send(() => {
      server.accept(wire)
      wire.toClient.send(() => {
        if (over) return
        const runId = this.#sameRun ? "run" : server.runId
        link = new SimulatedLink(this.#world, this.#client, server, wire, runId, (lost) => this.#lost(lost))
        finish(link)
      })
    })
    return promise
  }

  #lost(link: SimulatedLink): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.#listener?.lost(link)
    this.#retry()
  }

  #retry(): void {
    if (this.#stopped) return
    const pause = Math.min(1_000, 25 * 2 ** Math.min(this.#failures++, 10))
    this.#client.timers.after(pause, () => void this.#connect())
  }
}
