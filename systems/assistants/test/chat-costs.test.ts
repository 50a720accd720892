import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { uuidv7 } from "rootstock/schema"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, makeOrganization, makePerson, type Person } from "./fixtures.ts"
import { planOf, statementsOf } from "./plans.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

const many = { returning: false } as const

forEachEngine((engine) => {
  let assistants: TestAssistants
  let admin: Person
  let anna: Person
  let chatId: string
  before(async () => {
    assistants = await openAssistants(engine)
    admin = await makeOrganization(assistants)
    anna = await makePerson(assistants, admin)
    const { chats, messages } = assistants.stores
    await tenant.run(admin.orgId, async () => {
      // Anna takes part in 100 of 10,000 chats.
      const others = Array.from({ length: 99 }, () => uuidv7())
      const group = (at: number) => ({
        type: "group" as const,
        name: `Chat ${at}`,
        participants: [at % 100 === 0 ? anna.id : (others[at % 99] as string), admin.id],
        createdBy: admin.id,
        lastMessageAt: new Date(assistants.clock.now().getTime() + at),
      })
      await chats.createMany(
        Array.from({ length: 10_000 }, (_, at) => group(at)),
        many,
      )
      const watched = (await chats.listByUser(anna.id)).slice(0, 20).map(({ id }) => id)
      chatId = watched[0] as string
      await messages.createMany(
        Array.from({ length: 8_000 }, (_, at) => {
          const isAnswer = at % 40 === 0
          return {
            chatId: watched[at % 20] as string,
            senderType: isAnswer ? ("ai_role" as const) : ("user" as const),
            senderId: at % 80 === 0 ? anna.id : admin.id,
            content: "x".repeat(100),
            aiReview: isAnswer ? ("pending" as const) : ("none" as const),
            createdAt: new Date(assistants.clock.now().getTime() + at),
          }
        }),
        many,
      )
    })
    await assistants.database.execute`ANALYZE`
    // Autovacuum does it some time later; until then every look into the index reads what was put off.
    if (engine.dialect === "postgres")
      await assistants.database.fetchValue`SELECT gin_clean_pending_list('idx_chats_participants'::regclass)`
  })
  after(() => assistants[Symbol.asyncDispose]())

  /** How the engine carries out the one statement of a call, given what stands for its parameters. */
  const planOfOne = async (
    work: () => Promise<unknown>,
    values: readonly (string | number | boolean)[],
  ): Promise<string> => {
    const inTenant = () => tenant.run(admin.orgId, work)
    assert.equal((await statementsOf(assistants.database, inTenant)).length, 1)
    const written = values.map((value) => (typeof value === "string" ? `'${value}'` : String(value)))
    return planOf(assistants.database, inTenant, written)
  }

  it("reads the newest page of a chat by its index", async () => {
    const plan = await planOfOne(
      () => assistants.stores.messages.listByChat(chatId),
      [chatId, false, admin.orgId, 50, 0],
    )
    assert.match(plan, /idx_messages_created/)
    assert.doesNotMatch(plan, /\bseq scan on messages\b|^scan messages\b/im)
  })

  it("finds a user's 100 chats among 10,000 by the index of participants", async () => {
    const byItems =
      engine.dialect === "sqlite" ? /chats_participants_items USING PRIMARY KEY/ : /idx_chats_participants/
    const isScan = /\bseq scan on chats\b|^scan chats\b/im
    const all = await planOfOne(() => assistants.stores.chats.listByUser(anna.id), [anna.id, admin.orgId])
    assert.match(all, byItems)
    assert.doesNotMatch(all, isScan)
    const page = { activeOnly: false, cursor: undefined, limit: 50 }
    const values = [anna.id, admin.orgId, 51]
    const paged = await planOfOne(() => assistants.stores.chats.pageOfUser(anna.id, page), values)
    assert.match(paged, byItems)
    assert.doesNotMatch(paged, isScan)
  })

  if (engine.dialect === "postgres") {
    it("plans the chats of a user anew for each, however often they are read", async () => {
      // The plan of a prepared statement is for any user, after some calls: then it walks all chats.
      const kept = await assistants.database.transaction(async () => {
        await tenant.run(admin.orgId, async () => {
          for (let at = 0; at < 8; at++) await assistants.stores.chats.listByUser(anna.id)
        })
        return assistants.database
          .fetchValue<number>`SELECT count(*)::int FROM pg_prepared_statements WHERE statement LIKE '% @> %'`
      })
      assert.equal(kept, 0)
    })
  }

  it("finds answers that await review by their index", async () => {
    const plan = await planOfOne(
      () => assistants.stores.messages.getUnvalidatedAiMessages(anna.id),
      [anna.id, admin.orgId, 10],
    )
    assert.match(plan, /idx_messages_ai_pending/)
    assert.doesNotMatch(plan, /\bseq scan on messages\b|^scan messages\b/im)
  })

  it("answers messages of a chat with a fixed number of queries", async () => {
    const target = { as: anna.token }
    const path = `/chats/${chatId}/messages`
    const { message } = await expectAnswer(assistants, 201, "POST", path, { content: "first" }, target)
    const read = async (limit: number) =>
      (
        await statementsOf(assistants.database, () =>
          expectAnswer(assistants, 200, "GET", `${path}?limit=${limit}`, undefined, target),
        )
      ).filter((sql) => /FROM "(?:chats|messages)"/.test(sql))
    for (let at = 0; at < 5; at++)
      await expectAnswer(assistants, 201, "POST", path, { content: "re", reply_to_id: message.id }, target)
    const [few, all] = [await read(1), await read(100)]
    // The chat, the messages, and what they reply to.
    assert.deepEqual([few.length, all.length], [3, 3], all.join("\n"))
  })
})
