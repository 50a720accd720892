import {
  type CoherenceMode,
  DatabaseTrust,
  type Link,
  type Timings,
  timings as usualTimings,
} from "../../../src/cache/redis/index.ts"
import { SimulatedDatabase } from "./database.ts"
import { Network } from "./network.ts"
import { Participant, rowCount, type Surroundings, Tally } from "./participant.ts"
import { Random } from "./random.ts"
import { RedisPlace } from "./redis-server.ts"
import { World } from "./world.ts"

/** Parts of the protocol that can be left out, to see that the checker finds it. */
export const ablations = ["token", "epoch", "run id", "fence", "commit wait", "quiet wait"] as const
export type Ablation = (typeof ablations)[number]

export type SimulationOptions = {
  readonly seed: number
  /** Ends after so many reads. */
  readonly reads: number
  /** The part of the protocol that is left out. */
  readonly without?: Ablation | undefined
  readonly mode?: CoherenceMode | undefined
  readonly processes?: number | undefined
  /** The faults that may happen (default: all). */
  readonly faults?: readonly Fault[] | undefined
  /** Ends at the first stale read. */
  readonly untilStale?: boolean | undefined
  /** Told now and then how far it is. */
  readonly progress?: ((tally: Tally) => void) | undefined
}

export type SimulationResult = {
  readonly tally: Tally
  /** Simulated milliseconds. */
  readonly time: number
  /** Whether, after all faults, the cache serves everywhere and nothing waits to be invalidated. */
  readonly settled: boolean
}

class Epochless extends DatabaseTrust {
  override get epoch(): number {
    return 1
  }
}

class Fenceless extends DatabaseTrust {
  override counts(link: Link): boolean {
    return link.open
  }
}

/** Runs processes of a system against simulated servers, and counts the reads that broke the guarantee. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, reads, without, mode = "strict", processes = 5, untilStale = false, progress } = options
  const allowed = options.faults ?? (Object.keys(meanMs) as Fault[])
  const random = new Random(seed)
  const world = new World()
  const network = new Network(world, random.fork())
  const tally = new Tally()
  const timings: Timings = {
    ...usualTimings,
    ...(without === "commit wait" ? { windowFactor: 0 } : {}),
    ...(without === "quiet wait" ? { fenceMs: 0 } : {}),
  }
  const around: Surroundings = {
    world,
    network,
    place: new RedisPlace(world, random.fork(), without === "token"),
    database: new SimulatedDatabase(world, network, random.fork(), rowCount),
    timings,
    mode,
    sameRun: without === "run id",
    trust:
      without === "epoch"
        ? (trust) => new Epochless(trust)
        : without === "fence"
          ? (trust) => new Fenceless(trust)
          : undefined,
    tally,
  }
  const running: Participant[] = []
  const begin = (index: number) => {
    // One in four keeps nothing in its memory.
    // Some keep nothing in their memory; at the start of some systems nobody does.
    const local = random.chance(0.75) && (world.time > 0 || seed % 2 === 0)
    const participant = new Participant(`process ${index}`, around, random.fork(), local)
    running[index] = participant
    participant.start().catch(() => participant.crash())
  }
  for (let index = 0; index < processes; index++) begin(index)
  const faults = new Faults(around, random.fork(), running, begin, allowed)
  faults.start()
  let told = 0
  await world.run(() => {
    if (progress !== undefined && tally.reads - told >= 10_000) {
      told = tally.reads
      progress(tally)
    }
    return tally.reads >= reads || (untilStale && tally.stale > 0)
  })
  const { time } = world
  faults.stop()
  const end = world.time + 60_000
  let settled = false
  await world.run(() => {
    settled =
      around.database.outbox.size < 20 &&
      running.every(({ coherence, client }) => client.actor.dead || coherence.serving)
    return settled || world.time >= end
  })
  return { tally, time, settled }
}

/** What goes wrong, and how often: mean milliseconds between two of a kind, in a phase that has it. */
export const meanMs = {
  stall: 300,
  longStall: 6_000,
  crash: 6_000,
  redisStall: 3_000,
  flush: 2_500,
  evict: 600,
  restart: 12_000,
  failOver: 12_000,
  cutRedis: 5_000,
  cutDatabase: 8_000,
  hangUp: 3_000,
}

export type Fault = keyof typeof meanMs

/** A phase has some of the faults and not others, so that each is met with the cache in use. */
const phaseMs = 12_000
const share = 0.3

class Faults {
  readonly #around: Surroundings
  readonly #random: Random
  readonly #running: Participant[]
  readonly #begin: (index: number) => void
  readonly #allowed: readonly Fault[]
  readonly #present = new Set<Fault>()
  #stopped = false

  constructor(
    around: Surroundings,
    random: Random,
    running: Participant[],
    begin: (index: number) => void,
    allowed: readonly Fault[],
  ) {
    this.#allowed = allowed
    this.#around = around
    this.#random = random
    this.#running = running
    this.#begin = begin
  }

  start(): void {
    for (const name of this.#allowed) {
      this.#again(meanMs[name], () => {
        if (!this.#present.has(name)) return
        this.#around.tally.faults++
        this.#cause(name)
      })
    }
    this.#again(phaseMs, () => {
      this.#present.clear()
      for (const name of this.#allowed) if (this.#random.chance(share)) this.#present.add(name)
      this.#around.database.lateShare = this.#random.chance(share) ? 0.2 : 0.02
    })
    // The dead come back.
    this.#again(200, () => {
      this.#running.forEach((participant, index) => {
        if (participant.client.actor.dead) this.#begin(index)
      })
    })
  }

  stop(): void {
    this.#stopped = true
    this.#around.database.lateShare = 0
    this.#running.forEach((participant, index) => {
      if (participant.client.actor.dead) this.#begin(index)
    })
  }

  #again(mean: number, work: () => void): void {
    this.#around.world.after(-Math.log(1 - this.#random.next()) * mean, undefined, () => {
      if (this.#stopped) return
      work()
      this.#again(mean, work)
    })
  }

  #cause(fault: Fault): void {
    const random = this.#random
    const { world, place, network } = this.#around
    const someone = random.pick(this.#running)
    const { server } = place
    switch (fault) {
      case "stall":
        someone.stall(random.spread(1, 300))
        break
      case "longStall":
        someone.stall(random.spread(300, 4_000))
        break
      case "crash":
        someone.crash()
        break
      case "redisStall":
        server.actor.stalledUntil = world.time + random.spread(5, 1_500)
        break
      case "flush":
        server.flush()
        break
      case "evict":
        server.evict(random, random.between(0.05, 0.6))
        break
      case "restart":
        place.restart(random.chance(0.7))
        break
      case "failOver":
        // What takes a server away often holds up its clients too.
        if (random.chance(0.7)) someone.stall(random.spread(500, 6_000))
        place.failOver()
        break
      case "cutRedis":
        network.cut(someone.client.name, "redis", random.spread(20, 5_000))
        break
      case "cutDatabase":
        network.cut(someone.client.name, "database", random.spread(20, 3_000))
        break
      case "hangUp":
        server.hangUp(random, random.between(0.1, 1))
    }
  }
}
