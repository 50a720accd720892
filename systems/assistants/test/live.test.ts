import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { transaction } from "rootstock"
import { actAs } from "rootstock/shared"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, expectProblem, makeOrganization, makePerson, type Person } from "./fixtures.ts"
import { StreamReader } from "./stream-reader.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

forEachEngine((engine) => {
  let assistants: TestAssistants
  let address: string
  let admin: Person
  let anna: Person
  let boris: Person
  before(async () => {
    assistants = await openAssistants(engine)
    address = await assistants.server.start({ host: "127.0.0.1", port: 0 })
    admin = await makeOrganization(assistants)
    anna = await makePerson(assistants, admin)
    boris = await makePerson(assistants, admin)
  })
  after(() => assistants[Symbol.asyncDispose]())

  const ask = (
    status: number,
    as: Person,
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
  ) => expectAnswer(assistants, status, method, path, body, { as: as.token })
  const makeGroup = async (as: Person, ...others: Person[]): Promise<string> =>
    (await ask(201, as, "POST", "/chats/group", { name: "Team", participants: others.map(({ id }) => id) })).id
  const post = async (as: Person, chatId: string, content: string) =>
    (await ask(201, as, "POST", `/chats/${chatId}/messages`, { content })).message
  const watch = (chatId: string, person: Person, lastEventId?: string | number) =>
    new StreamReader(chatId, person, lastEventId).connect(address)

  describe("the stream of a chat", () => {
    it("tells of what happens, with numbers", async () => {
      const chatId = await makeGroup(anna, boris)
      await post(anna, chatId, "before")
      await using reader = await watch(chatId, boris)
      await reader.untilId(1)
      assert.deepEqual(reader.received, [])
      const { id } = await post(anna, chatId, "one")
      await ask(200, anna, "PATCH", `/chats/${chatId}/messages/${id}`, { content: "two" })
      await ask(204, anna, "DELETE", `/chats/${chatId}/messages/${id}`)
      await reader.untilId(4)
      assert.deepEqual(
        reader.received.map(({ event, id: seq, data }) => [event, seq, data.id]),
        [
          ["message", "2", id],
          ["edited", "3", id],
          ["deleted", "4", id],
        ],
      )
      const [created, , deleted] = reader.received
      assert.deepEqual([created?.data.chat_id, created?.data.sender_id], [chatId, anna.id])
      assert.deepEqual([deleted?.data.is_deleted, deleted?.data.content], [true, null])
    })
  })
})
