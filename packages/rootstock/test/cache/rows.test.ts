import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { cacheRows } from "../../src/cache/index.ts"
import type { Storages } from "../../src/index.ts"
import { refuses } from "../storage/support.ts"
import { asked, forEachCached } from "./support/index.ts"
import {
  classes,
  Files,
  Grades,
  Memberships,
  Meters,
  Moments,
  Notes,
  People,
  Prices,
  Slots,
  Teams,
  tables,
} from "./support/tables.ts"

const caches = [
  cacheRows(People, { key: "person:{id}", ttl: "1h" }),
  cacheRows(Teams, { key: "team:{id}", ttl: "1h", negativeTtl: "1m" }),
  cacheRows(Notes, { key: "note:{id}", ttl: "1h", onWrite: "refresh" }),
  cacheRows(Memberships, { key: "seat:{personId}:{teamId}", ttl: "1h" }),
  cacheRows(Prices, { key: "price:{code}", ttl: 60_000 }),
  cacheRows(Meters, { key: "meter:{id}", ttl: "1h" }),
  cacheRows(Slots, { key: "slot:{day}:{hour}", ttl: "1h", negativeTtl: "1m" }),
  cacheRows(Grades, { key: "grade:{mark}", ttl: "1h", negativeTtl: "1m" }),
  cacheRows(Moments, { key: "moment:{at}", ttl: "1h" }),
  cacheRows(Files, { key: "file:{id}", ttl: "1h" }),
]

const nobody = "00000000-0000-4000-8000-00000000abcd"

describe("rows from the cache", () => {
  forEachCached(
    tables,
    caches,
    (place) => {
      let store: Storages<typeof classes, typeof tables>
      beforeEach(() => {
        store = place.db.storages(classes)
      })
      const statements = (work: () => Promise<unknown>) => asked(place.db, work)

      it("asks the database once, and then gives the same row without it", async () => {
        const made = await store.people.create({ name: "Ann", email: "a@x", facts: { born: { year: 1, at: ["x"] } } })
        let first: unknown
        assert.deepEqual(
          await statements(async () => {
            first = await store.people.get(made.id)
          }),
          ["people.get"],
        )
        assert.deepEqual(first, made)
        assert.deepEqual(
          await statements(async () => {
            assert.equal(await store.people.get(made.id), first)
            assert.equal(await store.people.getOrFail(made.id), first)
          }),
          [],
        )
        const { hitsLocal, misses, fills } = place.cache.stats().kinds["person:{id}"]!
        assert.deepEqual({ hitsLocal, misses, fills }, { hitsLocal: 2, misses: 1, fills: 1 })
      })

      it("leaves reads with options, conditions and several keys to the database", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        await store.people.get(id)
        const calls = await statements(async () => {
          await store.people.get(id, { with: { tasks: true } })
          await store.people.get(id, { withDeleted: true })
          await store.people.getMany([id])
          await store.people.find({ id })
          await store.people.list()
        })
        assert.deepEqual(
          calls.filter((call) => call.startsWith("people.")),
          ["people.get", "people.get", "people.getMany", "people.find", "people.list"],
        )
      })

      it("gives rows frozen in their depth", async () => {
        const { id } = await store.people.create({
          name: "Ann",
          tags: ["a"],
          facts: { born: { year: 1, at: ["x"] } },
          seenAt: new Date(5),
        })
        // The first is the one that was loaded, the second the one that was kept.
        for (const row of [await store.people.getOrFail(id), await store.people.getOrFail(id)]) {
          assert.throws(() => Object.assign(row, { name: "B" }), TypeError)
          assert.throws(() => row.tags.push("b"), TypeError)
          assert.throws(() => row.facts!.born!.at.push("y"), TypeError)
          assert.throws(() => Object.assign(row.facts!.born!, { year: 2 }), TypeError)
          assert.throws(() => row.seenAt!.setFullYear(1), TypeError)
          assert.throws(() => row.seenAt!.setTime(1), TypeError)
        }
        const mine = structuredClone(await store.people.getOrFail(id))
        mine.tags.push("b")
        mine.seenAt!.setTime(1)
        assert.deepEqual((await store.people.getOrFail(id)).tags, ["a"])
        assert.equal((await store.people.getOrFail(id)).seenAt!.getTime(), 5)
      })

      it("gives each reader bytes of their own, which nothing can freeze", async () => {
        const { id } = await store.files.create({ content: new Uint8Array([1, 2]), parts: [new Date(7)] })
        const readings = [await store.files.getOrFail(id), await store.files.getOrFail(id)]
        for (const row of readings) row.content.fill(9)
        const again = await store.files.getOrFail(id)
        assert.deepEqual([...again.content], [1, 2])
        assert.throws(() => again.parts[0]!.setTime(1), TypeError)
        assert.throws(() => Object.assign(again, { content: new Uint8Array() }), TypeError)
        const both = await Promise.all([place.cache.flush(), store.files.getOrFail(id), store.files.getOrFail(id)])
        both[1].content.fill(9)
        assert.deepEqual([...both[2].content], [1, 2])
      })

      it("forgets a row that is changed, and loads it again when somebody asks", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        await store.people.get(id)
        const changed = await store.people.update(id, { name: "Bea" })
        assert.deepEqual(await place.cache.find("person:*"), [])
        assert.deepEqual(await statements(async () => assert.deepEqual(await store.people.get(id), changed)), [
          "people.get",
        ])
        await store.people.delete(id)
        assert.equal(await store.people.get(id), undefined)
      })

      it("replaces a row of a refreshed table by what is stored after the write", async () => {
        const person = await store.people.create({ name: "Ann" })
        const { id } = await store.notes.create({ personId: person.id, body: "one" })
        await store.notes.get(id)
        const changed = await store.notes.update(id, { body: "two" })
        assert.equal(changed.version, 1)
        assert.deepEqual(await store.notes.get(id), changed)
        assert.deepEqual(await place.cache.find("note:*"), [`note:${id}`])
        assert.deepEqual(await statements(() => store.notes.get(id)), [])
        await store.notes.delete(id)
        assert.equal(await store.notes.get(id), undefined)
        const restored = await store.notes.restore(id)
        assert.deepEqual(await store.notes.get(id), restored)
      })

      it("keeps that there is no row only where that is asked for, and forgets it when one is made", async () => {
        assert.equal(await store.people.get(1), undefined)
        assert.equal(await store.teams.get(nobody), undefined)
        const calls = await statements(async () => {
          assert.equal(await store.people.get(1), undefined)
          assert.equal(await store.teams.get(nobody), undefined)
        })
        assert.deepEqual(calls, ["people.get"])
        await store.teams.create({ id: nobody, name: "None" })
        assert.equal((await store.teams.get(nobody))?.name, "None")
        for (const make of [
          () => store.teams.createMany([{ id: nobody, name: "some" }]),
          () => store.teams.createMany([{ id: nobody, name: "some" }], { returning: false }),
          () => store.teams.upsert({ id: nobody, name: "some" }),
          () => place.db.execute`INSERT INTO teams (id, name) VALUES (${nobody}, 'some')`,
          () => place.db.sql.insertInto("teams").values({ id: nobody, name: "some" }).execute(),
        ]) {
          await store.teams.delete(nobody)
          assert.equal(await store.teams.get(nobody), undefined)
          await make()
          assert.equal((await store.teams.get(nobody))?.name, "some", String(make))
        }
      })

      it("knows a key in every form that its column takes", async () => {
        const upper = nobody.toUpperCase()
        assert.equal(await store.teams.get(upper), undefined)
        await store.teams.create({ id: nobody, name: "one" })
        assert.equal((await store.teams.get(upper))?.name, "one")
        await store.teams.update(nobody, { name: "two" })
        assert.equal((await store.teams.get(upper))?.name, "two")
        assert.equal((await store.teams.get(nobody))?.name, "two")
        await store.teams.update(upper, { name: "three" })
        assert.equal((await store.teams.get(nobody))?.name, "three")
        assert.equal((await store.teams.get(upper))?.name, "three")

        assert.equal(await store.grades.get("1.5"), undefined)
        await store.grades.create({ mark: "1.50", title: "good" })
        assert.equal((await store.grades.get("1.5"))?.title, "good")
        await store.grades.update("1.50", { title: "fair" })
        assert.equal((await store.grades.get("1.5"))?.title, "fair")
        await store.grades.update("1.5", { title: "poor" })
        assert.equal((await store.grades.get("1.50"))?.title, "poor")

        assert.equal(await store.slots.get({ day: "2026-01-01", hour: "09:00" }), undefined)
        await store.slots.create({ day: "2026-01-01", hour: "09:00:00", takenBy: "Ann" })
        assert.equal((await store.slots.get({ day: "2026-01-01", hour: "09:00" }))?.takenBy, "Ann")
        await store.slots.update({ day: "2026-01-01", hour: "09:00:00" }, { takenBy: null })
        assert.equal((await store.slots.get({ hour: "09:00", day: "2026-01-01" }))?.takenBy, null)
        assert.deepEqual((await place.cache.find("*")).sort(), [
          "grade:1.50",
          "slot:2026-01-01:09%3A00%3A00",
          `team:${nobody}`,
        ])
      })

      it("refuses a key of a wrong type as without a cache, also beside a row that is kept", async () => {
        const person = await store.people.create({ name: "Ann" })
        const team = await store.teams.create({ name: "One" })
        await store.memberships.create({ personId: person.id, teamId: team.id })
        await store.people.get(person.id)
        await store.memberships.get({ personId: person.id, teamId: team.id })
        await store.meters.create({ id: 42n, value: 1 })
        await store.meters.get(42n)
        const { people, teams, memberships, meters, moments } = store
        const wrong: [storage: { get(key: any): Promise<unknown> }, key: unknown][] = [
          [people, String(person.id)],
          [people, BigInt(person.id)],
          [people, undefined],
          [people, null],
          [people, Number.NaN],
          [people, 1.5],
          [people, { id: person.id }],
          [people, new Date(1)],
          [people, true],
          [meters, 42],
          [meters, "42"],
          [meters, 2n ** 64n],
          [teams, "x"],
          [teams, 5],
          [memberships, { personId: String(person.id), teamId: team.id }],
          [memberships, { personId: person.id }],
          [memberships, person.id],
          [memberships, undefined],
          [memberships, null],
          [moments, "2026-01-01T00:00:00.000Z"],
          [moments, new Date(Number.NaN)],
        ]
        for (const [storage, key] of wrong) {
          const cached = await refuses(() => storage.get(key), { code: "VALIDATION" })
          await place.cache.close()
          const { message } = await refuses(() => storage.get(key), { code: "VALIDATION" })
          assert.equal(cached.message, message)
        }
      })

      it("keeps rows under keys of several columns, texts, large numbers and instants", async () => {
        const at = new Date("2026-01-02T03:04:05.006Z")
        const person = await store.people.create({ name: "Ann" })
        const team = await store.teams.create({ name: "One" })
        const rows = [
          await store.memberships.create({ personId: person.id, teamId: team.id }),
          await store.prices.create({ code: "a:b*c%1 é\n", cents: -(2n ** 63n) }),
          await store.meters.create({ id: 2n ** 60n + 1n, value: 3 }),
          await store.slots.create({ day: "2026-01-01", hour: "10:00:00" }),
          await store.moments.create({ at, what: "x" }),
        ] as const
        const read = async () =>
          [
            await store.memberships.get({ teamId: team.id, personId: person.id }),
            await store.prices.get("a:b*c%1 é\n"),
            await store.meters.get(2n ** 60n + 1n),
            await store.slots.get({ day: "2026-01-01", hour: "10:00:00" }),
            await store.moments.get(new Date(at)),
          ] as const
        assert.deepEqual(await read(), rows)
        assert.deepEqual(await statements(async () => assert.deepEqual(await read(), rows)), [])
        assert.deepEqual((await place.cache.find("*")).sort(), [
          "meter:1152921504606846977",
          "moment:2026-01-02T03%3A04%3A05.006Z",
          "price:a%3Ab%2Ac%251%20%C3%A9%0A",
          `seat:${person.id}:${team.id}`,
          "slot:2026-01-01:10%3A00%3A00",
        ])
        await store.memberships.update({ teamId: team.id, personId: person.id }, { role: "head" })
        await store.prices.update("a:b*c%1 é\n", { cents: 1n })
        await store.meters.increment(2n ** 60n + 1n, { value: 1 })
        await store.slots.update({ day: "2026-01-01", hour: "10:00:00" }, { takenBy: "x" })
        await store.moments.delete(at)
        const [seat, price, meter, slot, moment] = await read()
        assert.deepEqual(
          [seat?.role, price?.cents, meter?.value, slot?.takenBy, moment],
          ["head", 1n, 4, "x", undefined],
        )
      })

      it("forgets nothing but what was written", async () => {
        const [ann, bea] = await store.people.createMany([{ name: "Ann" }, { name: "Bea" }])
        await store.people.get(ann!.id)
        await store.people.get(bea!.id)
        await store.people.update(ann!.id, { name: "Ann2" })
        assert.deepEqual(await place.cache.find("person:*"), [`person:${bea!.id}`])
      })

      it("is asked once by many readers at once", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        const calls = await statements(() => Promise.all(Array.from({ length: 200 }, () => store.people.get(id))))
        assert.deepEqual(calls, ["people.get"])
        assert.equal(place.cache.stats().kinds["person:{id}"]!.misses, 1)
      })

      it("does not answer a reader that came after a row was made with what an earlier one did not find", async () => {
        for (let round = 1; round <= 20; round++) {
          const early = [store.meters.get(BigInt(round)), store.meters.get(BigInt(round))]
          await store.meters.create({ id: BigInt(round), value: round })
          assert.equal((await store.meters.get(BigInt(round)))?.value, round)
          await Promise.all(early)
        }
      })

      it("shows what is kept and forgets it on demand", async () => {
        const { id } = await store.people.create({ name: "Ann" })
        await store.people.get(id)
        const shown = await place.cache.inspect(`person:${id}`)
        assert.equal(JSON.parse(shown!.text)["loud_name"], "ANN")
        assert.ok(shown!.ttlMs > 3_500_000 && shown!.ttlMs <= 3_600_000)
        assert.equal(await place.cache.inspect("person:0"), undefined)
        await place.cache.forget([`person:${id}`])
        assert.equal(await place.cache.inspect(`person:${id}`), undefined)
        await store.people.get(id)
        await place.cache.forgetTables(tables.people)
        assert.deepEqual(await place.cache.find("*"), [])
        await store.people.get(id)
        await place.cache.flush()
        assert.deepEqual(await place.cache.find("*"), [])
        assert.equal(place.cache.stats().entries, 0)
        assert.equal(place.cache.stats().bytes, 0)
      })
    },
    { nPlusOne: { mode: "off" } },
  )
})
