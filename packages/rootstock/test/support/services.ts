import { describe, it } from "node:test"

/** A variable that names a server for the tests. */
export type ServiceVariable = "TEST_EMBEDDED_POSTGRES_URL" | "TEST_POSTGRES_URL" | "TEST_REDIS_URL" | "TEST_AMQP_URL"

/**
 * Defines tests that need the server which `variable` names.
 *
 * Where it is unset they are left out with a reason that names the variable;
 * with `ROOTSTOCK_REQUIRE_SERVICES=1` they fail.
 *
 * ### Examples
 *
 * ```ts
 * requireService("TEST_REDIS_URL", "the Redis tier", (url) => {
 *   it("keeps an entry", async () => { … })
 * })
 * ```
 */
export function requireService(variable: ServiceVariable, title: string, define: (url: string) => void): void {
  const url = process.env[variable]
  if (url) {
    describe(title, () => define(url))
    return
  }
  if (process.env["ROOTSTOCK_REQUIRE_SERVICES"] === "1") {
    it(title, () => {
      throw new Error(`${variable} is unset, and ROOTSTOCK_REQUIRE_SERVICES=1 asks for every server`)
    })
    return
  }
  it(title, { skip: `needs ${variable}${variable === "TEST_EMBEDDED_POSTGRES_URL" ? ", which npm test sets" : ""}` })
}
