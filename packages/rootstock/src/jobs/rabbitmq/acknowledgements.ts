import type { Channel } from "rabbitmq-client"

/** Acknowledges the deliveries of one channel, as many as possible at once. */
export class Acknowledgements {
  readonly #channel: Channel
  /** All deliveries up to this one are acknowledged. */
  #limit = 0
  /** Those beyond it that are acknowledged, since an earlier one is still in hand. */
  readonly #beyond = new Set<number>()
  #tags: number[] = []

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Acknowledges a delivery, soon; once for each. Where the channel is gone by then, the broker delivers it again. */
  add(deliveryTag: number): void {
    if (this.#tags.push(deliveryTag) === 1) setImmediate(() => this.flush())
  }

  /** Acknowledges at once what was added. */
  flush(): void {
    const tags = this.#tags.sort((left, right) => left - right)
    this.#tags = []
    if (tags.length === 0 || !this.#channel.active) return
    let together = 0
    while (tags[together] === this.#limit + together + 1) together++
    if (together > 0) {
      this.#limit += together
      this.#channel.basicAck({ deliveryTag: this.#limit, multiple: true })
    }
    for (const tag of tags.slice(together)) {
      this.#channel.basicAck({ deliveryTag: tag })
      this.#beyond.add(tag)
    }
    while (this.#beyond.delete(this.#limit + 1)) this.#limit++
  }
}
