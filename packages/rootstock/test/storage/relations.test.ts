import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { NPlusOneError, Storage, transaction, withRequestScope } from "../../src/index.ts"
import { bytes, decimal, identity, integer, registerTables, table, text, timestamp } from "../../src/schema/index.ts"
import { forEachDatabase, queriesOf, refuses } from "./support.ts"
import { documentLabels, documents, labels, notes, people, tables, teams } from "./tables.ts"

// References to keys that are no plain values in TypeScript, and to a column that may be null.
const moments = table("moments", {
  id: identity(),
  at: timestamp().unique(),
  hash: bytes().unique(),
  nick: text().nullable().unique(),
  // Names that the library's own statements might use.
  place: integer().default(0),
  rankInParent: integer().default(0),
})
const traces = table("traces", {
  id: identity(),
  momentAt: timestamp().references(() => moments.at, { as: "momentOf", many: "byTime", onDelete: "cascade" }),
  momentHash: bytes().references(() => moments.hash, { as: "hashOf", many: "byHash", onDelete: "cascade" }),
  momentNick: text()
    .nullable()
    .references(() => moments.nick, { as: "nickOf", many: "byNick", onDelete: "cascade" }),
  place: integer().default(0),
  parentKey: integer().default(0),
})
const all = { ...tables, moments, traces }

describe("relations", () => {
  forEachDatabase(all, (place) => {
    const open = () =>
      place.db.storages({
        teams: Storage(teams),
        people: Storage(people),
        documents: Storage(documents),
        notes: Storage(notes),
        labels: Storage(labels),
        links: Storage(documentLabels),
        moments: Storage(moments),
        traces: Storage(traces),
      })

    /** 3 people of 2 teams, 6 documents of two of them, notes and labels. */
    const fill = async () => {
      const store = open()
      const [red, blue] = await store.teams.createMany([{ name: "red" }, { name: "blue" }])
      const ann = await store.people.create({ name: "Ann", teamId: red!.id })
      const bob = await store.people.create({ name: "Bob", teamId: red!.id, bossId: ann.id })
      const cid = await store.people.create({ name: "Cid", bossId: ann.id })
      const papers = await store.documents.createMany(
        Array.from({ length: 6 }, (_, index) => ({
          title: `Title ${index}`,
          slug: `s${index}`,
          ownerId: index % 2 === 0 ? ann.id : bob.id,
          reviewerId: index < 2 ? cid.id : null,
          size: 10 - index,
        })),
      )
      await store.notes.createMany(
        papers.flatMap(({ id }, index) =>
          Array.from({ length: index }, (_, at) => ({ documentId: id, place: at, body: `${index}.${at}` })),
        ),
      )
      const tags = await store.labels.createMany(["x", "y", "z"].map((name) => ({ name })))
      await store.links.createMany(
        papers.flatMap(({ id }, index) =>
          tags.slice(0, index % 4).map((label) => ({ documentId: id, labelId: label.id })),
        ),
      )
      return { ...store, red: red!, blue: blue!, ann, bob, cid, papers, tags }
    }

    it("loads to-one, to-many and many-to-many, one query for each relation and level", async () => {
      const { people: folk, documents: store } = await fill()
      const calls = await queriesOf(place.db, async () => {
        const rows = await folk.list({
          orderBy: { name: "asc" },
          with: {
            team: true,
            boss: true,
            reports: { orderBy: { name: "desc" } },
            documents: { with: { notes: true, labels: true, reviewer: { with: { boss: true } } } },
          },
        })
        assert.deepEqual(
          rows.map(({ name, team, boss, reports, documents }) => [
            name,
            team?.name,
            boss?.name,
            reports.map((one) => one.name),
            documents.map((one) => [
              one.slug,
              one.notes.length,
              one.labels.map((label) => label.name).join(""),
              one.reviewer?.boss?.name,
            ]),
          ]),
          [
            [
              "Ann",
              "red",
              undefined,
              ["Cid", "Bob"],
              [
                ["s0", 0, "", "Ann"],
                ["s2", 2, "xy", undefined],
                ["s4", 4, "", undefined],
              ],
            ],
            [
              "Bob",
              "red",
              "Ann",
              [],
              [
                ["s1", 1, "x", "Ann"],
                ["s3", 3, "xyz", undefined],
                ["s5", 5, "x", undefined],
              ],
            ],
            ["Cid", undefined, "Ann", [], []],
          ],
        )
      })
      assert.equal(calls.length, 1 + 4 + 3 + 1)
      const few = await queriesOf(place.db, () => store.list({ with: { notes: true, owner: true }, limit: 1 }))
      const many = await queriesOf(place.db, () => store.list({ with: { notes: true, owner: true } }))
      assert.deepEqual([few.length, many.length], [3, 3])
    })

    it("asks nothing where there is nothing to ask for", async () => {
      const { people: folk } = open()
      assert.deepEqual(await queriesOf(place.db, () => folk.list({ with: { team: true, documents: true } })), [
        "people.list",
      ])
      await folk.create({ name: "alone" })
      const calls = await queriesOf(place.db, async () => {
        const [row] = await folk.list({ with: { team: true, documents: true } })
        assert.equal(row!.team, null)
        assert.deepEqual(row!.documents, [])
      })
      assert.deepEqual(calls, ["people.list", "documents.with"])
    })

    it("loads them with every reading call", async () => {
      const { documents: store, papers, ann } = await fill()
      const id = papers[3]!.id
      const wanted = ["3.0", "3.1", "3.2"]
      const bodies = (row: { notes: { body: string }[] } | undefined) => row?.notes.map(({ body }) => body)
      assert.deepEqual(bodies(await store.get(id, { with: { notes: true } })), wanted)
      assert.deepEqual(bodies(await store.getOrFail(id, { with: { notes: true } })), wanted)
      assert.deepEqual(bodies((await store.getMany([id], { with: { notes: true } }))[0]), wanted)
      assert.deepEqual(bodies(await store.find({ slug: "s3" }, { with: { notes: true } })), wanted)
      assert.deepEqual(
        bodies((await store.page({ where: { slug: "s3" }, count: 2, with: { notes: true } })).rows[0]),
        wanted,
      )
      assert.deepEqual(
        bodies((await store.after(undefined, { where: { slug: "s3" }, limit: 2, with: { notes: true } })).rows[0]),
        wanted,
      )
      assert.equal((await store.get(papers[0]!.id, { with: { owner: true } }))?.owner.name, ann.name)
      assert.equal(await store.get(999_999_999, { with: { notes: true } }), undefined)
    })

    it("filters, orders and limits for each parent", async () => {
      const { documents: store, people: folk } = await fill()
      const rows = await store.list({
        with: {
          notes: { where: { place: { gte: 1 } }, orderBy: { place: "desc" }, limit: 2 },
          labels: { orderBy: { name: "desc" }, limit: 2 },
        },
      })
      assert.deepEqual(
        rows.map((row) => [row.notes.map(({ body }) => body).join(" "), row.labels.map(({ name }) => name).join("")]),
        [
          ["", ""],
          ["", "x"],
          ["2.1", "yx"],
          ["3.2 3.1", "zy"],
          ["4.3 4.2", ""],
          ["5.4 5.3", "x"],
        ],
      )
      const [ann] = await folk.list({ where: { name: "Ann" }, with: { documents: { limit: 0 } } })
      assert.deepEqual(ann!.documents, [])
      await refuses(folk.list({ with: { documents: { limit: -1 } } }), {
        code: "VALIDATION",
        message: /limit of with\.documents is -1/,
      })
      await refuses(folk.list({ with: { documents: { where: { nope: 1 } as never } } }), {
        code: "VALIDATION",
        message: /documents has no column "nope"/,
      })
      await refuses(folk.list({ with: { documents: 1 as never } }), {
        code: "VALIDATION",
        message: /with\.documents is 1/,
      })
    })

    it("fills each of several rows for one and the same row", async () => {
      const { documents: store } = await fill()
      const rows = await store.list({ with: { labels: { with: { documents: { with: { notes: true } } } } } })
      for (const row of rows) {
        for (const label of row.labels) {
          assert.ok(label.documents.length > 0, `label ${label.name} of ${row.slug}`)
          for (const one of label.documents) assert.equal(one.notes.length, Number(one.slug.slice(1)))
        }
      }
    })

    it("looks through references of types that are objects, and past nulls", async () => {
      const store = open()
      const at = new Date("2020-01-01T00:00:00.001Z")
      const hash = Uint8Array.from([1, 2])
      await store.moments.createMany([
        { at, hash, nick: "n" },
        { at: new Date(0), hash: Uint8Array.from([]), nick: null },
      ])
      await store.traces.createMany([
        { momentAt: at, momentHash: hash, momentNick: "n" },
        { momentAt: at, momentHash: hash, place: 2 },
      ])
      const rows = await store.moments.list({
        with: { byTime: { limit: 5, orderBy: { place: "desc" } }, byHash: true, byNick: true },
      })
      assert.deepEqual(
        rows.map((row) => [row.byTime.map((one) => one.place), row.byHash.length, row.byNick.length]),
        [
          [[2, 0], 2, 1],
          [[], 0, 0],
        ],
      )
      const found = await store.traces.list({ with: { momentOf: true, hashOf: true, nickOf: true } })
      assert.deepEqual(
        found.map((row) => [row.momentOf.nick, row.hashOf.nick, row.nickOf?.nick]),
        [
          ["n", "n", "n"],
          ["n", "n", undefined],
        ],
      )
    })

    it("refuses references between decimals that are not written alike", () => {
      const prices = table("prices", { id: decimal(8, 2).primaryKey() })
      const uses = table("uses", { id: identity(), priceId: decimal(8, 3).references(() => prices.id) })
      assert.throws(() => registerTables({ prices, uses }), {
        code: "DECLARATION",
        message: /decimal\(…, 3\), but prices\.id is decimal\(…, 2\)/,
      })
    })

    it("links and unlinks, and keeps the rows at both ends", async () => {
      const { documents: store, labels: tags, links } = open()
      const { people: folk } = open()
      const owner = await folk.create({ name: "Ann" })
      const paper = await store.create({ title: "T", slug: "t", ownerId: owner.id })
      const [x, y] = await tags.createMany([{ name: "x" }, { name: "y" }])
      await store.link(paper.id, "labels", [x!.id, y!.id])
      await store.link(paper.id, "labels", [x!.id])
      await store.link(paper.id, "labels", [])
      const names = async () => (await store.get(paper.id, { with: { labels: true } }))?.labels.map(({ name }) => name)
      assert.deepEqual(await names(), ["x", "y"])
      assert.equal(await links.count(), 2)
      assert.equal(await store.unlink(paper.id, "labels", [x!.id, 999_999_999]), 1)
      assert.equal(await store.unlink(paper.id, "labels", []), 0)
      assert.deepEqual(await names(), ["y"])
      assert.equal(await tags.count(), 2)
      await tags.link(x!.id, "documents", [paper.id])
      assert.deepEqual(await names(), ["x", "y"])
      await refuses(store.link(paper.id, "labels", [x!.id, 999_999_999]), {
        code: "FOREIGN_KEY",
        table: "document_labels",
        columns: ["labelId"],
      })
      await refuses(store.link(paper.id, "notes" as never, [1] as never), {
        code: "VALIDATION",
        message: /not many-to-many/,
      })
      assert.deepEqual(await names(), ["x", "y"])
    })

    it("leaves cascades to the database", async () => {
      const {
        people: folk,
        documents: store,
        notes: lines,
        links,
        labels: tags,
        ann,
        bob,
        teams: groups,
        red,
      } = await fill()
      await groups.delete(red.id)
      assert.deepEqual(
        (await folk.list({ orderBy: { name: "asc" } })).map(({ teamId }) => teamId),
        [null, null, null],
      )
      await refuses(folk.delete(ann.id), { code: "FOREIGN_KEY", table: "people", columns: ["bossId"] })
      await folk.updateWhere({ id: bob.id }, { bossId: null })
      assert.equal(await folk.delete(bob.id), true)
      assert.deepEqual(
        (await store.list()).map(({ slug }) => slug),
        ["s0", "s2", "s4"],
      )
      assert.equal(await lines.count(), 6)
      assert.equal(await links.count(), 2)
      assert.equal(await tags.count(), 3)
    })

    describe("the watch of repeated reads", () => {
      it("refuses to read row by row within one request, and names the place and the cure", async () => {
        const { people: folk, ann } = await fill()
        const work = () =>
          withRequestScope(async () => {
            for (let index = 0; index < 11; index++) await folk.get(ann.id)
          })
        const error = await refuses(work, {
          code: "N_PLUS_ONE",
          message: /people\.get ran more than 10 times .* from .*relations\.test\.ts:\d+/,
          cure: /getMany/,
        })
        assert.ok(error instanceof NPlusOneError)
        await refuses(
          () =>
            transaction(async () => {
              for (let index = 0; index < 11; index++) await folk.find({ name: `n${index}` })
            }),
          { code: "N_PLUS_ONE", message: /people\.find/, cure: /with/ },
        )
        await refuses(
          () =>
            withRequestScope(async () => {
              await Promise.all(Array.from({ length: 11 }, (_, level) => folk.list({ where: { level } })))
            }),
          { code: "N_PLUS_ONE", message: /people\.list/, cure: /with/ },
        )
      })

      it("leaves alone what is apart", async () => {
        const { people: folk, ann } = await fill()
        for (let index = 0; index < 30; index++) await folk.get(ann.id)
        await withRequestScope(async () => {
          for (let index = 0; index < 10; index++) await folk.get(ann.id)
          for (let index = 0; index < 10; index++) await folk.get(ann.id)
        })
        for (let index = 0; index < 12; index++) await withRequestScope(async () => void (await folk.get(ann.id)))
      })
    })
  })
})
