import { ConfigError } from "../../errors/index.ts"
import type { Logger } from "../../log/index.ts"
import type { Metric } from "../../metrics/index.ts"
import { limitedWarnings } from "../../redis/index.ts"
import type { Jobs } from "../jobs.ts"
import type { Transport } from "../source.ts"
import type { Broker } from "../worker.ts"
import { readBrokerUrl } from "./address.ts"
import { Link } from "./link.ts"
import { BrokerMeasures } from "./measures.ts"
import { Topology } from "./topology.ts"
import { BrokerTransport } from "./transport.ts"

/** Times are milliseconds. */
export type BrokerOptions = {
  /** `amqp://` or `amqps://` for RabbitMQ, `database:` for none. */
  url: string
  /** Whose jobs they are, shown in connections and messages (default `rootstock`). */
  name?: string
  /** The largest message of others that is read, in bytes (default 1,048,576). */
  largestMessage?: number
  /** Default: that of the jobs. */
  log?: Logger
  /** Between two looks for jobs that nobody announced (default 1,000). */
  pollMs?: number
  /** Between two looks for messages that the broker has lost; a message is found missing at the second (default 60,000). */
  lostMs?: number
}

/** A RabbitMQ that hands jobs to workers, or none. */
export class JobBroker implements Broker {
  readonly #jobs: Jobs
  readonly #options: BrokerOptions
  readonly #measures = new BrokerMeasures()
  readonly #topology = new Topology()
  readonly #links: readonly [publishing: Link, receiving: Link] | undefined
  readonly #away = new Set<Link>()
  readonly #transports = new Set<BrokerTransport>()

  /** @throws ConfigError */
  constructor(jobs: Jobs, options: BrokerOptions) {
    const { url, name = "rootstock", largestMessage = 1_048_576, log = jobs.log } = options
    this.#jobs = jobs
    this.#options = options
    if (!Number.isInteger(largestMessage) || largestMessage < 1) {
      throw new ConfigError(`The largest message is ${largestMessage} bytes.`, {
        cure: "Give a whole number from 1 on.",
      })
    }
    if (/^database:/.test(url)) return
    const address = readBrokerUrl(url)
    const shown = `RabbitMQ at ${address.shown}`
    const warn = limitedWarnings((message) => log.warning(message))
    const linkTo = (purpose: string) =>
      new Link({
        address,
        name: `${name} (${purpose})`,
        log,
        away: (link, sentence) => {
          this.#away.add(link)
          warn(`${shown} ${sentence}`)
        },
        back: (link) => {
          if (this.#away.delete(link) && this.#away.size === 0) log.info(`${shown} is back`)
        },
      })
    // A broker that is short of memory stops reading from connections that publish; acknowledgements must reach it.
    this.#links = [linkTo("publishing"), linkTo("receiving")]
  }

  /** For health checks: `away` also where it takes no messages, or a queue cannot be used. */
  get state(): "connected" | "away" | "off" {
    if (this.#links === undefined) return "off"
    return [...this.#links, ...this.#transports].every(({ ready }) => ready) ? "connected" : "away"
  }

  /** Why queues cannot be used: their jobs wait in the database. */
  get problems(): readonly unknown[] {
    return [...(this.#links ?? []), ...this.#transports].flatMap(({ problems }) => problems)
  }

  /** Begins to connect; it does not wait for the broker, and tries again by itself whenever it is away. */
  start(): void {
    for (const link of this.#links ?? []) link.start()
  }

  /** Closes the connections; after the workers that it serves are stopped. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all((this.#links ?? []).map((link) => link.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** What was counted in this process. */
  metrics(): readonly Metric[] {
    if (this.#links === undefined) return []
    const up = this.state === "connected" ? 1 : 0
    const help = "1 where the broker is connected, takes messages, and all queues can be used."
    return [{ name: "jobs_broker_up", help, type: "gauge", samples: [{ value: up }] }, ...this.#measures.read()]
  }

  /** Called by a worker that is given the broker. */
  transport(): Transport {
    if (this.#links === undefined) {
      throw new ConfigError("There is no broker.", { cure: "Let the worker look into the database by itself." })
    }
    const { name = "rootstock", largestMessage = 1_048_576, pollMs = 1_000, lostMs } = this.#options
    const [publishing, receiving] = this.#links
    const transport = new BrokerTransport({
      jobs: this.#jobs,
      publishing,
      receiving,
      topology: this.#topology,
      measures: this.#measures,
      sender: name,
      largest: largestMessage,
      pollMs,
      lostMs: lostMs ?? 60_000,
      stopped: () => this.#transports.delete(transport),
    })
    this.#transports.add(transport)
    return transport
  }
}

/**
 * Makes the broker of a database's jobs.
 *
 * @throws ConfigError where the URL is none, without repeating it
 *
 * ### Examples
 *
 * ```ts
 * const broker = openBroker(jobs, { url: process.env.BROKER_URL ?? "database:", name: "shop" })
 * broker.start()
 * const worker = jobs.worker({ broker })
 * await worker.start()
 * // …
 * await worker.stop()
 * await broker.stop()
 * ```
 */
export function openBroker(jobs: Jobs, options: BrokerOptions): JobBroker {
  return new JobBroker(jobs, options)
}
