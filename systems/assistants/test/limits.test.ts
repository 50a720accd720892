import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, expectProblem, makeOrganization, type Person } from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

forEachEngine((engine) => {
  let app: TestAssistants
  let person: Person
  let path: string
  before(async () => {
    app = await openAssistants(engine)
    person = await makeOrganization(app)
    const { id } = await expectAnswer(app, 200, "GET", "/chats/main", undefined, { as: person.token })
    path = `/chats/${id}/messages`
  })
  after(() => app[Symbol.asyncDispose]())

  it("takes bodies of 1 MiB at most, and JSON alone", async () => {
    const as = { as: person.token }
    await expectProblem(app, 413, "TOO_LARGE", "POST", path, { content: "x".repeat(1_100_000) }, as)
    const headers = { "content-type": "text/plain" }
    await expectProblem(app, 415, "UNSUPPORTED_MEDIA_TYPE", "POST", path, "hello", { ...as, headers })
  })

  it("says where a body, a query or a path does not fit", async () => {
    const as = { as: person.token }
    const pathsOf = async (...request: Parameters<TestAssistants["send"]>) => {
      const { errors } = await expectProblem(app, 422, "VALIDATION_FAILED", ...request)
      return errors.map((error: { path: string }) => error.path)
    }
    assert.deepEqual(await pathsOf("POST", path, { content: "x".repeat(16_001) }, as), ["body/content"])
    assert.deepEqual(await pathsOf("POST", path, { content: "x", more: 1 }, as), ["body/more"])
    assert.deepEqual(await pathsOf("GET", `${path}?limit=101`, undefined, as), ["query/limit"])
    assert.deepEqual(await pathsOf("GET", "/chats/7", undefined, as), ["params/chat_id"])
  })

  it("answers 429 with the seconds to wait, by account and by address", async () => {
    const wrong = (email: string) => ({ email, password: "wrong password" })
    const one = { address: "192.0.2.1" }
    for (let n = 0; n < 5; n++) await expectAnswer(app, 401, "POST", "/auth/login", wrong("a@example.com"), one)
    const limited = await app.send("POST", "/auth/login", wrong("a@example.com"), one)
    assert.deepEqual([limited.status, limited.body.error_code], [429, "RATE_LIMITED"])
    const seconds = Number(limited.headers["retry-after"])
    assert.ok(seconds > 0 && seconds <= 900, String(seconds))
    app.clock.advance(seconds * 1_000)
    await expectAnswer(app, 401, "POST", "/auth/login", wrong("a@example.com"), one)
  })
})
