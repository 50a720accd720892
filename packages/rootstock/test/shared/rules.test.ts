import assert from "node:assert/strict"
import { test } from "node:test"
import { DeclarationError } from "../../src/errors/index.ts"
import { commonRules, defineRules } from "../../src/shared/index.ts"

test("refuses a rule of one system that holds in every system", () => {
  const { ILLEGAL_TRANSITION } = commonRules.list
  assert.throws(() => defineRules({ ILLEGAL_TRANSITION }), DeclarationError)
})
