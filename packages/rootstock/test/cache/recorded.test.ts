import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, it } from "node:test"
import {
  absent,
  Cache,
  type Changes,
  type Coherence,
  cacheResult,
  cacheRows,
  type Load,
  type Target,
  tagsOf,
} from "../../src/cache/index.ts"
import { type Database, type Storages, transaction } from "../../src/index.ts"
import { currentSession } from "../../src/session/index.ts"
import { forEachDatabase } from "../storage/support.ts"
import { Lists, lists, People, people, Tasks, Teams, tasks, teams } from "./support/tables.ts"

const tables = { people, teams, lists, tasks }
const classes = { people: People, teams: Teams, lists: Lists, tasks: Tasks }

/** A coherence that must be told of writes in their transaction, as one over a server must. */
class RecordingCoherence implements Coherence {
  readonly state = "connected"
  readonly memory = undefined
  readonly recordsWrites = true
  readonly heard: string[] = []
  /** What `prepare` fails with. */
  failure: Error | undefined
  /** Runs in `prepare`, in the transaction. */
  inside: (() => Promise<unknown>) | undefined

  peek(): unknown {
    return absent
  }
  async read(target: Target, load: Load): Promise<unknown> {
    return target.kind.freeze(await load())
  }
  async prepare({ dropped }: Changes): Promise<void> {
    assert.notEqual(currentSession(), undefined)
    this.heard.push(`prepare ${[...dropped].sort().join(" ")}`)
    await this.inside?.()
    if (this.failure !== undefined) throw this.failure
  }
  async committed({ dropped, renewed }: Changes): Promise<void> {
    assert.equal(currentSession(), undefined)
    const again = [...renewed.keys()].map((key) => ` and renew ${key}`)
    this.heard.push(`committed ${[...dropped].sort().join(" ")}${again.join("")}`)
  }
  readonly inspect = async () => undefined
  readonly keys = async () => []
  readonly flush = async () => undefined
  readonly start = async () => undefined
  readonly stop = async () => undefined
}

const names = cacheResult("names", { ttl: "1h", tags: () => [tagsOf(people).all()] }, () => "")
const caches = [
  cacheRows(People, { key: "person:{id}", ttl: "1h" }),
  cacheRows(Tasks, { key: "task:{id}", ttl: "1h", onWrite: "refresh" }),
  names,
]

describe("a coherence that records writes", () => {
  forEachDatabase(
    tables,
    (place) => {
      let coherence: RecordingCoherence
      let cache: Cache
      let store: Storages<typeof classes, typeof tables>
      beforeEach(async () => {
        coherence = new RecordingCoherence()
        cache = new Cache(place.db as unknown as Database, coherence, caches, undefined)
        await cache.start()
        store = place.db.storages(classes)
      })
      afterEach(() => cache.close())
      const heard = (): string[] => coherence.heard.splice(0)
      const both = (keys: string, renewed = "") => [`prepare ${keys}`, `committed ${keys}${renewed}`]

      it("hears of each write in its transaction, and again after the commit", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        assert.deepEqual(heard(), both("tag:people:*"))
        await store.people.update(id, { name: "Bea" })
        assert.deepEqual(heard(), both(`person:${id} tag:people:*`))
        await place.db.execute`UPDATE people SET name = 'Cat'`
        // What free SQL does to the rows is not known: it may delete them, and take others along.
        assert.deepEqual(heard(), both("tag:people tag:tasks"))
        await cache.forget(["names"])
        assert.deepEqual(heard(), both("names"))
        await store.lists.create({ id: 1, title: "x" })
        const task = await store.tasks.create({ title: "a" })
        assert.deepEqual(heard(), [])
        await store.tasks.update(task.id, { title: "b" })
        assert.deepEqual(heard(), both(`task:${task.id}`, ` and renew task:${task.id}`))
        await transaction(async () => {
          await store.people.update(id, { name: "Dan" })
          await transaction(() => store.tasks.update(task.id, { title: "c" }), { nested: true })
          await store.tasks.delete(task.id)
        })
        assert.deepEqual(heard(), both(`person:${id} tag:people:* task:${task.id}`))
        await transaction(() => store.people.get(id))
        await assert.rejects(transaction(() => store.people.create({ name: "x".repeat(100) })))
        await assert.rejects(store.people.update(0, { name: "x" }), { code: "NOT_FOUND" })
        assert.deepEqual(heard(), [])
      })

      it("hears of a table in place of more than a thousand of its rows", async () => {
        const rows = Array.from({ length: 1_001 }, (_, id) => ({ id: id + 1, name: "x" }))
        await store.people.createMany(rows, { returning: false })
        heard()
        await transaction(() => store.people.updateMany(rows.slice(1)))
        assert.equal(coherence.heard[0]?.split(" ").length, 1_002)
        heard()
        await transaction(() => store.people.updateMany(rows))
        const [prepared = ""] = heard()
        assert.ok(prepared.split(" ").includes("tag:people"))
        assert.ok(prepared.split(" ").length <= 1_003)
      })

      it("renews every row that was changed, kept or not, and of very many only some", async () => {
        await store.lists.create({ id: 1, title: "x" })
        const rows = Array.from({ length: 101 }, (_, id) => ({ id: id + 1, title: "a" }))
        await store.tasks.createMany(rows, { returning: false })
        heard()
        const renewed = () => heard()[1]?.match(/renew task:\d+/g)
        await transaction(async () => {
          await store.tasks.update(7, { title: "b" })
          await transaction(() => store.tasks.update(8, { title: "b" }), { nested: true })
        })
        assert.deepEqual(renewed(), ["renew task:7", "renew task:8"])
        await store.tasks.updateMany(rows)
        assert.equal(renewed()?.length, 100)
      })

      it("undoes the write where it cannot be recorded", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        heard()
        coherence.failure = new Error("not recorded")
        await assert.rejects(store.people.update(id, { name: "Bea" }), coherence.failure)
        await assert.rejects(
          transaction(async () => {
            await store.people.update(id, { name: "Bea" })
          }),
          coherence.failure,
        )
        coherence.failure = undefined
        assert.equal((await store.people.get(id))?.name, "Ann")
        assert.deepEqual(heard(), [`prepare person:${id} tag:people:*`, `prepare person:${id} tag:people:*`])
      })

      it("may write in the transaction itself", async () => {
        coherence.inside = () =>
          place.db.execute`INSERT INTO teams (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'x')`
        await store.people.create({ name: "Ann" })
        assert.equal(await store.teams.count(), 1)
        await assert.rejects(store.people.create({ name: "Bea" }), { code: "UNIQUE" })
        assert.equal(await store.people.count(), 1)
      })

      it("hears in the transaction of all that is committed: what begins later is refused", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        heard()
        const { promise: preparing, resolve: prepares } = Promise.withResolvers<void>()
        const late: Promise<unknown>[] = []
        coherence.inside = async () => {
          prepares()
          await Promise.allSettled(late)
        }
        const hasty = async () => {
          await store.people.update(id, { name: "Bea" })
          late.push(preparing.then(() => store.people.update(id, { name: "Cat" })))
          late.push(preparing.then(() => store.lists.create({ id: 1, title: "x" })))
          late.push(preparing.then(() => transaction(() => store.people.delete(id), { nested: true })))
          late.push(preparing.then(() => cache.forget(["names"])))
        }
        await transaction(hasty)
        assert.deepEqual(heard(), both(`person:${id} tag:people:*`))
        for (const one of late) {
          await assert.rejects(one, { code: "SESSION", message: /was called after its transaction hasty ended/ })
        }
        assert.equal((await store.people.get(id))?.name, "Bea")
        assert.equal(await store.lists.count(), 0)
      })

      it("takes all back where what it does in the transaction fails, also where it says nothing of that", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        coherence.inside = () =>
          place.db.execute`INSERT INTO teams (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'x')`
        await store.people.update(id, { name: "Bea" })
        const failing = coherence.inside
        coherence.inside = () => failing().catch(() => undefined)
        await assert.rejects(store.people.update(id, { name: "Cat" }), { code: "SESSION" })
        coherence.inside = undefined
        assert.equal((await store.people.get(id))?.name, "Bea")
      })

      it("is left alone by what no transaction takes", async () => {
        await place.db.execute`VACUUM`
        await place.db.execute`ANALYZE people`
        assert.deepEqual(heard(), [])
      })

      it("gives the same errors as a write alone", async () => {
        await store.people.create({ name: "Ann", email: "a" })
        const attempts = [
          () => store.people.create({ name: "Bea", email: "a" }),
          () => store.tasks.create({ title: "a", personId: 5 }),
          () => place.db.execute`UPDATE people SET name = NULL`,
          () => place.db.execute`UPDATE nothing SET name = NULL`,
          () => place.db.execute`UPDATE people SET`,
        ]
        const failures = async () => {
          const outcomes = await Promise.allSettled(attempts.map((attempt) => attempt()))
          return outcomes.map((outcome) => {
            assert.equal(outcome.status, "rejected")
            const { code, message, table, columns } = outcome.reason
            return { code, message, table, columns }
          })
        }
        const recorded = await failures()
        await cache.close()
        assert.deepEqual(recorded, await failures())
      })
    },
    { nPlusOne: { mode: "off" } },
  )
})
