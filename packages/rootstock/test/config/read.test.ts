import assert from "node:assert/strict"
import { test } from "node:test"
import {
  addressesVariable,
  booleanVariable,
  EnvironmentError,
  integerVariable,
  readEnvironment,
  textVariable,
  timeZoneVariable,
  urlVariable,
} from "../../src/config/index.ts"
import { ConfigError } from "../../src/errors/index.ts"

const variables = {
  PORT: integerVariable({ sentence: "Port.", example: "8000", default: 8000, min: 1, max: 65_535 }),
  QUIET: booleanVariable({ sentence: "Quiet.", example: "true", default: false }),
  ZONE: timeZoneVariable({ sentence: "Zone.", example: "Europe/Moscow" }),
  LINK: urlVariable({ sentence: "Link.", example: "https://example.com", schemes: ["https"] }),
  NAME: textVariable({ sentence: "Name.", example: "shop", pattern: /^[a-z]+$/, patternName: "a lower-case name" }),
}

test("reads typed values and takes empty ones for unset", () => {
  const values = readEnvironment({ PORT: " 81 ", QUIET: "1", ZONE: "Asia/Tokyo", NAME: "" }, variables)
  assert.deepEqual(values, { PORT: 81, QUIET: true, ZONE: "Asia/Tokyo", LINK: undefined, NAME: undefined })
  const port: number = values.PORT
  const name: string | undefined = values.NAME
  assert.deepEqual([port, name], [81, undefined])
})

test("reports every wrong variable at once, each with its name, what is wrong, and an example", () => {
  const environment = { PORT: "70000", QUIET: "perhaps", ZONE: "Mars/Olympus", LINK: "ftp://x:hidden@y", NAME: "Shop!" }
  assert.throws(
    () => readEnvironment(environment, variables),
    (error) => {
      assert.ok(error instanceof EnvironmentError)
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(
        error.problems.map((one) => one.variable),
        ["PORT", "QUIET", "ZONE", "LINK", "NAME"],
      )
      assert.match(error.message, /PORT must be a whole number from 1 to 65535, e\.g\. PORT=8000/)
      assert.match(error.message, /NAME must be a lower-case name, e\.g\. NAME=shop/)
      assert.doesNotMatch(error.message, /hidden/)
      return true
    },
  )
})

for (const text of ["1e3", "0x10", "8000.0", "8 000", "--1", "NaN", "0", "99999999999999999999"]) {
  test(`refuses ${text} as a port`, () => {
    assert.throws(() => readEnvironment({ PORT: text }, variables), EnvironmentError)
  })
}

const proxies = { PROXIES: addressesVariable({ sentence: "Proxies.", example: "10.0.0.0/8" }) }

test("reads addresses and networks", () => {
  const { PROXIES } = readEnvironment({ PROXIES: "127.0.0.1, 10.0.0.0/8,::1 , fd00::/8" }, proxies)
  assert.deepEqual(PROXIES, ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"])
  assert.equal(readEnvironment({}, proxies).PROXIES, undefined)
})

// A proxy that is anybody is none: whoever calls could say who it is.
for (const text of [
  "true",
  "proxy.example.com",
  "10.0.0.0/33",
  "10.0.0.0/0",
  "::/129",
  "::/0",
  "10.0.0/8",
  "1.2.3.4,",
  "1",
]) {
  test(`refuses ${text} as addresses`, () => {
    assert.throws(() => readEnvironment({ PROXIES: text }, proxies), EnvironmentError)
  })
}
