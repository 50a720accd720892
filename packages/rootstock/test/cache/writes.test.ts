import assert from "node:assert/strict"
import { beforeEach, describe, it } from "node:test"
import { cacheResult, cacheRows, tagsOf } from "../../src/cache/index.ts"
import { type Storages, transaction } from "../../src/index.ts"
import { integer, table, text } from "../../src/schema/index.ts"
import { Storage } from "../../src/storage/index.ts"
import { type CachedPlace, forEachCached } from "./support/index.ts"
import {
  Cities,
  Countries,
  cities,
  countries,
  Follows,
  follows,
  Lists,
  lists,
  Memberships,
  memberships,
  Notes,
  notes,
  People,
  people,
  Regions,
  regions,
  Steps,
  steps,
  Tasks,
  Teams,
  tasks,
  teams,
} from "./support/tables.ts"

const tables = { people, teams, memberships, follows, lists, tasks, steps, notes }
const classes = {
  people: People,
  teams: Teams,
  memberships: Memberships,
  follows: Follows,
  lists: Lists,
  tasks: Tasks,
  steps: Steps,
  notes: Notes,
}

let store: Storages<typeof classes, typeof tables>

const followed = cacheResult(
  "followed:{team}",
  { ttl: "1h", tags: (teamId) => [tagsOf(follows).where({ teamId })] },
  (teamId: string) => store.follows.count({ teamId }),
)

// People, teams and lists are not cached themselves: what is written of them leads to others only.
const caches = [
  cacheRows(Tasks, { key: "task:{id}", ttl: "1h" }),
  cacheRows(Steps, { key: "step:{id}", ttl: "1h", onWrite: "refresh" }),
  cacheRows(Notes, { key: "note:{id}", ttl: "1h", negativeTtl: "1h" }),
  cacheRows(Memberships, { key: "seat:{teamId}:{personId}", ttl: "1h", negativeTtl: "1h" }),
  cacheRows(Follows, { key: "follow:{id}", ttl: "1h", negativeTtl: "1h" }),
  followed,
]

type Made = {
  person: number
  team: string
  task: number
  other: number
  step: number
  note: number
}

/** Rows that hang together, each of them in the cache. */
async function makeRows(): Promise<Made> {
  await store.lists.createMany([1, 2].map((id) => ({ id, title: "x" })))
  const person = await store.people.create({ name: "Ann" })
  const team = await store.teams.create({ name: "One" })
  const task = await store.tasks.create({ title: "a", personId: person.id, teamId: team.id, listId: 2 })
  const other = await store.tasks.create({ title: "b" })
  const step = await store.steps.create({ taskId: task.id, title: "s" })
  const note = await store.notes.create({ personId: person.id, body: "n" })
  const made = { person: person.id, team: team.id, task: task.id, other: other.id, step: step.id, note: note.id }
  await readRows(made)
  return made
}

const readRows = ({ person, team, task, other, step, note }: Made) =>
  Promise.all([
    store.tasks.get(task),
    store.tasks.get(other),
    store.steps.get(step),
    store.notes.get(note),
    store.memberships.get({ personId: person, teamId: team }),
  ])

type Write = (place: CachedPlace<typeof tables>, made: Made) => Promise<unknown>

/** Each kind of write that storages and free SQL have; all of them change what is cached. */
const writes: Record<string, Write> = {
  update: (_, { task }) => store.tasks.update(task, { title: "z" }),
  "update under a condition": (_, { task }) => store.tasks.update(task, { title: "z" }, { where: { done: false } }),
  "update of a version": (_, { note }) => store.notes.update(note, { body: "z" }, { version: 0 }),
  updateWhere: () => store.tasks.updateWhere({ title: "a" }, { title: "z" }),
  updateMany: (_, { task, other }) =>
    store.tasks.updateMany([
      { id: task, title: "z" },
      { id: other, done: true },
    ]),
  upsert: (_, { task }) => store.tasks.upsert({ id: task, title: "z" }),
  "upsert of some columns": (_, { task }) =>
    store.tasks.upsert({ id: task, title: "z", done: true }, { update: ["done"] }),
  increment: (_, { note }) => store.notes.increment(note, { version: 3 }),
  "increment without the row": (_, { note }) => store.notes.increment(note, { version: 5 }, { returning: false }),
  delete: (_, { task }) => store.tasks.delete(task),
  "delete of a refreshed row": (_, { step }) => store.steps.delete(step),
  "delete that marks": (_, { note }) => store.notes.delete(note),
  deleteWhere: () => store.tasks.deleteWhere({ title: "a" }),
  "deleteWhere that marks": () => store.notes.deleteWhere({}),
  create: (_, { team, person }) => store.memberships.create({ teamId: team, personId: person }),
  createMany: (_, { team, person }) => store.memberships.createMany([{ teamId: team, personId: person }]),
  "createMany without the rows": (_, { team, person }) =>
    store.memberships.createMany([{ teamId: team, personId: person }], { returning: false }),
  link: (_, { team, person }) => store.teams.link(team.toUpperCase(), "members", [person]),
  "link from the other end": (_, { team, person }) => store.people.link(person, "teams", [team.toUpperCase()]),
  "db.execute": (place, { task }) => place.db.execute`UPDATE tasks SET title = 'z' WHERE id = ${task}`,
  "db.execute with quotes and capitals": (place, { task }) =>
    place.db.execute`/* a note */ update "tasks" Set "title" = 'z' Where "id" = ${task}`,
  "db.fetch that writes": (place, { task }) =>
    place.db.fetch`UPDATE tasks SET title = 'z' WHERE id = ${task} RETURNING id`,
  "db.execute of several statements": (place) => place.db.execute`SELECT 1; UPDATE tasks SET title = 'z'; SELECT 2`,
  "db.fetch of several statements": (place) => place.db.fetch`SELECT 1; UPDATE tasks SET title = 'z'; SELECT 2`,
  "db.sql update": (place, { task }) =>
    place.db.sql.updateTable("tasks").set({ title: "z" }).where("id", "=", task).execute(),
  "db.sql delete": (place, { task }) => place.db.sql.deleteFrom("tasks").where("id", "=", task).execute(),
  "db.sql insert": (place, { team, person }) =>
    place.db.sql.insertInto("memberships").values({ teamId: team, personId: person, role: "x" }).execute(),
  "delete with a cascade": (_, { team }) => store.teams.delete(team),
  "deleteWhere with a cascade": () => store.teams.deleteWhere({}),
  "delete that sets null": (_, { person }) => store.people.delete(person),
  "delete that sets the default": () => store.lists.delete(2),
  "db.execute with a cascade": (place) => place.db.execute`DELETE FROM teams`,
}

const postgresWrites: Record<string, Write> = {
  "a statement in WITH": (place, { task }) =>
    place.db.fetch`WITH gone AS (DELETE FROM tasks WHERE id = ${task} RETURNING id) SELECT id FROM gone`,
  "db.sql with a statement in WITH": (place, { task }) =>
    place.db.sql
      .with("gone", (sql) => sql.deleteFrom("tasks").where("id", "=", task).returning("id"))
      .selectFrom("gone")
      .selectAll()
      .execute(),
  "an explained statement": (place) => place.db.fetch`EXPLAIN ANALYZE UPDATE tasks SET title = 'z'`,
  "a statement that names no table": (place) =>
    place.db.execute`DO $$ BEGIN EXECUTE 'UPDATE ta' || 'sks SET title = ''z'''; END $$`,
  "TRUNCATE, which takes whatever references the table": (place) => place.db.execute`TRUNCATE lists CASCADE`,
}

describe("what writes make the cache forget", () => {
  forEachCached(
    tables,
    caches,
    (place) => {
      beforeEach(() => {
        store = place.db.storages(classes)
      })

      const forgets = async (write: Write): Promise<void> => {
        const made = await makeRows()
        const before = await readRows(made)
        const kept = await place.cache.find("*")
        const undone = transaction(async () => {
          await write(place, made)
          throw new Error("undone")
        })
        await assert.rejects(undone, /undone/)
        assert.deepEqual(await place.cache.find("*"), kept)
        assert.deepEqual(await readRows(made), before)
        await write(place, made)
        const present = await readRows(made)
        assert.notDeepEqual(present, before)
        assert.deepEqual(present, await transaction(() => readRows(made)))
      }

      for (const [name, write] of Object.entries(writes)) {
        it(`is what ${name} changes, and nothing where that is rolled back`, () => forgets(write))
      }
      for (const [name, write] of Object.entries(postgresWrites)) {
        it(`is what ${name} changes, where there are such`, async (t) => {
          if (place.url?.startsWith("postgres") !== true) t.skip("SQLite has none")
          else await forgets(write)
        })
      }

      it("is nothing that was not written", async () => {
        const made = await makeRows()
        const kept = (await place.cache.find("*")).sort()
        await store.tasks.updateMany([])
        await store.tasks.update(made.task, {})
        await store.tasks.increment(made.task, { listId: 1 }, { where: { done: true } })
        await assert.rejects(store.tasks.update(0, { title: "z" }), { code: "NOT_FOUND" })
        await assert.rejects(store.tasks.update(made.task, { title: "z" }, { where: { done: true } }))
        await assert.rejects(store.notes.update(made.note, { body: "z" }, { version: 9 }), { code: "CONFLICT" })
        await assert.rejects(store.memberships.create({ teamId: made.team, personId: 0 }), { code: "FOREIGN_KEY" })
        assert.equal(await store.tasks.delete(0), false)
        await place.db.fetch`SELECT * FROM tasks WHERE title <> 'update'`
        await place.db.sql.selectFrom("tasks").selectAll().execute()
        await store.people.update(made.person, { name: "Bea" })
        assert.deepEqual((await place.cache.find("*")).sort(), kept)
      })

      it("is each row of a link table that has a key of its own", async () => {
        const { person, team } = await makeRows()
        assert.equal(await followed(team), 0)
        assert.equal(await store.follows.get(1), undefined)
        await store.teams.link(team, "followers", [person])
        assert.equal(await followed(team), 1)
        await place.db.execute`UPDATE follows SET id = 1`
        assert.equal((await store.follows.get(1))?.personId, person)
        assert.equal(await store.teams.unlink(team, "followers", [person]), 1)
        assert.equal(await followed(team), 0)
        assert.equal(await store.follows.get(1), undefined)
        assert.deepEqual(place.warnings, [])
      })

      it("is a row that came back", async () => {
        const { note } = await makeRows()
        await store.notes.delete(note)
        assert.equal(await store.notes.get(note), undefined)
        await store.notes.restore(note)
        assert.equal((await store.notes.get(note))?.body, "n")
      })

      it("is all of a table where one transaction wrote more rows than it names one by one", async () => {
        await store.lists.create({ id: 1, title: "x" })
        const made = await store.tasks.createMany(Array.from({ length: 1_101 }, (_, index) => ({ title: `${index}` })))
        await Promise.all(made.map(({ id }) => store.tasks.get(id)))
        assert.equal(place.cache.stats().entries, 1_101)
        await transaction(() => store.tasks.updateMany(made.slice(0, 1_000).map(({ id }) => ({ id, done: true }))))
        assert.equal(place.cache.stats().entries, 101)
        await Promise.all(made.map(({ id }) => store.tasks.get(id)))
        await transaction(async () => {
          for (const half of [made.slice(0, 600), made.slice(600)]) {
            await transaction(() => store.tasks.updateMany(half.map(({ id }) => ({ id, done: false }))), {
              nested: true,
            })
          }
          await store.tasks.updateMany(made.slice(0, 1_100).map(({ id }) => ({ id, title: "z" })))
        })
        const rows = await Promise.all(made.map(({ id }) => store.tasks.get(id)))
        assert.equal(rows.filter((row) => row?.done === false && row.title === "z").length, 1_100)
      })
    },
    { nPlusOne: { mode: "off" } },
  )
})

/** Its references lead on by another action than `cascade`. */
const marks = table("marks", { id: integer().primaryKey(), mark: text().unique() })
const pupils = table("pupils", {
  id: integer().primaryKey(),
  mark: text()
    .nullable()
    .references(() => marks.mark, { onUpdate: "set null" }),
})
class Marks extends Storage(marks) {}
class Pupils extends Storage(pupils) {}
const places = { countries, regions, cities, marks, pupils }

describe("changes that go on along references", () => {
  forEachCached(
    places,
    [
      cacheRows(Cities, { key: "city:{id}", ttl: "1h" }),
      cacheRows(Regions, { key: "region:{id}", ttl: "1h" }),
      cacheRows(Pupils, { key: "pupil:{id}", ttl: "1h" }),
    ],
    (place) => {
      it("reach rows at any distance", async () => {
        const own = place.db.storages({ countries: Countries, regions: Regions, cities: Cities })
        const country = await own.countries.create({ code: "a", name: "A" })
        const region = await own.regions.create({ countryCode: "a" })
        const city = await own.cities.create({ regionCode: "a", name: "C" })
        const read = async () => [
          (await own.regions.get(region.id))?.countryCode,
          (await own.cities.get(city.id))?.regionCode,
        ]
        assert.deepEqual(await read(), ["a", "a"])
        await own.countries.update(country.id, { name: "B" })
        assert.deepEqual((await place.cache.find("*")).length, 2)
        await own.countries.update(country.id, { code: "b" })
        assert.deepEqual(await read(), ["b", "b"])
        await own.countries.updateWhere({}, { code: "c" })
        assert.deepEqual(await read(), ["c", "c"])
        await own.countries.updateMany([{ id: country.id, code: "d" }])
        assert.deepEqual(await read(), ["d", "d"])
        await own.countries.upsert({ id: country.id, code: "e", name: "E" })
        assert.deepEqual(await read(), ["e", "e"])
        await place.db.execute`UPDATE countries SET code = 'f'`
        assert.deepEqual(await read(), ["f", "f"])
        await own.countries.delete(country.id)
        assert.deepEqual(await read(), [undefined, null])
      })

      it("reach rows that lose their reference by an update", async () => {
        const own = place.db.storages({ marks: Marks, pupils: Pupils })
        await own.marks.create({ id: 1, mark: "a" })
        await own.pupils.create({ id: 1, mark: "a" })
        assert.equal((await own.pupils.get(1))?.mark, "a")
        await own.marks.update(1, { mark: "b" })
        assert.equal((await own.pupils.get(1))?.mark, null)
      })
    },
  )
})
