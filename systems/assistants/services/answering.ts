import type { Chat, Role, RunTrigger, User } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import type { Context } from "./context.ts"

/** A role that is to answer a message. */
export type Answerer = {
  readonly role: Role
  readonly trigger: Extract<RunTrigger, "mention" | "auto">
  /** Who was addressed. */
  readonly targetUserId: string
  /** On whose behalf the role speaks, and who reviews what it says. */
  readonly behalfOfId: string
}

/** Who answers a message. */
export type Answering = {
  readonly answerers: readonly Answerer[]
  /** Users who were called and have no role that could answer. */
  readonly withoutRole: readonly User[]
  /** How many were called beyond the most that one message may call. */
  readonly left: number
}

/** Most roles that one message calls. */
export const mostAnswerers = 3

type Addressed = Omit<Answerer, "role"> & { readonly user: User; readonly roleId: string | null }

/** Whether a user is one of a system organisation, who talks to people of all others. */
export function isSystemUser({ isSystem, orgId }: User): boolean {
  return isSystem || orgId !== tenant.current
}

/** Decides which AI roles answer what people write. */
export class AnswererChoice {
  readonly #stores: Context["stores"]

  constructor({ stores }: Pick<Context, "stores">) {
    this.#stores = stores
  }

  /**
   * @param sender the person who wrote
   * @param called whose roles the message calls, each once
   */
  async of(chat: Chat, sender: User, called: readonly User[]): Promise<Answering> {
    const addressed =
      called.length > 0 ? called.map((user) => byCall(user, sender)) : await this.#byItself(chat, sender)
    const roleIds = addressed.flatMap(({ roleId }) => roleId ?? [])
    const roles = new Map((await this.#stores.roles.getMany([...new Set(roleIds)])).map((role) => [role.id, role]))
    const answerers: Answerer[] = []
    const withoutRole: User[] = []
    for (const { user, roleId, ...rest } of addressed) {
      const role = roleId === null ? undefined : roles.get(roleId)
      if (role?.isActive === true) answerers.push({ ...rest, role })
      else if (rest.trigger === "mention") withoutRole.push(user)
    }
    const left = Math.max(answerers.length - mostAnswerers, 0)
    return { answerers: answerers.slice(0, mostAnswerers), withoutRole, left }
  }

  /** Who answers where nobody is called: a system user of the chat, else the own role of a main chat's owner. */
  async #byItself(chat: Chat, sender: User): Promise<Addressed[]> {
    const others = await this.#stores.users.getMany(chat.participants.filter((id) => id !== sender.id))
    const system = others.find((user) => user.isActive && isSystemUser(user))
    if (system !== undefined) return [{ ...byCall(system, sender), trigger: "auto" }]
    if (chat.type !== "main" || chat.createdBy === null) return []
    const owner = chat.createdBy === sender.id ? sender : await this.#stores.users.get(chat.createdBy)
    if (owner?.isActive !== true) return []
    return [{ user: owner, roleId: owner.roleId, trigger: "auto", targetUserId: owner.id, behalfOfId: owner.id }]
  }
}

/** A system user speaks for the person who asks, with a role of its own or else with that person's. */
function byCall(user: User, sender: User): Addressed {
  const own = { user, trigger: "mention", targetUserId: user.id } as const
  return isSystemUser(user)
    ? { ...own, roleId: user.roleId ?? sender.roleId, behalfOfId: sender.id }
    : { ...own, roleId: user.roleId, behalfOfId: user.id }
}
