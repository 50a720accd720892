import assert from "node:assert/strict"
import { describe, it, type TestContext } from "node:test"
import { temporaryDatabase } from "../../support/index.ts"
import { type ChaosOptions, runChaos } from "./chaos.ts"
import { startUnsteadyBroker } from "./unsteady-broker.ts"
import { startUnsteadyPostgres } from "./unsteady-postgres.ts"

// The short edition; `npm run check:jobs` runs longer ones.
describe("jobs in chaos", () => {
  it("happen once each on SQLite, while workers are killed and frozen", async (t) => {
    await using place = await temporaryDatabase("sqlite")
    await expectEachOnce(t, { url: place.url, jobs: 1_200, seconds: 6, workers: 3, seed: 7 })
  })

  it("happen once each on PostgreSQL, while it ends and starts again, too, and workers are cut off", async (t) => {
    await using server = await unsteadyPostgres(7)
    const options = { url: server.url, jobs: 1_200, seconds: 9, workers: 3, seed: 8 }
    await expectEachOnce(t, { ...options, disturbances: [server] })
    assert.ok(server.counts.fast > 0)
  })

  it("happen once each by way of a RabbitMQ that ends and starts again, hangs, and cuts connections", async (t) => {
    const broker = await startUnsteadyBroker(9)
    if (broker === undefined) {
      t.skip("needs rabbitmq-server")
      return
    }
    try {
      await using server = await unsteadyPostgres(9)
      const options = { url: server.url, broker: broker.url, jobs: 600, seconds: 15, workers: 3, seed: 9 }
      await expectEachOnce(t, { ...options, disturbances: [broker, server] })
      assert.ok(broker.counts.kills > 0)
    } finally {
      await broker.stop()
    }
  })
})

async function unsteadyPostgres(seed: number) {
  const server = await startUnsteadyPostgres(seed)
  return { ...server, [Symbol.asyncDispose]: () => server.stop() }
}

async function expectEachOnce(t: TestContext, options: ChaosOptions): Promise<void> {
  const result = await runChaos(options)
  t.diagnostic(JSON.stringify(result))
  const { sent, own, lost, doubled, ghosts, stuck, dead, leftBehind, crashes } = result
  assert.deepEqual(
    { sent, lost, doubled, ghosts, stuck, dead, leftBehind, crashes },
    { sent: options.jobs, lost: 0, doubled: 0, ghosts: 0, stuck: 0, dead: 0, leftBehind: 0, crashes: 0 },
  )
  assert.ok(own > 0)
  assert.ok(result.kills + result.freezes > 1)
}
