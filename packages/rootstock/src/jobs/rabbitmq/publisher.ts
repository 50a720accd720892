import type { Channel, ReturnedMessage } from "rabbitmq-client"
import type { KeptChannel } from "./kept-channel.ts"
import type { Link } from "./link.ts"
import type { NamedEnvelope } from "./message.ts"

/**
 * What became of a message: the broker keeps it in a queue, no queue takes it, or nobody knows, since the broker refused it
 * or the channel broke before its answer.
 */
export type Publication = "confirmed" | "returned" | "unknown"

type Settled = { readonly messageId: string; readonly told: (publication: Publication) => void }

/**
 * Publishes messages and tells of each whether it is in a queue.
 *
 * The broker confirms a message that no queue takes, behind its return. The library tells of the return behind the
 * confirmation, at the latest at the end of the same turn of the event loop; so a confirmation is believed in the next.
 */
export class Publisher {
  readonly #link: Link
  readonly #kept: KeptChannel
  /** Message ids that came back and were not looked at. */
  readonly #returned = new Set<string>()
  #confirmed: Settled[] = []
  #pending = 0
  #drained: (() => void) | undefined

  /** @param ready told whenever messages can be published again */
  constructor(link: Link, ready: () => void) {
    this.#link = link
    this.#kept = link.keep({
      purpose: "for publishing",
      setUp: async (channel) => {
        this.#returned.clear()
        channel.on("basic.return", ({ messageId }: ReturnedMessage) => {
          if (messageId !== undefined) this.#returned.add(messageId)
        })
        await channel.confirmSelect()
        setImmediate(ready)
      },
    })
  }

  /** Whether it is worth a try. */
  get ready(): boolean {
    return this.#link.usable && this.#kept.channel !== undefined
  }

  /** Messages of which the broker has not told yet. */
  get pending(): number {
    return this.#pending
  }

  /** Publishes a message; `told` is called once, later. */
  publish(envelope: NamedEnvelope, body: Buffer, told: Settled["told"]): void {
    this.#pending++
    const { messageId } = envelope
    const unknown = () => setImmediate(() => this.#tell(told, "unknown"))
    const channel: Channel | undefined = this.#kept.channel
    if (channel === undefined) unknown()
    else channel.basicPublish(envelope, body).then(() => this.#confirm({ messageId, told }), unknown)
  }

  /** Runs what publishes many messages, so that they are sent together. */
  together(publish: () => void): void {
    this.#link.together(publish)
  }

  /** Resolves when the broker has told of all messages. */
  async drain(): Promise<void> {
    while (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
  }

  /** Closes the channel: what is pending becomes unknown. */
  stop(): Promise<void> {
    return this.#link.drop(this.#kept)
  }

  #confirm(settled: Settled): void {
    this.#confirmed.push(settled)
    if (this.#confirmed.length > 1) return
    setImmediate(() => {
      const confirmed = this.#confirmed
      this.#confirmed = []
      setImmediate(() => this.#believe(confirmed))
    })
  }

  #believe(confirmed: readonly Settled[]): void {
    for (const { messageId, told } of confirmed) {
      this.#tell(told, this.#returned.delete(messageId) ? "returned" : "confirmed")
    }
  }

  #tell(told: Settled["told"], publication: Publication): void {
    this.#pending--
    told(publication)
    if (this.#pending === 0) this.#drained?.()
  }
}
