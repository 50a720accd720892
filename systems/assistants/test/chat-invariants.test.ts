import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import fc from "fast-check"
import { transaction } from "rootstock"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, makeOrganization, makePerson, makeRole, type Person } from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

const callers = 4

/** What calls refer to: positions among the first few rows, so that calls meet each other. */
type World = { people: Person[]; chats: string[]; messages: { id: string; chat: string }[] }
type Call = (world: World, caller: Person) => [method: "POST" | "PATCH" | "DELETE", path: string, body?: object]

const at = <T>(rows: readonly T[], index: number): T | undefined => rows[index % Math.max(rows.length, 1)]
const nobody = "00000000-0000-7000-8000-000000000000"
const messagePath = ({ messages }: World, index: number) => {
  const { id, chat } = at(messages, index) ?? { id: nobody, chat: nobody }
  return { ofChat: `/chats/${chat}/messages/${id}`, alone: `/messages/${id}` }
}

const small = fc.nat(7)
const calls: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(small, small, fc.boolean()).map(
      ([chat, target, calling]): Call =>
        (world) => [
          "POST",
          `/chats/${at(world.chats, chat)}/messages`,
          { content: `${calling ? "@@" : "@"}${at(world.people, target)?.username} hello` },
        ],
    ),
  },
  {
    weight: 1,
    arbitrary: small.map(
      (target): Call =>
        ({ people }) => ["POST", "/chats/direct", { user_id: at(people, target)?.id }],
    ),
  },
  {
    weight: 2,
    arbitrary: small.map(
      (index): Call =>
        (world) => ["PATCH", messagePath(world, index).ofChat, { content: "other" }],
    ),
  },
  {
    weight: 2,
    arbitrary: small.map(
      (index): Call =>
        (world) => ["DELETE", messagePath(world, index).ofChat],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(small, fc.boolean()).map(
      ([index, edited]): Call =>
        (world) => ["POST", `${messagePath(world, index).alone}/validate`, edited ? { content: "better" } : {}],
    ),
  },
  {
    weight: 2,
    arbitrary: small.map(
      (index): Call =>
        (world) => ["POST", `${messagePath(world, index).alone}/reject`, { correction_text: "no" }],
    ),
  },
)

forEachEngine((engine) => {
  let assistants: TestAssistants
  let admin: Person
  let role: { id: string }
  before(async () => {
    assistants = await openAssistants(engine)
    admin = await makeOrganization(assistants)
    role = await makeRole(assistants, admin)
  })
  after(() => assistants[Symbol.asyncDispose]())

  const seed = async (): Promise<World> => {
    const people = [
      await makePerson(assistants, admin, { role_id: role.id }),
      await makePerson(assistants, admin, { role_id: role.id }),
      await makePerson(assistants, admin),
    ]
    const body = { name: "Team", participants: people.map(({ id }) => id) }
    const chats = []
    for (let count = 0; count < 2; count++)
      chats.push((await expectAnswer(assistants, 201, "POST", "/chats/group", body, { as: admin.token })).id)
    return { people, chats, messages: [] }
  }

  /** Writes the answer of a run, as its job does. */
  const answer = (world: World, runId: string) =>
    tenant.run(admin.orgId, () =>
      transaction(async () => {
        const run = await assistants.stores.runs.getOrFail(runId)
        const chatId = run.chatId as string
        const { id } = await assistants.services.posting.append({
          chatId,
          senderType: "ai_role",
          senderId: run.behalfOfId as string,
          content: "answer",
          replyToId: run.triggerMessageId as string,
          runId,
          aiReview: "pending",
        })
        world.messages.unshift({ id, chat: chatId })
      }),
    )

  const check = (world: World) =>
    tenant.run(admin.orgId, async () => {
      const { chats, messages, runs, chatEvents, users, correctionRules } = assistants.stores
      const all = await chats.list({ limit: 10_000 })
      const pairs = all.flatMap(({ directKey }) => directKey ?? [])
      assert.equal(new Set(pairs).size, pairs.length, "A2: one direct chat of a pair")
      for (const chat of all.filter(({ type }) => type === "direct"))
        assert.equal(chat.directKey, [...chat.participants].sort().join(":"))
      for (const user of await users.list({ limit: 10_000 }))
        assert.equal(
          all.filter(({ type, createdBy }) => type === "main" && createdBy === user.id).length,
          1,
          "A2: one main chat",
        )
      const ids = all.map(({ id }) => id)
      const rows = await messages.list({ where: { chatId: ids }, limit: 10_000 })
      const runById = new Map((await runs.list({ limit: 10_000 })).map((run) => [run.id, run]))
      const rules = await correctionRules.list({ limit: 10_000 })
      for (const row of rows) {
        assert.equal(row.aiValidated, row.aiReview === "approved", "A7")
        assert.equal(row.aiReview === "none", row.senderType !== "ai_role")
        assert.equal(
          rules.filter(({ aiMessageId }) => aiMessageId === row.id).length,
          row.aiReview === "rejected" ? 1 : 0,
        )
        if (row.senderType !== "ai_role") continue
        const run = runById.get(row.runId as string)
        assert.equal(run?.behalfOfId, row.senderId, "A3: the sender is the reviewer of the run")
        assert.equal(run?.triggerMessageId, row.replyToId)
      }
      for (const chatId of world.chats) {
        const own = rows.filter((row) => row.chatId === chatId)
        const deleted = new Set(own.filter(({ isDeleted }) => isDeleted).map(({ id }) => id))
        const shown = await expectAnswer(assistants, 200, "GET", `/chats/${chatId}/messages?limit=100`, undefined, {
          as: admin.token,
        })
        assert.equal(shown.length, Math.min(own.length - deleted.size, 100))
        for (const one of shown) {
          assert.ok(!deleted.has(one.id), "A6: no list has it")
          if (one.reply_to !== null)
            assert.equal(one.reply_to.content === null, deleted.has(one.reply_to.id), "A6: in a reply")
        }
        const events = await chatEvents.behind(chatId, 0, 10_000)
        assert.deepEqual(
          events.map(({ seq }) => seq),
          events.map((_, index) => index + 1),
          "no gap",
        )
        const made = events.filter(({ kind }) => kind === "created").map(({ messageId }) => messageId)
        const inOrder = [...own].sort((one, other) => one.createdAt.getTime() - other.createdAt.getTime())
        assert.deepEqual(
          made,
          inOrder.map(({ id }) => id),
          "messages stand in the order of their numbers",
        )
        assert.equal((await chats.getOrFail(chatId)).lastSeq, events.length)
      }
      for (const { id, token } of world.people) {
        const pending = await expectAnswer(assistants, 200, "GET", "/messages/pending-review?limit=100", undefined, {
          as: token,
        })
        const awaited = rows.filter((row) => row.senderId === id && row.aiReview === "pending" && !row.isDeleted)
        assert.deepEqual(new Set(pending.map((one: { id: string }) => one.id)), new Set(awaited.map((row) => row.id)))
      }
    })

  it("keeps A2, A3, A6 and A7 under random calls of four callers, and never answers 500", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(calls, { maxLength: 8 }), { minLength: callers, maxLength: callers }),
        async (scripts) => {
          const world = await seed()
          const who = [...world.people, admin]
          await Promise.all(
            scripts.map(async (script, index) => {
              const caller = who[index] as Person
              for (const make of script) {
                const [method, path, body] = make(world, caller)
                const answered = await assistants.send(method, path, body, { as: caller.token })
                assert.ok(answered.status < 500, JSON.stringify([method, path, body, answered.body]))
                if (answered.status !== 201 || !path.endsWith("/messages")) continue
                world.messages.unshift({ id: answered.body.message.id, chat: answered.body.message.chat_id })
                for (const run of answered.body.runs) await answer(world, run.id)
              }
            }),
          )
          await check(world)
        },
      ),
      { numRuns: 6 },
    )
  })

  it("reads a chat whole from any message in both directions", async () => {
    const world = await seed()
    const [chat] = world.chats
    const path = `/chats/${chat}/messages`
    for (let count = 0; count < 12; count++)
      await expectAnswer(assistants, 201, "POST", path, { content: String(count) }, { as: admin.token })
    const list = (query: string) =>
      expectAnswer(assistants, 200, "GET", `${path}?${query}`, undefined, { as: admin.token })
    const ids = (rows: { id: string }[]) => rows.map(({ id }) => id)
    const all = ids(await list("limit=100"))
    await fc.assert(
      fc.asyncProperty(fc.nat(11), fc.integer({ min: 1, max: 5 }), async (start, limit) => {
        const newer: string[] = []
        for (let cursor = all[start]; cursor !== undefined; ) {
          const page = ids(await list(`limit=${limit}&after_id=${cursor}`))
          newer.unshift(...page)
          cursor = page[0]
        }
        const older: string[] = []
        for (let cursor = all[start]; cursor !== undefined; ) {
          const page = ids(await list(`limit=${limit}&before_id=${cursor}`))
          older.push(...page)
          cursor = page.at(-1)
        }
        assert.deepEqual([...newer, all[start], ...older], all)
      }),
      { numRuns: 5 },
    )
  })
})
