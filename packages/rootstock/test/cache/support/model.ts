import type { Row } from "../../../src/index.ts"
import type { boards, cards, marks, owners } from "./world.ts"

type State = {
  owners: Map<number, Row<typeof owners>>
  boards: Map<number, Row<typeof boards>>
  cards: Map<number, Row<typeof cards>>
  /** By `cardId:ownerId`. */
  marks: Map<string, Row<typeof marks>>
}

/** What a call fails with: the code of the library's error. */
export class Refused extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

const refuse = (code: string): never => {
  throw new Refused(code)
}

/** What the tables of the world hold, as plain maps: every call at once, none of it cached. */
export class Model {
  #state: State = { owners: new Map(), boards: new Map(), cards: new Map(), marks: new Map() }

  /** Runs `work`, and undoes it where it throws. */
  attempt<T>(work: () => T): T {
    const before = structuredClone(this.#state)
    try {
      return work()
    } catch (error) {
      this.#state = before
      throw error
    }
  }

  owner = (id: number) => this.#state.owners.get(id)
  board = (id: number) => this.#state.boards.get(id)
  card = (id: number) => this.#state.cards.get(id)
  mark = (cardId: number, ownerId: number) => this.#state.marks.get(`${cardId}:${ownerId}`)

  get owners(): Row<typeof owners>[] {
    return sorted(this.#state.owners.values())
  }
  get boards(): Row<typeof boards>[] {
    return sorted(this.#state.boards.values())
  }
  get cards(): Row<typeof cards>[] {
    return sorted(this.#state.cards.values())
  }
  get marks(): Row<typeof marks>[] {
    return [...this.#state.marks.values()]
  }

  addOwner(row: Row<typeof owners>): Row<typeof owners> {
    if (this.#state.owners.has(row.id)) refuse("UNIQUE")
    this.#state.owners.set(row.id, row)
    return row
  }

  addBoard(row: Row<typeof boards>): Row<typeof boards> {
    if (this.#state.boards.has(row.id)) refuse("UNIQUE")
    if (row.ownerId !== null && !this.#state.owners.has(row.ownerId)) refuse("FOREIGN_KEY")
    this.#state.boards.set(row.id, row)
    return row
  }

  addCards(rows: readonly Row<typeof cards>[]): void {
    const ids = rows.map(({ id }) => id)
    if (new Set(ids).size < ids.length || ids.some((id) => this.#state.cards.has(id))) refuse("UNIQUE")
    if (rows.some(({ boardId }) => !this.#state.boards.has(boardId))) refuse("FOREIGN_KEY")
    for (const row of rows) this.#state.cards.set(row.id, row)
  }

  /** Changes cards that fulfil a condition; how many. */
  changeCards(
    is: (row: Row<typeof cards>) => boolean,
    change: (row: Row<typeof cards>) => Partial<Row<typeof cards>>,
  ): number {
    const found = this.cards.filter(is)
    for (const row of found) {
      const changed = { ...row, ...change(row) }
      if (!this.#state.boards.has(changed.boardId)) refuse("FOREIGN_KEY")
      this.#state.cards.set(row.id, changed)
    }
    return found.length
  }

  /** As a storage does it, which counts the version; free SQL counts none. */
  changeBoards(
    is: (row: Row<typeof boards>) => boolean,
    changes: Partial<Row<typeof boards>>,
    counted: boolean,
  ): number {
    const found = this.boards.filter(is)
    for (const row of found) {
      const changed = { ...row, ...changes, version: row.version + (counted ? 1 : 0) }
      if (changed.ownerId !== null && !this.#state.owners.has(changed.ownerId)) refuse("FOREIGN_KEY")
      this.#state.boards.set(row.id, changed)
    }
    return found.length
  }

  renameOwners(is: (row: Row<typeof owners>) => boolean, name: string): number {
    const found = this.owners.filter(is)
    for (const row of found) this.#state.owners.set(row.id, { ...row, name })
    return found.length
  }

  removeOwner(id: number): boolean {
    for (const board of this.boards)
      if (board.ownerId === id) this.#state.boards.set(board.id, { ...board, ownerId: null })
    this.#removeMarks(({ ownerId }) => ownerId === id)
    return this.#state.owners.delete(id)
  }

  removeBoard(id: number): boolean {
    this.removeCards(({ boardId }) => boardId === id)
    return this.#state.boards.delete(id)
  }

  removeCards(is: (row: Row<typeof cards>) => boolean): number {
    const gone = this.cards.filter(is)
    for (const { id } of gone) {
      this.#removeMarks(({ cardId }) => cardId === id)
      this.#state.cards.delete(id)
    }
    return gone.length
  }

  link(cardId: number, ownerIds: readonly number[]): void {
    if (ownerIds.length === 0) return
    // A row that is there already is not looked at again.
    const added = ownerIds.filter((ownerId) => this.mark(cardId, ownerId) === undefined)
    if (added.length > 0 && !this.#state.cards.has(cardId)) refuse("FOREIGN_KEY")
    if (added.some((ownerId) => !this.#state.owners.has(ownerId))) refuse("FOREIGN_KEY")
    for (const ownerId of added) this.#state.marks.set(`${cardId}:${ownerId}`, { cardId, ownerId })
  }

  unlink(cardId: number, ownerIds: readonly number[]): number {
    return this.#removeMarks((mark) => mark.cardId === cardId && ownerIds.includes(mark.ownerId))
  }

  #removeMarks(is: (row: Row<typeof marks>) => boolean): number {
    const gone = this.marks.filter(is)
    for (const { cardId, ownerId } of gone) this.#state.marks.delete(`${cardId}:${ownerId}`)
    return gone.length
  }
}

function sorted<R extends { id: number }>(rows: Iterable<R>): R[] {
  return [...rows].sort((one, other) => one.id - other.id)
}
