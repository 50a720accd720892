import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { defineJob } from "../../../src/jobs/index.ts"
import { AtBroker } from "../../../src/jobs/rabbitmq/at-broker.ts"
import { BrokerMeasures } from "../../../src/jobs/rabbitmq/measures.ts"
import { Relay, type RelayOptions } from "../../../src/jobs/rabbitmq/relay.ts"
import type { Identity } from "../../../src/jobs/source.ts"
import { uuidv7 } from "../../../src/schema/index.ts"
import { forEachJobs, numbered, until } from "../support.ts"

const kind = defineJob("kind", { queue: "work", payload: numbered })

describe("jobs that are handed to a broker", () => {
  forEachJobs((place) => {
    it("go in the order of their lanes, also where many are taken ahead of what the broker has confirmed", async () => {
      const jobs = place.open([kind])
      const { id } = await jobs.store.workers.create({ id: uuidv7(), host: "here", pid: 1, seen: new Date() })
      const published: number[] = []
      const confirms: (() => void)[] = []
      const publisher = {
        ready: true,
        together: (publish: () => void) => publish(),
        publish(_envelope: unknown, body: Buffer, told: (publication: "confirmed") => void) {
          published.push((JSON.parse(body.toString()) as { n: number }).n)
          confirms.push(() => told("confirmed"))
        },
        drain: async () => undefined,
      }
      const relay = new Relay({
        jobs,
        atBroker: new AtBroker(jobs.backend),
        publisher,
        declarations: { has: () => true, add: () => undefined, declareAgain: () => undefined },
        measures: new BrokerMeasures(),
        sender: "test",
        pollMs: 50,
      } as unknown as RelayOptions)
      relay.add("work")
      await relay.start({ id } as Identity)
      await jobs.sendMany(
        kind,
        Array.from({ length: 1_000 }, (_, n) => ({ n })),
      )
      await until(() => published.length === 500, "as many are on their way as may be")
      await jobs.send(kind, { n: 7_777 }, { lane: 0 })
      await jobs.send(kind, { n: 8_888 }, { lane: 0 })
      await until(async () => !(await jobs.store.jobs.exists({ state: "wait" })), "all are taken")
      for (const confirm of confirms.splice(0, 4)) confirm()
      await until(() => published.length === 504, "more go out")
      assert.deepEqual(published.slice(500), [7_777, 8_888, 500, 501])
      for (const one of confirms.splice(0)) one()
      await relay.stop()
      await relay.close()
    })
  })
})
