import type { User } from "../schema.ts"
import type { Mention } from "../shapes.ts"
import { tenant } from "../tenancy.ts"
import type { Context } from "./context.ts"
import { findMentions, foldName } from "./mention-names.ts"

/** Who is mentioned in a message. */
export type Mentioned = {
  /** Every mention of somebody who is there, in the order of the content. */
  readonly mentions: readonly Mention[]
  /** Whose AI roles are called, each once, in the order of the content. */
  readonly called: readonly User[]
  /** Who is mentioned by `@name`, each once. */
  readonly named: readonly User[]
}

/** Most different names of a message that are looked up; further ones stay text. */
const mostNames = 50

/** Finds the people whom messages mention. */
export class Mentions {
  readonly #stores: Pick<Context["stores"], "organizations" | "users">

  constructor({ stores }: Pick<Context, "stores">) {
    this.#stores = stores
  }

  /**
   * Looks up the names in a message, without case: in the present organisation, then among system users. Names of nobody,
   * and of people who are not active, stay text.
   */
  async of(content: string): Promise<Mentioned> {
    const found = findMentions(content)
    const names = [...new Set(found.map(({ name }) => foldName(name)))].slice(0, mostNames)
    const own = await this.#lookUp(names, [tenant.current])
    const unknown = names.filter((name) => !own.has(name))
    const others = await this.#lookUp(unknown, unknown.length === 0 ? [] : await this.#systemIds())
    const mentions: Mention[] = []
    const called = new Map<string, User>()
    const named = new Map<string, User>()
    for (const { type, name, position } of found) {
      const candidates = own.get(foldName(name)) ?? others.get(foldName(name)) ?? []
      // Usernames can differ in case alone.
      const user = candidates.find(({ username }) => username === name) ?? candidates[0]
      if (user === undefined) continue
      mentions.push({ type, user_id: user.id, username: user.username, position })
      const known = type === "ai_role" ? called : named
      if (!known.has(user.id)) known.set(user.id, user)
    }
    return { mentions, called: [...called.values()], named: [...named.values()] }
  }

  async #systemIds(): Promise<string[]> {
    return (await this.#stores.organizations.listSystem()).map(({ id }) => id)
  }

  async #lookUp(names: readonly string[], orgIds: readonly string[]): Promise<Map<string, User[]>> {
    const found = new Map<string, User[]>()
    if (names.length === 0 || orgIds.length === 0) return found
    const rows = await this.#stores.users.list({
      where: { orgId: [...orgIds], isActive: true, or: names.map((name) => ({ username: { contains: name } })) },
      orderBy: { id: "asc" },
    })
    for (const user of rows) {
      const name = foldName(user.username)
      if (!names.includes(name)) continue
      const same = found.get(name)
      if (same === undefined) found.set(name, [user])
      else same.push(user)
    }
    return found
  }
}
