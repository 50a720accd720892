import { type Network, Stream } from "./network.ts"
import type { Random } from "./random.ts"
import { RedisModel } from "./redis-model.ts"
import type { Actor, World } from "./world.ts"

/** One end of the wire to a server: what it answers and pushes comes in order. */
export type Wire = {
  readonly toServer: Stream
  readonly toClient: Stream
  /** Told of pushes by the key, or undefined for all. */
  readonly changed: (key: string | undefined) => void
  readonly ended: () => void
  readonly tracked: boolean
  /** Whether the server still knows of it. */
  open: boolean
}

/** One run of a Redis server. */
export class RedisServer {
  readonly actor: Actor = { stalledUntil: 0, dead: false }
  readonly runId: string
  readonly model: RedisModel
  readonly #wires = new Set<Wire>()
  readonly #readers = new Map<string, Set<Wire>>()
  /** Where a command's own pushes wait for its answer. */
  #asking: Wire | undefined
  #own: (string | undefined)[] = []

  constructor(world: World, runId: string, held: ReturnType<RedisModel["snapshot"]> | undefined, tokenless: boolean) {
    this.runId = runId
    this.model = new RedisModel(
      () => world.time,
      (key) => this.#push(key),
      held,
      tokenless,
    )
  }

  accept(wire: Wire): void {
    wire.open = true
    this.#wires.add(wire)
  }

  /** The client ended the connection. */
  forget(wire: Wire): void {
    wire.open = false
    this.#wires.delete(wire)
    for (const readers of this.#readers.values()) readers.delete(wire)
  }

  /** Runs a command that came by a wire; the answer goes back by it, and pushes that it caused there follow. */
  command<T>(wire: Wire, run: (model: RedisModel) => T, reads: readonly string[], answer: (value: T) => void): void {
    if (!wire.open) return
    this.#asking = wire
    const value = run(this.model)
    this.#asking = undefined
    if (wire.tracked) {
      for (const key of reads) {
        const readers = this.#readers.get(key)
        if (readers === undefined) this.#readers.set(key, new Set([wire]))
        else readers.add(wire)
      }
    }
    wire.toClient.send(() => answer(value))
    const own = this.#own
    this.#own = []
    for (const key of own) wire.toClient.send(() => wire.changed(key))
  }

  #push(key: string): void {
    const readers = this.#readers.get(key)
    if (readers === undefined) return
    this.#readers.delete(key)
    for (const wire of readers) {
      if (wire === this.#asking) this.#own.push(key)
      else wire.toClient.send(() => wire.changed(key))
    }
  }

  flush(): void {
    this.model.clear()
    this.#readers.clear()
    for (const wire of this.#wires) if (wire.tracked) wire.toClient.send(() => wire.changed(undefined))
  }

  /** Takes away some keys, as a server that is full does. */
  evict(random: Random, share: number): void {
    for (const key of this.model.keys) if (random.chance(share)) this.model.delete(key)
  }

  /** Ends some connections. */
  hangUp(random: Random, share: number): void {
    for (const wire of [...this.#wires]) {
      if (!random.chance(share)) continue
      this.forget(wire)
      wire.toClient.send(() => wire.ended())
    }
  }

  die(): void {
    this.actor.dead = true
    for (const wire of this.#wires) wire.toClient.send(() => wire.ended())
    this.#wires.clear()
  }
}

/** The servers behind one address: the one that is there, and what is left of earlier ones. */
export class RedisPlace {
  readonly #world: World
  readonly #random: Random
  readonly #tokenless: boolean
  #server: RedisServer
  #runs = 0
  #dumps: ReturnType<RedisModel["snapshot"]>[] = []
  #away = false

  constructor(world: World, random: Random, tokenless: boolean) {
    this.#world = world
    this.#random = random
    this.#tokenless = tokenless
    this.#server = this.#start(undefined)
    this.#dump()
  }

  /** Whom a new connection reaches. */
  get reached(): RedisServer | undefined {
    return this.#away ? undefined : this.#server
  }

  get server(): RedisServer {
    return this.#server
  }

  #start(held: ReturnType<RedisModel["snapshot"]> | undefined): RedisServer {
    return new RedisServer(this.#world, `run${++this.#runs}`, held, this.#tokenless)
  }

  /** Now and then what is there is written to the disk. */
  #dump(): void {
    this.#world.after(this.#random.between(200, 1_500), undefined, () => {
      this.#dumps = [...this.#dumps.slice(-3), this.#server.model.snapshot()]
      this.#dump()
    })
  }

  /** Dies, and starts again with a dump or with nothing. */
  restart(kept: boolean): void {
    this.#server.die()
    this.#away = true
    const held = kept && this.#dumps.length > 0 ? this.#random.pick(this.#dumps) : undefined
    this.#world.after(this.#random.spread(1, 800), undefined, () => {
      this.#server = this.#start(held)
      this.#away = false
    })
  }

  /** Another server with a late copy takes the address; connections to the old one go on for a while. */
  failOver(): void {
    const old = this.#server
    this.#server = this.#start(this.#dumps.at(-1))
    this.#world.after(this.#random.spread(50, 10_000), undefined, () => {
      if (old !== this.#server) old.die()
    })
  }
}

/** Makes the wire between a process and a server. */
export function makeWire(
  world: World,
  network: Network,
  client: { readonly name: string; readonly actor: Actor },
  server: RedisServer,
  tracked: boolean,
  told: Pick<Wire, "changed" | "ended">,
): Wire {
  return {
    toServer: new Stream(world, network, client.name, "redis", server.actor),
    toClient: new Stream(world, network, "redis", client.name, client.actor),
    tracked,
    open: false,
    ...told,
  }
}
