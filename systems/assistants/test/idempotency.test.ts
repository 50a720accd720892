import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, expectProblem, makeOrganization, password } from "./fixtures.ts"
import { openAssistants } from "./support.ts"

forEachEngine((engine) => {
  it("repeats an answer under an idempotency key, and keeps nothing to guess a password by", async () => {
    await using app = await openAssistants(engine)
    const admin = await makeOrganization(app)
    const body = { email: "vera@example.com", name: "Vera", password, username: "vera" }
    const options = { as: admin.token, headers: { "idempotency-key": "k1" } }
    const user = await expectAnswer(app, 201, "POST", "/users", body, options)
    assert.deepEqual(await expectAnswer(app, 201, "POST", "/users", body, options), user)
    await expectProblem(app, 409, "IDEMPOTENCY_KEY_REUSED", "POST", "/users", { ...body, name: "W" }, options)
    const [kept] = await app.database.fetch<{ bodyHash: string }>`SELECT body_hash FROM idempotency`
    assert.notEqual(kept?.bodyHash, createHash("sha256").update(JSON.stringify(body)).digest("hex"))
  })
})
