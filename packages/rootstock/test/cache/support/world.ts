import { cacheResult, cacheRows, tagsOf } from "../../../src/cache/index.ts"
import type { Database, Storages } from "../../../src/index.ts"
import { boolean, integer, table, text } from "../../../src/schema/index.ts"
import { Storage } from "../../../src/storage/index.ts"

export const owners = table("owners", { id: integer().primaryKey(), name: text() })
export const boards = table(
  "boards",
  {
    id: integer().primaryKey(),
    title: text(),
    ownerId: integer()
      .nullable()
      .references(() => owners.id, { onDelete: "set null" }),
    version: integer().default(0),
  },
  { version: "version" },
)
export const cards = table("cards", {
  id: integer().primaryKey(),
  boardId: integer().references(() => boards.id, { onDelete: "cascade" }),
  title: text(),
  done: boolean().default(false),
  weight: integer().default(0),
})
export const marks = table("marks", {
  cardId: integer()
    .references(() => cards.id, { onDelete: "cascade", across: "marked", many: "marks" })
    .primaryKey(),
  ownerId: integer()
    .references(() => owners.id, { onDelete: "cascade", across: "markers", many: "marks" })
    .primaryKey(),
})

/** Tables that random calls read and write. */
export const worldTables = { owners, boards, cards, marks }
export class Owners extends Storage(owners) {}
export class Boards extends Storage(boards) {}
export class Cards extends Storage(cards) {}
export class Marks extends Storage(marks) {}
const classes = { owners: Owners, boards: Boards, cards: Cards, marks: Marks }

/** An opened database with what random calls need of it. */
export type World = {
  readonly db: Database<typeof worldTables>
  readonly store: Storages<typeof classes, typeof worldTables>
  readonly results: ReturnType<typeof resultsOf>
}

function resultsOf(store: World["store"]) {
  const [boardRows, cardRows, ownerRows, markRows] = [tagsOf(boards), tagsOf(cards), tagsOf(owners), tagsOf(marks)]
  return {
    board: cacheResult(
      "board:{id}:detail",
      { ttl: "1h", tags: (id) => [boardRows.row(id), cardRows.where({ boardId: id })] },
      async (id: number) => {
        const board = await store.boards.get(id)
        const listed = await store.cards.list({ where: { boardId: id }, orderBy: { id: "asc" } })
        return board === undefined ? undefined : { title: board.title, cards: listed.map((card) => card.title) }
      },
    ),
    open: cacheResult("cards:open", { ttl: "1h", tags: () => [cardRows.where({ done: false })] }, () =>
      store.cards.count({ done: false }),
    ),
    names: cacheResult("owners:names", { ttl: "1h", tags: () => [ownerRows.all()] }, async () =>
      (await store.owners.list({ orderBy: { id: "asc" } })).map(({ name }) => name),
    ),
    boardsOf: cacheResult(
      "owner:{id}:boards",
      { ttl: "1h", tags: (ownerId) => [boardRows.where({ ownerId })] },
      async (ownerId: number) => (await store.boards.list({ where: { ownerId } })).map(({ id }) => id).sort(),
    ),
    unowned: cacheResult(
      "boards:unowned",
      { ttl: "1h", tags: () => [boardRows.where({ ownerId: null })] },
      async () => (await store.boards.count({ ownerId: null })) > 0,
    ),
    weightOf: cacheResult(
      "card:{id}:weight",
      { ttl: "1h", negativeTtl: "1h", tags: (id) => [cardRows.row(id)] },
      async (id: number) => (await store.cards.get(id))?.weight,
    ),
    markersOf: cacheResult(
      "card:{id}:markers",
      { ttl: "1h", tags: (cardId) => [markRows.where({ cardId })] },
      async (cardId: number) => (await store.marks.list({ where: { cardId } })).map(({ ownerId }) => ownerId).sort(),
    ),
  }
}

/** The world of a database that has its tables, whatever others it has; and what is to be cached of it. */
export function makeWorld(db: Database<any>) {
  const store = db.storages(classes) as World["store"]
  const results = resultsOf(store)
  const world: World = { db, store, results }
  const caches = [
    cacheRows(Owners, { key: "owner:{id}", ttl: "1h", negativeTtl: "1h" }),
    cacheRows(Boards, { key: "board:{id}", ttl: "1h", onWrite: "refresh" }),
    cacheRows(Cards, { key: "card:{id}", ttl: "1h" }),
    cacheRows(Marks, { key: "mark:{cardId}:{ownerId}", ttl: "1h", negativeTtl: "1h" }),
    ...Object.values(results),
  ]
  return { world, caches }
}
