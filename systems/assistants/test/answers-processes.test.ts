import assert from "node:assert/strict"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, makeOrganization, makePerson, makeRole } from "./fixtures.ts"
import { openAssistants } from "./support.ts"

async function start(url: string, mode: "dies" | "answers"): Promise<ChildProcess> {
  const child = fork(new URL("./answering-process.ts", import.meta.url), [url, mode])
  assert.deepEqual((await once(child, "message"))[0], "ready")
  return child
}

forEachEngine((engine) => {
  it("writes an answer once, and has the effect of its tools once, where the process that makes it is killed", async () => {
    await using place = await openAssistants(engine, { cachePlace: "off" })
    const admin = await makeOrganization(place)
    const role = await makeRole(place, admin, { tools: ["calendar_create"] })
    const person = await makePerson(place, admin, { role_id: role.id })
    const as = { as: person.token }
    const { id } = await expectAnswer(place, 200, "GET", "/chats/main", undefined, as)
    const first = await start(place.url, "dies")
    const begun = once(first, "message")
    const { runs } = await expectAnswer(place, 201, "POST", `/chats/${id}/messages`, { content: "Hello?" }, as)
    assert.deepEqual((await begun)[0], "begun")
    const killed = once(first, "exit")
    first.kill("SIGKILL")
    await killed
    const present = () => tenant.run(admin.orgId, () => place.stores.runs.get(runs[0].id))
    assert.equal((await present())?.state, "running")
    const second = await start(place.url, "answers")
    try {
      while ((await present())?.state === "running") await pause(20)
    } finally {
      const ended = once(second, "exit")
      second.disconnect()
      await ended
    }
    await tenant.run(admin.orgId, async () => {
      const { messages, calendar, toolCalls } = place.stores
      const answers = await messages.list({ where: { senderType: "ai_role" } })
      assert.deepEqual(
        answers.map(({ content, runId }) => [content, runId]),
        [["The answer", runs[0].id]],
      )
      assert.deepEqual([await messages.count(), await calendar.count(), await toolCalls.count()], [2, 1, 1])
    })
    assert.equal((await present())?.state, "done")
    assert.equal(await place.jobs.store.jobs.count({ queue: "ai" }), 0)
  })
})
