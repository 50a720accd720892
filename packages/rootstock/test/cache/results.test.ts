import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { cacheResult, invalidates, tagsOf } from "../../src/cache/index.ts"
import { outsideTransaction, type Storages, transaction, withStorages } from "../../src/index.ts"
import { refuses } from "../storage/support.ts"
import { forEachCached } from "./support/index.ts"
import { classes, memberships, People, people, tables, tasks, teams } from "./support/tables.ts"

const personRows = tagsOf(people)
const taskRows = tagsOf(tasks)
const seatRows = tagsOf(memberships)
const teamRows = tagsOf(teams)

let store: Storages<typeof classes, typeof tables>
/** How often each function was called. */
let calls: Record<string, number> = {}
const called = (name: string) => {
  calls[name] = (calls[name] ?? 0) + 1
}

const personDetail = cacheResult(
  "person:{id}:detail",
  { ttl: "1h", tags: (id) => [personRows.row(id), taskRows.where({ personId: id })] },
  async function buildDetail(id: number) {
    called("personDetail")
    const person = await store.people.get(id)
    if (person === undefined) return undefined
    return { name: person.name, tasks: await store.tasks.list({ where: { personId: id }, orderBy: { title: "asc" } }) }
  },
)
const openTasks = cacheResult("tasks:open", { ttl: "1h", tags: () => [taskRows.where({ done: false })] }, () => {
  called("openTasks")
  return store.tasks.count({ done: false })
})
const everybody = cacheResult("people:names", { ttl: "1h", tags: () => [personRows.all()] }, async () => {
  called("everybody")
  return (await store.people.list({ orderBy: { name: "asc" } })).map(({ name }) => name)
})
const seat = cacheResult(
  "seat:{team}:{person}:role",
  { ttl: "1h", negativeTtl: "1m", tags: (teamId, personId) => [seatRows.row({ teamId, personId })] },
  async (teamId: string, personId: number) => {
    called("seat")
    return (await store.memberships.get({ teamId, personId }))?.role
  },
)
const unowned = cacheResult(
  "tasks:unowned",
  { ttl: "1h", tags: () => [taskRows.where({ personId: null })] },
  async () => {
    called("unowned")
    return (await store.tasks.list({ where: { personId: null } })).length > 0
  },
)
const changedAt = cacheResult(
  "changed:{at}",
  { ttl: "1h", tags: (at) => [personRows.where({ changedAt: at })] },
  async (at: Date) => {
    called("changedAt")
    return (await store.people.list({ where: { changedAt: at } })).map(({ id }) => id)
  },
)
const loud = cacheResult(
  "loud:{name}",
  { ttl: "1h", tags: (loudName) => [personRows.where({ loudName })] },
  async (name: string) => {
    called("loud")
    return store.people.count({ loudName: name })
  },
)
const teamName = cacheResult("team:{id}:name", { ttl: "1h", tags: (id) => [teamRows.row(id)] }, async (id: string) => {
  called("teamName")
  return (await store.teams.get(id))?.name ?? ""
})
let value: unknown
const anything = cacheResult("anything:{key}", { ttl: "1h" }, async (_key: string) => {
  called("anything")
  return value
})
const nothing = cacheResult("nothing:{key}", { ttl: "1h", negativeTtl: "1m" }, async (_key: string) => {
  called("nothing")
  return value
})
const fails = cacheResult("fails:{key}", { ttl: "1h" }, async (key: string) => {
  called("fails")
  throw new Error(key)
})

const caches = [personDetail, openTasks, everybody, seat, unowned, changedAt, loud, teamName, anything, nothing, fails]

describe("results from the cache", () => {
  forEachCached(tables, caches, (place) => {
    beforeEach(async () => {
      store = place.db.storages(classes)
      await store.lists.create({ id: 1, title: "all" })
      calls = {}
    })

    it("come from the function once", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      const made = await store.tasks.create({ title: "a", personId: id })
      const first = await personDetail(id)
      assert.deepEqual(first, { name: "Ann", tasks: [made] })
      assert.equal(await personDetail(id), first)
      assert.equal(calls["personDetail"], 1)
      assert.equal(personDetail.key(id), `person:${id}:detail`)
      assert.deepEqual(JSON.parse((await place.cache.inspect(`person:${id}:detail`))!.text).name, "Ann")
      assert.equal(await place.cache.result(personDetail)(id), first)
    })

    it("are kept whatever their value is, but for undefined", async () => {
      const all = [[], 0, false, "", null, {}, 5n, new Date(5), new Date(Number.NaN), -0, Number.NaN, [undefined]]
      for (const [index, one] of all.entries()) {
        value = one
        const first = await anything(`k${index}`)
        value = "another"
        assert.deepStrictEqual(await anything(`k${index}`), one)
        assert.ok(Object.is(await anything(`k${index}`), first))
      }
      assert.equal(calls["anything"], all.length)
      value = undefined
      assert.equal(await anything("none"), undefined)
      value = 1
      assert.equal(await anything("none"), 1)
      value = undefined
      assert.equal(await nothing("none"), undefined)
      value = 1
      assert.equal(await nothing("none"), undefined)
      assert.equal(calls["nothing"], 1)
    })

    it("are frozen in their depth, and refused where they are no plain data", async () => {
      value = { list: [{ at: new Date(1) }] }
      const kept = (await anything("a")) as { list: { at: Date }[] }
      assert.throws(() => kept.list.push({ at: new Date() }), TypeError)
      assert.throws(() => kept.list[0]!.at.setTime(2), TypeError)
      value = new Map()
      await refuses(() => anything("b"), { code: "VALIDATION", message: /anything:\{key\} gives a Map/ })
      value = 1
      assert.equal(await anything("b"), 1)
    })

    it("are not kept where the function fails, and all who wait are told", async () => {
      const outcomes = await Promise.allSettled([fails("x"), fails("x"), fails("x")])
      assert.deepEqual(
        outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.message),
        ["x", "x", "x"],
      )
      assert.equal(calls["fails"], 1)
      await assert.rejects(fails("x"), /x/)
      assert.equal(calls["fails"], 2)
      assert.deepEqual(place.cacheWarnings, [])
    })

    it("come from one call of the function for many who ask at once", async () => {
      await store.people.createMany([{ name: "Ann" }, { name: "Bea" }])
      const all = await Promise.all(Array.from({ length: 50 }, () => everybody()))
      assert.deepEqual(all[49], ["Ann", "Bea"])
      assert.ok(all.every((one) => one === all[0]))
      assert.equal(calls["everybody"], 1)
    })

    it("are forgotten by a write of a row that they go by, and not by one of another", async () => {
      const [ann, bea] = await store.people.createMany([{ name: "Ann" }, { name: "Bea" }])
      const [own] = await store.tasks.createMany([
        { title: "a", personId: ann!.id },
        { title: "b", personId: bea!.id },
      ])
      const titles = async (id: number) => (await personDetail(id))?.tasks.map(({ title }) => title)
      const read = async () => [await titles(ann!.id), await titles(bea!.id)]
      assert.deepEqual(await read(), [["a"], ["b"]])
      assert.equal(calls["personDetail"], 2)

      await store.tasks.update(own!.id, { title: "a2" })
      assert.deepEqual(await read(), [["a2"], ["b"]])
      assert.equal(calls["personDetail"], 3)

      await store.tasks.create({ title: "c", personId: bea!.id })
      assert.deepEqual(await read(), [["a2"], ["b", "c"]])
      assert.equal(calls["personDetail"], 4)

      await store.people.update(bea!.id, { name: "Bee" })
      assert.deepEqual(await read(), [["a2"], ["b", "c"]])
      assert.equal(calls["personDetail"], 5)
      assert.equal((await personDetail(bea!.id))?.name, "Bee")
    })

    it("are forgotten where a row comes to have their values, and where it ceases to", async () => {
      const [ann, bea] = await store.people.createMany([{ name: "Ann" }, { name: "Bea" }])
      const task = await store.tasks.create({ title: "a", personId: ann!.id })
      const titles = async (id: number) => (await personDetail(id))?.tasks.map(({ title }) => title)
      const read = async () => [await titles(ann!.id), await titles(bea!.id), await unowned(), await openTasks()]
      assert.deepEqual(await read(), [["a"], [], false, 1])
      await store.tasks.update(task.id, { personId: bea!.id })
      assert.deepEqual(await read(), [[], ["a"], false, 1])
      await store.tasks.update(task.id, { personId: null, done: true })
      assert.deepEqual(await read(), [[], [], true, 0])
      await store.tasks.updateMany([{ id: task.id, personId: ann!.id }])
      assert.deepEqual(await read(), [["a"], [], false, 0])
      await store.tasks.updateWhere({ done: true }, { done: false, personId: bea!.id })
      assert.deepEqual(await read(), [[], ["a"], false, 1])
      await store.tasks.upsert({ id: task.id, title: "a", personId: ann!.id })
      assert.deepEqual(await read(), [["a"], [], false, 1])
      await store.people.delete(ann!.id)
      assert.deepEqual(await read(), [undefined, [], true, 1])
      await store.tasks.delete(task.id)
      assert.deepEqual(await read(), [undefined, [], false, 0])
    })

    it("go by columns that the database or the library fills", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      assert.equal(await loud("ANN"), 1)
      assert.equal(await loud("BEA"), 0)
      const { changedAt: at } = await store.people.update(id, { name: "Bea" })
      assert.equal(await loud("ANN"), 0)
      assert.equal(await loud("BEA"), 1)
      assert.deepEqual(await changedAt(at!), [id])
      await store.people.increment(id, { level: 1 })
      const again = await store.people.getOrFail(id)
      assert.deepEqual(await changedAt(at!), again.changedAt?.getTime() === at!.getTime() ? [id] : [])
      assert.deepEqual(await changedAt(again.changedAt!), [id])
    })

    it("know that there is none until a row is made", async () => {
      const person = await store.people.create({ name: "Ann" })
      const team = await store.teams.create({ name: "One" })
      assert.equal(await seat(team.id, person.id), undefined)
      assert.equal(await seat(team.id.toUpperCase(), person.id), undefined)
      assert.equal(await seat(team.id, person.id), undefined)
      assert.equal(calls["seat"], 2)
      await store.teams.link(team.id, "members", [person.id])
      assert.equal(await seat(team.id, person.id), "member")
      assert.equal(await seat(team.id.toUpperCase(), person.id), "member")
      await store.memberships.update({ teamId: team.id.toUpperCase(), personId: person.id }, { role: "head" })
      assert.equal(await seat(team.id, person.id), "head")
      await store.teams.unlink(team.id, "members", [person.id])
      assert.equal(await seat(team.id, person.id), undefined)
    })

    it("come from the function inside a transaction, and nothing of it is kept", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      await personDetail(id)
      await transaction(async () => {
        await store.people.update(id, { name: "Bea" })
        assert.equal((await personDetail(id))?.name, "Bea")
        assert.equal((await place.cache.result(personDetail)(id))?.name, "Bea")
        // On PostgreSQL another connection reads beside it; SQLite in memory has but one.
        if (place.url !== undefined) assert.equal((await outsideTransaction(() => personDetail(id)))?.name, "Ann")
      })
      assert.equal((await personDetail(id))?.name, "Bea")
      await assert.rejects(
        transaction(async () => {
          await store.people.update(id, { name: "Cat" })
          assert.equal((await personDetail(id))?.name, "Cat")
          throw new Error("undone")
        }),
        /undone/,
      )
      const before = calls["personDetail"]
      assert.equal((await personDetail(id))?.name, "Bea")
      assert.equal(calls["personDetail"], before)
    })

    it("are forgotten on demand: at once, or with the transaction", async () => {
      value = 1
      await anything("a")
      value = 2
      await anything.forget("a")
      assert.equal(await anything("a"), 2)
      value = 3
      await transaction(async () => {
        await anything.forget("a")
        assert.equal((await place.cache.inspect("anything:a"))?.text, "2")
      })
      assert.equal(await anything("a"), 3)
      value = 4
      await assert.rejects(
        transaction(async () => {
          await anything.forget("a")
          throw new Error("undone")
        }),
      )
      assert.equal(await anything("a"), 3)
      await place.cache.forget(["anything:a"])
      assert.equal(await anything("a"), 4)
    })

    it("are forgotten by a function that says so, after its transaction", async () => {
      value = "old"
      await anything("5")
      await anything("6")
      const change = invalidates(["anything:{key}"], async (key: number, text: string, fail: boolean) => {
        await store.people.create({ name: `${key}` })
        value = text
        if (fail) throw new Error("undone")
        return text.length
      })
      await assert.rejects(change(5, "no", true), /undone/)
      assert.equal(await anything("5"), "old")
      assert.equal(await change(5, "fresh", false), 5)
      assert.equal(await anything("5"), "fresh")
      assert.equal(await anything("6"), "old")
      const changeAll = invalidates(
        (...list: string[]) => list.map((key) => anything.key(key)),
        (...list: string[]) => list.length,
      )
      value = "newest"
      assert.equal(await changeAll("5", "6"), 2)
      assert.equal(await anything("5"), "newest")
      assert.equal(await anything("6"), "newest")
      await transaction(async () => {
        await changeAll("5")
        value = "later"
      })
      assert.equal(await anything("5"), "later")
    })

    it("are not forgotten by a key that is none, which is refused", async () => {
      const change = invalidates(["anythin:{key}"], async (key: number) => store.people.create({ name: `${key}` }))
      await refuses(() => change(5), { code: "DECLARATION", message: /"anythin:5" is of no pattern/ })
      assert.equal(await store.people.count(), 0)
      await place.cache.close()
      await change(5)
    })

    it("are forgotten by a write in the middle of the function's work, for those who come after", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
      const { promise: goOn, resolve: go } = Promise.withResolvers<void>()
      let slow = true
      const slowly = cacheResult(
        "slow:{id}",
        { ttl: "1h", tags: (key) => [personRows.row(key)] },
        async (key: number) => {
          const name = (await store.people.get(key))?.name
          if (slow) {
            slow = false
            reach()
            await goOn
          }
          return name
        },
      )
      await place.cache.close()
      const { openCache } = await import("../../src/cache/index.ts")
      const { inProcess } = await import("./support/index.ts")
      await using cache = await openCache(place.db, { url: inProcess(place.url), caches: [slowly] })
      const early = slowly(id)
      await reached
      await store.people.update(id, { name: "Bea" })
      assert.equal(await slowly(id), "Bea")
      go()
      assert.equal(await early, "Ann")
      assert.equal(await slowly(id), "Bea")
      assert.equal(cache.stats().kinds["slow:{id}"]!.refusedFills, 1)
    })

    it("serve functions with storages of their own", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      const rename = withStorages([People], ([own], name: string) => own.update(id, { name }))
      assert.equal((await personDetail(id))?.name, "Ann")
      await rename("Bea")
      assert.equal((await personDetail(id))?.name, "Bea")
    })

    it("count what happens to them", async () => {
      const { id } = await store.people.create({ name: "Ann" })
      await personDetail(id)
      await personDetail(id)
      await store.people.update(id, { name: "Bea" })
      await personDetail(id)
      await place.cache.forget([personDetail.key(id)])
      await store.tasks.create({ title: "a", personId: id })
      const { hitsLocal, misses, fills, invalidations } = place.cache.stats().kinds["person:{id}:detail"]!
      assert.deepEqual(
        { hitsLocal, misses, fills, invalidations },
        { hitsLocal: 1, misses: 2, fills: 2, invalidations: 2 },
      )
      const metric = place.cache.metrics().find(({ name }) => name === "cache_misses_total")
      assert.deepEqual(
        metric?.samples.find(({ labels }) => labels?.["key"] === "person:{id}:detail"),
        { labels: { key: "person:{id}:detail" }, value: 2 },
      )
    })
  })
})
