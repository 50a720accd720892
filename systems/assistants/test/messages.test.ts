import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { transaction } from "rootstock"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import type { Message } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, expectProblem, makeOrganization, makePerson, makeRole, type Person } from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

forEachEngine((engine) => {
  let assistants: TestAssistants
  let admin: Person
  let anna: Person
  let boris: Person
  let lawyer: Person
  let foreign: Person
  let bot: Person
  let role: { id: string }
  let systemRole: { id: string }
  before(async () => {
    assistants = await openAssistants(engine)
    admin = await makeOrganization(assistants)
    role = await makeRole(assistants, admin)
    anna = await makePerson(assistants, admin)
    boris = await makePerson(assistants, admin)
    lawyer = await makePerson(assistants, admin, { username: "Юрист_1", role_id: role.id })
    foreign = await makeOrganization(assistants)
    const systemAdmin = await makeOrganization(assistants, { is_system: true })
    systemRole = await makeRole(assistants, systemAdmin)
    bot = await makePerson(assistants, systemAdmin, { username: "Помощник", role_id: systemRole.id })
  })
  after(() => assistants[Symbol.asyncDispose]())

  const ask = (status: number, as: Person, method: Method, path: string, body?: object) =>
    expectAnswer(assistants, status, method, path, body, { as: as.token })
  const refuse = (status: number, code: string, as: Person, method: Method, path: string, body?: object) =>
    expectProblem(assistants, status, code, method, path, body, { as: as.token })
  const group = (as: Person, ...others: Person[]) =>
    ask(201, as, "POST", "/chats/group", { name: "Team", participants: others.map(({ id }) => id) })
  const post = (as: Person, chat: { id: string }, content: string, more: object = {}) =>
    ask(201, as, "POST", `/chats/${chat.id}/messages`, { content, ...more })
  const inOrg = <T>(work: () => Promise<T>) => tenant.run(admin.orgId, work)
  const contents = (rows: { content: string }[]) => rows.map(({ content }) => content)

  /** Has a run answer, as its job does. */
  const answer = (run: { id: string }, content = "It depends."): Promise<Message> =>
    inOrg(() =>
      transaction(async () => {
        const { chatId, behalfOfId, triggerMessageId } = await assistants.stores.runs.getOrFail(run.id)
        return assistants.services.posting.append({
          chatId: chatId!,
          senderType: "ai_role",
          senderId: behalfOfId!,
          content,
          replyToId: triggerMessageId!,
          runId: run.id,
          aiReview: "pending",
        })
      }),
    )
  /** An answer of the lawyer's role to Anna. */
  const legalAnswer = async (question = "@@юрист_1, may I?") => {
    const chat = await group(anna, lawyer)
    const { message, runs } = await post(anna, chat, question)
    return { chat, question: message, answer: await answer(runs[0]) }
  }

  describe("posting", () => {
    it("takes 1 to 16,000 characters, whatever their length in UTF-16", async () => {
      const chat = await group(anna)
      const longest = "😀".repeat(16_000)
      assert.equal((await post(anna, chat, longest)).message.content, longest)
      for (const content of ["", `${longest}a`]) {
        const problem = await refuse(422, "VALIDATION_FAILED", anna, "POST", `/chats/${chat.id}/messages`, { content })
        assert.equal(problem.errors[0].path, "body/content")
        await inOrg(() =>
          assert.rejects(assistants.services.messages.post(chat.id, { content }), { code: "VALIDATION_FAILED" }),
        )
      }
    })

    it("replies to messages of the same chat alone", async () => {
      const [chat, other] = [await group(anna), await group(anna)]
      const { message: first } = await post(anna, chat, "first")
      const { message } = await post(anna, chat, "second", { reply_to_id: first.id })
      assert.equal(message.reply_to.content, "first")
      const { message: elsewhere } = await post(anna, other, "elsewhere")
      const body = { content: "x", reply_to_id: elsewhere.id }
      await refuse(404, "NOT_FOUND", anna, "POST", `/chats/${chat.id}/messages`, body)
    })

    it("is for participants and administrators", async () => {
      const chat = await group(anna)
      await refuse(403, "FORBIDDEN", boris, "POST", `/chats/${chat.id}/messages`, { content: "x" })
      await refuse(403, "FORBIDDEN", boris, "GET", `/chats/${chat.id}/messages`)
      await post(admin, chat, "I am watching.")
    })

    it("makes events without a gap, in the order of the messages, whoever posts at the same moment", async () => {
      const chat = await group(anna, boris)
      const people = [anna, boris, admin]
      await Promise.all(Array.from({ length: 12 }, (_, at) => post(people[at % 3] as Person, chat, `message ${at}`)))
      await inOrg(async () => {
        const events = await assistants.stores.chatEvents.behind(chat.id, 0)
        assert.deepEqual(
          events.map(({ seq }) => seq),
          Array.from({ length: 12 }, (_, at) => at + 1),
        )
        const newest = await assistants.stores.messages.listByChat(chat.id)
        assert.deepEqual(
          events.map(({ messageId }) => messageId),
          newest.map(({ id }) => id).reverse(),
        )
        const instants = newest.map(({ createdAt }) => createdAt.getTime())
        assert.equal(new Set(instants).size, 12)
        assert.deepEqual((await assistants.stores.chats.getOrFail(chat.id)).lastMessageAt, newest[0]?.createdAt)
      })
    })

    it("leaves nothing behind where it fails", async () => {
      const chat = await group(anna, lawyer)
      const before = await inOrg(() => assistants.stores.chats.getOrFail(chat.id))
      const failing = transaction(async () => {
        await inOrg(() =>
          assistants.services.posting.append({ chatId: chat.id, senderType: "user", senderId: anna.id, content: "x" }),
        )
        throw new Error("stop")
      })
      await assert.rejects(failing, /stop/)
      await inOrg(async () => {
        assert.deepEqual(await assistants.stores.chats.getOrFail(chat.id), before)
        assert.deepEqual(await assistants.stores.chatEvents.behind(chat.id, 0), [])
      })
    })
  })

  describe("mentions", () => {
    it("are of people of the organisation first, then of system users; others stay text", async () => {
      const twin = await makePerson(assistants, foreign, { username: "somebody_else" })
      const chat = await group(anna, boris)
      const content = `@${boris.username.toUpperCase()} @@юрист_1 @помощник @${twin.username} @nobody anna@example.com`
      const { message } = await post(anna, chat, content)
      assert.deepEqual(message.mentions, [
        { type: "user", user_id: boris.id, username: boris.username, position: 0 },
        { type: "ai_role", user_id: lawyer.id, username: "Юрист_1", position: content.indexOf("@@") },
        { type: "user", user_id: bot.id, username: "Помощник", position: content.indexOf("@помощник") },
      ])
      assert.equal((await post(anna, chat, "nobody: anna@example.com, `@@юрист_1`")).message.mentions, null)
    })

    it("prefer a person of the organisation to a system user of that name", async () => {
      const own = await makePerson(assistants, admin, { username: "ПОМОЩНИК" })
      const chat = await group(anna)
      const { message } = await post(anna, chat, "@помощник")
      assert.equal(message.mentions[0].user_id, own.id)
      await ask(204, admin, "DELETE", `/users/${own.id}`)
      assert.equal((await post(anna, chat, "@помощник")).message.mentions[0].user_id, bot.id)
    })

    it("tell people in the app, once each, and only those who take part what was written", async () => {
      const stranger = await makePerson(assistants, admin)
      const chat = await group(anna, boris)
      const { message } = await post(
        anna,
        chat,
        `@${boris.username} @${boris.username} @${stranger.username} @${anna.username} @помощник hi`,
      )
      const notices = await inOrg(() => assistants.stores.inApp.list({ where: { referenceId: message.id } }))
      const shown = notices.map(({ userId, type, content, referenceType }) => ({
        userId,
        type,
        content,
        referenceType,
      }))
      const common = { type: "mention", referenceType: "message" }
      assert.deepEqual(
        new Set(shown.map((one) => JSON.stringify(one))),
        new Set(
          [
            { userId: boris.id, type: common.type, content: message.content, referenceType: common.referenceType },
            { userId: stranger.id, type: common.type, content: null, referenceType: common.referenceType },
          ].map((one) => JSON.stringify(one)),
        ),
      )
    })
  })

  describe("who answers", () => {
    const runsOf = async (message: { id: string }) =>
      (await inOrg(() => assistants.stores.runs.list({ where: { triggerMessageId: message.id } }))).map(
        ({ roleId, trigger, targetUserId, behalfOfId, state, chatId }) => ({
          roleId,
          trigger,
          targetUserId,
          behalfOfId,
          state,
          chatId,
        }),
      )

    it("is each role that is called, once, on behalf of its owner, and each has a job", async () => {
      const chat = await group(anna)
      const { message, runs } = await post(anna, chat, "@@юрист_1 @@ЮРИСТ_1 may I?")
      assert.deepEqual(
        runs.map(({ role_id }: { role_id: string }) => role_id),
        [role.id],
      )
      assert.deepEqual(await runsOf(message), [
        {
          roleId: role.id,
          trigger: "mention",
          targetUserId: lawyer.id,
          behalfOfId: lawyer.id,
          state: "queued",
          chatId: chat.id,
        },
      ])
      const jobs = await assistants.jobs.store.jobs.list({ where: { queue: "ai" } })
      assert.ok(jobs.some(({ payload }) => JSON.stringify(payload).includes(runs[0].id)))
    })

    it("are three at most, and the chat is told so", async () => {
      const names = []
      for (let count = 0; count < 4; count++)
        names.push((await makePerson(assistants, admin, { role_id: role.id })).username)
      const chat = await group(anna)
      const { runs } = await post(anna, chat, names.map((name) => `@@${name}`).join(" "))
      assert.equal(runs.length, 3)
      const [told] = await ask(200, anna, "GET", `/chats/${chat.id}/messages`)
      assert.deepEqual([told.sender_type, told.sender_id], ["system", anna.id])
      assert.match(told.content, /3/)
    })

    it("is nobody where the one called has no role, and the chat is told so", async () => {
      const chat = await group(anna, bot)
      const { message, runs } = await post(anna, chat, `@@${boris.username} help`)
      assert.deepEqual(runs, [])
      const [told] = await ask(200, anna, "GET", `/chats/${chat.id}/messages`)
      assert.deepEqual([told.sender_type, told.reply_to_id, told.ai_review], ["system", message.id, "none"])
      assert.match(told.content, new RegExp(boris.username))
    })

    it("is a system user of the chat by itself, on behalf of who asks", async () => {
      const chat = await ask(201, boris, "POST", "/chats/direct", { user_id: bot.id })
      const { message } = await post(boris, chat, "help")
      const [run] = await runsOf(message)
      assert.deepEqual(run, {
        roleId: systemRole.id,
        trigger: "auto",
        targetUserId: bot.id,
        behalfOfId: boris.id,
        state: "queued",
        chatId: chat.id,
      })
    })

    it("is a system user without a role with that of who asks", async () => {
      const owner = await makeOrganization(assistants, { is_system: true })
      const bare = await makePerson(assistants, owner)
      const chat = await ask(201, lawyer, "POST", "/chats/direct", { user_id: bare.id })
      const [run] = await runsOf((await post(lawyer, chat, "help")).message)
      assert.deepEqual([run?.roleId, run?.targetUserId, run?.behalfOfId], [role.id, bare.id, lawyer.id])
      const roleless = await ask(201, anna, "POST", "/chats/direct", { user_id: bare.id })
      assert.deepEqual((await post(anna, roleless, "help")).runs, [])
    })

    it("is the own role in a main chat, and nobody in other chats", async () => {
      const main = await ask(200, lawyer, "GET", "/chats/main")
      const [run] = await runsOf((await post(lawyer, main, "note")).message)
      assert.deepEqual([run?.roleId, run?.trigger, run?.behalfOfId], [role.id, "auto", lawyer.id])
      const chat = await group(lawyer, anna)
      assert.deepEqual((await post(lawyer, chat, "hello")).runs, [])
      assert.deepEqual((await post(anna, await ask(200, anna, "GET", "/chats/main"), "hello")).runs, [])
    })

    it("is no inactive role", async () => {
      const retired = await makeRole(assistants, admin)
      const owner = await makePerson(assistants, admin, { role_id: retired.id })
      await ask(204, admin, "DELETE", `/roles/${retired.id}`)
      assert.deepEqual((await post(anna, await group(anna), `@@${owner.username}`)).runs, [])
    })
  })

  describe("lists", () => {
    it("give those nearest to a cursor, the newest first, which excludes itself", async () => {
      const chat = await group(anna)
      const ids: string[] = []
      for (let at = 0; at < 8; at++) ids.push((await post(anna, chat, String(at))).message.id)
      const list = async (query: string) => contents(await ask(200, anna, "GET", `/chats/${chat.id}/messages?${query}`))
      assert.deepEqual(await list("limit=3"), ["7", "6", "5"])
      assert.deepEqual(await list("limit=3&offset=2"), ["5", "4", "3"])
      assert.deepEqual(await list(`limit=3&after_id=${ids[1]}`), ["4", "3", "2"])
      assert.deepEqual(await list(`limit=3&before_id=${ids[5]}`), ["4", "3", "2"])
      assert.deepEqual(await list(`after_id=${ids[7]}`), [])
      assert.deepEqual(await list(`before_id=${ids[0]}`), [])
      await ask(204, anna, "DELETE", `/chats/${chat.id}/messages/${ids[3]}`)
      assert.deepEqual(await list(`limit=2&after_id=${ids[1]}`), ["4", "2"])
      assert.deepEqual(await list(`limit=2&after_id=${ids[3]}`), ["5", "4"])
      const path = `/chats/${chat.id}/messages`
      const problem = await refuse(
        422,
        "VALIDATION_FAILED",
        anna,
        "GET",
        `${path}?after_id=${ids[0]}&before_id=${ids[1]}`,
      )
      assert.deepEqual(
        problem.errors.map((one: { path: string }) => one.path),
        ["query/after_id", "query/before_id"],
      )
      await refuse(422, "VALIDATION_FAILED", anna, "GET", `${path}?after_id=${ids[0]}&offset=1`)
      const other = await group(anna)
      for (const cursor of ["after_id", "before_id"])
        await refuse(404, "NOT_FOUND", anna, "GET", `/chats/${other.id}/messages?${cursor}=${ids[0]}`)
    })

    it("show deleted messages to administrators who ask, and as deleted in a reply", async () => {
      const chat = await group(anna, boris)
      const { message: first } = await post(anna, chat, "secret")
      await post(boris, chat, "why?", { reply_to_id: first.id })
      await ask(204, anna, "DELETE", `/chats/${chat.id}/messages/${first.id}`)
      const [reply, ...rest] = await ask(200, anna, "GET", `/chats/${chat.id}/messages`)
      assert.deepEqual(rest, [])
      const { id, sender_type, sender_id } = first
      assert.deepEqual(reply.reply_to, { id, sender_type, sender_id, is_deleted: true, content: null })
      const path = `/chats/${chat.id}/messages?include_deleted=true`
      assert.deepEqual(contents(await ask(200, admin, "GET", path)), ["why?", "secret"])
      await refuse(403, "FORBIDDEN", anna, "GET", path)
    })
  })

  describe("editing and deleting", () => {
    it("is for the author and administrators", async () => {
      const chat = await group(anna, boris)
      const { message } = await post(anna, chat, "helo")
      const path = `/chats/${chat.id}/messages/${message.id}`
      await refuse(403, "FORBIDDEN", boris, "PATCH", path, { content: "x" })
      await refuse(403, "FORBIDDEN", boris, "DELETE", path)
      const edited = await ask(200, anna, "PATCH", path, { content: `hello @${boris.username}` })
      assert.deepEqual(
        [edited.content, edited.edited_by, edited.ai_edited],
        [`hello @${boris.username}`, anna.id, false],
      )
      assert.equal(edited.mentions[0].position, 6)
      assert.equal((await ask(200, admin, "PATCH", path, { content: "Hello" })).edited_by, admin.id)
      await ask(204, admin, "DELETE", path)
      await refuse(404, "NOT_FOUND", anna, "PATCH", path, { content: "x" })
      await refuse(404, "NOT_FOUND", anna, "DELETE", path)
      const kinds = (await inOrg(() => assistants.stores.chatEvents.behind(chat.id, 0))).map(({ kind, seq }) => [
        kind,
        seq,
      ])
      assert.deepEqual(kinds, [
        ["created", 1],
        ["edited", 2],
        ["edited", 3],
        ["deleted", 4],
      ])
      const other = await group(anna)
      await refuse(404, "NOT_FOUND", anna, "PATCH", `/chats/${other.id}/messages/${message.id}`, { content: "x" })
    })

    it("of an answer is for its reviewer, and shows", async () => {
      const { chat, answer: said } = await legalAnswer()
      const path = `/chats/${chat.id}/messages/${said.id}`
      await refuse(403, "FORBIDDEN", anna, "PATCH", path, { content: "x" })
      const edited = await ask(200, lawyer, "PATCH", path, { content: "No." })
      assert.deepEqual([edited.ai_edited, edited.ai_review, edited.ai_validated], [true, "pending", false])
      await ask(204, lawyer, "DELETE", path)
    })

    it("of what the system says is for administrators, and it is not edited", async () => {
      const chat = await group(anna)
      await post(anna, chat, `@@${boris.username}`)
      const [told] = await ask(200, anna, "GET", `/chats/${chat.id}/messages`)
      const path = `/chats/${chat.id}/messages/${told.id}`
      await refuse(403, "FORBIDDEN", anna, "DELETE", path)
      await refuse(403, "FORBIDDEN", admin, "PATCH", path, { content: "x" })
      await ask(204, admin, "DELETE", path)
    })
  })

  describe("reviews", () => {
    it("wait for the reviewer, the newest first", async () => {
      const reviewer = await makePerson(assistants, admin, { role_id: role.id })
      const chat = await group(reviewer, anna)
      const answers = []
      for (const question of ["one", "two", "three"]) {
        const { runs } = await post(anna, chat, `@@${reviewer.username} ${question}`)
        answers.push(await answer(runs[0], question))
      }
      await ask(204, reviewer, "DELETE", `/chats/${chat.id}/messages/${answers[1]!.id}`)
      assert.deepEqual(contents(await ask(200, reviewer, "GET", "/messages/pending-review")), ["three", "one"])
      const [newest] = await ask(200, reviewer, "GET", "/messages/pending-review?limit=1")
      assert.equal(newest.reply_to.content, `@@${reviewer.username} three`)
      assert.deepEqual(await ask(200, boris, "GET", "/messages/pending-review"), [])
    })

    it("approve an answer as it is, or with another text", async () => {
      const { answer: plain } = await legalAnswer()
      const path = `/messages/${plain.id}`
      await refuse(403, "FORBIDDEN", anna, "POST", `${path}/validate`)
      await refuse(403, "FORBIDDEN", admin, "POST", `${path}/reject`, { correction_text: "No." })
      const approved = await ask(200, lawyer, "POST", `${path}/validate`)
      assert.deepEqual([approved.ai_validated, approved.ai_review, approved.ai_edited], [true, "approved", false])
      const problem = await refuse(409, "ILLEGAL_TRANSITION", lawyer, "POST", `${path}/reject`, {
        correction_text: "No.",
      })
      assert.deepEqual([problem.from, problem.to, problem.allowed], ["approved", "rejected", []])
      const { answer: other } = await legalAnswer()
      const edited = await ask(200, lawyer, "POST", `/messages/${other.id}/validate`, { content: "No." })
      assert.deepEqual([edited.content, edited.ai_validated, edited.ai_edited], ["No.", true, true])
      await refuse(404, "NOT_FOUND", foreign, "POST", `${path}/validate`)
    })

    it("are of answers alone", async () => {
      const { message } = await post(anna, await group(anna), "hello")
      const problem = await refuse(409, "ILLEGAL_TRANSITION", anna, "POST", `/messages/${message.id}/validate`)
      assert.deepEqual([problem.from, problem.to, problem.allowed], ["none", "approved", []])
      await refuse(403, "FORBIDDEN", boris, "POST", `/messages/${message.id}/validate`)
    })

    it("that reject an answer teach its role, until the rule is made inactive", async () => {
      const { chat, question, answer: said } = await legalAnswer()
      const path = `/messages/${said.id}/reject`
      await refuse(422, "VALIDATION_FAILED", lawyer, "POST", path, { correction_text: "" })
      const rejected = await ask(200, lawyer, "POST", path, { correction_text: "Say no." })
      assert.deepEqual([rejected.ai_validated, rejected.ai_review], [false, "rejected"])
      const { items } = await ask(200, lawyer, "GET", `/roles/${role.id}/correction-rules?limit=1`)
      const [rule] = items
      assert.deepEqual(
        [rule.ai_message_id, rule.user_question, rule.ai_answer, rule.correction_text, rule.created_by_user_id],
        [said.id, question.content, said.content, "Say no.", lawyer.id],
      )
      await refuse(403, "FORBIDDEN", anna, "PATCH", `/correction-rules/${rule.id}`, { is_active: false })
      await refuse(404, "NOT_FOUND", foreign, "PATCH", `/correction-rules/${rule.id}`, { is_active: false })
      const changed = await ask(200, admin, "PATCH", `/correction-rules/${rule.id}`, {
        is_active: false,
        correction_text: "Never.",
      })
      assert.deepEqual([changed.is_active, changed.correction_text], [false, "Never."])
      await ask(204, anna, "DELETE", `/chats/${chat.id}/messages/${question.id}`)
      const forgetful = await inOrg(() => assistants.stores.correctionRules.getOrFail(rule.id))
      assert.deepEqual([forgetful.userQuestion, forgetful.aiAnswer], ["", said.content])
    })

    it("that come at the same moment: one wins", async () => {
      const { chat, answer: said } = await legalAnswer()
      const answers = await Promise.all(
        [0, 1, 2, 3].map((at) =>
          assistants.send(
            "POST",
            `/messages/${said.id}/${at % 2 === 0 ? "validate" : "reject"}`,
            at % 2 === 0 ? {} : { correction_text: "No." },
            { as: lawyer.token },
          ),
        ),
      )
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409, 409])
      await inOrg(async () => {
        const events = await assistants.stores.chatEvents.behind(chat.id, 0)
        assert.deepEqual(
          events.map(({ kind }) => kind),
          ["created", "created", "reviewed"],
        )
        const { aiReview } = await assistants.stores.messages.getOrFail(said.id)
        const rules = await assistants.stores.correctionRules.count({ aiMessageId: said.id })
        assert.equal(rules, aiReview === "rejected" ? 1 : 0)
      })
    })
  })
})
