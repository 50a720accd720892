import assert from "node:assert/strict"
import { it } from "node:test"
import { Passwords, passwordVersion, renewVersion, usualCost } from "../../src/shared/index.ts"

const cheap = { logN: 4, r: 8, p: 1 }
const passwords = new Passwords(cheap)

it("knows a password by its hash, and no other", async () => {
  const stored = await passwords.hash("correct horse")
  assert.match(stored, /^\$scrypt\$ln=4,r=8,p=1,ver=[\w-]{12}\$[\w-]{22}\$[\w-]{43}$/)
  assert.equal(await passwords.verify("correct horse", stored), true)
  assert.equal(await passwords.verify("correct horsf", stored), false)
  assert.equal(await passwords.verify("", stored), false)
})

it("never stores equal hashes for equal passwords", async () => {
  const [one, other] = [await passwords.hash("correct horse"), await passwords.hash("correct horse")]
  assert.notEqual(one, other)
  assert.notEqual(passwordVersion(one), passwordVersion(other))
})

it("takes the same characters however they are composed", async () => {
  const stored = await passwords.hash("p\u00e4ssw\u00f6rd")
  assert.equal(await passwords.verify("pa\u0308sswo\u0308rd", stored), true)
})

it("does the same work where nothing is stored, and says no", async () => {
  const slower = new Passwords({ logN: 13, r: 8, p: 1 })
  const stored = await slower.hash("correct horse")
  const fastest = async (hash: string | undefined) => {
    let least = Number.POSITIVE_INFINITY
    for (let n = 0; n < 5; n++) {
      const start = performance.now()
      assert.equal(await slower.verify("wrong horse", hash), false)
      least = Math.min(least, performance.now() - start)
    }
    return least
  }
  assert.ok((await fastest(undefined)) > (await fastest(stored)) / 5)
  assert.equal(await slower.verify("", null), false)
})

it("hashes anew where the cost has risen, with the same version", async () => {
  const stored = await passwords.hash("correct horse")
  assert.equal(await passwords.raised("correct horse", stored), undefined)
  const dearer = new Passwords({ logN: 5, r: 8, p: 1 })
  assert.equal(await dearer.verify("correct horse", stored), true)
  const raised = (await dearer.raised("correct horse", stored)) as string
  assert.match(raised, /^\$scrypt\$ln=5,/)
  assert.equal(passwordVersion(raised), passwordVersion(stored))
  assert.equal(await dearer.verify("correct horse", raised), true)
  assert.equal(await passwords.raised("correct horse", raised), undefined)
})

it("renews the version of a hash without touching its password", async () => {
  const stored = await passwords.hash("correct horse")
  const renewed = renewVersion(stored)
  assert.notEqual(passwordVersion(renewed), passwordVersion(stored))
  assert.equal(await passwords.verify("correct horse", renewed), true)
})

it("computes all hashes of many callers, a few at a time", async () => {
  const narrow = new Passwords(cheap, { atOnce: 2 })
  const stored = await narrow.hash("correct horse")
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => narrow.verify(`${n % 2}`, stored)))
  assert.deepEqual(new Set(answers), new Set([false]))
  assert.equal(await narrow.verify("correct horse", stored), true)
})

it("works at the usual cost", async () => {
  const usual = new Passwords()
  const stored = await usual.hash("correct horse")
  assert.match(stored, /^\$scrypt\$ln=17,r=8,p=1,/)
  assert.equal(usualCost.logN, 17)
  assert.equal(await usual.verify("correct horse", stored), true)
})

it("refuses what is no hash", async () => {
  await assert.rejects(passwords.verify("correct horse", "plain text"), TypeError)
})
