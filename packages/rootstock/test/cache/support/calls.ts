import assert from "node:assert/strict"
import fc from "fast-check"
import { transaction } from "../../../src/index.ts"
import { Model, Refused } from "./model.ts"
import type { World } from "./world.ts"

/** A call, on the database and on the model of it. */
type Call = {
  /** The call as a reader of a failed run sees it. */
  readonly name: string
  readonly on: (world: World) => Promise<unknown>
  readonly of: (model: Model) => unknown
}

/** A transaction, with savepoints in it; `fails` makes it throw at its end. */
type Unit = { readonly fails: boolean; readonly steps: readonly Step[] }

export type Step = Call | Unit

const ids = fc.nat(3)
const words = fc.constantFrom("a", "b", "c", "")
const owner = fc.option(ids, { nil: null })

/** Makes an arbitrary of calls of one kind from their values. */
function calls<A extends readonly unknown[]>(
  name: string,
  values: { [K in keyof A]: fc.Arbitrary<A[K]> },
  on: (world: World, ...values: A) => Promise<unknown>,
  of: (model: Model, ...values: A) => unknown,
): fc.Arbitrary<Call> {
  return fc.tuple(...values).map((given) => {
    const own = given as unknown as A
    const shown = `${name}(${own.map((value) => JSON.stringify(value)).join(", ")})`
    const call: Call = { name: shown, on: (world) => on(world, ...own), of: (model) => of(model, ...own) }
    return Object.assign(call, { [fc.toStringMethod]: () => shown })
  })
}

const reads: readonly fc.Arbitrary<Call>[] = [
  calls(
    "owner",
    [ids],
    ({ store }, id) => store.owners.get(id),
    (model, id) => model.owner(id),
  ),
  calls(
    "board",
    [ids],
    ({ store }, id) => store.boards.get(id),
    (model, id) => model.board(id),
  ),
  calls(
    "card",
    [ids],
    ({ store }, id) => store.cards.get(id),
    (model, id) => model.card(id),
  ),
  calls(
    "mark",
    [ids, ids],
    ({ store }, cardId, ownerId) => store.marks.get({ cardId, ownerId }),
    (model, cardId, ownerId) => model.mark(cardId, ownerId),
  ),
  calls(
    "boardDetail",
    [ids],
    ({ results }, id) => results.board(id),
    (model, id) => {
      const board = model.board(id)
      if (board === undefined) return undefined
      return {
        title: board.title,
        cards: model.cards.filter(({ boardId }) => boardId === id).map(({ title }) => title),
      }
    },
  ),
  calls(
    "open",
    [],
    ({ results }) => results.open(),
    (model) => model.cards.filter(({ done }) => !done).length,
  ),
  calls(
    "names",
    [],
    ({ results }) => results.names(),
    (model) => model.owners.map(({ name }) => name),
  ),
  calls(
    "boardsOf",
    [ids],
    ({ results }, id) => results.boardsOf(id),
    (model, id) => model.boards.filter(({ ownerId }) => ownerId === id).map((board) => board.id),
  ),
  calls(
    "unowned",
    [],
    ({ results }) => results.unowned(),
    (model) => model.boards.some(({ ownerId }) => ownerId === null),
  ),
  calls(
    "weightOf",
    [ids],
    ({ results }, id) => results.weightOf(id),
    (model, id) => model.card(id)?.weight,
  ),
  calls(
    "markersOf",
    [ids],
    ({ results }, id) => results.markersOf(id),
    (model, id) =>
      model.marks
        .filter(({ cardId }) => cardId === id)
        .map(({ ownerId }) => ownerId)
        .sort(),
  ),
]

const newCard = fc.record({ id: ids, boardId: ids, title: words, done: fc.boolean() })
const cardChanges = fc.record({ title: words, done: fc.boolean(), boardId: ids }, { requiredKeys: [] })
const found = <R>(row: R | undefined): R => row ?? refuseMissing()
const refuseMissing = (): never => {
  throw new Refused("NOT_FOUND")
}

const writes: readonly fc.Arbitrary<Call>[] = [
  calls(
    "owners.create",
    [ids, words],
    ({ store }, id, name) => store.owners.create({ id, name }),
    (model, id, name) => model.addOwner({ id, name }),
  ),
  calls(
    "owners.upsert",
    [ids, words],
    ({ store }, id, name) => store.owners.upsert({ id, name }),
    (model, id, name) =>
      model.renameOwners((row) => row.id === id, name) === 0 ? model.addOwner({ id, name }) : model.owner(id),
  ),
  calls(
    "owners.updateWhere",
    [words, words],
    ({ store }, from, name) => store.owners.updateWhere({ name: from }, { name }),
    (model, from, name) => model.renameOwners((row) => row.name === from, name),
  ),
  calls(
    "owners.delete",
    [ids],
    ({ store }, id) => store.owners.delete(id),
    (model, id) => model.removeOwner(id),
  ),
  calls(
    "boards.create",
    [ids, words, owner],
    ({ store }, id, title, ownerId) => store.boards.create({ id, title, ownerId }),
    (model, id, title, ownerId) => model.addBoard({ id, title, ownerId, version: 0 }),
  ),
  calls(
    "boards.update",
    [ids, words],
    ({ store }, id, title) => store.boards.update(id, { title }),
    (model, id, title) => {
      model.changeBoards((row) => row.id === id, { title }, true)
      return found(model.board(id))
    },
  ),
  calls(
    "boards.update of the owner",
    [ids, owner],
    ({ store }, id, ownerId) => store.boards.update(id, { ownerId }),
    (model, id, ownerId) => {
      model.changeBoards((row) => row.id === id, { ownerId }, true)
      return found(model.board(id))
    },
  ),
  calls(
    "boards.updateMany",
    [ids, words, ids],
    ({ store }, id, title, ownerId) =>
      store.boards.updateMany([
        { id, title },
        { id: id + 1, ownerId },
      ]),
    (model, id, title, ownerId) =>
      model.changeBoards((row) => row.id === id, { title }, true) +
      model.changeBoards((row) => row.id === id + 1, { ownerId }, true),
  ),
  calls(
    "boards.delete",
    [ids],
    ({ store }, id) => store.boards.delete(id),
    (model, id) => model.removeBoard(id),
  ),
  calls(
    "cards.create",
    [newCard],
    ({ store }, card) => store.cards.create(card),
    (model, card) => {
      model.addCards([{ ...card, weight: 0 }])
      return model.card(card.id)
    },
  ),
  calls(
    "cards.createMany",
    [fc.array(newCard, { maxLength: 3 }), fc.boolean()],
    async ({ store }, cards, returning) => {
      if (returning) await store.cards.createMany(cards)
      else await store.cards.createMany(cards, { returning: false })
    },
    (model, cards) => model.addCards(cards.map((card) => ({ ...card, weight: 0 }))),
  ),
  calls(
    "cards.update",
    [ids, cardChanges],
    ({ store }, id, changes) => store.cards.update(id, changes),
    (model, id, changes) => {
      model.changeCards(
        (row) => row.id === id,
        () => changes,
      )
      return found(model.card(id))
    },
  ),
  calls(
    "cards.updateWhere",
    [fc.boolean(), fc.boolean()],
    ({ store }, from, done) => store.cards.updateWhere({ done: from }, { done }),
    (model, from, done) =>
      model.changeCards(
        (row) => row.done === from,
        () => ({ done }),
      ),
  ),
  calls(
    "cards.increment",
    [ids, fc.integer({ min: -2, max: 2 }), fc.boolean()],
    async ({ store }, id, weight, returning) => {
      if (returning) return (await store.cards.increment(id, { weight })) !== undefined
      return store.cards.increment(id, { weight }, { returning: false })
    },
    (model, id, weight) =>
      model.changeCards(
        (row) => row.id === id,
        (row) => ({ weight: row.weight + weight }),
      ) > 0,
  ),
  calls(
    "cards.deleteWhere",
    [words],
    ({ store }, title) => store.cards.deleteWhere({ title }),
    (model, title) => model.removeCards((row) => row.title === title),
  ),
  calls(
    "cards.link",
    [ids, fc.uniqueArray(ids, { maxLength: 2 })],
    ({ store }, id, ownerIds) => store.cards.link(id, "markers", ownerIds),
    (model, id, ownerIds) => model.link(id, ownerIds),
  ),
  calls(
    "cards.unlink",
    [ids, fc.uniqueArray(ids, { maxLength: 2 })],
    ({ store }, id, ownerIds) => store.cards.unlink(id, "markers", ownerIds),
    (model, id, ownerIds) => model.unlink(id, ownerIds),
  ),
  calls(
    "db.execute",
    [ids, words],
    ({ db }, id, title) => db.execute`UPDATE cards SET title = ${title} WHERE board_id = ${id}`,
    (model, id, title) =>
      model.changeCards(
        (row) => row.boardId === id,
        () => ({ title }),
      ),
  ),
  calls(
    "db.sql",
    [ids, owner],
    async ({ db }, id, ownerId) => {
      const [result] = await db.sql.updateTable("boards").set({ ownerId }).where("id", "=", id).execute()
      return Number(result?.numUpdatedRows)
    },
    (model, id, ownerId) => model.changeBoards((row) => row.id === id, { ownerId }, false),
  ),
  calls(
    "db.sql of a deletion",
    [ids],
    async ({ db }, id) => {
      await db.sql.deleteFrom("owners").where("id", "=", id).execute()
    },
    (model, id) => {
      model.removeOwner(id)
    },
  ),
]

function stepsOf(more: readonly Call[]): fc.Arbitrary<Step> {
  const rare = more.length === 0 ? [] : [{ arbitrary: fc.constantFrom(...more) as fc.Arbitrary<Step>, weight: 1 }]
  return fc.letrec<{ step: Step; unit: Unit }>((tie) => ({
    step: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { arbitrary: fc.oneof(...reads) as fc.Arbitrary<Step>, weight: 10 },
      { arbitrary: fc.oneof(...writes) as fc.Arbitrary<Step>, weight: 8 },
      { arbitrary: tie("unit") as fc.Arbitrary<Step>, weight: 3 },
      ...rare,
    ),
    unit: fc.record({
      fails: fc.nat(3).map((chance) => chance === 0),
      steps: fc.array(tie("step"), { minLength: 1, maxLength: 5 }),
    }),
  })).step
}

const sequencesOf = (step: fc.Arbitrary<Step>): fc.Arbitrary<Step[]> => fc.array(step, { minLength: 5, maxLength: 40 })

/** Random sequences of reads, writes of every kind, and transactions with savepoints. */
export const sequences = sequencesOf(stepsOf([]))

/**
 * The same with faults between the calls, also inside of transactions, of which no answer may show anything.
 *
 * @param faults what is done to the servers, by name
 */
export function disturbedSequences(faults: Readonly<Record<string, () => void | Promise<void>>>): fc.Arbitrary<Step[]> {
  const calls = Object.entries(faults).map(([name, harm]): Call => {
    const call: Call = { name, on: async () => harm(), of: () => undefined }
    return Object.assign(call, { [fc.toStringMethod]: () => name })
  })
  return sequencesOf(stepsOf(calls))
}

/** What came of a step: its value, or the code of its error; of a transaction what came of each of its steps. */
type Answer = { readonly value?: unknown; readonly error?: string; readonly steps?: readonly Answer[] }

const undone = "UNDONE"

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown }
  // What no model foresees is to be seen as it is.
  if (typeof code !== "string") throw error
  return code
}

async function ask(world: World, step: Step, inside: boolean): Promise<Answer> {
  if ("on" in step) return { value: await step.on(world) }
  const steps: Answer[] = []
  const work = async (): Promise<void> => {
    for (const one of step.steps) steps.push("on" in one ? await ask(world, one, true) : await asked(world, one, true))
    if (step.fails) throw new Refused(undone)
  }
  try {
    await transaction(work, { nested: inside })
    return { steps }
  } catch (error) {
    return { steps, error: codeOf(error) }
  }
}

async function asked(world: World, step: Step, inside: boolean): Promise<Answer> {
  try {
    return await ask(world, step, inside)
  } catch (error) {
    return { error: codeOf(error) }
  }
}

function expected(model: Model, step: Step): Answer {
  if ("of" in step) return { value: model.attempt(() => step.of(model)) }
  const steps: Answer[] = []
  try {
    model.attempt(() => {
      for (const one of step.steps) steps.push(expected(model, one))
      if (step.fails) throw new Refused(undone)
    })
    return { steps }
  } catch (error) {
    return { steps, error: codeOf(error) }
  }
}

function expectedOf(model: Model, step: Step): Answer {
  try {
    return expected(model, step)
  } catch (error) {
    return { error: codeOf(error) }
  }
}

/** Every read there is, once: a sample that is large enough to have them all. */
const everyRead = new Map(fc.sample(fc.oneof(...reads), { numRuns: 1_000, seed: 1 }).map((call) => [call.name, call]))

/** Rows that hang together, for every sequence to begin with. */
const firstOwners = [0, 1, 2].map((id) => ({ id, name: "a" }))
const firstBoards = [0, 1, 2].map((id) => ({ id, title: "a", ownerId: id === 2 ? null : id, version: 0 }))
const firstCards = [0, 1, 2].map((id) => ({ id, boardId: id === 2 ? 1 : id, title: "a", done: id === 0, weight: 0 }))

async function begin({ store }: World): Promise<Model> {
  const model = new Model()
  for (const row of firstOwners) model.addOwner(row)
  for (const row of firstBoards) model.addBoard(row)
  model.addCards(firstCards)
  model.link(1, [0, 1])
  await transaction(async () => {
    await store.cards.deleteWhere({})
    await store.boards.deleteWhere({})
    await store.owners.deleteWhere({})
    await store.owners.createMany(firstOwners)
    await store.boards.createMany(firstBoards)
    await store.cards.createMany(firstCards)
    await store.cards.link(1, "markers", [0, 1])
  })
  return model
}

/**
 * Carries out a sequence on a database, with whatever cache it has, and compares each answer with the model's; at the end
 * every read is asked for, twice. The database's rows are replaced.
 *
 * @param next who carries out the next step: processes that share the database
 */
export async function checkSequence(next: () => World, sequence: readonly Step[]): Promise<void> {
  const model = await begin(next())
  for (const step of [...sequence, ...everyRead.values(), ...everyRead.values()]) {
    const answer = await asked(next(), step, false)
    assert.deepStrictEqual(plain(answer), expectedOf(model, step), "name" in step ? step.name : "a transaction")
  }
}

/** Without the prototypes that frozen values have. */
const plain = (answer: Answer): Answer => structuredClone(answer)
