import assert from "node:assert/strict"
import { after, before, it } from "node:test"
import { forEachEngine } from "../../../packages/rootstock/test/support/index.ts"
import { routes } from "../routes/index.ts"
import { asStaff, expectAnswer, makeOrganization, makePerson, makeRole, type Person, password } from "./fixtures.ts"
import { openAssistants, type TestAssistants } from "./support.ts"

/**
 * Who calls: nobody in particular, an administrator of another organization, a colleague who takes part in nothing, one who
 * takes part in the chat, the reviewer of its answers, who made the chat and the event, an administrator, and a key of staff.
 */
const callers = ["anyone", "foreign", "user", "participant", "reviewer", "creator", "admin", "staff"] as const
type Caller = (typeof callers)[number]

/** What the calls are about. */
type World = Readonly<Record<"chat" | "role" | "event" | "rule" | "run" | "organization" | "message", string>> & {
  readonly people: Readonly<Record<Exclude<Caller, "anyone" | "staff">, Person>>
  /** Answers that await review, each for one call. */
  readonly answers: string[]
}

/** A call, the status that it is answered with for each caller (`-` where it is not asked), and its body. */
type Row = readonly [call: string, answers: string, body?: (world: World, n: number) => object]

const registration = (_: World, n: number) => ({
  organization: { name: `Registered ${n}`, slug: `registered-${n}` },
  user: { name: `Founder ${n}`, username: `founder${n}`, email: `founder${n}@example.com`, password },
})
const newUser = (_: World, n: number) => ({ name: "New", username: `new${n}`, email: `new${n}@example.com` })
const newRole = (_: World, n: number) => ({ name: "New", code: `new${n}`, system_prompt: "You help." })
const newEvent = ({ role }: World) => ({ role_id: role, title: "Call", scheduled_at: "2026-03-12T08:00:00Z" })
const named = () => ({ name: "Another name" })
const text = () => ({ content: "Hello" })

// biome-ignore format: it is a table
const table: readonly Row[] = [
  // Who calls:                                     any for use par rev cre adm sta
  ["POST /auth/register",                          "201 201 201 201 201 201 201 201", registration],
  ["POST /auth/login",                             "200 200 200 200 200 200 200 200", ({ people }) => ({ email: people.user.email, password })],
  ["POST /auth/refresh",                           "401 401 401 401 401 401 401 401", () => ({ refresh_token: "x" })],
  ["POST /auth/logout",                            "204 204 204 204 204 204 204 204", () => ({ refresh_token: "x" })],
  ["GET /auth/me",                                 "401 200 200 200 200 200 200 403"],

  ["GET /organizations",                           "401 200 403 403 403 403 200 200"],
  ["POST /organizations",                          "401 403 403 403 403 403 403 201", (_, n) => ({ name: "New", slug: `new-${n}` })],
  ["GET /organizations/{organization_id}",         "401 404 403 403 403 403 200 200"],
  ["PATCH /organizations/{organization_id}",       "401 404 403 403 403 403 200 200", named],
  ["DELETE /organizations/{organization_id}",      "401 403 403 403 403 403 403 -"],

  ["GET /users",                                   "401 200 200 200 200 200 200 403"],
  ["GET /users/{user_id}",                         "401 404 200 200 200 200 200 403"],
  ["POST /users",                                  "401 201 403 403 403 403 201 403", newUser],
  // The participant's own profile.
  ["PATCH /users/{user_id}",                       "401 404 403 200 403 403 200 403", named],
  ["PUT /users/{user_id}/role",                    "401 404 403 403 403 403 200 403", () => ({ role_id: null })],
  ["GET /roles",                                   "401 200 200 200 200 200 200 403"],
  ["GET /roles/{role_id}",                         "401 404 200 200 200 200 200 403"],
  ["POST /roles",                                  "401 201 403 403 403 403 201 403", newRole],
  ["PATCH /roles/{role_id}",                       "401 404 403 403 403 403 200 403", named],
  ["POST /roles/{role_id}/test",                   "401 404 403 403 403 403 200 403", () => ({ messages: [{ role: "user", content: "Hello" }] })],
  ["POST /roles/prompt-cache/clear",               "401 204 403 403 403 403 204 403", () => ({})],
  ["GET /roles/{role_id}/correction-rules",        "401 404 403 403 200 403 200 403"],
  ["PATCH /correction-rules/{rule_id}",            "401 404 403 403 200 403 200 403", () => ({ is_active: true })],

  ["GET /chats",                                   "401 200 200 200 200 200 200 403"],
  ["GET /chats/main",                              "401 200 200 200 200 200 200 403"],
  ["GET /chats/{chat_id}",                         "401 404 403 200 200 200 200 403"],
  ["POST /chats/direct",                           "401 404 201 422 201 201 201 403", ({ people }) => ({ user_id: people.participant.id })],
  ["POST /chats/group",                            "401 404 201 201 201 201 201 403", ({ people }) => ({ name: "Group", participants: [people.user.id] })],
  ["PATCH /chats/{chat_id}",                       "401 404 403 403 403 200 200 403", named],
  ["PUT /chats/{chat_id}/participants/{user_id}",  "401 404 403 403 403 200 200 403"],
  ["GET /chats/{chat_id}/messages",                "401 404 403 200 200 200 200 403"],
  ["GET /chats/{chat_id}/messages?include_deleted=true", "401 404 403 403 403 403 200 403"],
  // Those who may read it are not answered before they go.
  ["GET /chats/{chat_id}/stream",                  "401 404 403 - - - - 403"],
  ["POST /chats/{chat_id}/messages",               "401 404 403 201 201 201 201 403", text],
  // A message of the participant, and an answer of the reviewer's role.
  ["PATCH /chats/{chat_id}/messages/{message_id}", "401 404 403 200 403 403 200 403", text],
  ["PATCH /chats/{chat_id}/messages/{answer_id}",  "401 404 403 403 200 403 200 403", text],
  // Once deleted it is not there.
  ["DELETE /chats/{chat_id}/messages/{answer_id}", "401 404 403 403 204 404 404 403"],
  ["GET /messages/pending-review",                 "401 200 200 200 200 200 200 403"],
  ["POST /messages/{answer_id}/validate",          "401 404 403 403 200 403 403 403", () => ({})],
  ["POST /messages/{answer_id}/reject",            "401 404 403 403 200 403 403 403", () => ({ correction_text: "No." })],

  ["GET /calendar",                                "401 200 200 200 200 200 200 403"],
  ["GET /calendar/{event_id}",                     "401 404 200 200 200 200 200 403"],
  ["POST /calendar",                               "401 404 201 201 201 201 201 403", newEvent],
  ["PATCH /calendar/{event_id}",                   "401 404 403 403 403 200 200 403", () => ({ title: "Another title" })],

  ["GET /notification-channels",                   "401 200 200 200 200 200 200 403"],
  ["PUT /notification-channels/{type}",            "401 200 200 200 200 200 200 403", () => ({ priority: 1 })],
  ["DELETE /notification-channels/{type}",         "401 404 404 404 404 404 404 403"],
  ["POST /notification-channels/telegram/link",    "401 409 409 409 409 409 409 403"],
  ["POST /notification-channels/email/verify",     "401 404 404 404 404 404 404 403", () => ({ code: "123456" })],
  ["POST /notification-channels/webhook/verify",   "401 404 404 404 404 404 404 403"],
  ["GET /notifications",                           "401 200 200 200 200 200 200 403"],
  // The participant's notice, of being mentioned.
  ["POST /notifications/{id}/read",                "401 404 404 200 404 404 404 403"],
  ["POST /notifications/read-all",                 "401 200 200 200 200 200 200 403"],
  ["GET /notifications/log",                       "401 200 200 200 200 200 200 403"],
  ["GET /notifications/log?event_id={event_id}",   "401 200 403 403 403 403 200 403"],

  ["GET /runs",                                    "401 200 403 403 403 403 200 403"],
  ["GET /runs/{run_id}",                           "401 404 403 403 403 403 200 403"],
  // Asked for by the participant; it is done.
  ["POST /runs/{run_id}/cancel",                   "401 404 403 409 403 403 409 403"],

  // What ends something comes last.
  ["DELETE /chats/{chat_id}/messages/{message_id}", "401 404 403 - 403 403 204 403"],
  ["DELETE /chats/{chat_id}/participants/{user_id}", "401 404 403 200 403 200 200 403"],
  ["DELETE /calendar/{event_id}",                  "401 404 403 403 403 204 204 403"],
  ["DELETE /chats/{chat_id}",                      "401 404 403 403 403 204 204 403"],
  ["DELETE /roles/{role_id}",                      "401 404 403 403 403 403 204 403"],
  ["DELETE /users/{user_id}",                      "401 404 403 403 403 403 204 403"],
]

async function makeWorld(app: TestAssistants): Promise<World & { notice: string }> {
  const admin = await makeOrganization(app)
  const { id: role } = await makeRole(app, admin)
  const [user, participant, reviewer, creator] = [
    await makePerson(app, admin),
    await makePerson(app, admin),
    await makePerson(app, admin, { role_id: role }),
    await makePerson(app, admin),
  ]
  const people = { foreign: await makeOrganization(app), user, participant, reviewer, creator, admin }
  const asked = { as: participant.token }
  const made = { as: creator.token }
  const group = { name: "Group", participants: [participant.id, reviewer.id] }
  const { id: chat } = await expectAnswer(app, 201, "POST", "/chats/group", group, made)
  const post = (content: string, by: Person) =>
    expectAnswer(app, 201, "POST", `/chats/${chat}/messages`, { content }, { as: by.token })
  const { message } = await post("Hello", participant)
  const runs: string[] = []
  for (let n = 0; n < 5; n++) runs.push((await post(`@@${reviewer.username} hello`, participant)).runs[0].id)
  await post(`@${participant.username} look`, creator)
  await app.work()
  const answers: string[] = (
    await expectAnswer(app, 200, "GET", "/messages/pending-review", undefined, { as: reviewer.token })
  ).map(({ id }: { id: string }) => id)
  assert.equal(answers.length, 5)
  const wrong = { correction_text: "Say it otherwise." }
  await expectAnswer(app, 200, "POST", `/messages/${answers.pop()}/reject`, wrong, { as: reviewer.token })
  const found = await expectAnswer(app, 200, "GET", `/roles/${role}/correction-rules`, undefined, { as: admin.token })
  const world = { people, chat, role, run: runs[0] as string, rule: found.items[0].id, organization: admin.orgId }
  const { id: event } = await expectAnswer(app, 201, "POST", "/calendar", newEvent(world as never), made)
  const notices = await expectAnswer(app, 200, "GET", "/notifications", undefined, asked)
  return { ...world, answers, event, message: message.id, notice: notices.items[0].id }
}

forEachEngine((engine) => {
  let app: TestAssistants
  before(async () => {
    app = await openAssistants(engine, { environment: { ALLOW_SIGNUP: "true" } })
  })
  after(() => app[Symbol.asyncDispose]())

  it("lets callers do what the table says, in every call that there is", async () => {
    const world = await makeWorld(app)
    const { people } = world
    const inPath = (answer: string): Record<string, string> => ({
      chat_id: world.chat,
      role_id: world.role,
      event_id: world.event,
      rule_id: world.rule,
      run_id: world.run,
      organization_id: world.organization,
      message_id: world.message,
      answer_id: answer,
      user_id: people.participant.id,
      id: world.notice,
      type: "webhook",
    })
    const found: string[] = []
    let n = 0
    for (const [call, expected, body] of table) {
      const [method, path] = call.split(" ") as ["GET", string]
      const values = inPath(path.includes("{answer_id}") ? (world.answers.pop() as string) : "")
      // Only a channel of the app is there to be set.
      if (method !== ("DELETE" as string)) values["type"] = "in_app"
      const statuses: string[] = []
      for (const [at, caller] of callers.entries()) {
        if (expected.split(" ")[at] === "-") {
          statuses.push("-")
          continue
        }
        const who = caller === "staff" ? asStaff : caller === "anyone" ? {} : { as: people[caller].token }
        const url = path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] as string)
        const answer = await app.send(method, url, body?.(world, ++n), who)
        statuses.push(String(answer.status))
      }
      found.push(`${call}: ${statuses.join(" ")}`)
    }
    assert.deepEqual(
      found,
      table.map(([call, expected]) => `${call}: ${expected}`),
    )
  })

  it("has every call in the table", () => {
    const normal = (call: string) => call.replace(/\?.*/, "").replace("{answer_id}", "{message_id}")
    const inTable = new Set(table.map(([call]) => normal(call)))
    assert.deepEqual(
      [...new Set(routes(app.services).map(({ method, path }) => `${method} ${path}`))].sort(),
      [...inTable].sort(),
    )
  })
})
