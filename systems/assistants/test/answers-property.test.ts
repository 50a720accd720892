import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import fc from "fast-check"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { reservedTokens } from "../ai/budget.ts"
import { ProviderError } from "../ai/provider.ts"
import { tenant } from "../tenancy.ts"
import { expectAnswer, makeOrganization, makePerson, makeRole } from "./fixtures.ts"
import { StubProvider, tool } from "./stub-provider.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

type Step = { readonly kind: "say" | "cancel" | "test" | "delete"; readonly pick: number }

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("say", "say", "say", "cancel", "test", "delete"),
  pick: fc.nat(9),
})

forEachEngine((engine) => {
  let place: TestAssistants
  const provider = new StubProvider()
  before(async () => {
    place = await openAssistants(engine, { provider })
  })
  after(() => place[Symbol.asyncDispose]())

  /** Works with two workers at once, as two processes would, until nothing is left. */
  async function workOut(): Promise<void> {
    const workers = [0, 1].map(() => place.jobs.worker({ handlers: place.handlers, concurrency: 2, pollMs: 20 }))
    for (const one of workers) await one.start()
    const { jobs } = place.jobs.store
    while (await jobs.exists({ queue: "ai" })) {
      await pause(5)
      const present = place.clock.now()
      // Time goes by only where all that is left waits for it.
      const idle = !(await jobs.exists({ queue: "ai", or: [{ state: "held" }, { runAt: { lte: present } }] }))
      if (idle) place.clock.advance(1_000)
    }
    for (const one of workers) await one.stop()
  }

  it("keeps A3 and A8 under random calls of four callers, with a provider that fails at times", async () => {
    const scripts = fc.array(fc.array(step, { maxLength: 5 }), { minLength: 4, maxLength: 4 })
    const sizes = fc.array(fc.integer({ min: 1, max: 1_200 }), { minLength: 3, maxLength: 8 })
    const budgets = fc.oneof(fc.integer({ min: 0, max: 6_000 }), fc.constant(null))
    await fc.assert(
      fc.asyncProperty(scripts, sizes, budgets, async (callers, tokens, budget) => {
        const admin = await makeOrganization(place)
        const { orgId } = admin
        const as = { as: admin.token }
        if (budget !== null) {
          await expectAnswer(place, 200, "PATCH", `/organizations/${orgId}`, { token_budget_month: budget }, as)
        }
        const helper = await makeRole(place, admin, { code: "helper" })
        const role = await makeRole(place, admin, { tools: ["role_call"] })
        const people = await Promise.all([0, 1].map(() => makePerson(place, admin, { role_id: role.id })))
        const mains = await Promise.all(
          people.map(({ token }) => expectAnswer(place, 200, "GET", "/chats/main", undefined, { as: token })),
        )
        const spent = () =>
          tenant.run(orgId, async () =>
            (await place.stores.runs.list()).reduce((sum, one) => sum + one.promptTokens + one.completionTokens, 0),
          )
        provider.replies(async ({ messages }, number) => {
          const begins = messages.at(-1)?.role === "user"
          if (budget !== null && begins) assert.ok((await spent()) < budget, "a call was made above the budget")
          if (number % 5 === 0) throw new ProviderError("It fails.", {})
          if (number % 3 === 0 && begins) {
            return { ...tool("role_call", { role: helper.code, question: "?" }), promptTokens: 1, completionTokens: 0 }
          }
          return { promptTokens: tokens[number % tokens.length]!, completionTokens: 0 }
        })
        const runs: string[] = []
        const said: [chat: string, message: string, token: string][] = []
        const does = async ({ kind, pick }: Step) => {
          const person = people[pick % 2]!
          const chat = mains[pick % 2]!.id
          switch (kind) {
            case "say": {
              const path = `/chats/${chat}/messages`
              const { message, runs: made } = await expectAnswer(
                place,
                201,
                "POST",
                path,
                { content: "?" },
                { as: person.token },
              )
              runs.push(...made.map(({ id }: { id: string }) => id))
              said.push([chat, message.id, person.token])
              return
            }
            case "cancel": {
              const id = runs[pick % Math.max(runs.length, 1)]
              if (id === undefined) return
              const { status } = await place.send("POST", `/runs/${id}/cancel`, undefined, as)
              assert.ok(status === 200 || status === 409, String(status))
              return
            }
            case "test": {
              const body = { messages: [{ role: "user", content: "?" }] }
              const { status } = await place.send("POST", `/roles/${role.id}/test`, body, as)
              assert.ok([200, 409, 503].includes(status), String(status))
              return
            }
            default: {
              const [of, message, token] = said[pick % Math.max(said.length, 1)] ?? []
              if (of === undefined) return
              await place.send("DELETE", `/chats/${of}/messages/${message}`, undefined, { as: token as string })
            }
          }
        }
        const working = workOut()
        await Promise.all(
          callers.map(async (script) => {
            for (const one of script) await does(one)
          }),
        )
        await working
        await workOut()
        await tenant.run(orgId, async () => {
          const { stores } = place
          const all = new Map((await stores.runs.list()).map((one) => [one.id, one]))
          for (const one of all.values()) {
            assert.ok(["done", "failed", "cancelled"].includes(one.state), `${one.trigger} is ${one.state}`)
            assert.notEqual(one.finishedAt, null)
          }
          const answers = await stores.messages.list({ where: { senderType: "ai_role" } })
          for (const { runId, senderId, replyToId } of answers) {
            const run = all.get(runId!)
            assert.deepEqual([run?.state, run?.behalfOfId, run?.triggerMessageId], ["done", senderId, replyToId])
          }
          const answered = [...all.values()].filter(({ state, chatId }) => state === "done" && chatId !== null)
          assert.equal(answers.length, answered.length)
          assert.equal(new Set(answers.map(({ runId }) => runId)).size, answers.length)
        })
        const used = await spent()
        if (budget !== null) assert.ok(used < budget + reservedTokens, `${used} of ${budget}`)
      }),
      { numRuns: 5 },
    )
  })

  it("begins as many runs as the budget has room for, however many are asked for at once (A8)", async () => {
    const sizes = fc.record({
      budget: fc.integer({ min: 1, max: 4_000 }),
      tokens: fc.integer({ min: 400, max: 2_000 }),
      asked: fc.integer({ min: 3, max: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(sizes, async ({ budget, tokens, asked }) => {
        const admin = await makeOrganization(place)
        const as = { as: admin.token }
        await expectAnswer(place, 200, "PATCH", `/organizations/${admin.orgId}`, { token_budget_month: budget }, as)
        const role = await makeRole(place, admin)
        const { token } = await makePerson(place, admin, { role_id: role.id })
        const { id } = await expectAnswer(place, 200, "GET", "/chats/main", undefined, { as: token })
        provider.replies(async () => {
          await pause(20)
          return { promptTokens: tokens, completionTokens: 0 }
        })
        const say = () => expectAnswer(place, 201, "POST", `/chats/${id}/messages`, { content: "?" }, { as: token })
        await Promise.all(Array.from({ length: asked }, say))
        await workOut()
        const counts = await tenant.run(admin.orgId, () =>
          Promise.all([place.stores.runs.count({ state: "done" }), place.stores.runs.count({ state: "failed" })]),
        )
        const room = Math.min(asked, Math.ceil(budget / tokens))
        assert.deepEqual(counts, [room, asked - room])
      }),
      { numRuns: 5 },
    )
  })
})
