import keyvTestSuite, { keyvIteratorTests } from "@keyv/test-suite"
import Keyv from "keyv"
import * as vitest from "vitest"
import { openValues, places } from "../places.ts"
import { KeyvStore } from "./keyv-store.ts"

for (const { title, url } of places) {
  const values = await openValues(url)
  // Each Keyv writes its namespace into its store.
  const store = () => new KeyvStore(values)
  vitest.describe(`@keyv/test-suite ${title}`, () => {
    vitest.afterAll(async () => {
      await values.clear()
      await values.close()
    })
    keyvTestSuite(vitest as never, Keyv, store)
    keyvIteratorTests(vitest as never, Keyv, store)
  })
}
