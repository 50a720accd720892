import assert from "node:assert/strict"
import { it } from "node:test"
import { bodyCheck } from "../../src/fields/index.ts"

it("knows the names of time zones, and takes no offset for one", () => {
  const check = bodyCheck({ type: "string", format: "time-zone" })
  for (const zone of ["Europe/Moscow", "UTC", "America/Argentina/Buenos_Aires"])
    assert.deepEqual(check(zone), { value: zone })
  for (const zone of ["Europe/Atlantis", "+03:00", "", "Moscow time"]) {
    const answer = check(zone)
    assert.ok("error" in answer, zone)
    assert.match(answer.error.errors![0]!.message, /must be the name of a time zone/)
  }
})
