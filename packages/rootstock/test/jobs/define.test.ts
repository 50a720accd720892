import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { DeclarationError } from "../../src/index.ts"
import { defineJob, handle, type Job, jobTables, retryDelay } from "../../src/jobs/index.ts"
import { definitionOf } from "../../src/schema/index.ts"
import { numbered } from "./support.ts"

describe("defineJob", () => {
  const options = { queue: "order", payload: numbered }

  it("has the defaults that the design names", () => {
    const { attempts, timeoutMs, lane, transactional, backoff } = defineJob("a", options)
    assert.deepEqual([attempts, timeoutMs, lane, transactional], [20, 600_000, 2, false])
    assert.equal(backoff, retryDelay)
  })

  const refused: [title: string, kind: string, options: object][] = [
    ["a kind without characters", "", {}],
    ["a kind with a space", "an order", {}],
    ["a kind that is too long", "a".repeat(65), {}],
    ["a queue with a slash", "a", { queue: "a/b" }],
    ["no attempt", "a", { attempts: 0 }],
    ["half an attempt", "a", { attempts: 1.5 }],
    ["no time", "a", { timeoutMs: 0 }],
    ["more time than a timer takes", "a", { timeoutMs: 2 ** 31 }],
    ["a sixth lane", "a", { lane: 5 }],
  ]
  for (const [title, kind, wrong] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(() => defineJob(kind, { ...options, ...wrong }), DeclarationError)
    })
  }

  it("gives handlers the payload in its type, and commit only where it has a meaning", () => {
    const plain = defineJob("plain", options)
    const atomic = defineJob("atomic", { ...options, transactional: true })
    handle(plain, async ({ n }, { commit }) => {
      const value: number = await commit(() => n)
      return value
    })
    // @ts-expect-error the whole handler is the commit
    handle(atomic, (_, { commit }) => commit)
    // @ts-expect-error there is no such field
    handle(atomic, ({ m }) => m)
    const all: readonly Job[] = [plain, atomic]
    assert.equal(all.length, 2)
  })

  it("keeps a handler that is given with it", () => {
    const handler = () => undefined
    assert.equal(defineJob("a", { ...options, handler }).handler, handler)
  })
})

describe("retryDelay", () => {
  it("doubles from a second up to an hour, less up to a half", () => {
    const longest = (attempt: number) => retryDelay(attempt, 1)
    assert.deepEqual(
      [1, 2, 3, 11, 12, 20, 1_000].map(longest),
      [2_000, 4_000, 8_000, 2_048_000, 3_600_000, 3_600_000, 3_600_000],
    )
    assert.equal(retryDelay(3, 0), 4_000)
    assert.equal(retryDelay(3, 0.5), 6_000)
  })
})

describe("jobTables", () => {
  it("has the indexes that claims, rescue and dedupe go by", () => {
    const indexes = definitionOf(jobTables.job).indexes.map(({ terms, unique, where }) => ({
      columns: terms.map(({ column }) => column).join(),
      unique,
      where,
    }))
    assert.deepEqual(indexes, [
      { columns: "queue,lane,runAt,id", unique: false, where: "state = 'wait'" },
      { columns: "worker", unique: false, where: "state <> 'wait'" },
      { columns: "dedupe", unique: true, where: "dedupe IS NOT NULL AND state = 'wait'" },
    ])
  })
})
