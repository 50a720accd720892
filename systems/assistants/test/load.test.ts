import assert from "node:assert/strict"
import { it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { expectAnswer, makeOrganization, makePerson } from "./fixtures.ts"
import { runLoad } from "./load.ts"
import { openAssistants } from "./support.ts"

forEachEngine((engine) => {
  it("gives 200 streams every message while 50 a second are posted through two servers", async () => {
    await using assistants = await openAssistants(engine, { cachePlace: "off" })
    await using other = await openAssistants(engine, { cachePlace: "off", url: assistants.url })
    const addresses = [
      await assistants.server.start({ host: "127.0.0.1", port: 0 }),
      await other.server.start({ host: "127.0.0.1", port: 0 }),
    ]
    const admin = await makeOrganization(assistants)
    const person = await makePerson(assistants, admin)
    const chats = await Promise.all(
      Array.from({ length: 20 }, async (_, number) => {
        const body = { name: `Group ${number}`, participants: [person.id] }
        const { id } = await expectAnswer(assistants, 201, "POST", "/chats/group", body, { as: admin.token })
        return { id, token: number % 2 === 0 ? person.token : admin.token }
      }),
    )
    const result = await runLoad({ addresses, chats, streams: 200, rate: 50, seconds: 5, patienceMs: 60_000 })
    const { posted, failed, due, delivered, disordered } = result
    assert.deepEqual(
      { posted, failed, due, delivered, disordered },
      {
        posted: 250,
        failed: 0,
        due: 2_500,
        delivered: 2_500,
        disordered: 0,
      },
    )
    assert.equal(result.eventMs.length, 2_500)
  })
})
