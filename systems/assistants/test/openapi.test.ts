import assert from "node:assert/strict"
import { test } from "node:test"
import { Validator } from "@seriousme/openapi-schema-validator"
import { engines } from "../../../packages/rootstock/test/support/index.ts"
import { openAssistants } from "./support.ts"

test("publishes an OpenAPI 3.1 document that validates, and says of every call who may make it", async () => {
  await using app = await openAssistants(engines[0]!)
  const document = (await app.server.fastify.inject({ url: "/schema/openapi.json" })).json()
  const result = await new Validator().validate(structuredClone(document))
  assert.deepEqual(result.errors, undefined)
  assert.equal(result.valid, true)
  const calls = Object.entries<Record<string, any>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ name: `${method.toUpperCase()} ${path}`, call })),
  )
  assert.ok(calls.length > 60, `${calls.length} calls`)
  const open = calls.filter(({ call }) => call.security?.length === 0).map(({ name }) => name)
  assert.deepEqual(open.toSorted(), [
    "POST /auth/login",
    "POST /auth/logout",
    "POST /auth/refresh",
    "POST /auth/register",
  ])
  for (const { name, call } of calls) {
    if (open.includes(name) || call.tags.includes("health")) continue
    assert.ok("401" in call.responses, `${name} may be refused without credentials`)
  }
  const stream = document.paths["/chats/{chat_id}/stream"].get
  assert.ok("text/event-stream" in stream.responses["200"].content)
})
