import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { setImmediate as turn } from "node:timers/promises"
import { cacheRows } from "../../src/cache/index.ts"
import {
  afterCommit,
  afterRollback,
  outsideTransaction,
  SerializationError,
  type Storages,
  transaction,
  withStorages,
} from "../../src/index.ts"
import { refuses } from "../storage/support.ts"
import { asked, forEachCached } from "./support/index.ts"
import { People, people, Teams, teams } from "./support/tables.ts"

const tables = { people, teams }
const classes = { people: People, teams: Teams }
const caches = [
  cacheRows(People, { key: "person:{id}", ttl: "1h" }),
  cacheRows(Teams, { key: "team:{id}", ttl: "1h", onWrite: "refresh" }),
]

describe("the cache and transactions", () => {
  forEachCached(
    tables,
    caches,
    (place) => {
      let store: Storages<typeof classes, typeof tables>
      let ann: number
      let bea: number
      beforeEach(async () => {
        store = place.db.storages(classes)
        const made = await store.people.createMany([{ name: "Ann" }, { name: "Bea" }])
        ann = made[0]!.id
        bea = made[1]!.id
        await store.people.get(ann)
      })
      const nameOf = async (id: number) => (await store.people.get(id))?.name
      const kept = async () => (await place.cache.find("*")).sort()

      it("are apart: inside, rows come from the database and are not kept", async () => {
        const calls = await asked(place.db, () =>
          transaction(async () => {
            await store.people.get(ann)
            await store.people.get(bea)
          }),
        )
        assert.deepEqual(calls, ["people.get", "people.get"])
        await transaction(() => store.people.get(bea), { readOnly: true })
        assert.deepEqual(await kept(), [`person:${ann}`])
        // What is given inside is the caller's own.
        await transaction(async () => {
          const row = await store.people.getOrFail(ann)
          row.tags.push("x")
        })
        assert.deepEqual((await store.people.get(ann))?.tags, [])
      })

      it("meet at the commit: before anybody is told of it", async () => {
        const seen: unknown[] = []
        await transaction(async () => {
          afterCommit(async () => {
            seen.push(await nameOf(ann))
          })
          await store.people.update(ann, { name: "Ann2" })
          if (place.url !== undefined) seen.push(await outsideTransaction(() => nameOf(ann)))
          seen.push(await nameOf(ann))
        })
        assert.equal(await nameOf(ann), "Ann2")
        assert.deepEqual(seen, place.url === undefined ? ["Ann2", "Ann2"] : ["Ann", "Ann2", "Ann2"])
      })

      it("do not meet at a rollback", async () => {
        const undone = transaction(async () => {
          afterRollback(async () => {
            assert.deepEqual(await kept(), [`person:${ann}`])
          })
          await store.people.update(ann, { name: "Ann2" })
          await store.people.delete(ann)
          throw new Error("undone")
        })
        await assert.rejects(undone, /undone/)
        assert.deepEqual(await kept(), [`person:${ann}`])
        const calls = await asked(place.db, async () => assert.equal(await nameOf(ann), "Ann"))
        assert.deepEqual(calls, [])
        assert.equal(place.cache.stats().kinds["person:{id}"]!.invalidations, 0)
      })

      it("keep what a savepoint wrote apart: with it goes what it would forget", async () => {
        await store.people.get(bea)
        await transaction(async () => {
          await transaction(() => store.people.update(bea, { name: "Bea2" }), { nested: true })
          const undone = transaction(
            async () => {
              await transaction(() => store.people.update(ann, { name: "Ann2" }), { nested: true })
              throw new Error("undone")
            },
            { nested: true },
          )
          await assert.rejects(undone, /undone/)
        })
        assert.deepEqual(await kept(), [`person:${ann}`])
        assert.deepEqual([await nameOf(ann), await nameOf(bea)], ["Ann", "Bea2"])
        await assert.rejects(
          transaction(async () => {
            await transaction(() => store.people.update(bea, { name: "Bea3" }), { nested: true })
            throw new Error("undone")
          }),
        )
        assert.deepEqual(await kept(), [`person:${ann}`, `person:${bea}`])
      })

      it("count each attempt by itself where a transaction is run again", async () => {
        let attempts = 0
        await store.people.get(bea)
        await transaction(async () => {
          attempts++
          if (attempts === 1) {
            await store.people.update(ann, { name: "no" })
            throw new SerializationError("made up", { cure: "Run it again." })
          }
          await store.people.update(bea, { name: "Bea2" })
        })
        assert.equal(attempts, 2)
        assert.deepEqual(await kept(), [`person:${ann}`])
        assert.deepEqual([await nameOf(ann), await nameOf(bea)], ["Ann", "Bea2"])
      })

      it("agree after conflicts that made transactions run again", async () => {
        const add = () =>
          transaction(
            async () => {
              const { level } = await store.people.getOrFail(ann)
              await store.people.update(ann, { level: level + 1 })
            },
            { isolation: "serializable", retries: 50 },
          )
        await Promise.all(Array.from({ length: 6 }, add))
        assert.equal((await store.people.get(ann))?.level, 7)
        assert.equal((await store.people.get(ann))?.level, 7)
      })

      it("know of calls that nobody waited for", async () => {
        await store.people.get(bea)
        await transaction(async () => {
          void store.people.update(ann, { name: "Ann2" })
          void transaction(() => store.people.increment(bea, { level: 4 }), { nested: true })
        })
        assert.deepEqual([await nameOf(ann), (await store.people.get(bea))?.level], ["Ann2", 5])
      })

      it("refuse calls that come after the end, and forget nothing for them", async () => {
        let late: Promise<unknown> | undefined
        const { promise: ended, resolve: end } = Promise.withResolvers<void>()
        await transaction(async () => {
          late = ended.then(() => store.people.update(ann, { name: "late" }))
        })
        end()
        await refuses(() => late as Promise<unknown>, { code: "SESSION" })
        assert.deepEqual(await kept(), [`person:${ann}`])
      })

      it("meet in functions with storages", async () => {
        const rename = withStorages([People, Teams], async ([own, others], name: string) => {
          await own.update(ann, { name })
          await own.promote(ann)
          return others.create({ name })
        })
        // Each of the places has these tables.
        const { id } = await rename("Ann2")
        assert.deepEqual([await nameOf(ann), (await store.people.get(ann))?.level], ["Ann2", 2])
        assert.equal((await store.teams.get(id))?.name, "Ann2")
      })

      it("replace a refreshed row by what the last of many commits stored", async () => {
        const { id } = await store.teams.create({ name: "0" })
        await store.teams.get(id)
        for (let round = 1; round <= 20; round++) {
          const writers = [1, 2, 3].map((part) => store.teams.update(id, { name: `${round}.${part}` }))
          const named = transaction(async () => {
            await store.teams.update(id, { name: `${round}.0` })
            await turn()
          })
          await Promise.all([...writers, named, store.teams.get(id)])
          const stored = await transaction(() => store.teams.get(id))
          assert.deepEqual(await store.teams.get(id), stored)
        }
      })

      it("hold a reader that begins after the acknowledgement, whatever others read meanwhile", async () => {
        for (let round = 1; round <= 30; round++) {
          const early = Array.from({ length: 5 }, () => store.people.get(ann))
          const write =
            round % 2 === 0
              ? store.people.update(ann, { level: round })
              : transaction(() => store.people.update(ann, { level: round }))
          const besides = Array.from({ length: 5 }, () => store.people.get(ann))
          await write
          assert.equal((await store.people.get(ann))?.level, round)
          await Promise.all([...early, ...besides])
        }
      })
    },
    { nPlusOne: { mode: "off" } },
  )
})
