import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { elapsed } from "../../src/clock/index.ts"
import { AnswerWatch } from "../../src/redis/answer-watch.ts"

describe("AnswerWatch", () => {
  it("finds a call that is not answered, when its deadline has nearly passed", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const begun = elapsed()
    const watch = new AnswerWatch(100, resolve)
    watch.begin()
    await promise
    assert.ok(elapsed() - begun >= 75, `${elapsed() - begun} ms`)
  })

  it("finds the one that is not answered among others that follow it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const watch = new AnswerWatch(30, resolve)
    watch.begin()
    watch.end()
    const calls = setInterval(() => watch.begin(), 2)
    await promise
    clearInterval(calls)
  })

  it("is content while calls are answered, and rests while nothing is asked", async () => {
    let late = 0
    const watch = new AnswerWatch(20, () => late++)
    for (let call = 0; call < 20; call++) {
      watch.begin()
      await sleep(2)
      watch.end()
    }
    await sleep(60)
    watch.begin()
    watch.end()
    await sleep(60)
    assert.equal(late, 0)
  })

  it("does not blame the server for a blocked event loop", async () => {
    let late = 0
    const watch = new AnswerWatch(30, () => late++)
    watch.begin()
    const end = elapsed() + 120
    while (elapsed() < end);
    // What the server answered meanwhile is read in the next turn.
    await new Promise((resolve) => setImmediate(resolve))
    watch.end()
    watch.stop()
    assert.equal(late, 0)
  })
})
