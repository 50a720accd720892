import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { manualClock } from "../../src/clock/index.ts"
import { moment, objectOf, optional, words } from "../../src/fields/index.ts"
import { ConfigError, DeclarationError, openDatabase, transaction, ValidationError } from "../../src/index.ts"
import { defineJob, openJobs, type SendOptions } from "../../src/jobs/index.ts"
import { queriesOf, refuses } from "../storage/support.ts"
import { forEachJobs, ledger, numbered } from "./support.ts"

const start = "2026-01-31T09:00:00.000Z"
const later = (milliseconds: number) => new Date(Date.parse(start) + milliseconds)

const order = defineJob("order", { queue: "orders", payload: numbered, lane: 1, attempts: 5 })
const letter = defineJob("letter", {
  queue: "letters",
  payload: objectOf("Letter", { sendTo: words(20), writtenAt: moment, note: optional(words(10)) }),
})
const anything = defineJob("anything", { queue: "orders", payload: { schema: {}, optional: false } })
const unknown = defineJob("unknown", { queue: "orders", payload: numbered })

describe("jobs.send", () => {
  const clock = manualClock(start)
  forEachJobs((place) => {
    const open = () => {
      clock.set(start)
      return place.open([order, letter])
    }

    it("stores a job that waits, due at once", async () => {
      const jobs = open()
      const id = await jobs.send(order, { n: 7 })
      assert.deepEqual(await jobs.store.jobs.list(), [
        {
          id,
          queue: "orders",
          kind: "order",
          lane: 1,
          state: "wait",
          runAt: later(0),
          attempt: 0,
          maxAttempts: 5,
          worker: null,
          dedupe: null,
          fireAt: null,
          payload: { n: 7 },
          messageId: null,
          lastError: null,
          createdAt: later(0),
        },
      ])
    })

    it("stores the payload as JSON, its instants as text", async () => {
      const jobs = open()
      await jobs.send(letter, { sendTo: "Ann", writtenAt: later(5) })
      const [row] = await jobs.store.jobs.list()
      assert.deepEqual(row?.payload, { send_to: "Ann", written_at: "2026-01-31T09:00:00.005Z" })
    })

    const timed: [title: string, options: SendOptions, runAt: Date, fireAt: Date | null][] = [
      ["after a delay", { delayMs: 1_500 }, later(1_500), later(1_500)],
      ["at an instant", { runAt: later(60_000) }, later(60_000), later(60_000)],
      ["in the past", { runAt: later(-60_000) }, later(-60_000), later(-60_000)],
      ["at once for another instant", { fireAt: later(-5) }, later(0), later(-5)],
      ["later for another instant", { delayMs: 10, fireAt: later(-5) }, later(10), later(-5)],
    ]
    for (const [title, options, runAt, fireAt] of timed) {
      it(`stores one that is to run ${title}`, async () => {
        const jobs = open()
        const row = await jobs.store.jobs.get(await jobs.send(order, { n: 1 }, options))
        assert.deepEqual([row?.runAt, row?.fireAt], [runAt, fireAt])
      })
    }

    it("commits with its transaction, and rolls back with it", async () => {
      const jobs = open()
      await assert.rejects(
        transaction(async () => {
          await jobs.send(order, { n: 1 })
          throw new Error("no")
        }),
      )
      await transaction(async () => {
        await jobs.send(order, { n: 2 })
        await assert.rejects(
          transaction(
            async () => {
              await jobs.send(order, { n: 3 })
              throw new Error("no")
            },
            { nested: true },
          ),
        )
      })
      assert.deepEqual(
        (await jobs.store.jobs.list()).map(({ payload }) => payload),
        [{ n: 2 }],
      )
    })

    it("adds one statement to a transaction, however many it sends", async () => {
      const jobs = open()
      const send = (count: number) => () =>
        transaction(async () => {
          const numbers = Array.from({ length: count }, (_, n) => ({ n }))
          await jobs.sendMany(order, numbers)
        })
      await send(1)()
      assert.deepEqual(await queriesOf(place.db, send(1)), ["jobs.send"])
      assert.deepEqual(await queriesOf(place.db, send(16)), ["jobs.send"])
      const dedupe = { key: "a", onTwin: "replace" } as const
      assert.deepEqual(await queriesOf(place.db, () => jobs.send(order, { n: 1 }, { dedupe })), ["jobs.send"])
    })

    it("stores with few statements what is sent one by one beside each other, and refuses only what does not fit", async () => {
      clock.set(start)
      const jobs = place.open([order, anything])
      const results: PromiseSettledResult<string>[] = []
      const calls = await queriesOf(place.db, async () => {
        const sends = Array.from({ length: 100 }, (_, n) => jobs.send(order, { n }))
        results.push(...(await Promise.allSettled(sends)))
      })
      assert.ok(calls.length <= 4, `${calls.length} statements`)
      const ids = results.map((one) => (one as PromiseFulfilledResult<string>).value)
      const rows = await jobs.store.jobs.getMany(ids)
      assert.deepEqual(
        rows.map(({ payload }) => payload),
        Array.from({ length: 100 }, (_, n) => ({ n })),
      )
      const mixed = await Promise.allSettled([
        jobs.send(order, { n: 100 }),
        jobs.send(anything, 1n),
        jobs.send(order, { n: 101 }),
      ])
      assert.deepEqual(
        mixed.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      )
      assert.ok((mixed[1] as PromiseRejectedResult).reason instanceof ValidationError)
      assert.equal(await jobs.store.jobs.count(), 102)
    })

    it("sends thousands at once, each with options of its own, and gives their ids in order", async () => {
      const jobs = open()
      const numbers = Array.from({ length: 2_500 }, (_, n) => ({ n }))
      const ids = await jobs.sendMany(order, numbers, ({ n }) => ({ lane: n % 2 === 0 ? 0 : 4, delayMs: n }))
      const rows = await jobs.store.jobs.getMany(ids)
      assert.deepEqual(
        rows.map(({ payload }) => payload),
        numbers,
      )
      assert.deepEqual([rows[7]?.lane, rows[8]?.lane, rows[9]?.runAt], [4, 0, later(9)])
      assert.deepEqual(await jobs.sendMany(order, []), [])
    })

    it("sends none of many where one does not fit", async () => {
      const jobs = open()
      await refuses(jobs.sendMany(order, [{ n: 1 }, { n: -1 }]), { code: "VALIDATION" })
      assert.equal(await jobs.store.jobs.count(), 0)
    })

    const refused: [title: string, work: (jobs: ReturnType<typeof open>) => Promise<unknown>, message: RegExp][] = [
      ["a payload of a wrong type", (jobs) => jobs.send(order, { n: "1" as never }), /body\/n must be integer/],
      ["a payload without a field", (jobs) => jobs.send(order, {} as never), /body\/n is required/],
      ["no payload", (jobs) => jobs.send(order, undefined as never), /body is required/],
      [
        "a text that no database can store",
        (jobs) => jobs.send(letter, { sendTo: "a\0", writtenAt: later(0) }),
        /U\+0/,
      ],
      ["a kind that was not opened", (jobs) => jobs.send(unknown, { n: 1 }), /unknown is not among/],
      ["a sixth lane", (jobs) => jobs.send(order, { n: 1 }, { lane: 5 as never }), /no lane 5/],
      ["a negative delay", (jobs) => jobs.send(order, { n: 1 }, { delayMs: -1 }), /delayMs is -1/],
      ["a delay that is no number", (jobs) => jobs.send(order, { n: 1 }, { delayMs: Number.NaN }), /delayMs is NaN/],
      ["two times", (jobs) => jobs.send(order, { n: 1 }, { delayMs: 1, runAt: later(1) }), /both/],
      ["an invalid instant", (jobs) => jobs.send(order, { n: 1 }, { runAt: new Date(Number.NaN) }), /runAt must be/],
      ["an empty key", (jobs) => jobs.send(order, { n: 1 }, { dedupe: { key: "", onTwin: "ignore" } }), /key/],
      [
        "a long key",
        (jobs) => jobs.send(order, { n: 1 }, { dedupe: { key: "k".repeat(201), onTwin: "ignore" } }),
        /key/,
      ],
    ]
    for (const [title, work, message] of refused) {
      it(`refuses ${title}`, async () => {
        const jobs = open()
        await refuses(() => work(jobs), { code: "VALIDATION", message })
        assert.equal(await jobs.store.jobs.count(), 0)
      })
    }

    it("takes jobs as data, checked as if they were sent from the program", async () => {
      const jobs = open()
      const id = await jobs.sendJson("letter", { send_to: "Ann", written_at: start }, { lane: 4 })
      assert.deepEqual((await jobs.store.jobs.get(id))?.payload, { send_to: "Ann", written_at: start })
      await refuses(jobs.sendJson("letter", { sendTo: "Ann" }), { code: "VALIDATION", message: /letter/ })
      await refuses(jobs.sendJson("postcard", {}), { code: "VALIDATION", cure: /order, letter/ })
    })

    it("leaves a waiting twin as it is, and gives its id", async () => {
      const jobs = open()
      const dedupe = { key: "7", onTwin: "ignore" } as const
      const first = await jobs.send(order, { n: 1 }, { dedupe })
      assert.equal(await jobs.send(order, { n: 2 }, { dedupe, delayMs: 5, lane: 0 }), first)
      assert.notEqual(await jobs.send(letter, { sendTo: "A", writtenAt: later(0) }, { dedupe }), first)
      const row = await jobs.store.jobs.get(first)
      assert.deepEqual([row?.payload, row?.runAt, row?.lane], [{ n: 1 }, later(0), 1])
      assert.equal(await jobs.store.jobs.count(), 2)
    })

    it("puts a job in the place of a waiting twin", async () => {
      const jobs = open()
      const first = await jobs.send(order, { n: 1 }, { dedupe: { key: "7", onTwin: "ignore" } })
      await jobs.store.jobs.update(first, { attempt: 3 })
      const options: SendOptions = { dedupe: { key: "7", onTwin: "replace" }, delayMs: 5, lane: 0 }
      assert.equal(await jobs.send(order, { n: 2 }, options), first)
      const row = await jobs.store.jobs.get(first)
      assert.deepEqual([row?.payload, row?.runAt, row?.lane, row?.fireAt], [{ n: 2 }, later(5), 0, later(5)])
      // It has all its attempts before it, and none of them is numbered as one that was.
      assert.deepEqual([row?.attempt, row?.maxAttempts], [3, 8])
    })

    it("makes a second one where the twin is begun", async () => {
      const jobs = open()
      const dedupe = { key: "7", onTwin: "ignore" } as const
      const first = await jobs.send(order, { n: 1 }, { dedupe })
      await jobs.store.jobs.update(first, { state: "held" })
      const second = await jobs.send(order, { n: 2 }, { dedupe })
      assert.notEqual(second, first)
      assert.equal(await jobs.store.jobs.count(), 2)
    })

    it("makes one of many that are sent at the same time", async () => {
      const jobs = open()
      const dedupe = { key: "7", onTwin: "ignore" } as const
      const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => jobs.send(order, { n }, { dedupe })))
      assert.equal(new Set(ids).size, 1)
      assert.equal(await jobs.store.jobs.count(), 1)
    })

    it("treats many that are sent together as if they had been sent one after another", async () => {
      const sends = fc.array(
        fc.record({ key: fc.constantFrom(undefined, "a", "b"), onTwin: fc.constantFrom("ignore", "replace") }),
        { minLength: 1, maxLength: 8 },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(sends, { minLength: 1, maxLength: 3 }), async (batches) => {
          const jobs = open()
          await jobs.store.jobs.deleteWhere({})
          let n = 0
          const expected: { n: number; key: string | undefined }[] = []
          for (const batch of batches) {
            const first = n
            for (const { key, onTwin } of batch) {
              const twin = key === undefined ? undefined : expected.find((one) => one.key === key)
              if (twin === undefined) expected.push({ n, key })
              else if (onTwin === "replace") twin.n = n
              n++
            }
            const ids = await jobs.sendMany(
              order,
              batch.map((_, index) => ({ n: first + index })),
              (_, index) => {
                const { key, onTwin } = batch[index] as (typeof batch)[number]
                return key === undefined ? {} : { dedupe: { key, onTwin: onTwin as "ignore" } }
              },
            )
            const keys = batch.map(({ key }, index) => key ?? `alone ${index}`)
            assert.equal(new Set(ids).size, new Set(keys).size)
          }
          const rows = await jobs.store.jobs.list()
          const numbers = (list: readonly { n: number }[]) => list.map((one) => one.n).sort((a, b) => a - b)
          assert.deepEqual(numbers(rows.map(({ payload }) => payload as { n: number })), numbers(expected))
        }),
        { numRuns: 25 },
      )
    })
  }, clock)
})

describe("openJobs", () => {
  it("refuses a database without the tables of jobs", async () => {
    await using db = await openDatabase("sqlite::memory:", { tables: { ledger } })
    assert.throws(() => openJobs(db, { jobs: [order] }), ConfigError)
  })

  forEachJobs((place) => {
    it("refuses two kinds of one name, and takes one that is named twice", () => {
      const twin = defineJob("order", { queue: "others", payload: numbered })
      assert.throws(() => place.open([order, twin]), DeclarationError)
      assert.deepEqual(place.open([order, order]).definitions, [order])
      assert.equal(place.open([order]).definition("order"), order)
    })
  })
})
