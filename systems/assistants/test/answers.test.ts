import assert from "node:assert/strict"
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, beforeEach, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { PromptFileError } from "../ai/prompt-files.ts"
import { ProviderError } from "../ai/provider.ts"
import { runExecute } from "../jobs/definitions.ts"
import { tenant } from "../tenancy.ts"
import {
  asStaff,
  expectAnswer,
  expectProblem,
  makeOrganization,
  makePerson,
  makeRole,
  type Person,
} from "./fixtures.ts"
import { cuts, refuses, says, startModelServer } from "./model-server.ts"
import { StubProvider, tool } from "./stub-provider.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

const busy = () => {
  throw new ProviderError("The model server answered 503.", {})
}

forEachEngine((engine) => {
  let place: TestAssistants
  let prompts: string
  const provider = new StubProvider()
  before(async () => {
    prompts = await mkdtemp(join(tmpdir(), "rootstock-prompts-"))
    place = await openAssistants(engine, { provider, environment: { PROMPT_DIR: prompts } })
  })
  after(async () => {
    await place[Symbol.asyncDispose]()
    await rm(prompts, { recursive: true })
  })
  beforeEach(() => provider.replies(() => ({})))

  const send = (
    status: number,
    method: "GET" | "POST" | "PATCH" | "DELETE",
    path: string,
    as: Person,
    body?: unknown,
  ) => expectAnswer(place, status, method, path, body, { as: as.token })

  /** A person of a new organization whose main chat is answered by a role of theirs. */
  async function team(role: object = {}, organization: object = {}) {
    const admin = await makeOrganization(place)
    const own = await makeRole(place, admin, role)
    if (Object.keys(organization).length > 0)
      await send(200, "PATCH", `/organizations/${admin.orgId}`, admin, organization)
    const person = await makePerson(place, admin, { role_id: own.id })
    const chat = await send(200, "GET", "/chats/main", person)
    return {
      admin,
      person,
      role: own,
      chat,
      say: (content: string) => send(201, "POST", `/chats/${chat.id}/messages`, person, { content }),
      messages: () => send(200, "GET", `/chats/${chat.id}/messages`, person),
      trace: (id: string) => send(200, "GET", `/runs/${id}`, admin),
    }
  }

  /** Works, and lets the time go by that jobs wait for, until all is done. */
  async function workOut() {
    for (let round = 0; round < 12; round++) {
      await place.work()
      if (!(await place.jobs.store.jobs.exists({ queue: "ai" }))) return
      place.clock.advance(20_000)
    }
    assert.fail("jobs are left")
  }

  it("answers in the chat, for its reviewer, and keeps how", async () => {
    const { say, messages, trace, person, role } = await team()
    const { message, runs } = await say("What is up?")
    await place.work()
    const [answer] = await messages()
    assert.equal(answer.content, "An answer")
    assert.deepEqual(
      [answer.sender_type, answer.sender_id, answer.ai_review, answer.ai_validated, answer.run_id],
      ["ai_role", person.id, "pending", false, runs[0].id],
    )
    assert.equal(answer.reply_to?.id ?? answer.reply_to_id, message.id)
    const run = await trace(runs[0].id)
    assert.deepEqual(
      [run.state, run.provider, run.model, run.prompt_tokens, run.completion_tokens, run.finish_reason, run.role_id],
      ["done", "stub", "qwen2.5:7b", 10, 5, "stop", role.id],
    )
    assert.equal(run.answer_message_id, answer.id)
    assert.deepEqual(run.prompt.at(-1), { role: "user", content: "What is up?", message_id: message.id })
    assert.match(run.prompt[0].content, /^You help\.\n\nСейчас 2026-03-11 1\d:\d\d \(Europe\/Moscow\)\.$/)
    await send(204, "DELETE", `/chats/${message.chat_id}/messages/${message.id}`, person)
    assert.equal((await trace(runs[0].id)).prompt.length, 1)
  })

  it("tries three times more, later each time, and then says that it failed, once", async () => {
    const { say, messages, trace, person } = await team()
    provider.replies(busy)
    const { runs } = await say("Hello?")
    await place.work()
    assert.equal((await trace(runs[0].id)).state, "running")
    await workOut()
    assert.equal(provider.calls.length, 4)
    const run = await trace(runs[0].id)
    assert.deepEqual([run.state, run.error], ["failed", "The model server answered 503."])
    const [said, question] = await messages()
    assert.deepEqual([said.sender_type, said.sender_id, said.reply_to_id], ["system", person.id, question.id])
    assert.equal((await messages()).length, 2)
  })

  it("asks no model for an organization that is not active any more", async () => {
    const { say, admin } = await team()
    const { runs } = await say("Hello?")
    await expectAnswer(place, 204, "DELETE", `/organizations/${admin.orgId}`, undefined, asStaff)
    await workOut()
    const run = await tenant.unbounded(() => place.stores.runs.get(runs[0].id))
    assert.deepEqual([run?.state, run?.error, provider.calls.length], ["failed", "The organization is not active.", 0])
  })

  it("answers once when a later try succeeds, and waits as long as the server wants", async () => {
    const { say, messages } = await team()
    provider.replies((_request, number) => {
      if (number === 1) throw new ProviderError("The model server answered 429.", { retryAfterMs: 300_000 })
      return { content: "At last" }
    })
    await say("Hello?")
    await place.work()
    place.clock.advance(299_000)
    await place.work()
    assert.equal(provider.calls.length, 1)
    place.clock.advance(2_000)
    await place.work()
    assert.deepEqual(
      (await messages()).map(({ content }: { content: string }) => content),
      ["At last", "Hello?"],
    )
  })

  it("does not try again what the server refuses, nor roles that are not active", async () => {
    const { say, trace, admin, role } = await team()
    provider.replies(() => {
      throw new ProviderError("The model server answered 401.", { permanent: true })
    })
    const first = await say("Hello?")
    await place.work()
    assert.equal((await trace(first.runs[0].id)).state, "failed")
    assert.equal(provider.calls.length, 1)
    const second = await say("Hello?")
    await send(204, "DELETE", `/roles/${role.id}`, admin)
    await place.work()
    const { state, error } = await trace(second.runs[0].id)
    assert.deepEqual([state, error, provider.calls.length], ["failed", "The role is not active.", 1])
  })

  it("tells the twenty newest messages up to the question, without deleted ones and rejected answers", async () => {
    const { say, messages, person, chat } = await team()
    provider.replies((_request, number) => ({ content: `answer ${number}` }))
    for (let number = 1; number <= 11; number++) {
      await say(`question ${number}`)
      await place.work()
    }
    const listed = await messages()
    const of = (content: string) => listed.find((one: { content: string }) => one.content === content)
    await send(200, "POST", `/messages/${of("answer 10").id}/reject`, person, { correction_text: "Say ten." })
    await send(204, "DELETE", `/chats/${chat.id}/messages/${of("question 9").id}`, person)
    await say("question 12")
    await say("too late")
    await place.work()
    const told = provider.calls.find(({ messages: [...all] }) => all.at(-1)?.content === "question 12")!.messages
    assert.match(told[0]!.content, /Вопрос: question 10\n {2}Отклонённый ответ: answer 10\n {2}Правильно: Say ten\./)
    const heard = told.slice(1).map(({ role, content }) => `${role} ${content}`)
    assert.equal(heard.length, 20)
    assert.deepEqual(heard.slice(0, 2), ["assistant answer 1", "user question 2"])
    assert.deepEqual(
      heard.slice(-6),
      [
        "user question 8",
        "assistant answer 8",
        "assistant answer 9",
        "user question 10",
        "user question 11",
        "assistant answer 11",
        "user question 12",
      ].slice(-6),
    )
  })

  it("puts the prompt file first, reads it anew when told, and reads nothing outside of the directory", async () => {
    await writeFile(join(prompts, "house.md"), "Rules of the house.")
    const { say, admin, role, trace } = await team({ prompt_file: "house.md" })
    const told = async () => {
      const { runs } = await say("Hello")
      await place.work()
      return (await trace(runs[0].id)).prompt?.[0]?.content.split("\n\n")[0]
    }
    assert.equal(await told(), "Rules of the house.")
    await writeFile(join(prompts, "house.md"), "Other rules.")
    await send(204, "POST", "/roles/prompt-cache/clear", admin, { code: role.code })
    assert.equal(await told(), "Other rules.")
    await writeFile(join(prompts, "house.md"), "Last rules.")
    await send(204, "POST", "/roles/prompt-cache/clear", admin)
    assert.equal(await told(), "Last rules.")
    await expectProblem(
      place,
      404,
      "NOT_FOUND",
      "POST",
      "/roles/prompt-cache/clear",
      { code: "none" },
      { as: admin.token },
    )

    await symlink("/etc/hostname", join(prompts, "link.md"))
    await tenant.run(admin.orgId, async () => {
      const read = (file: string) =>
        place.services.ai.prompts.instructions(
          { ...role, promptFile: file, systemPrompt: "", id: role.id } as never,
          { timeZone: "UTC" } as never,
        )
      for (const file of [
        "link.md",
        "../house.md",
        "/etc/hostname",
        "none.md",
        ".",
        "..",
        "a/b",
        "a\\b",
        "house.md\0",
      ]) {
        await assert.rejects(read(file), PromptFileError, JSON.stringify(file))
      }
    })
  })

  it("lets a role use the tools that it lists, and keeps what it called", async () => {
    const { say, trace, person, chat } = await team({ tools: ["calendar_create", "calendar_query"] })
    provider.replies((_request, number) => {
      if (number === 1) return tool("calendar_create", { title: "Meeting", scheduled_at: "2026-12-01T09:00" })
      if (number === 2) return tool("calendar_create", { title: "Past", scheduled_at: "2020-01-01T09:00" })
      if (number === 3) return tool("calendar_query", {})
      if (number === 4) return tool("role_call", { role: "x", question: "y" })
      if (number === 5) return tool("calendar_query", { limit: "many" })
      return { content: "Done" }
    })
    const { message, runs } = await say("Remind me")
    await place.work()
    const run = await trace(runs[0].id)
    assert.deepEqual(
      run.tools.map(({ seq, tool: name, state }: Record<string, unknown>) => [seq, name, state]),
      [
        [1, "calendar_create", "ok"],
        [2, "calendar_create", "error"],
        [3, "calendar_query", "ok"],
        [4, "role_call", "denied"],
        [5, "calendar_query", "error"],
      ],
    )
    assert.equal(run.state, "done")
    assert.deepEqual(
      provider.calls[0]!.tools.map(({ name }) => name),
      ["calendar_create", "calendar_query"],
    )
    const [event, ...more] = await tenant.run(person.orgId, () => place.stores.calendar.list())
    assert.equal(more.length, 0)
    assert.deepEqual(
      [
        event?.title,
        event?.nextTriggerAt?.toISOString(),
        event?.createdByUserId,
        event?.sourceChatId,
        event?.sourceMessageId,
      ],
      ["Meeting", "2026-12-01T06:00:00.000Z", person.id, chat.id, message.id],
    )
    const seen = provider.calls[3]!.messages.at(-1)!
    assert.match(seen.content, /Meeting/)
  })

  it("makes an event once, though the answer is begun again after the tool was called", async () => {
    const { say, trace, person } = await team({ tools: ["calendar_create"] })
    const call = () => tool("calendar_create", { in_minutes: 60, title: "Once" })
    provider.replies((request, number) => {
      const last = request.messages.at(-1)!
      if (number === 2) return busy()
      // The second attempt is told what was done; a model that asks again all the same changes nothing.
      if (number === 3) assert.equal(last.role, "tool")
      return number === 1 || number === 3 ? call() : { content: "Done" }
    })
    const { runs } = await say("Remind me")
    await workOut()
    assert.equal((await tenant.run(person.orgId, () => place.stores.calendar.list())).length, 1)
    const run = await trace(runs[0].id)
    assert.deepEqual([run.state, run.tools.length, provider.calls.length], ["done", 1, 4])
    assert.equal(run.prompt_tokens, 30)
  })

  it("lets roles ask each other, two deep at most", async () => {
    const { say, admin, trace } = await team({ code: "first", tools: ["role_call"] })
    await makeRole(place, admin, { code: "second", tools: ["role_call"], system_prompt: "Second." })
    await makeRole(place, admin, { code: "third", tools: ["role_call"], system_prompt: "Third." })
    provider.replies(({ messages }) => {
      const { role, content } = messages.at(-1)!
      const deep = messages[0]!.content.startsWith("Second.") ? 1 : messages[0]!.content.startsWith("Third.") ? 2 : 0
      if (role === "tool") return { content: `${deep} heard ${content}` }
      return tool("role_call", { role: ["second", "third", "first"][deep], question: `${content}!` })
    })
    const { runs } = await say("Ask")
    await place.work()
    const top = await trace(runs[0].id)
    assert.equal(top.state, "done")
    assert.match(JSON.stringify(top.tools[0].result), /1 heard .*2 heard .*at most 2 deep/)
    const all = await tenant.run(admin.orgId, () => place.stores.runs.list({ orderBy: { id: "asc" } }))
    assert.deepEqual(
      all.map(({ trigger, state, parentRunId }) => [trigger, state, parentRunId]),
      [
        ["auto", "done", null],
        ["role", "done", all[0]!.id],
        ["role", "done", all[1]!.id],
      ],
    )
    assert.equal(await tenant.run(admin.orgId, () => place.stores.messages.count({ senderType: "ai_role" })), 1)
  })

  it("goes through the steps of a chain, of which the last one answers", async () => {
    const steps = [{ instruction: "Plan it.", output_key: "plan" }, { instruction: "Write it." }]
    const { say, messages } = await team({ agent_type: "chain", agent_config: { steps } })
    provider.replies((_request, number) => ({ content: `text ${number}` }))
    await say("A poem")
    await place.work()
    assert.equal((await messages())[0].content, "text 2")
    assert.equal(provider.calls[1]!.messages.at(-1)!.content, "Write it.\n\nplan:\ntext 1")
  })

  it("is cancelled by who asked or an administrator: what runs is aborted, and nothing is written", async () => {
    const { say, messages, person, admin, trace } = await team()
    const stranger = await makePerson(place, admin)
    const begun = Promise.withResolvers<void>()
    let aborted = false
    provider.replies(async ({ signal }) => {
      begun.resolve()
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          aborted = true
          reject(signal.reason)
        })
      })
      return {}
    })
    const { runs } = await say("Hello?")
    const path = `/runs/${runs[0].id}`
    const working = place.work()
    await begun.promise
    await expectProblem(place, 403, "FORBIDDEN", "POST", `${path}/cancel`, undefined, { as: stranger.token })
    await expectProblem(place, 403, "FORBIDDEN", "GET", path, undefined, { as: person.token })
    await send(200, "POST", `${path}/cancel`, person)
    await working
    assert.ok(aborted)
    assert.equal((await trace(runs[0].id)).state, "cancelled")
    assert.equal((await messages()).length, 1)
    const refused = await expectProblem(place, 409, "ILLEGAL_TRANSITION", "POST", `${path}/cancel`, undefined, {
      as: admin.token,
    })
    assert.deepEqual([refused.from, refused.to, refused.allowed], ["cancelled", "cancelled", []])

    // In another process nobody aborts it: it looks by itself.
    provider.replies(async ({ signal }) => {
      await tenant.run(person.orgId, () => place.stores.runs.updateWhere({ state: "running" }, { state: "cancelled" }))
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      return {}
    })
    await say("Again?")
    await place.work()
    const waiting = await say("And again?")
    await send(200, "POST", `/runs/${waiting.runs[0].id}/cancel`, admin)
    await place.work()
    assert.equal(provider.calls.length, 1)
    assert.equal((await messages()).length, 3)
    const foreign = await makeOrganization(place)
    await expectProblem(place, 404, "NOT_FOUND", "POST", `${path}/cancel`, undefined, { as: foreign.token })
    await expectProblem(place, 404, "NOT_FOUND", "GET", path, undefined, { as: foreign.token })
  })

  it("writes no answer where the run was cancelled while the last word was said", async () => {
    const { say, messages, person, trace } = await team()
    provider.replies(async () => {
      await tenant.run(person.orgId, () => place.stores.runs.updateWhere({ state: "running" }, { state: "cancelled" }))
      return { content: "Too late" }
    })
    const { runs } = await say("Hello?")
    await place.work()
    assert.deepEqual([(await messages()).length, provider.calls.length], [1, 1])
    const { state, prompt_tokens: tokens } = await trace(runs[0].id)
    assert.deepEqual([state, tokens], ["cancelled", 10])
  })

  it("spends no more tokens than the month has, as the organization's zone counts months", async () => {
    place.clock.set("2026-05-31T20:55:00.000Z")
    const { say, messages, trace, admin } = await team({}, { token_budget_month: 20 })
    const states: string[] = []
    const ask = async () => {
      const { runs } = await say("Hello")
      await place.work()
      const { state, error } = await trace(runs[0].id)
      states.push(error === null ? state : `${state} ${error.split(":")[0]}`)
    }
    await ask()
    await ask()
    await ask()
    assert.equal(provider.calls.length, 2)
    assert.equal((await messages())[0].sender_type, "system")
    // It is June in Moscow.
    place.clock.set("2026-05-31T21:00:00.000Z")
    await ask()
    assert.deepEqual(states, ["done", "done", "failed BUDGET_EXCEEDED", "done"])
    await send(200, "PATCH", `/organizations/${admin.orgId}`, admin, { token_budget_month: 0 })
    await ask()
    const { id } = await makeRole(place, admin)
    const body = { messages: [{ role: "user", content: "Hi" }] }
    await expectProblem(place, 409, "BUDGET_EXCEEDED", "POST", `/roles/${id}/test`, body, { as: admin.token })
    assert.equal(provider.calls.length, 3)
  })

  it("tries a role out without storing more than a run", async () => {
    const { admin, person, role } = await team({ tools: ["calendar_create", "calendar_query"] })
    provider.replies((_request, number) =>
      number === 1 ? tool("calendar_create", { title: "x", in_minutes: 5 }) : { content: "Fine" },
    )
    const body = { messages: [{ role: "user", content: "Hi" }] }
    const answer = await send(200, "POST", `/roles/${role.id}/test`, admin, body)
    assert.deepEqual([answer.content, answer.prompt_tokens, answer.provider], ["Fine", 20, "stub"])
    assert.deepEqual(answer.tools[0].result, { dry_run: true })
    await tenant.run(admin.orgId, async () => {
      const { calendar, toolCalls, messages, runs } = place.stores
      assert.deepEqual(
        [await calendar.count(), await toolCalls.count(), await messages.count(), (await runs.list())[0]?.trigger],
        [0, 0, 0, "test"],
      )
    })
    await expectProblem(place, 403, "FORBIDDEN", "POST", `/roles/${role.id}/test`, body, { as: person.token })
    provider.replies(busy)
    await expectProblem(place, 503, "PROVIDER_FAILED", "POST", `/roles/${role.id}/test`, body, { as: admin.token })
    await send(200, "PATCH", `/roles/${role.id}`, admin, { is_active: false })
    await expectProblem(place, 409, "ROLE_INACTIVE", "POST", `/roles/${role.id}/test`, body, { as: admin.token })
    const foreign = await makeOrganization(place)
    await expectProblem(place, 404, "NOT_FOUND", "POST", `/roles/${role.id}/test`, body, { as: foreign.token })
  })

  it("fails runs that nobody makes any more, and leaves those that have a job", async () => {
    const { say, messages, trace, person, admin } = await team()
    const lost = (await say("Lost?")).runs[0].id
    await place.jobs.store.jobs.deleteWhere({ kind: runExecute.kind })
    const kept = (await say("Kept?")).runs[0].id
    await tenant.run(person.orgId, () => place.stores.runs.updateWhere({}, { state: "running" }))
    assert.equal(await place.services.runs.sweep(), 1)
    assert.deepEqual([(await trace(lost)).state, (await trace(kept)).state], ["failed", "running"])
    assert.equal((await messages())[0].sender_type, "system")
    await place.work()
    assert.equal((await trace(kept)).state, "done")
    const { items } = await send(200, "GET", `/runs?state=failed&limit=1`, admin)
    assert.deepEqual(
      items.map(({ id }: { id: string }) => id),
      [lost],
    )
  })

  it("does not answer a message that was deleted meanwhile", async () => {
    const { say, person, messages, trace } = await team()
    const { message, runs } = await say("Never mind")
    await send(204, "DELETE", `/chats/${message.chat_id}/messages/${message.id}`, person)
    await place.work()
    assert.equal((await trace(runs[0].id)).state, "cancelled")
    assert.deepEqual([(await messages()).length, provider.calls.length], [0, 0])
  })

  it("asks the server of LLM_URL, again after a stream that was cut, and shows its key nowhere", async () => {
    await using server = await startModelServer()
    server.behave(cuts, refuses(429, { "retry-after": "30" }), says("Good evening", [21, 2]))
    const environment = { LLM_URL: server.url, LLM_API_KEY: "sk-very-secret", LLM_MODEL_MAP: "qwen2.5:7b=other" }
    await using own = await openAssistants(engine, { environment })
    const admin = await makeOrganization(own)
    const role = await makeRole(own, admin)
    const as = { as: (await makePerson(own, admin, { role_id: role.id })).token }
    const { id } = await expectAnswer(own, 200, "GET", "/chats/main", undefined, as)
    const { runs } = await expectAnswer(own, 201, "POST", `/chats/${id}/messages`, { content: "Hello" }, as)
    for (let attempt = 0; attempt < 3; attempt++) {
      await own.work()
      own.clock.advance(40_000)
    }
    const [answer] = await expectAnswer(own, 200, "GET", `/chats/${id}/messages`, undefined, as)
    assert.equal(answer.content, "Good evening")
    const path = `/runs/${runs[0].id}`
    const run = await expectAnswer(own, 200, "GET", path, undefined, { as: admin.token })
    assert.deepEqual([run.state, run.provider, server.calls.length], ["done", "openai", 3])
    // What the cut stream used is counted too.
    assert.ok(run.prompt_tokens > 21)
    assert.equal(server.calls[2]?.body.model, "other")
    const errors = await own.jobs.store.errors.list()
    assert.ok(!JSON.stringify([own.logged, errors, run]).includes("sk-very-secret"))
  })
})
