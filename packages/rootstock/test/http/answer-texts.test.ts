import assert from "node:assert/strict"
import { it } from "node:test"
import { freezeDeep } from "../../src/cache/frozen.ts"
import { AnswerTexts } from "../../src/http/answer-texts.ts"

function counted() {
  const texts = new AnswerTexts()
  let written = 0
  const write = (value: unknown) => {
    written++
    return JSON.stringify(value)
  }
  return { of: (value: unknown) => texts.of(value, write), written: () => written }
}

it("writes values that can never change once", () => {
  const { of, written } = counted()
  const value = freezeDeep("a test", { id: 1, at: new Date(0), tags: [{ name: "x" }] })
  assert.equal(of(value), JSON.stringify(value))
  assert.equal(of(value), JSON.stringify(value))
  assert.equal(written(), 1)
})

it("keeps no text of what may change", () => {
  const { of, written } = counted()
  const dated = Object.freeze({ at: Object.freeze(new Date(0)) })
  for (const value of [{ id: 1 }, Object.freeze({ id: 1, tags: [] }), dated, undefined, null, "text", 7]) {
    assert.equal(of(value), undefined)
  }
  assert.equal(written(), 0)
})

it("lets go of texts that were not asked for in a while, and keeps those that were", () => {
  const { of, written } = counted()
  const often = Object.freeze({ id: "often" })
  const once = Object.freeze({ id: "once" })
  of(often)
  of(once)
  for (let count = 0; count < 10; count++) {
    of(Object.freeze({ count, text: "x".repeat(1_000_000) }))
    of(often)
  }
  assert.equal(written(), 12)
  of(once)
  assert.equal(written(), 13)
})
