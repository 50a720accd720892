import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { Encryption, type ValuePlace } from "../../src/shared/index.ts"

const key = (id: string, byte: number) => ({ id, key: new Uint8Array(32).fill(byte) })
const first = key("k1", 1)
const second = key("2026-b", 2)
const place: ValuePlace = { table: "channels", column: "config", row: 7 }

test("gives back what was encrypted, whatever it is", () => {
  const encryption = new Encryption([first])
  const check = (text: string, table: string, row: string) => {
    const here = { table, column: "c", row }
    assert.equal(encryption.decrypt(encryption.encrypt(text, here), here), text)
  }
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.string(), fc.uuid(), check))
})

test("names the version and the key, and shows nothing of the text, not even that two are equal", () => {
  const encryption = new Encryption([second, first])
  const [one, two] = [1, 2].map(() => encryption.encrypt("secret", place))
  assert.match(one!, /^v1\.2026-b\.[\w-]{16}\.[\w-]+$/)
  assert.notEqual(one, two)
})

test("reads a value only where it was written", () => {
  const encryption = new Encryption([first])
  const value = encryption.encrypt("secret", place)
  for (const other of [{ table: "roles" }, { column: "name" }, { row: 8 }, { row: "7 " }]) {
    assert.throws(() => encryption.decrypt(value, { ...place, ...other }), { code: "VALIDATION" })
  }
})

test("refuses a value in which any character was changed, cut off or added", () => {
  const encryption = new Encryption([first])
  const value = encryption.encrypt("a secret text", place)
  for (let at = 0; at < value.length; at++) {
    // The last character of base64url may have bits that say nothing; the one before it has none.
    if (at === value.length - 1) continue
    const changed = value.slice(0, at) + (value[at] === "A" ? "B" : "A") + value.slice(at + 1)
    assert.throws(() => encryption.decrypt(changed, place), /cannot be decrypted|is missing/, `at ${at}`)
  }
  for (const wrong of ["", "secret", value.slice(0, -4), `${value}AAAA`, value.replace("v1", "v2")]) {
    assert.throws(() => encryption.decrypt(wrong, place), { code: "VALIDATION" })
  }
})

test("reads values of older keys, writes with the newest, and tells which are to be written anew", () => {
  const old = new Encryption([first]).encrypt("secret", place)
  const changed = new Encryption([second, first])
  assert.equal(changed.decrypt(old, place), "secret")
  const renewed = changed.encrypt("secret", place)
  assert.deepEqual([changed.isCurrent(old), changed.isCurrent(renewed)], [false, true])
  assert.throws(() => new Encryption([second]).decrypt(old, place), {
    code: "CONFIG",
    message: /channels\.config .* the key k1, which is missing/,
  })
  assert.throws(() => new Encryption([key("k1", 9)]).decrypt(old, place), { code: "VALIDATION" })
})

test("needs a key of 32 bytes", () => {
  assert.throws(() => new Encryption([]), { code: "CONFIG" })
  assert.throws(() => new Encryption([{ id: "short", key: new Uint8Array(16) }]), { code: "CONFIG" })
})
