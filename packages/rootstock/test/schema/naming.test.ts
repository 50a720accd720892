import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { camelCase, generatedName, longestName, snakeCase } from "../../src/schema/index.ts"

const names: [key: string, name: string][] = [
  ["id", "id"],
  ["createdAt", "created_at"],
  ["isActive", "is_active"],
  ["line1Text", "line1_text"],
  ["HTTPStatus", "http_status"],
  ["aB", "a_b"],
]

describe("names in the database", () => {
  for (const [key, name] of names) {
    it(`are ${name} for ${key}`, () => assert.equal(snakeCase(key), name))
  }

  it("lead back to the key", () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]*[a-z]$/)
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const key = words.map((one, at) => (at === 0 ? one : `${one[0]!.toUpperCase()}${one.slice(1)}`)).join("")
        assert.equal(snakeCase(key), words.join("_"))
        assert.equal(camelCase(words.join("_")), key)
      }),
    )
  })

  it("that are generated have at most 63 bytes, and differ where their parts differ", () => {
    const part = fc.stringMatching(/^[a-z_]{1,50}$/)
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), part, (parts, other) => {
        const name = generatedName(parts, "index")
        assert.ok(Buffer.byteLength(name) <= longestName)
        assert.ok(name.endsWith("_index"))
        assert.equal(generatedName(parts, "index"), name)
        assert.notEqual(generatedName([...parts, other], "index"), name)
      }),
    )
    assert.equal(generatedName(["orders", "user_id"], "fkey"), "orders_user_id_fkey")
  })
})
