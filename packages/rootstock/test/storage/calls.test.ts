import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { manualClock, Storage, transaction } from "../../src/index.ts"
import { forEachDatabase, queriesOf, refuses } from "./support.ts"
import { documents, folders, labels, people, seats, tables, teams } from "./tables.ts"

const clock = manualClock("2026-03-01T10:00:00Z")
const missing = 999_999_999

describe("storage calls", () => {
  forEachDatabase(
    tables,
    (place) => {
      const open = () =>
        place.db.storages({
          people: Storage(people),
          documents: Storage(documents),
          seats: Storage(seats),
          teams: Storage(teams),
          labels: Storage(labels),
        })

      describe("get, getOrFail and getMany", () => {
        it("gives a row, or none", async () => {
          const { people: store } = open()
          const made = await store.create({ name: "Ann" })
          assert.deepEqual(await store.get(made.id), made)
          assert.equal(await store.get(missing), undefined)
          assert.deepEqual(await store.getOrFail(made.id), made)
          await refuses(store.getOrFail(missing), { code: "NOT_FOUND", message: `people has no row ${missing}.` })
        })

        it("names the key of several columns that has no row", async () => {
          const error = await refuses(open().seats.getOrFail({ row: 7, letter: "Z" }), { code: "NOT_FOUND" })
          assert.equal(error.message, "seats has no row row 7, letter Z.")
        })

        it("takes no more keys of several columns than one statement has values", async () => {
          const keys = Array.from({ length: 20_000 }, (_, row) => ({ row, letter: "A" }))
          await refuses(open().seats.getMany(keys), { code: "VALIDATION", message: /40000 values/ })
        })

        it("leaves timers and sockets their turn, however many calls follow one another", async () => {
          const { people: store } = open()
          const { id } = await store.create({ name: "a" })
          await store.createMany(Array.from({ length: 2_000 }, (_, index) => ({ name: `n${index}` })))
          const calls: (() => Promise<unknown>)[] = [
            () => store.get(id),
            () => store.list({ limit: 3 }),
            () => transaction(() => store.get(id)),
          ]
          for (const call of calls) {
            let turned = false
            setImmediate(() => {
              turned = true
            })
            const end = performance.now() + 20_000
            while (!turned && performance.now() < end) await call()
            assert.ok(turned)
          }
          await transaction(async () => {
            let turned = false
            setImmediate(() => {
              turned = true
            })
            const end = performance.now() + 20_000
            // A call that the watch of repeated reads does not count.
            while (!turned && performance.now() < end) await store.count({ id })
            assert.ok(turned)
          })
        })

        it("gives many in the order asked, each as often as asked, in one query", async () => {
          const { people: store } = open()
          const [a, b, c] = await store.createMany([{ name: "a" }, { name: "b" }, { name: "c" }])
          const calls = await queriesOf(place.db, async () => {
            const rows = await store.getMany([c!.id, missing, a!.id, c!.id, b!.id])
            assert.deepEqual(rows, [c, a, c, b])
          })
          assert.deepEqual(calls, ["people.getMany"])
          assert.deepEqual(await store.getMany([]), [])
        })

        it("does what was asked though a listener fails", async () => {
          const { people: store } = open()
          const stop = place.db.on("query", () => {
            throw new Error("mine")
          })
          await store.create({ name: "a" })
          stop()
          assert.equal(await store.count(), 1)
          assert.equal(place.warnings.length, 1)
        })

        it("takes no order for another that reads like it", async () => {
          const { people: store } = open()
          await store.list({ orderBy: { name: "asc", id: "asc" } })
          await refuses(store.list({ orderBy: { "name asc,id": "asc" } as never }), { code: "VALIDATION" })
        })

        it("gives each caller rows of their own", async () => {
          const { people: store } = open()
          const made = await store.create({ name: "a", tags: ["x"] })
          const [first, second] = await Promise.all([store.get(made.id), store.get(made.id)])
          first!.tags.push("y")
          first!.name = "changed"
          assert.deepEqual(second, made)
          assert.deepEqual(await store.get(made.id), made)
        })

        it("finds many that are asked at once", async () => {
          const { people: store } = open()
          const rows = await store.createMany(Array.from({ length: 1_500 }, (_, index) => ({ name: `n${index}` })))
          const found = await Promise.all([...rows.map(({ id }) => store.get(id)), store.get(missing)])
          assert.deepEqual(found, [...rows, undefined])
        })

        it("takes the keys of UUIDs in either case", async () => {
          const { teams: store } = open()
          const team = await store.create({ name: "red" })
          assert.match(team.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/)
          assert.deepEqual(await store.get(team.id.toUpperCase()), team)
          assert.deepEqual(await store.getMany([team.id.toUpperCase()]), [team])
        })
      })

      describe("find, list and page", () => {
        it("gives the first by the order, then by the key", async () => {
          const { people: store } = open()
          await store.createMany([
            { name: "b", level: 2 },
            { name: "a", level: 2 },
            { name: "c", level: 1 },
          ])
          assert.equal((await store.find({ level: 2 }))?.name, "b")
          assert.equal((await store.find({ level: 2 }, { orderBy: { name: "asc" } }))?.name, "a")
          assert.equal(await store.find({ level: 3 }), undefined)
          const names = async (orderBy: any) => (await store.list({ orderBy })).map(({ name }) => name)
          assert.deepEqual(await names({ level: "asc" }), ["c", "b", "a"])
          assert.deepEqual(await names({ level: "desc" }), ["a", "b", "c"])
          assert.deepEqual(await names([{ level: "desc" }, { name: "asc" }]), ["a", "b", "c"])
          assert.deepEqual(await names({ level: "asc", name: "asc" }), ["c", "a", "b"])
        })

        it("counts all rows of a page's list", async () => {
          const { people: store } = open()
          await store.createMany(Array.from({ length: 7 }, (_, level) => ({ name: `n${level}`, level })))
          const page = async (number: number) => {
            const { rows, total } = await store.page({
              where: { level: { gt: 0 } },
              orderBy: { level: "desc" },
              count: 4,
              page: number,
            })
            return [rows.map(({ level }) => level), total]
          }
          assert.deepEqual(await page(1), [[6, 5, 4, 3], 6])
          assert.deepEqual(await page(2), [[2, 1], 6])
          assert.deepEqual(await page(3), [[], 6])
          assert.deepEqual((await store.page({ count: 2 })).rows.length, 2)
          await refuses(store.page({ count: 0 }), { code: "VALIDATION" })
          await refuses(store.page({ count: 10, page: 0 }), { code: "VALIDATION" })
          await refuses(store.page({ count: 1.5 }), { code: "VALIDATION" })
        })

        it("counts and looks whether there is any", async () => {
          const { people: store } = open()
          const [a, b] = await store.createMany([{ name: "a", email: "a@x" }, { name: "b" }])
          assert.equal(await store.count(), 2)
          assert.equal(await store.count({ email: null }), 1)
          assert.equal(await store.exists({ email: "a@x" }), true)
          assert.equal(await store.exists({ email: "b@x" }), false)
          assert.equal(await store.exists({ email: "a@x" }, { except: a!.id }), false)
          assert.equal(await store.exists({ email: "a@x" }, { except: b!.id }), true)
          const { seats: chairs } = open()
          await chairs.create({ row: 1, letter: "A" })
          assert.equal(await chairs.exists({ row: 1 }, { except: { row: 1, letter: "A" } }), false)
          assert.equal(await chairs.exists({ row: 1 }, { except: { row: 2, letter: "A" } }), true)
          assert.equal(await chairs.exists({ row: 1 }, { except: { row: 1, letter: "B" } }), true)
        })
      })

      describe("after and before", () => {
        const orders = [
          { level: "asc" },
          { level: "desc" },
          { email: "asc" },
          { email: { direction: "desc", nulls: "last" } },
          [{ level: "desc" }, { email: "asc" }],
          [{ weight: { direction: "asc", nulls: "first" } }, { level: "desc" }, { name: "asc" }],
          [{ bornAt: "desc" }, { score: "asc" }],
        ] as const

        const fill = () =>
          open().people.createMany(
            Array.from({ length: 23 }, (_, index) => ({
              name: `n${index % 4}`,
              email: index % 3 === 0 ? null : `e${(index * 7) % 23}`,
              level: index % 5,
              weight: index % 4 === 0 ? null : (index % 3) / 2,
              bornAt: index % 6 === 0 ? null : new Date(Date.UTC(1990, 0, 1 + (index % 2))),
              score: `${(index % 3) - 1}.5`,
            })),
          )

        for (const orderBy of orders) {
          it(`gives each row once, by ${JSON.stringify(orderBy)}, whatever the pages' size`, async () => {
            await fill()
            const { people: store } = open()
            const wanted = (await store.list({ orderBy })).map(({ id }) => id)
            for (const limit of [1, 4, 23, 50]) {
              const seen: number[] = []
              let cursor: string | undefined
              do {
                const page: any = await store.after(cursor, { orderBy, limit })
                assert.equal(page.previous !== undefined, cursor !== undefined)
                seen.push(...page.rows.map(({ id }: any) => id))
                cursor = page.next
              } while (cursor !== undefined)
              assert.deepEqual(seen, wanted)
              const back: number[] = []
              do {
                const page: any = await store.before(cursor, { orderBy, limit })
                back.unshift(...page.rows.map(({ id }: any) => id))
                cursor = page.previous
              } while (cursor !== undefined)
              assert.deepEqual(back, wanted)
            }
          })
        }

        it("neither repeats nor leaves out a row while others are added and deleted", async () => {
          const rows = await fill()
          const { people: store } = open()
          const orderBy = [{ level: "desc" }, { name: "asc" }] as const
          const wanted = (await store.list({ orderBy })).map(({ id }) => id)
          const seen: number[] = []
          let cursor: string | undefined
          let round = 0
          do {
            const page: any = await store.after(cursor, { where: { id: { lte: rows.at(-1)!.id } }, orderBy, limit: 3 })
            seen.push(...page.rows.map(({ id }: any) => id))
            cursor = page.next
            round++
            await store.createMany([
              { name: "a", level: round % 6 },
              { name: "n9", level: 5 },
              { name: "n2", level: 2 },
            ])
            const gone = page.rows.at(-1)
            if (gone !== undefined) await store.delete(gone.id)
          } while (cursor !== undefined)
          assert.deepEqual(seen, wanted)
        })

        it("leads back to the page it came from", async () => {
          await fill()
          const { people: store } = open()
          const orderBy = { score: "desc" } as const
          const first = await store.after(undefined, { orderBy, limit: 5 })
          const second = await store.after(first.next, { orderBy, limit: 5 })
          const back = await store.before(second.previous, { orderBy, limit: 5 })
          assert.deepEqual(back.rows, first.rows)
          assert.equal(back.previous, undefined)
          assert.deepEqual((await store.after(back.next, { orderBy, limit: 5 })).rows, second.rows)
        })

        it("refuses a cursor of another list", async () => {
          await fill()
          const { people: store } = open()
          const { next } = await store.after(undefined, { orderBy: { level: "asc" }, limit: 2 })
          const refused = (cursor: string, orderBy: any) =>
            refuses(store.after(cursor, { orderBy, limit: 2 }), {
              code: "VALIDATION",
              message: /cursor is not one of this list/,
            })
          await refused(next!, { level: "desc" })
          await refused(next!, { name: "asc" })
          await refused("nonsense", { level: "asc" })
          await refused(Buffer.from('["level asc,id asc","x",1]').toString("base64url"), { level: "asc" })
          await refused(Buffer.from('["level asc,id asc",null,1]').toString("base64url"), { level: "asc" })
          await refused(Buffer.from('["level asc,id asc",{"a":1},1]').toString("base64url"), { level: "asc" })
          await refused("", { level: "asc" })
          await refuses(store.after(undefined, { limit: 0 }), { code: "VALIDATION", message: /limit of a page is 0/ })
        })
      })

      describe("create and createMany", () => {
        it("fills in defaults, and gives the row as stored", async () => {
          const { id, ...row } = await open().people.create({ name: "Ann", score: "1.5" })
          assert.ok(Number.isSafeInteger(id))
          assert.deepEqual(row, {
            name: "Ann",
            email: null,
            teamId: null,
            bossId: null,
            score: "1.50",
            level: 1,
            total: 0n,
            weight: null,
            role: "member",
            isActive: true,
            tags: [],
            facts: null,
            bornAt: null,
            createdAt: clock.now(),
            changedAt: null,
          })
        })

        it("takes undefined for a column that is left out", async () => {
          const row = await open().people.create({ name: "Ann", level: undefined, email: undefined })
          assert.equal(row.level, 1)
          assert.equal(row.email, null)
        })

        it("never gives a key twice", async () => {
          const { people: store } = open()
          const first = await store.create({ name: "a" })
          await store.delete(first.id)
          const second = await store.create({ name: "b" })
          assert.ok(second.id > first.id)
        })

        it("takes a key that is given", async () => {
          const { labels: store } = open()
          const { id } = await store.create({ name: "x" })
          assert.deepEqual(await store.create({ id: id + 1_000_000, name: "y" }), { id: id + 1_000_000, name: "y" })
          assert.deepEqual(
            (
              await store.createMany([
                { id: id + 1_000_003, name: "z" },
                { id: id + 1_000_002, name: "w" },
              ])
            ).map((row) => row.id - id),
            [1_000_003, 1_000_002],
          )
          await refuses(store.createMany([{ id: 5, name: "p" }, { name: "q" }]), {
            code: "VALIDATION",
            message: /some have not/,
          })
        })

        it("makes 10,000 rows in one call, in their order", async () => {
          const { people: store } = open()
          const given = Array.from({ length: 10_000 }, (_, index) => ({
            name: `n${index}`,
            email: `e${index}@x`,
            tags: [`"${index}"`],
          }))
          const rows = await store.createMany(given)
          assert.equal(rows.length, 10_000)
          for (const [index, row] of rows.entries()) {
            assert.equal(row.name, given[index]!.name)
            if (index > 0) assert.ok(row.id > rows[index - 1]!.id)
          }
          assert.equal(await store.count(), 10_000)
          assert.deepEqual(await store.get(rows[9_999]!.id), rows[9_999])
        })

        it("makes all of many, or none", async () => {
          const { people: store } = open()
          const given = Array.from({ length: 2_000 }, (_, index) => ({
            name: "n",
            email: `e${index === 1_999 ? 0 : index}@x`,
          }))
          await refuses(store.createMany(given), { code: "UNIQUE", columns: ["email"] })
          assert.equal(await store.count(), 0)
          assert.deepEqual(await store.createMany([]), [])
          assert.equal(await store.createMany([], { returning: false }), 0)
          assert.equal(await store.createMany(given.slice(0, 1_200), { returning: false }), 1_200)
          assert.equal(await store.count(), 1_200)
        })
      })

      describe("update, updateWhere and updateMany", () => {
        it("changes what is given, and what changes with every update", async () => {
          const { people: store } = open()
          const made = await store.create({ name: "Ann", level: 3, email: "a@x" })
          clock.advance(1_500)
          const changed = await store.update(made.id, { name: "Bea", email: null, level: undefined })
          assert.deepEqual(changed, { ...made, name: "Bea", email: null, changedAt: clock.now() })
          assert.deepEqual(await store.get(made.id), changed)
          const silent = await store.update(made.id, { changedAt: null })
          assert.equal(silent.changedAt, null)
        })

        it("changes nothing where the changes are empty", async () => {
          const { people: store } = open()
          const made = await store.create({ name: "Ann" })
          assert.deepEqual(await store.update(made.id, {}), made)
          assert.deepEqual(await store.update(made.id, { name: undefined }), made)
          await refuses(store.update(missing, {}), { code: "NOT_FOUND" })
          assert.equal(await store.updateWhere({}, {}), 0)
          assert.equal(await store.updateMany([{ id: made.id }]), 0)
          assert.equal(await store.updateMany([]), 0)
        })

        it("refuses keys, unknown rows and other columns", async () => {
          const { people: store } = open()
          await refuses(store.update(missing, { name: "x" }), {
            code: "NOT_FOUND",
            message: /people has no row 999999999/,
          })
          await refuses(store.update(1, { id: 2 } as never), {
            code: "VALIDATION",
            message: /people\.id cannot be changed: it is the key/,
          })
          await refuses(store.updateWhere(undefined as never, { name: "x" }), {
            code: "VALIDATION",
            cure: /\{\} means all rows/,
          })
          await refuses(store.deleteWhere({ level: {} }), { code: "VALIDATION", message: /needs an operator/ })
          await refuses(store.deleteWhere(undefined as never), { code: "VALIDATION", cure: /\{\} means all rows/ })
        })

        it("changes a row only while a condition holds", async () => {
          const { people: store } = open()
          const { id } = await store.create({ name: "Ann", level: 3 })
          assert.equal((await store.update(id, { name: "Bea" }, { where: { level: 3 } })).name, "Bea")
          await refuses(store.update(id, { name: "Cleo" }, { where: { level: 4 } }), { code: "NOT_FOUND" })
          assert.equal((await store.getOrFail(id)).name, "Bea")
        })

        it("counts versions, and refuses a version that is gone", async () => {
          const { people: store, documents: papers } = open()
          const owner = await store.create({ name: "Ann" })
          const made = await papers.create({ title: "One", slug: "one", ownerId: owner.id })
          assert.equal(made.version, 0)
          const second = await papers.update(made.id, { title: "Two" }, { version: 0 })
          assert.equal(second.version, 1)
          await refuses(papers.update(made.id, { title: "Three" }, { version: 0 }), {
            code: "CONFLICT",
            message: /not at version 0/,
          })
          await refuses(papers.update(made.id, {}, { version: 0 }), { code: "CONFLICT" })
          await refuses(papers.update(missing, { title: "Three" }, { version: 0 }), { code: "NOT_FOUND" })
          await refuses(papers.update(made.id, { title: "Three" }, { version: 1, where: { slug: "other" } }), {
            code: "NOT_FOUND",
          })
          await refuses(store.update(owner.id, { name: "x" }, { version: 1 }), {
            code: "VALIDATION",
            message: /counts no versions/,
          })
          assert.deepEqual(await papers.get(made.id), second)
          await papers.updateWhere({ slug: "one" }, { size: 5 })
          await papers.updateMany([{ id: made.id, size: 6 }])
          await papers.increment(made.id, { size: 1 })
          await papers.upsert({ title: "Two", slug: "one", ownerId: owner.id }, { by: ["ownerId", "slug"] })
          const last = await papers.getOrFail(made.id)
          assert.deepEqual([last.version, last.size], [5, 7])
        })

        it("changes all rows of a condition", async () => {
          const { people: store } = open()
          await store.createMany([{ name: "a" }, { name: "b" }, { name: "c" }])
          assert.equal(await store.updateWhere({ name: ["a", "b"] }, { level: 9 }), 2)
          assert.equal(await store.count({ level: 9 }), 2)
          assert.equal(await store.updateWhere({ name: "z" }, { level: 9 }), 0)
          assert.equal(await store.updateWhere({}, { level: 8 }), 3)
        })

        it("changes many rows with values of their own, all or none", async () => {
          const { people: store } = open()
          const rows = await store.createMany(
            Array.from({ length: 1_200 }, (_, index) => ({ name: `n${index}`, email: `${index}@x` })),
          )
          const changes = rows.map(({ id }, index) =>
            index % 2 === 0
              ? { id, name: `even${index}`, tags: ["\\", `${index}`] }
              : { id, email: `odd${index}@x`, facts: { index } },
          )
          const calls = await queriesOf(place.db, async () => assert.equal(await store.updateMany(changes), 1_200))
          assert.equal(calls.length, 1)
          const after = await store.list()
          assert.deepEqual(after[4]!.tags, ["\\", "4"])
          assert.deepEqual(after[5]!.facts, { index: 5 })
          assert.equal(after[1_198]!.name, "even1198")
          assert.equal(
            await store.updateMany([
              { id: missing, name: "x" },
              { id: rows[0]!.id, name: "y" },
            ]),
            1,
          )
          await refuses(
            store.updateMany([
              { id: rows[1]!.id, name: "lost" },
              { id: rows[3]!.id, email: rows[0]!.email },
            ]),
            { code: "UNIQUE", columns: ["email"] },
          )
          assert.equal((await store.getOrFail(rows[1]!.id)).name, "n1")
          await refuses(
            store.updateMany([
              { id: rows[1]!.id, name: "one" },
              { id: rows[1]!.id, level: 2 },
            ]),
            { code: "VALIDATION", message: /updateMany names the row \d+ twice/ },
          )
        })
      })

      describe("upsert and increment", () => {
        it("makes a row, or changes the one with the same key", async () => {
          const { labels: store, people: folk } = open()
          const first = await store.upsert({ name: "x" }, { by: ["name"] })
          assert.deepEqual(await store.upsert({ name: "x" }, { by: ["name"] }), first)
          const ann = await folk.upsert({ name: "Ann", email: "a@x", level: 2 }, { by: ["email"] })
          const again = await folk.upsert({ name: "Bea", email: "a@x", level: 7 }, { by: ["email"], update: ["name"] })
          assert.deepEqual(again, { ...ann, name: "Bea", changedAt: clock.now() })
          const all = await folk.upsert({ name: "Cleo", email: "a@x", level: 7 }, { by: ["email"] })
          assert.deepEqual([all.id, all.name, all.level], [ann.id, "Cleo", 7])
          assert.deepEqual(await folk.upsert({ id: ann.id, name: "Dora" }), { ...all, name: "Dora" })
          await refuses(folk.upsert({ name: "x" }, { by: ["name"] }), {
            code: "VALIDATION",
            message: /no unique constraint has just these/,
          })
          await refuses(folk.upsert({ name: "x" }, { by: ["nope" as never] }), { code: "VALIDATION" })
          assert.equal(await folk.count(), 1)
        })

        it("adds exactly, and only where a condition holds", async () => {
          const { people: store } = open()
          const { id } = await store.create({ name: "a", score: "0.10", level: 5, total: 2n ** 60n, weight: 0.5 })
          const row = await store.increment(id, { score: "0.20", level: -2, total: 1n, weight: 0.25 })
          assert.deepEqual([row?.score, row?.level, row?.total, row?.weight], ["0.30", 3, 2n ** 60n + 1n, 0.75])
          assert.equal((await store.increment(id, { score: "-1" }))?.score, "-0.70")
          assert.equal((await store.increment(id, { score: "0.70" }))?.score, "0.00")
          assert.equal(await store.increment(id, { level: -4 }, { where: { level: { gte: 4 } } }), undefined)
          assert.equal(await store.increment(missing, { level: 1 }), undefined)
          assert.equal((await store.increment(id, { level: -3 }, { where: { level: { gte: 3 } } }))?.level, 0)
          await refuses(store.increment(id, { level: -1 }), { code: "CHECK", constraint: "people_level_range_check" })
          const only = { where: { level: { lt: 5 } }, returning: false } as const
          assert.equal(await store.increment(id, { level: 5 }, only), true)
          assert.equal(await store.increment(id, { level: 5 }, only), false)
          assert.equal(await store.increment(missing, { level: 5 }, { returning: false }), false)
          assert.equal((await store.get(id))?.level, 5)
          await refuses(store.increment(id, {}), { code: "VALIDATION", message: /needs a column/ })
          await refuses(store.increment(id, { name: "x" } as never), {
            code: "VALIDATION",
            message: /cannot be added to/,
          })
          await refuses(store.increment(id, { id: 1 } as never), { code: "VALIDATION", message: /cannot be added to/ })
        })

        it("refuses a sum that the column does not take, and keeps the row", async () => {
          const { people: store, documents: papers } = open()
          const made = await store.create({
            name: "a",
            score: "999999.99",
            total: 2n ** 63n - 1n,
            weight: Number.MAX_VALUE,
          })
          await refuses(store.increment(made.id, { score: "0.01" }), {
            code: "CHECK",
            table: "people",
            columns: ["score"],
          })
          await refuses(store.increment(made.id, { total: 1n }), { code: "CHECK", table: "people", columns: ["total"] })
          await refuses(store.increment(made.id, { weight: Number.MAX_VALUE }), {
            code: "CHECK",
            table: "people",
            columns: ["weight"],
          })
          assert.deepEqual(await store.get(made.id), made)
          const paper = await papers.create({ title: "t", slug: "t", ownerId: made.id, size: Number.MAX_SAFE_INTEGER })
          await refuses(papers.increment(paper.id, { size: 1 }), {
            code: "CHECK",
            table: "documents",
            columns: ["size"],
          })
          assert.deepEqual(await papers.get(paper.id), paper)
        })

        it("loses no addition among many at once", async () => {
          const { people: store } = open()
          const { id } = await store.create({ name: "a", score: "0", level: 0 })
          await Promise.all(Array.from({ length: 50 }, () => store.increment(id, { score: "0.01", level: 1 })))
          const row = await store.getOrFail(id)
          assert.deepEqual([row.score, row.level], ["0.50", 50])
        })
      })

      describe("delete, deleteWhere, soft delete and restore", () => {
        it("tells whether there was a row", async () => {
          const { people: store } = open()
          const { id } = await store.create({ name: "a" })
          assert.equal(await store.delete(id), true)
          assert.equal(await store.delete(id), false)
          await store.createMany([{ name: "a" }, { name: "b" }, { name: "c" }])
          assert.equal(await store.deleteWhere({ name: { gte: "b" } }), 2)
          assert.equal(await store.deleteWhere({}), 1)
        })

        it("counts rows that go by a cascade of others that go with them", async () => {
          const store = place.db.storage(Storage(folders))
          const top = await store.create({ name: "a" })
          const inner = await store.create({ name: "a", parentId: top.id })
          await store.create({ name: "b", parentId: inner.id })
          assert.equal(await store.deleteWhere({ name: "a" }), 2)
          assert.equal(await store.count(), 0)
          assert.equal(await store.deleteWhere({}), 0)
        })

        it("leaves rows marked as deleted out of everything, until they are restored", async () => {
          const { people: folk, documents: store } = open()
          const { id: ownerId } = await folk.create({ name: "Ann" })
          const [kept, gone] = await store.createMany([
            { title: "A", slug: "a", ownerId },
            { title: "B", slug: "b", ownerId },
          ])
          assert.equal(await store.delete(gone!.id), true)
          assert.equal(await store.delete(gone!.id), false)
          assert.equal(await store.get(gone!.id), undefined)
          assert.deepEqual(await store.getMany([gone!.id, kept!.id]), [kept])
          assert.deepEqual(await store.list(), [kept])
          assert.equal(await store.find({ slug: "b" }), undefined)
          assert.equal(await store.count(), 1)
          assert.equal(await store.exists({ slug: "b" }), false)
          assert.deepEqual((await store.after(undefined, { limit: 5 })).rows, [kept])
          assert.deepEqual((await store.page({ count: 5 })).total, 1)
          await refuses(store.update(gone!.id, { title: "C" }), { code: "NOT_FOUND" })
          assert.equal(await store.updateWhere({ slug: "b" }, { title: "C" }), 0)
          assert.equal(await store.updateMany([{ id: gone!.id, title: "C" }]), 0)
          assert.equal(await store.increment(gone!.id, { size: 1 }), undefined)
          assert.equal(await store.deleteWhere({ slug: "b" }), 0)
          const [only] = (await folk.list({ with: { documents: true } } as never)) as any[]
          assert.deepEqual(only.documents, [kept])
          const streamed: unknown[] = []
          for await (const row of store.stream()) streamed.push(row)
          assert.deepEqual(streamed, [kept])

          const marked = { ...gone!, deletedAt: clock.now() }
          assert.deepEqual(await store.get(gone!.id, { withDeleted: true }), marked)
          assert.deepEqual(await store.list({ withDeleted: true }), [kept, marked])
          assert.equal(await store.count({}, { withDeleted: true }), 2)
          assert.equal(await store.exists({ slug: "b" }, { withDeleted: true }), true)
          const restored = await store.restore(gone!.id)
          assert.equal(restored.deletedAt, null)
          assert.deepEqual(await store.get(gone!.id), restored)
          await refuses(store.restore(missing), { code: "NOT_FOUND" })
          await refuses(folk.restore(ownerId), { code: "VALIDATION", message: /deletes for good/ })
        })
      })

      describe("composite keys", () => {
        it("go by all of their columns", async () => {
          const { seats: store } = open()
          const rows = await store.createMany([
            { row: 1, letter: "A" },
            { row: 1, letter: "B" },
            { row: 2, letter: "A" },
          ])
          const [a1, b1, a2] = rows
          assert.deepEqual(await store.get({ row: 1, letter: "B" }), b1)
          assert.equal(await store.get({ row: 2, letter: "B" }), undefined)
          assert.deepEqual(
            await store.getMany([
              { row: 2, letter: "A" },
              { row: 9, letter: "A" },
              { row: 1, letter: "A" },
            ]),
            [a2, a1],
          )
          assert.deepEqual(await store.list(), rows)
          assert.deepEqual(await store.update({ row: 1, letter: "A" }, { takenBy: "Ann" }), { ...a1, takenBy: "Ann" })
          assert.equal(
            await store.updateMany([
              { row: 1, letter: "B", takenBy: "B" },
              { row: 2, letter: "A", takenBy: "C" },
            ]),
            2,
          )
          assert.equal((await store.increment({ row: 1, letter: "A" }, { price: "0.25" }))?.price, "10.25")
          assert.equal((await store.upsert({ row: 1, letter: "A", takenBy: "Zoe" })).takenBy, "Zoe")
          assert.equal(await store.count(), 3)
          await refuses(store.create({ row: 1, letter: "A" }), {
            code: "UNIQUE",
            columns: ["row", "letter"],
            value: [1, "A"],
          })
          await refuses(store.getOrFail({ row: 9, letter: "A" }), { code: "NOT_FOUND" })
          await refuses(store.get(1 as never), { code: "VALIDATION", message: /object of row, letter/ })
          await refuses(store.get({ row: 1 } as never), { code: "VALIDATION", message: /letter/ })
          const many = Array.from({ length: 1_500 }, (_, row) => ({ row, letter: "B" }))
          assert.deepEqual(
            (await store.getMany(many)).map(({ row }) => row),
            [1],
          )
          assert.equal(await store.delete({ row: 1, letter: "A" }), true)
          assert.deepEqual(
            (await store.list({ orderBy: { letter: "desc" } })).map(({ row, letter }) => `${row}${letter}`),
            ["1B", "2A"],
          )
        })
      })

      describe("stream", () => {
        it("gives every row in order, with relations, and may end early", async () => {
          const { people: store, teams: groups } = open()
          const team = await groups.create({ name: "red" })
          await store.createMany(
            Array.from({ length: 1_234 }, (_, index) => ({ name: `n${index}`, level: index % 7, teamId: team.id })),
          )
          const wanted = await store.list({ where: { level: { gt: 2 } }, orderBy: { level: "desc" } })
          const seen: unknown[] = []
          for await (const row of store.stream({ where: { level: { gt: 2 } }, orderBy: { level: "desc" } }))
            seen.push(row)
          assert.deepEqual(seen, wanted)
          let count = 0
          for await (const row of store.stream({ with: { team: true } })) {
            assert.equal(row.team?.name, "red")
            if (++count === 700) break
          }
          assert.equal(count, 700)
          await store.updateWhere({}, { level: 1 })
          assert.equal(await store.count({ level: 1 }), 1_234)
          await refuses(
            async () => {
              for await (const _ of store.stream({ where: { nope: 1 } as never })) assert.fail("gave a row")
            },
            { code: "VALIDATION" },
          )
        })

        it("sees what its transaction wrote, and lets other calls run between its rows", async () => {
          const { people: store } = open()
          await transaction(async () => {
            await store.createMany(Array.from({ length: 1_100 }, (_, index) => ({ name: `n${index}` })))
            let count = 0
            for await (const row of store.stream({ orderBy: { id: "asc" } })) {
              if (count++ % 500 === 0) assert.deepEqual(await store.get(row.id), row)
            }
            assert.equal(count, 1_100)
          })
        })

        it("tells of its statement", async () => {
          const { people: store } = open()
          await store.createMany([{ name: "a" }, { name: "b" }])
          const events: unknown[] = []
          const stop = place.db.on("query", ({ call, rows }) => events.push([call, rows]))
          for await (const _ of store.stream()) events.length
          stop()
          assert.deepEqual(events, [["people.stream", 2]])
        })
      })

      describe("lock", () => {
        it("gives the row, in a transaction only", async () => {
          const { people: store } = open()
          const made = await store.create({ name: "a" })
          await refuses(store.lock(made.id), { code: "SESSION", message: /outside a transaction/ })
          await transaction(async () => {
            assert.deepEqual(await store.lock(made.id), made)
            assert.equal(await store.lock(missing), undefined)
          })
          await refuses(
            transaction(() => store.lock(made.id), { readOnly: true }),
            { code: "SESSION", message: /read-only/ },
          )
        })

        it("makes others wait, so that no read is stale", async () => {
          const { people: store } = open()
          const { id } = await store.create({ name: "a", level: 0 })
          await Promise.all(
            Array.from({ length: 8 }, () =>
              transaction(async () => {
                const row = await store.lock(id)
                await store.update(id, { level: row!.level + 1 })
              }),
            ),
          )
          assert.equal((await store.getOrFail(id)).level, 8)
        })
      })

      describe("db.on", () => {
        it("tells SQL, time, rows and call of each statement, until it is stopped", async () => {
          const { people: store } = open()
          const events: any[] = []
          const stop = place.db.on("query", (event) => events.push(event))
          await store.create({ name: "a", email: "a@x" })
          await store.list()
          await store.create({ name: "b", email: "a@x" }).catch(() => undefined)
          await place.db.fetch`SELECT 1 AS one`
          stop()
          await store.list()
          assert.deepEqual(
            events.map(({ call, rows, error }) => [call, rows, error?.code]),
            [
              ["people.create", 1, undefined],
              ["people.list", 1, undefined],
              ["people.create", undefined, "UNIQUE"],
              ["db.fetch", 1, undefined],
            ],
          )
          for (const { sql, milliseconds } of events) {
            assert.match(sql, /INSERT|SELECT/)
            assert.ok(milliseconds >= 0)
          }
        })
      })
    },
    { clock },
  )
})
