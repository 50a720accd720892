import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { elapsed } from "../../src/clock/index.ts"
import { type Engine, openEngine } from "../../src/engine/index.ts"
import { forEachEngine, type TemporaryDatabase } from "../support/index.ts"

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = elapsed() + 30_000
  while (!holds()) {
    if (elapsed() > end) throw new Error(`it did not happen: ${what}`)
    await pause(2)
  }
}

describe("signals", () => {
  forEachEngine((place) => {
    let database: TemporaryDatabase
    let here: Engine
    let there: Engine

    beforeEach(async () => {
      database = await place.temporaryDatabase()
      const name = (application: string) => ({ postgres: { applicationName: application } })
      here = await openEngine(database.url, name(`here ${process.pid}`))
      there = await openEngine(database.url, name(`there ${process.pid}`))
      await here.free("CREATE TABLE t (a INTEGER)", [], true)
    })

    afterEach(async () => {
      await here.close()
      await there.close()
      await database.dispose()
    })

    /** A commit, which is what a signal on SQLite is. */
    const change = (engine: Engine) => engine.free("INSERT INTO t VALUES (1)", [], true)

    it("reach those who listen, again and again, until they stop", async () => {
      let heard = 0
      const stop = await here.signals.listen("a", () => heard++)
      for (let round = 0; round < 3; round++) {
        const before = heard
        await change(there)
        there.signals.send("a")
        await until(() => heard > before, "it is heard")
      }
      await stop()
      await stop()
      const before = heard
      const again = await here.signals.listen("b", () => undefined)
      await change(there)
      there.signals.send("a")
      await pause(60)
      assert.equal(heard, before)
      await again()
    })

    it("reach all who listen to a topic", async () => {
      const heard = [0, 0]
      const stops = await Promise.all(
        heard.map((_, index) =>
          here.signals.listen("a", () => {
            heard[index] = 1
          }),
        ),
      )
      await change(there)
      there.signals.send("a")
      await until(() => heard.every((one) => one === 1), "both heard it")
      for (const stop of stops) await stop()
    })

    it("are for others: whoever changes something knows it", async () => {
      let heard = 0
      await here.signals.listen("a", () => heard++)
      let there_ = 0
      await there.signals.listen("a", () => there_++)
      await change(here)
      here.signals.send("a")
      await until(() => there_ > 0, "the other one hears it")
      assert.equal(heard, 0)
    })

    it("that come close together are gathered, and none of them is the last and lost", async () => {
      let heard = 0
      await here.signals.listen("a", () => heard++)
      for (let round = 0; round < 200; round++) there.signals.send("a")
      await change(there)
      await until(() => heard > 0, "one is heard")
      assert.ok(heard < 20, `${heard} were heard`)
    })

    it("that wait to be sent are sent before the engine closes", async () => {
      let heard = 0
      await here.signals.listen("a", () => heard++)
      await change(there)
      there.signals.send("a")
      there.signals.send("b")
      await there.close()
      await until(() => heard > 0, "it is heard")
      there.signals.send("a")
    })

    it("say where another thread finds the database", () => {
      assert.equal(here.address?.url.startsWith(place.dialect), true)
      assert.deepEqual(structuredClone(here.address), here.address)
    })

    if (place.dialect === "postgres") {
      it("go only to those who share the schema", async () => {
        await using other = await place.temporaryDatabase()
        const elsewhere = await openEngine(other.url)
        let heard = 0
        let heardElsewhere = 0
        await here.signals.listen("a", () => heard++)
        await elsewhere.signals.listen("a", () => heardElsewhere++)
        there.signals.send("a")
        await until(() => heard > 0, "it is heard")
        assert.equal(heardElsewhere, 0)
        await elsewhere.close()
      })

      it("go on after the connection was lost, and call everybody, who may have missed some", async () => {
        const heard = { a: 0, b: 0 }
        await here.signals.listen("a", () => heard.a++)
        await here.signals.listen("b", () => heard.b++)
        await cut(`here ${process.pid}`)
        await until(() => heard.a > 0 && heard.b > 0, "both are called")
        const before = heard.b
        there.signals.send("b")
        await until(() => heard.b > before, "it is heard again")
        assert.equal(heard.a, 1)
      })
    }

    async function cut(name: string): Promise<void> {
      const client = new pg.Client({ connectionString: database.url.split("?")[0] as string })
      await client.connect()
      await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [name])
      await client.end()
    }
  })

  it("are silent in memory, where nobody else is", async () => {
    const engine = await openEngine("sqlite::memory:")
    const stop = await engine.signals.listen("a", () => assert.fail("nobody can have sent it"))
    engine.signals.send("a")
    await engine.free("CREATE TABLE t (a INTEGER)", [], true)
    await stop()
    assert.equal(engine.address, undefined)
    await engine.close()
  })
})
