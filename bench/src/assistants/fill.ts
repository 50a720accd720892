import { openStores } from "../../../systems/assistants/index.ts"
import type { AssistantsDatabase, Stores } from "../../../systems/assistants/storages/index.ts"
import { tenant } from "../../../systems/assistants/tenancy.ts"

/** What is asked for, in a filled database. */
export type Filled = {
  readonly stores: Stores
  readonly orgId: string
  /** Takes part in 100 of the chats. */
  readonly userId: string
  /** A chat with a hundredth of all messages, at least 100. */
  readonly chatId: string
  /** How many messages, and events, that chat has. */
  readonly inChat: number
  readonly now: Date
}

export const chatCount = 10_000
const userCount = 500
const eventCount = 10_000
const dueCount = 20
const chunk = 5_000
const base = Date.parse("2026-01-01T00:00:00.000Z")

/** Fills an empty database: one organization with 10,000 chats and as many events of the calendar, and messages as many as asked for. */
export async function fill(database: AssistantsDatabase, messageCount: number): Promise<Filled> {
  const stores = openStores(database)
  return tenant.unbounded(async () => {
    const organization = await stores.organizations.create({ name: "Growth", slug: "growth" })
    const orgId = organization.id
    const people = await stores.users.createMany(
      Array.from({ length: userCount }, (_, number) => ({
        orgId,
        name: `Person ${number}`,
        username: `person${number}`,
        email: `person${number}@example.com`,
      })),
    )
    const [me, ...others] = people.map(({ id }) => id) as [string, ...string[]]
    const role = await stores.roles.create({ orgId, name: "Role", code: "role", systemPrompt: "You help." })
    const inHot = Math.max(100, Math.ceil(messageCount / 100))
    const perChat = (messageCount - inHot) / (chatCount - 1)
    const now = new Date(base + messageCount * 1_000)

    const chatIds: string[] = []
    for (let from = 0; from < chatCount; from += chunk) {
      const rows = await stores.chats.createMany(
        Array.from({ length: chunk }, (_, offset) => {
          const number = from + offset
          const participants = [0, 1, 2, 3].map((place) => others[(number * 7 + place * 113) % others.length] as string)
          if (number % (chatCount / 100) === 0) participants.push(me)
          return {
            orgId,
            type: "group" as const,
            name: `Group ${number}`,
            participants: [...new Set(participants)],
            createdBy: participants[0] as string,
            lastMessageAt: new Date(now.getTime() - number * 1_000),
            lastSeq: number === 0 ? inHot : Math.ceil(perChat),
          }
        }),
      )
      chatIds.push(...rows.map(({ id }) => id))
    }
    const [chatId] = chatIds as [string]

    const step = Math.floor(messageCount / inHot)
    const seqs = new Map<string, number>()
    let hot = 0
    let cold = 0
    for (let from = 0; from < messageCount; from += chunk) {
      const rows = Array.from({ length: Math.min(chunk, messageCount - from) }, (_, offset) => {
        const number = from + offset
        const isHot = number % step === 0 && hot < inHot
        if (isHot) hot += 1
        else cold += 1
        return {
          chatId: isHot ? chatId : (chatIds[1 + ((cold * 7_919) % (chatCount - 1))] as string),
          senderType: "user" as const,
          senderId: me,
          content: `Message ${number} of the growth, as long as people write them when they answer each other.`,
          createdAt: new Date(base + number * 1_000),
        }
      })
      const made = await stores.messages.createMany(rows)
      const events = made.map(({ id, chatId: of, createdAt }) => {
        const seq = (seqs.get(of) ?? 0) + 1
        seqs.set(of, seq)
        return { chatId: of, seq, kind: "created" as const, messageId: id, createdAt }
      })
      await stores.chatEvents.createMany(events, { returning: false })
    }

    for (let from = 0; from < eventCount; from += chunk) {
      await stores.calendar.createMany(
        Array.from({ length: chunk }, (_, offset) => {
          const number = from + offset
          const at = new Date(now.getTime() + (number < dueCount ? -1 : 1) * (number + 1) * 60_000)
          const isActive = number < dueCount || number % 2 === 0
          return { roleId: role.id, orgId, title: `Event ${number}`, isActive, nextTriggerAt: isActive ? at : null }
        }),
        { returning: false },
      )
    }
    if (!database.version.startsWith("SQLite")) await database.execute`VACUUM ANALYZE`
    else await database.execute`ANALYZE`
    return { stores, orgId, userId: me, chatId, inChat: hot, now }
  })
}
