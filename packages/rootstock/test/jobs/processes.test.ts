import assert from "node:assert/strict"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { afterEach, describe, it } from "node:test"
import { elapsed } from "../../src/clock/index.ts"
import { openDatabase } from "../../src/index.ts"
import { handle, type Jobs, openJobs, type WorkerOptions } from "../../src/jobs/index.ts"
import { createLogger } from "../../src/log/index.ts"
import { createSchema } from "../../src/migrate/index.ts"
import { engines } from "../support/index.ts"
import { beside, blocking, deadly, recording, resting } from "./process-kinds.ts"
import { done, Ledger, patient, quick, tables, until } from "./support.ts"

const log = createLogger({ name: "jobs", destination: { write: () => undefined } })

type Member = { readonly child: ChildProcess; readonly told: string[] }

// What is shown here does not depend on the version of the server.
const chosen = ["sqlite", "postgres"].map((dialect) => engines.find((engine) => engine.dialect === dialect))

for (const engine of chosen.filter((one) => one !== undefined)) {
  describe(`workers in processes of their own on ${engine.name}`, () => {
    const started: Member[] = []
    afterEach(() => {
      for (const { child } of started.splice(0)) {
        child.kill("SIGCONT")
        child.kill("SIGKILL")
      }
    })

    async function start(url: string, ...parameters: string[]): Promise<Member> {
      const child = fork(new URL("./worker-process.ts", import.meta.url), [url, ...parameters], { execArgv: [] })
      const told: string[] = []
      child.on("message", (message: string) => told.push(message))
      const member = { child, told }
      started.push(member)
      await tells(member, "started")
      return member
    }

    const tells = ({ child, told }: Member, message: string) =>
      until(() => {
        assert.equal(child.exitCode, null)
        return told.includes(message)
      }, `it tells ${message}`)

    async function place() {
      const temporary = await engine.temporaryDatabase()
      await createSchema(temporary.url, tables)
      const db = await openDatabase(temporary.url, { tables })
      const jobs = openJobs(db, { jobs: [recording, blocking, resting, deadly, beside], log })
      const ledger = db.storage(Ledger)
      const effects = async () => (await ledger.list({ orderBy: { id: "asc" } })).map(({ n }) => n)
      return {
        url: temporary.url,
        jobs,
        effects,
        async [Symbol.asyncDispose]() {
          await db.close()
          await temporary.dispose()
        },
      }
    }

    /** A worker of this process that looks for dead ones, and has no jobs of its own. */
    async function watch(jobs: Jobs, options: WorkerOptions = quick) {
      const worker = jobs.worker({ handlers: [handle(recording, () => undefined)], ...options })
      await worker.start()
      return worker
    }

    it("lose nothing of what they sent to themselves when they are killed", async () => {
      await using here = await place()
      const killed = await start(here.url)
      // Once it has nothing to do, what it sends is its own from the start.
      await here.jobs.send(recording, { n: 0 })
      await done(here.jobs)
      killed.child.send({ kind: "resting", n: 1 })
      await tells(killed, "sent")
      await tells(killed, "begun")
      const [row] = await here.jobs.store.jobs.list()
      assert.deepEqual([row?.state, row?.attempt], ["held", 1])
      killed.child.kill("SIGKILL")
      await start(here.url)
      await done(here.jobs)
      assert.deepEqual(await here.effects(), [0, 1])
    })

    it("begin at once what another process sends, and end when they are stopped, leaving nothing behind", async () => {
      await using here = await place()
      const { child } = await start(here.url)
      const delays: number[] = []
      for (let n = 0; n < 5; n++) {
        const sent = elapsed()
        await here.jobs.send(recording, { n })
        await until(async () => (await here.effects()).length === n + 1, "it is done")
        delays.push(elapsed() - sent)
      }
      await here.jobs.send(recording, { n: 5 }, { delayMs: 30 })
      await done(here.jobs)
      assert.deepEqual(await here.effects(), [0, 1, 2, 3, 4, 5])
      // Far from the time between two looks, which is ten minutes.
      assert.ok(Math.min(...delays) < 500, `${delays}`)
      const exit = once(child, "exit")
      child.disconnect()
      assert.deepEqual(await exit, [0, null])
      assert.equal(await here.jobs.store.workers.count(), 0)
    })

    it("are not taken for dead while a handler keeps their event loop busy", async () => {
      await using here = await place()
      const member = await start(here.url, "patient")
      await using _ = await watch(here.jobs, patient)
      await here.jobs.send(blocking, { n: 4_000 })
      await tells(member, "begun")
      await done(here.jobs)
      assert.deepEqual(await here.effects(), [4_000])
      assert.equal(here.jobs.measures.of({ queue: "blocking", kind: "blocking" }).rescued, 0)
      assert.equal(await here.jobs.store.errors.count(), 0)
      assert.equal(await here.jobs.store.workers.count(), 2)
    })

    for (const [title, parameters, effects] of [
      ["change nothing when they wake up from a freeze that they were taken for dead in", [], [7]],
      ["would do a job twice that they woke up with, if it were completed by its id alone", ["ablated"], [7, 7]],
    ] as const) {
      it(title, async () => {
        await using here = await place()
        const frozen = await start(here.url, ...parameters, "unaware")
        await here.jobs.send(resting, { n: 7 })
        await tells(frozen, "begun")
        frozen.child.kill("SIGSTOP")
        const other = await start(here.url, ...parameters)
        await tells(other, "committed")
        frozen.child.kill("SIGCONT")
        await tells(frozen, effects.length === 2 ? "committed" : "refused")
        assert.deepEqual(await here.effects(), [...effects])
      })
    }

    it("give up a job that kills them, and do those beside it", async () => {
      await using here = await place()
      await using _ = await watch(here.jobs)
      const numbers = Array.from({ length: 30 }, (_, n) => ({ n }))
      await here.jobs.sendMany(beside, numbers.slice(0, 15))
      await here.jobs.send(deadly, { n: 99 })
      await here.jobs.sendMany(beside, numbers.slice(15))
      let deaths = 0
      for (;;) {
        const { child } = await start(here.url)
        const exit = once(child, "exit")
        await Promise.race([exit, done(here.jobs)])
        if (child.signalCode === null) break
        deaths++
        await until(async () => (await here.jobs.store.jobs.count({ state: "held" })) === 0, "they are rescued")
      }
      assert.equal(deaths, 3)
      assert.deepEqual(
        (await here.jobs.store.dead.list()).map(({ kind, reason, attempt }) => [kind, reason, attempt]),
        [["deadly", "attempts", 3]],
      )
      assert.deepEqual(
        (await here.effects()).sort((a, b) => a - b),
        numbers.map(({ n }) => n),
      )
    })
  })
}
