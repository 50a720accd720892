import { randomUUID } from "node:crypto"
import { test } from "@japa/runner"
import { registerCacheDriverTestSuite } from "bentocache/test_suite"
import { openValues, places } from "../places.ts"
import { RootstockDriver } from "./rootstock-driver.ts"

for (const { title, url } of places) {
  const name = `conformance-${randomUUID()}`
  test.group(`bentocache/test_suite ${title}`, (group) => {
    registerCacheDriverTestSuite({
      test,
      group,
      createDriver: (options) => new RootstockDriver({ prefix: "own", ...options, values: openValues(url, name) }),
    })
  })
}
