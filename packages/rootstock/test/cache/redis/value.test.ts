import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { describeValue } from "../../../src/cache/redis/index.ts"
import { entryStart, isOurs, readEntry } from "../../../src/cache/redis/value.ts"

const token = fc.stringMatching(/^[a-z0-9]{1,16}\.[a-z0-9]{1,8}$/)

describe("the text of an entry", () => {
  it("gives its parts, whatever the payload is", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 ** 41 }),
        token,
        fc.integer({ min: 1, max: 4e12 }),
        fc.integer({ min: 1, max: 1e9 }),
        fc.array(token, { maxLength: 4 }),
        fc.oneof(fc.json(), fc.constant(""), fc.string()),
        (epoch, id, madeAt, lifeMs, tags, payload) => {
          const tagTokens = tags.join(",")
          const text = `V${epoch}:${id}:${madeAt}:${lifeMs}:${tagTokens}:${payload}`
          const entry = readEntry(text, entryStart(epoch))
          assert.ok(entry !== undefined)
          const { id: readId, madeAt: readMadeAt, lifeMs: readLife, payload: readPayload } = entry
          assert.deepEqual([readId, readMadeAt, readLife, readPayload], [id, madeAt, lifeMs, payload])
          assert.equal(entry.tagTokens, tagTokens)
          assert.ok(entry.hasTags(tagTokens))
          assert.ok(!entry.hasTags(`${tagTokens}x`) && !entry.hasTags(tagTokens.slice(1) || "x"))
          assert.ok(isOurs(text))
          assert.deepEqual(describeValue(text), {
            kind: "entry",
            epoch,
            id,
            madeAt: new Date(madeAt),
            lifeMs,
            tagTokens: tags,
            json: payload === "" ? undefined : payload,
          })
        },
      ),
    )
  })

  it("is never made out of a text that was cut off, or of something else", () => {
    const text = "V7:a.1:1769850000000:3600000:b.2,c.3:"
    assert.equal(readEntry(text, "V7:")?.payload, "")
    for (let length = 0; length < text.length; length++) {
      assert.deepEqual(describeValue(text.slice(0, length)), { kind: "foreign" }, text.slice(0, length))
      if (length >= 3) assert.equal(readEntry(text.slice(0, length), "V7:"), undefined)
    }
    for (const foreign of [
      "",
      "x",
      "{}",
      "V",
      "V7",
      "Vx:a.1:1:1::{}",
      "V7:a 1:1:1::",
      "L7",
      "L7:",
      "L7:a b",
      "W7:a.1:1:1::",
    ]) {
      assert.deepEqual(describeValue(foreign), { kind: "foreign" }, foreign)
    }
    assert.equal(readEntry("V7:a.1:0:1::{}", "V7:"), undefined)
    assert.equal(readEntry("V7:a.1:x:1::{}", "V7:"), undefined)
  })

  it("says what a lease is", () => {
    assert.deepEqual(describeValue("L7:a1.2"), { kind: "lease", epoch: 7, token: "a1.2" })
  })
})
