import { transaction } from "rootstock"
import { ConflictError } from "rootstock/errors"
import { nextFire, parseCron } from "rootstock/schedule"
import type { Chat, Message, Organization, Role, User } from "../schema.ts"
import { CalendarService } from "../services/calendar.ts"
import type { Context } from "../services/context.ts"
import { PeopleChecks } from "../services/people-checks.ts"
import { directKeyOf } from "../storages/chats.ts"
import type { Stores } from "../storages/index.ts"
import { tenant } from "../tenancy.ts"
import {
  chatsOfSample,
  eventsOfSample,
  organizationsOfSample,
  type SampleMessage,
  type SampleOrganization,
  samplePasswordHash,
} from "./data.ts"

/** How many rows were loaded, by table. */
export type SampleCounts = Record<
  "organizations" | "roles" | "users" | "chats" | "messages" | "calendar_events",
  number
>

/** Minutes between messages of a chat. */
const pause = 7

type Given = Pick<Context, "stores" | "jobs" | "clock" | "log">

type People = {
  readonly users: ReadonlyMap<string, User>
  readonly roles: ReadonlyMap<string, Role>
  readonly home: Organization
}

/**
 * Loads the sample data: the same rows every time, but for their dates, which lie before the day of loading, and the ids.
 *
 * @throws ConflictError where the database has rows
 */
export async function loadSample(given: Given): Promise<SampleCounts> {
  const { stores, clock } = given
  return tenant.unbounded(() =>
    transaction(
      async () => {
        if (await stores.organizations.exists({})) {
          throw new ConflictError("The database of the assistants has organisations already.", {
            cure: "Load the sample data into an empty database.",
          })
        }
        const people = await loadPeople(stores)
        await loadChats(stores, people, clock.now())
        await loadEvents(given, people)
        return {
          organizations: organizationsOfSample.length,
          roles: people.roles.size,
          users: people.users.size,
          chats: await stores.chats.count(),
          messages: chatsOfSample.reduce((sum, { messages }) => sum + messages.length, 0),
          calendar_events: eventsOfSample.length,
        }
      },
      { name: "loadSample" },
    ),
  )
}

async function loadPeople(stores: Stores): Promise<People> {
  const users = new Map<string, User>()
  const roles = new Map<string, Role>()
  let home: Organization | undefined
  for (const sample of organizationsOfSample) {
    const organization = await stores.organizations.create({
      name: sample.name,
      slug: sample.slug,
      description: sample.description,
      timeZone: sample.timeZone,
      isSystem: sample.system,
    })
    home ??= organization
    for (const role of await loadRoles(stores, sample, organization.id)) roles.set(role.code, role)
    for (const user of await loadUsers(stores, sample, organization.id, roles)) {
      users.set(user.username, user)
    }
  }
  const everyone = [...users.values()]
  await stores.channels.createMany(
    everyone.map(({ id, orgId }) => ({ userId: id, orgId, channelType: "in_app" as const, isVerified: true })),
    { returning: false },
  )
  await stores.chats.createMany(
    everyone
      .filter(
        ({ username }) => !chatsOfSample.some((chat) => chat.type === "main" && chat.participants[0] === username),
      )
      .map(({ id, orgId }) => ({ orgId, type: "main" as const, participants: [id], createdBy: id })),
    { returning: false },
  )
  return { users, roles, home: home as Organization }
}

function loadRoles(stores: Stores, sample: SampleOrganization, orgId: string): Promise<Role[]> {
  return stores.roles.createMany(sample.roles.map((role) => ({ ...role, orgId })))
}

function loadUsers(
  stores: Stores,
  { users, slug, system }: SampleOrganization,
  orgId: string,
  roles: ReadonlyMap<string, Role>,
): Promise<User[]> {
  return stores.users.createMany(
    users.map(({ username, name, admin, role }) => ({
      orgId,
      name,
      username,
      email: `${username}@${slug}.example`,
      // An AI user that everyone may talk to does not sign in.
      passwordHash: system && admin === undefined ? null : samplePasswordHash,
      isAdmin: admin ?? false,
      isSystem: system,
      roleId: role === undefined ? null : (roles.get(role) as Role).id,
    })),
  )
}

/** The chats that have messages, with these. */
async function loadChats(stores: Stores, people: People, present: Date): Promise<void> {
  for (const [index, sample] of chatsOfSample.entries()) {
    const participants = sample.participants.map((username) => userOf(people, username))
    const ids = participants.map(({ id }) => id)
    // Each chat ends an hour before the next one.
    const end = present.getTime() - (chatsOfSample.length - index) * 3_600_000
    const times = sample.messages.map((_, at) => new Date(end - (sample.messages.length - at) * pause * 60_000))
    const [first, second] = ids
    const chat = await stores.chats.create({
      orgId: people.home.id,
      type: sample.type,
      name: sample.name ?? null,
      participants: ids,
      createdBy: first as string,
      directKey: sample.type === "direct" ? directKeyOf(first as string, second as string) : null,
      lastMessageAt: times.at(-1) ?? null,
      createdAt: times[0] ?? present,
    })
    await loadMessages(stores, people, chat, sample.messages, times)
  }
}

async function loadMessages(
  stores: Stores,
  people: People,
  chat: Chat,
  samples: readonly SampleMessage[],
  times: readonly Date[],
): Promise<void> {
  let before: Message | undefined
  let seq = 0
  const note = (kind: "created" | "reviewed", messageId: string, createdAt: Date) =>
    stores.chatEvents.create({ chatId: chat.id, seq: ++seq, kind, messageId, createdAt })
  for (const [at, sample] of samples.entries()) {
    const createdAt = times[at] as Date
    const message = await loadMessage(stores, people, chat, sample, before, createdAt)
    await note("created", message.id, createdAt)
    if (sample.review !== undefined) await note("reviewed", message.id, createdAt)
    if (sample.correction !== undefined) {
      await stores.correctionRules.create({
        orgId: chat.orgId,
        roleId: roleOf(people, sample).id,
        aiMessageId: message.id,
        userQuestion: before?.content ?? "",
        aiAnswer: sample.content,
        correctionText: sample.correction,
        createdByUserId: message.senderId,
        createdAt,
      })
    }
    before = message
  }
  await stores.chats.update({ id: chat.id, lastSeq: seq })
}

async function loadMessage(
  stores: Stores,
  people: People,
  chat: Chat,
  sample: SampleMessage,
  question: Message | undefined,
  createdAt: Date,
): Promise<Message> {
  const sender = userOf(people, sample.from)
  const { content } = sample
  const common = { chatId: chat.id, senderId: sender.id, content, createdAt, updatedAt: createdAt }
  if (sample.role === undefined) return stores.messages.create({ ...common, mentions: mentionsOf(people, content) })
  const role = roleOf(people, sample)
  const review = sample.review ?? "pending"
  const run = await stores.runs.create({
    orgId: chat.orgId,
    roleId: role.id,
    chatId: chat.id,
    trigger: question?.mentions?.some(({ type }) => type === "ai_role") === true ? "mention" : "auto",
    triggerMessageId: question?.id ?? null,
    targetUserId: targetOf(people, chat, sender, role).id,
    behalfOfId: sender.id,
    state: "done",
    provider: "sample",
    model: role.modelName,
    agentType: role.agentType,
    promptTokens: 60,
    completionTokens: Math.ceil(content.length / 4),
    latencyMs: 900,
    finishReason: "stop",
    startedAt: createdAt,
    finishedAt: createdAt,
    createdAt,
  })
  return stores.messages.create({
    ...common,
    senderType: "ai_role",
    replyToId: question?.id ?? null,
    runId: run.id,
    aiReview: review,
    aiValidated: review === "approved",
  })
}

/** Who was addressed: the AI user of the chat, or else who has the role. */
function targetOf({ users }: People, chat: Chat, sender: User, role: Role): User {
  const all = [...users.values()].filter(({ roleId }) => roleId === role.id)
  return all.find(({ id }) => chat.participants.includes(id)) ?? all[0] ?? sender
}

function mentionsOf({ users }: People, content: string): Message["mentions"] {
  const mentions = [...content.matchAll(/(@@?)(\w+)/g)].flatMap(({ 1: sign, 2: username, index: position }) => {
    const user = users.get(username as string)
    const type = sign === "@@" ? ("ai_role" as const) : ("user" as const)
    return user === undefined ? [] : [{ type, user_id: user.id, username: user.username, position }]
  })
  return mentions.length === 0 ? null : mentions
}

/** The events, made as roles make them, so that each has its schedule. */
async function loadEvents(given: Given, people: People): Promise<void> {
  const calendar = new CalendarService(given, new PeopleChecks(given))
  const { id, timeZone } = people.home
  await tenant.run(id, async () => {
    for (const { title, description, role, creator, notified, cron, once } of eventsOfSample) {
      await calendar.createForRole({
        title,
        description,
        roleId: roleOf(people, { role }).id,
        createdByUserId: userOf(people, creator).id,
        metadata: { notify_user_ids: notified.map((username) => userOf(people, username).id) },
        ...(once === true
          ? { scheduledAt: nextFire(parseCron(cron), timeZone, given.clock.now()) }
          : { cronExpression: cron }),
      })
    }
  })
}

function userOf({ users }: People, username: string): User {
  return users.get(username) as User
}

function roleOf({ roles }: People, { role }: Pick<SampleMessage, "role">): Role {
  return roles.get(role as string) as Role
}
