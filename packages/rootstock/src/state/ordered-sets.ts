import type { CacheCounts, Coherence } from "../cache/index.ts"
import { type Clock, systemClock } from "../clock/index.ts"
import { ValidationError } from "../errors/index.ts"
import { shown } from "../schema/index.ts"
import { transaction } from "../session/index.ts"
import { Storage } from "../storage/index.ts"
import { checkLife, checkName, checkWhole } from "./checks.ts"
import type { StateDatabase } from "./database.ts"
import { KeptValues } from "./kept-values.ts"
import { type Cursor, cursorText, isBehind, type Place, readCursor } from "./places.ts"
import { type Prunable, type PruneOptions, pruneAll } from "./prune.ts"
import { orderedSetMembers } from "./tables.ts"

/** A member of an ordered set. */
export type Member = {
  readonly member: string
  /** Finite; the higher, the nearer to the front. */
  readonly score: number
}

/** A member to be added, with its time to live in milliseconds (default: it stays). */
export type NewMember = Member & { readonly ttlMs?: number | undefined }

/** Bounds of scores, both included. */
export type ScoreRange = { from?: number | undefined; to?: number | undefined }

export type PageOptions = ScoreRange & {
  /** Most members, 1 to 1,000. */
  limit: number
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/** Members from the highest score down; `next` is undefined at the end. */
export type MemberPage = { members: Member[]; next: string | undefined }

export type OrderedSetsOptions = {
  /** Default: the machine's clock. */
  clock?: Clock
  /** What keeps the front of each set true to the database (default: each read asks the database). */
  coherence?: Coherence | undefined
  /** How many members of the front are kept, 1 to 1,000 (default 100). */
  frontSize?: number
}

type Standing = Place & { readonly end: number | null }

/** The front of a set as it is kept. */
type Front = {
  readonly members: readonly Standing[]
  /** No members stand behind these. */
  readonly whole: boolean
}

type StoredMember = { name: string; member: string; score: number; expiresAt: Date | null; now: Date }

type MemberRow = { member: string; score: number; expiresAt: Date | null }

const mostMembers = 1_000
const rowsAtOnce = 500
const lowest = -Number.MAX_VALUE
const highest = Number.MAX_VALUE

class MemberRows extends Storage(orderedSetMembers, { orderedSetMembers }) {
  /** Adds members, or gives those that are there another score and life; in one statement. */
  async put(rows: readonly StoredMember[]) {
    await this.sql
      .insertInto("orderedSetMembers")
      .values(rows.map(({ now, ...row }) => ({ ...row, createdAt: now, updatedAt: now })))
      .onConflict((conflict) =>
        conflict.columns(["name", "member"]).doUpdateSet((by) => ({
          score: by.ref("excluded.score"),
          expiresAt: by.ref("excluded.expiresAt"),
          updatedAt: by.ref("excluded.updatedAt"),
        })),
      )
      .execute()
  }
}

/**
 * Named sets whose members are ordered by a score, the highest first, and of equal scores by the member's text downwards:
 * feeds, rankings, "who wrote last". The database holds the truth; with a coherence, the front of a set is read from
 * memory or Redis and is as true.
 *
 * Every call takes part in the ambient transaction.
 *
 * ### Examples
 *
 * ```ts
 * const sets = new OrderedSets(db, { clock })
 * await sets.add("feed:7", { member: `post:${post.id}`, score: post.createdAt.getTime() }, { trimTo: 500 })
 * const { members, next } = await sets.page("feed:7", { limit: 20 })
 * ```
 */
export class OrderedSets implements Prunable {
  readonly name = "ordered sets"
  readonly #db: StateDatabase
  readonly #rows: MemberRows
  readonly #clock: Clock
  readonly #frontSize: number
  readonly #kept: KeptValues<Front>

  /** @param db a database that was opened with `stateTables` among its tables */
  constructor(db: StateDatabase & { storage(Class: typeof MemberRows): MemberRows }, options: OrderedSetsOptions = {}) {
    this.#db = db
    this.#rows = db.storage(MemberRows)
    this.#clock = options.clock ?? systemClock
    this.#frontSize = checkWhole("frontSize", options.frontSize ?? 100, 1, mostMembers)
    this.#kept = new KeptValues(options.coherence, "set:{name}", isFront)
  }

  /**
   * Adds members; those that are there get the score and the life that are given. All or none.
   *
   * @param options.trimTo how many members the set keeps at most, from the highest score down
   */
  async add(
    name: string,
    members: NewMember | readonly NewMember[],
    options: { trimTo?: number | undefined } = {},
  ): Promise<void> {
    const { trimTo } = options
    if (trimTo !== undefined) checkLength(trimTo)
    const rows = this.#newRows(name, Array.isArray(members) ? members : [members as NewMember])
    if (rows.length === 0) return
    await this.#write(name, "sets.add", async () => {
      if (rows.length <= rowsAtOnce && trimTo === undefined) return this.#put(rows)
      return transaction(async () => {
        for (let at = 0; at < rows.length; at += rowsAtOnce) await this.#put(rows.slice(at, at + rowsAtOnce))
        if (trimTo !== undefined) await this.#trim(name, trimTo)
        return rows.length
      })
    })
  }

  /** Removes members; how many there were. */
  async remove(name: string, members: string | readonly string[]): Promise<number> {
    checkName("The name", name)
    const listed = typeof members === "string" ? [members] : members
    for (const member of listed) checkName("The member", member)
    if (listed.length === 0) return 0
    return this.#write(name, "sets.remove", () => this.#rows.deleteWhere({ name, member: listed }))
  }

  /** Removes the whole set; how many members it had. */
  async clear(name: string): Promise<number> {
    checkName("The name", name)
    return this.#write(name, "sets.clear", () => this.#rows.deleteWhere({ name }))
  }

  /** Removes members of the lowest scores, so that `length` stay at most; how many were removed. */
  async trim(name: string, length: number): Promise<number> {
    checkName("The name", name)
    checkLength(length)
    return this.#write(name, "sets.trim", () => this.#trim(name, length))
  }

  /** The score of a member, or undefined where it is none. */
  async score(name: string, member: string): Promise<number | undefined> {
    checkName("The name", name)
    checkName("The member", member)
    return this.#db.fetchValue<number>`SELECT score FROM ordered_set_members
      WHERE name = ${name} AND member = ${member} AND (expires_at IS NULL OR expires_at > ${this.#clock.now()})`
  }

  /** How many members stand before this one, or undefined where it is none. It takes as long as there are such. */
  async rank(name: string, member: string): Promise<number | undefined> {
    checkName("The name", name)
    checkName("The member", member)
    const now = this.#clock.now()
    return this.#db.fetchValue<number>`SELECT (
        SELECT count(*) FROM ordered_set_members AS other
        WHERE other.name = own.name AND (other.score, other.member) > (own.score, own.member)
        AND (other.expires_at IS NULL OR other.expires_at > ${now})
      ) FROM ordered_set_members AS own
      WHERE own.name = ${name} AND own.member = ${member} AND (own.expires_at IS NULL OR own.expires_at > ${now})`
  }

  /** How many members there are, with scores in a range where one is given. It takes as long as there are such. */
  async count(name: string, range: ScoreRange = {}): Promise<number> {
    checkName("The name", name)
    const { from, to } = checkRange(range)
    const now = this.#clock.now()
    return (await this.#db.fetchValue<number>`SELECT count(*) FROM ordered_set_members
      WHERE name = ${name} AND score >= ${from} AND score <= ${to} AND (expires_at IS NULL OR expires_at > ${now})`) as number
  }

  /**
   * Members from the highest score down, or from where the page before ended; stable while members are added.
   *
   * @throws ValidationError for a cursor that is none
   */
  async page(name: string, options: PageOptions): Promise<MemberPage> {
    checkName("The name", name)
    const limit = checkWhole("The limit", options.limit, 1, mostMembers)
    const range = checkRange(options)
    const start = options.cursor === undefined ? undefined : readCursor(options.cursor)
    const known = this.#isInFront(range, start, limit) ? await this.#fromFront(name, start, limit) : undefined
    return pageOf(known ?? (await this.#read(name, range, start, limit + 1)), start, limit)
  }

  /** Members by their rank, from 0; it takes the longer, the greater `offset` is. */
  async slice(name: string, { offset = 0, limit }: { offset?: number; limit: number }): Promise<Member[]> {
    checkName("The name", name)
    checkWhole("The limit", limit, 1, mostMembers)
    checkWhole("The offset", offset, 0, Number.MAX_SAFE_INTEGER)
    const rows = await this.#db.fetch<MemberRow>`SELECT member, score, expires_at FROM ordered_set_members
      WHERE name = ${name} AND (expires_at IS NULL OR expires_at > ${this.#clock.now()})
      ORDER BY score DESC, member DESC LIMIT ${limit} OFFSET ${offset}`
    return rows.map(({ member, score }) => ({ member, score }))
  }

  /** Removes members whose time is over. */
  prune(options: PruneOptions = {}): Promise<number> {
    const now = this.#clock.now()
    // Who reads a kept front leaves them out by itself, so there is nothing to tell the coherence.
    return pruneAll(
      this.name,
      options,
      (most) => this.#db.execute`DELETE FROM ordered_set_members WHERE expires_at <= ${now}
        AND (name, member) IN (
          SELECT name, member FROM ordered_set_members WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${most}
        )`,
    )
  }

  /** What happened to reads of fronts since the start, in this process; all 0 without a coherence. */
  get counts(): CacheCounts {
    return { ...this.#kept.counters }
  }

  /** A write of one set; 0 says that it changed nothing. */
  async #write(name: string, call: string, work: () => Promise<number>): Promise<number> {
    const changes = await this.#kept.write([keptKey(name)], call, async () => (await work()) || undefined)
    return changes ?? 0
  }

  /** In one order, so that two callers never wait for each other's rows; of a member that is given twice, the last. */
  #newRows(name: string, members: readonly NewMember[]): StoredMember[] {
    checkName("The name", name)
    const now = this.#clock.now()
    const rows = new Map(
      members.map(({ member, score, ttlMs }) => {
        checkName("The member", member)
        checkScore(score)
        const expiresAt = ttlMs === undefined ? null : new Date(now.getTime() + checkLife("ttlMs", ttlMs))
        return [member, { name, member, score: score + 0, expiresAt, now }]
      }),
    )
    return [...rows.values()].sort((left, right) => (left.member < right.member ? -1 : 1))
  }

  async #put(rows: readonly StoredMember[]): Promise<number> {
    await this.#rows.put(rows)
    return rows.length
  }

  #trim(name: string, length: number): Promise<number> {
    return this.#db.execute`DELETE FROM ordered_set_members WHERE name = ${name} AND (score, member) <= (
      SELECT score, member FROM ordered_set_members
      WHERE name = ${name} AND (expires_at IS NULL OR expires_at > ${this.#clock.now()})
      ORDER BY score DESC, member DESC LIMIT 1 OFFSET ${length})`
  }

  /** Whether it is worth to look for a page in what is kept. */
  #isInFront({ from, to }: Required<ScoreRange>, start: Cursor | undefined, limit: number): boolean {
    return this.#kept.serves && from === lowest && to === highest && (start?.seen ?? 0) + limit <= this.#frontSize
  }

  /** One member more than the limit where there are more; undefined where the front does not reach so far. */
  async #fromFront(name: string, start: Place | undefined, limit: number): Promise<Standing[] | undefined> {
    const front = await this.#kept.read(keptKey(name), () => this.#loadFront(name))
    const { members, whole } = front as Front
    const present = this.#clock.now().getTime()
    const found: Standing[] = []
    for (const one of members) {
      if ((one.end !== null && one.end <= present) || (start !== undefined && !isBehind(one, start))) continue
      if (found.push(one) > limit) return found
    }
    return whole ? found : undefined
  }

  async #loadFront(name: string): Promise<Front> {
    const members = await this.#read(name, { from: lowest, to: highest }, undefined, this.#frontSize + 1)
    return { members, whole: members.length <= this.#frontSize }
  }

  async #read(
    name: string,
    { from, to }: Required<ScoreRange>,
    start: Place | undefined,
    limit: number,
  ): Promise<Standing[]> {
    const now = this.#clock.now()
    const rows =
      start === undefined || start.score > (to as number)
        ? await this.#db.fetch<MemberRow>`SELECT member, score, expires_at FROM ordered_set_members
            WHERE name = ${name} AND score <= ${to} AND score >= ${from} AND (expires_at IS NULL OR expires_at > ${now})
            ORDER BY score DESC, member DESC LIMIT ${limit}`
        : await this.#db.fetch<MemberRow>`SELECT member, score, expires_at FROM ordered_set_members
            WHERE name = ${name} AND (score, member) < (${start.score}, ${start.member}) AND score >= ${from}
            AND (expires_at IS NULL OR expires_at > ${now})
            ORDER BY score DESC, member DESC LIMIT ${limit}`
    return rows.map(({ member, score, expiresAt }) => ({ member, score, end: expiresAt?.getTime() ?? null }))
  }
}

/** The logical key under which the front is cached. */
const keptKey = (name: string): string => `set:${name}`

function isFront({ members, whole }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(members) && members.every(isStanding) && typeof whole === "boolean"
}

function isStanding(one: Partial<Standing> | null): boolean {
  const isEnd = one?.end === null || Number.isSafeInteger(one?.end)
  return isEnd && typeof one?.member === "string" && Number.isFinite(one.score)
}

/** A page from one member more than it takes, where there are more. */
function pageOf(found: readonly Place[], start: Cursor | undefined, limit: number): MemberPage {
  const members = found.slice(0, limit).map(({ member, score }) => ({ member, score }))
  if (found.length <= limit) return { members, next: undefined }
  return { members, next: cursorText({ ...(members.at(-1) as Member), seen: (start?.seen ?? 0) + limit }) }
}

function checkLength(length: number): void {
  checkWhole("The length", length, 0, Number.MAX_SAFE_INTEGER)
}

function checkScore(score: number): number {
  if (Number.isFinite(score)) return score
  throw new ValidationError(`A score is ${shown(score)}.`, { cure: "Give a finite number." })
}

function checkRange({ from = lowest, to = highest }: ScoreRange): { from: number; to: number } {
  return { from: checkScore(from), to: checkScore(to) }
}
