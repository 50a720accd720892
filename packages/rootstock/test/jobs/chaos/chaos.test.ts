import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { engines } from "../../support/index.ts"
import { runChaos } from "./chaos.ts"

// The short edition; `npm run check:jobs` runs longer ones.
describe("jobs in chaos", () => {
  for (const dialect of ["sqlite", "postgres"]) {
    const engine = engines.find((one) => one.dialect === dialect)
    if (engine === undefined) continue
    it(`happen once each on ${engine.name}, while workers are killed, frozen and cut off`, async (t) => {
      const place = await engine.temporaryDatabase()
      try {
        const result = await runChaos({ url: place.url, jobs: 1_200, seconds: 5, workers: 3, seed: 7 })
        t.diagnostic(JSON.stringify(result))
        const { sent, effects, lost, doubled, ghosts, stuck, dead, leftBehind } = result
        assert.deepEqual(
          { sent, effects, lost, doubled, ghosts, stuck, dead, leftBehind },
          { sent: 1_200, effects: 1_200, lost: 0, doubled: 0, ghosts: 0, stuck: 0, dead: 0, leftBehind: 0 },
        )
        assert.ok(result.kills + result.freezes > 1)
      } finally {
        await place.dispose()
      }
    })
  }
})
