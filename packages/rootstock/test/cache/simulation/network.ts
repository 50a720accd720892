import type { Random } from "./random.ts"
import type { Actor, World } from "./world.ts"

/** How long messages take. */
export class Network {
  readonly #world: World
  readonly #random: Random
  /** Simulated time until which nothing passes between two ends, by their names. */
  readonly #cuts = new Map<string, number>()

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
  }

  /** Nothing passes between the ends for so long; what is sent arrives afterwards. */
  cut(one: string, other: string, milliseconds: number): void {
    const end = this.#world.time + milliseconds
    this.#cuts.set(`${one}|${other}`, end)
    this.#cuts.set(`${other}|${one}`, end)
  }

  /** Whether a message arrives in one piece with the one before it. */
  joins(): boolean {
    return this.#random.chance(0.4)
  }

  /** When a message that is sent at present arrives. */
  arrival(from: string, to: string): number {
    const delay = this.#random.chance(0.004) ? this.#random.spread(2, 400) : this.#random.spread(0.05, 0.6)
    return Math.max(this.#world.time, this.#cuts.get(`${from}|${to}`) ?? 0) + delay
  }
}

/** One direction of a connection: what is sent arrives in order, some of it together. */
export class Stream {
  readonly #world: World
  readonly #network: Network
  readonly #from: string
  readonly #to: string
  readonly #actor: Actor
  #last = 0
  /** What arrives next, as one piece. */
  #piece: (() => void)[] = []

  /** @param actor whose work the arrival of a message is */
  constructor(world: World, network: Network, from: string, to: string, actor: Actor) {
    this.#world = world
    this.#network = network
    this.#from = from
    this.#to = to
    this.#actor = actor
  }

  send(arrive: () => void): void {
    if (this.#piece.length > 0 && this.#network.joins()) {
      this.#piece.push(arrive)
      return
    }
    const piece = [arrive]
    this.#piece = piece
    this.#last = Math.max(this.#last, this.#network.arrival(this.#from, this.#to))
    this.#world.at(this.#last, this.#actor, () => {
      if (this.#piece === piece) this.#piece = []
      for (const one of piece) one()
    })
  }
}
