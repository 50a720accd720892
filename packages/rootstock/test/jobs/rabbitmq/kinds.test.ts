import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { DeclarationError } from "../../../src/index.ts"
import { checkQueues } from "../../../src/jobs/define.ts"
import { defineJob } from "../../../src/jobs/index.ts"
import { numbered } from "../support.ts"

describe("kinds of jobs in one queue", () => {
  const of = (kind: string, options: object) => defineJob(kind, { queue: "q", payload: numbered, ...options })
  const refused = (kinds: Parameters<typeof checkQueues>[0], message: RegExp) =>
    assert.throws(
      () => checkQueues(kinds),
      (error) => error instanceof DeclarationError && message.test(error.message),
    )

  it("go together, one of them for messages of others", () => {
    checkQueues([of("a", {}), of("b", { foreign: true }), of("c", {})])
    checkQueues([of("a", { published: true }), of("b", { published: { keepDays: 1 } })])
  })

  it("are refused where messages of others would be of two", () => {
    refused([of("a", { foreign: true }), of("b", { foreign: true })], /both a and b/)
  })

  it("are refused where some are for whoever listens, and some for workers", () => {
    refused([of("a", { published: true }), of("b", {})], /whoever listens \(a\) and for workers \(b\)/)
    refused([of("a", { published: true, foreign: true })], /whoever listens/)
  })

  it("are kept for a week unless it is said otherwise, and for a day at least", () => {
    assert.deepEqual(of("a", { published: true }).published, { keepDays: 7 })
    assert.equal(of("a", {}).published, undefined)
    assert.throws(() => of("a", { published: { keepDays: 0 } }), /days to keep a is 0/)
  })
})
