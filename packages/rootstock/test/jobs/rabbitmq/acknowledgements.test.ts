import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import type { Channel } from "rabbitmq-client"
import { Acknowledgements } from "../../../src/jobs/rabbitmq/acknowledgements.ts"

/** A channel that does with acknowledgements what a broker does: a tag that is not outstanding is an error. */
class Outstanding {
  readonly tags: Set<number>
  active = true
  frames = 0

  constructor(count: number) {
    this.tags = new Set(Array.from({ length: count }, (_, index) => index + 1))
  }

  basicAck({ deliveryTag, multiple = false }: { deliveryTag: number; multiple?: boolean }): void {
    this.frames++
    assert.ok(this.tags.delete(deliveryTag), `the tag ${deliveryTag} is not outstanding`)
    if (multiple) for (const tag of this.tags) if (tag < deliveryTag) this.tags.delete(tag)
  }
}

const of = (channel: Outstanding) => new Acknowledgements(channel as unknown as Channel)

describe("acknowledgements", () => {
  it("reach exactly the deliveries that were settled, in whatever order and portions", () => {
    const settled = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 40 })
    fc.assert(
      fc.property(settled, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (tags, flushes) => {
        const channel = new Outstanding(40)
        const acknowledgements = of(channel)
        tags.forEach((tag, index) => {
          acknowledgements.add(tag)
          if (flushes[index]) acknowledgements.flush()
        })
        acknowledgements.flush()
        const expected = Array.from({ length: 40 }, (_, index) => index + 1).filter((tag) => !tags.includes(tag))
        assert.deepEqual([...channel.tags], expected)
      }),
    )
  })

  it("are one frame for those that follow each other", () => {
    const channel = new Outstanding(500)
    const acknowledgements = of(channel)
    for (let tag = 500; tag >= 1; tag--) acknowledgements.add(tag)
    acknowledgements.flush()
    assert.deepEqual([channel.frames, channel.tags.size], [1, 0])
  })

  it("are left out where the channel is gone", () => {
    const channel = new Outstanding(2)
    const acknowledgements = of(channel)
    acknowledgements.add(1)
    channel.active = false
    acknowledgements.flush()
    assert.equal(channel.frames, 0)
  })
})
