import assert from "node:assert/strict"
import { it } from "node:test"
import { startTcpProxy, temporaryDatabase } from "../../support/index.ts"
import { runChaos } from "../chaos/chaos.ts"
import { twoEngines, withBroker } from "./support.ts"

withBroker("workers that are killed and frozen, and a broker whose connections break", (broker) => {
  for (const engine of twoEngines) {
    it(`lose no job and do none twice, on ${engine.name}`, async () => {
      await using temporary = await temporaryDatabase(engine.name)
      await using proxy = await startTcpProxy(broker.url)
      const cut = { chance: 0.15, disturb: async () => proxy.cut() }
      const options = { url: temporary.url, broker: proxy.url, disturbances: [cut] }
      const result = await runChaos({ ...options, jobs: 400, seconds: 5, workers: 3, seed: 20261121 })
      const { sent, lost, doubled, ghosts, stuck, dead, kills } = result
      assert.deepEqual(
        { sent, lost, doubled, ghosts, stuck, dead },
        { sent: 400, lost: 0, doubled: 0, ghosts: 0, stuck: 0, dead: 0 },
        JSON.stringify(result),
      )
      assert.ok(kills > 0)
    })
  }
})
