import { transaction } from "rootstock"
import { UniqueError } from "rootstock/errors"
import type { Logger } from "rootstock/log"
import { absent, commonRules, type FieldProblem, fail, type Passwords, renewVersion } from "rootstock/shared"
import { currentMember } from "../member.ts"
import { rules } from "../rules.ts"
import type { Organization, User } from "../schema.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"
import type { SignInLimits } from "./sign-in-limits.ts"
import type { Tokens } from "./tokens.ts"

export type NewUser = {
  name: string
  username: string
  /** In lower case. */
  email: string
  /** Without one the user cannot sign in. */
  password?: string | undefined
  roleId?: string | null | undefined
  isAdmin?: boolean | undefined
  avatarUrl?: string | null | undefined
}

export type UserChanges = {
  [K in keyof NewUser]?: NewUser[K] | undefined
} & {
  isActive?: boolean | undefined
  /** The password so far, which one who changes the own password has to know. */
  currentPassword?: string | undefined
}

/** What of a list of users is asked for. */
export type UserQuery = {
  activeOnly?: boolean | undefined
  roleId?: string | undefined
  cursor?: string | undefined
  limit: number
}

export type UserParts = {
  readonly people: PeopleChecks
  readonly tokens: Tokens
  readonly passwords: Passwords
  readonly limits: SignInLimits
}

/** What only administrators change. */
const adminsOnly = ["roleId", "isAdmin", "isActive"] as const

/** People: all of the organisation see each other, and those of system organisations. */
export class UserService {
  readonly #stores: Context["stores"]
  readonly #log: Logger
  readonly #parts: UserParts

  constructor({ stores, log }: Pick<Context, "stores" | "log">, parts: UserParts) {
    this.#stores = stores
    this.#log = log.named("assistants.users")
    this.#parts = parts
  }

  /** By name. */
  async list({ activeOnly = false, roleId, cursor, limit }: UserQuery) {
    const where = { ...(activeOnly ? { isActive: true } : {}), ...(roleId === undefined ? {} : { roleId }) }
    return this.#stores.users.after(cursor, { where, orderBy: { name: "asc" }, limit })
  }

  /** @throws RuleError `NOT_FOUND` */
  async get(id: string): Promise<User> {
    return (await this.#stores.users.getById(id)) ?? fail(absent("user", id))
  }

  /**
   * Lets an administrator make a user, with the main chat and the channel inside of the app.
   *
   * @throws RuleError `FORBIDDEN`, `EMAIL_TAKEN`, `USERNAME_TAKEN`; `NOT_FOUND` for a role of others
   */
  async create({ password, ...input }: NewUser): Promise<User> {
    const { people } = this.#parts
    await people.requireAdmin()
    const passwordHash = await this.hashed(password)
    const { orgId } = currentMember()
    const user = await this.whileUnique(input, () =>
      transaction(
        async () => {
          const organization = (await this.#stores.organizations.lock(orgId)) ?? fail(absent("organization", orgId))
          await people.requireAdmin()
          return this.enter(organization, input, passwordHash)
        },
        { name: "users.create" },
      ),
    )
    this.#log.info(`Created user ${user.id}`, { user_id: user.id })
    return user
  }

  /** Makes a user, in a transaction that has locked the organisation, and in its scope. */
  async enter(
    { id: orgId, isSystem }: Organization,
    input: Omit<NewUser, "password">,
    passwordHash: string | null,
  ): Promise<User> {
    const { users, chats, channels, audit } = this.#stores
    await this.#refuseUsername(orgId, input.username)
    if (input.roleId != null) await this.#ownRole(orgId, input.roleId)
    const user = await users.create({ ...input, orgId, isSystem, passwordHash })
    await chats.create({ orgId, type: "main", createdBy: user.id, participants: [user.id] })
    await channels.create({ orgId, userId: user.id, channelType: "in_app", isVerified: true })
    await audit.record({ action: "users.create", entity: "users", entityId: user.id, after: user })
    return user
  }

  /** The hash to store for a password, or null for none. */
  async hashed(password: string | undefined): Promise<string | null> {
    return password === undefined ? null : this.#parts.passwords.hash(password)
  }

  /**
   * Changes a user: administrators anyone of the organisation, others themselves. A new password ends every sign-in of the
   * user, and so does deactivation.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `EMAIL_TAKEN`, `USERNAME_TAKEN`, `LAST_ADMIN`, `WRONG_PASSWORD`,
   *   `RATE_LIMITED`
   */
  async update(id: string, changes: UserChanges): Promise<User> {
    const { password, currentPassword, ...plain } = changes
    await this.#mayChange(await this.#ownUser(id), changes)
    const known = password === undefined ? undefined : await this.#provenHash(id, currentPassword)
    const passwordHash = password === undefined ? undefined : await this.hashed(password)
    const user = await this.whileUnique(plain, () =>
      this.#change(id, async (before) => {
        await this.#mayChange(before, changes)
        if (known !== undefined && known !== before.passwordHash) {
          throw rules.broken("WRONG_PASSWORD", "The password has changed meanwhile.")
        }
        if (plain.username !== undefined) await this.#refuseUsername(before.orgId, plain.username, id)
        if (plain.roleId != null) await this.#ownRole(before.orgId, plain.roleId)
        return passwordHash === undefined ? plain : { ...plain, passwordHash }
      }),
    )
    this.#log.info(`Changed user ${id}`, { user_id: id })
    return user
  }

  /**
   * Lets an administrator give a user a role of the organisation, or take it away.
   *
   * @throws RuleError `NOT_FOUND` for users and roles of others, `FORBIDDEN`
   */
  async assignRole(id: string, roleId: string | null): Promise<User> {
    const user = await this.#change(id, async ({ orgId }) => {
      await this.#parts.people.requireAdmin()
      if (roleId !== null) await this.#ownRole(orgId, roleId)
      return { roleId }
    })
    this.#log.info(`User ${id} has role ${roleId ?? "none"}`, { user_id: id, role_id: roleId })
    return user
  }

  /**
   * Lets an administrator deactivate a user: every sign-in of the user ends.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `LAST_ADMIN`
   */
  async deactivate(id: string): Promise<void> {
    await this.#change(id, async () => {
      await this.#parts.people.requireAdmin()
      return { isActive: false }
    })
    this.#log.info(`Deactivated user ${id}`, { user_id: id })
  }

  /**
   * Changes a user of the own organisation as `decide` says, given the user behind a lock. Changes of an organisation's
   * people wait for each other on its row, so that two of them cannot each leave the other one as its last administrator.
   */
  async #change(
    id: string,
    decide: (before: User) => Promise<Omit<UserChanges, "password"> & { passwordHash?: string | null }>,
  ) {
    const { users, organizations, audit } = this.#stores
    return transaction(
      async () => {
        await organizations.lock(currentMember().orgId)
        const before = (await users.lock(id)) ?? fail(absent("user", id))
        const changes = await decide(before)
        if (Object.values(changes).every((value) => value === undefined)) return before
        await this.#refuseLastAdmin(before, changes)
        const isLeaving = before.isActive && changes.isActive === false
        const hash = changes.passwordHash === undefined ? before.passwordHash : changes.passwordHash
        const passwordHash = isLeaving && hash !== null ? renewVersion(hash) : hash
        const after = await users.update(id, { ...changes, passwordHash })
        if (isLeaving || changes.passwordHash !== undefined) await this.#parts.tokens.revokeAll(id)
        await audit.record({ action: "users.update", entity: "users", entityId: id, before, after })
        return after
      },
      { name: "users.update" },
    )
  }

  async #refuseLastAdmin(before: User, { isAdmin, isActive }: UserChanges): Promise<void> {
    if (!before.isAdmin || !before.isActive || (isAdmin !== false && isActive !== false)) return
    const { id, orgId } = before
    if (await this.#stores.users.exists({ orgId, isAdmin: true, isActive: true }, { except: id })) return
    throw rules.broken("LAST_ADMIN", `User ${id} is the last active administrator of the organisation.`)
  }

  /** The user, who must be of the caller's own organisation: others can at most be read. */
  async #ownUser(id: string): Promise<User> {
    const user = await this.get(id)
    return user.orgId === currentMember().orgId ? user : fail(absent("user", id))
  }

  async #mayChange({ id }: User, changes: UserChanges): Promise<void> {
    const me = await this.#parts.people.me()
    if (me.isAdmin) return
    if (me.id !== id) throw commonRules.broken("FORBIDDEN", "Only administrators change other people.")
    const forbidden = adminsOnly.find((key) => changes[key] !== undefined)
    if (forbidden !== undefined) throw commonRules.broken("FORBIDDEN", `Only administrators change ${forbidden}.`)
  }

  /** The hash of the own password, once the caller has shown to know it; `undefined` for other people, who need not be asked. */
  async #provenHash(id: string, currentPassword: string | undefined): Promise<string | null | undefined> {
    const { people, limits, passwords } = this.#parts
    const me = await people.me()
    if (me.id !== id) return undefined
    if (currentPassword === undefined) {
      throw rules.broken("WRONG_PASSWORD", "Whoever changes the own password has to give the present one.", {
        errors: [{ path: "body/current_password", message: "is required" }],
      })
    }
    const attempt = await limits.attempt(me.email, undefined)
    if (!(await passwords.verify(currentPassword, me.passwordHash))) {
      throw rules.broken("WRONG_PASSWORD", "The present password is another one.", {
        errors: [{ path: "body/current_password", message: "is wrong" }],
      })
    }
    await attempt.succeeded()
    return me.passwordHash
  }

  async #ownRole(orgId: string, roleId: string): Promise<void> {
    const role = await this.#stores.roles.getById(roleId)
    if (role?.orgId !== orgId) throw absent("role", roleId)
  }

  /**
   * Refuses a username that differs from another one in case alone: a mention, which knows no case, would mean both. The
   * organisation is locked, so that nobody makes one meanwhile; equal ones are refused by the constraint.
   */
  async #refuseUsername(orgId: string, username: string, exceptId?: string): Promise<void> {
    const similar = await this.#stores.users.list({ where: { orgId, username: { contains: username } } })
    const lower = username.toLowerCase()
    if (similar.some((one) => one.id !== exceptId && one.username.toLowerCase() === lower)) {
      throw taken(["username"])
    }
  }

  /** Carries out `work`; where it breaks a unique constraint, says which of the fields are taken. */
  async whileUnique<T>(input: UserChanges, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof UniqueError)) throw error
      const { columns } = error
      const fields = (["email", "username"] as const).filter((one) => input[one] !== undefined && columns.includes(one))
      if (fields.length === 0) throw error
      throw taken(fields, error)
    }
  }
}

function taken(fields: readonly ("email" | "username")[], cause?: unknown) {
  const errors: FieldProblem[] = fields.map((field) => ({ path: `body/${field}`, message: "is taken" }))
  const [first] = fields
  return first === "email"
    ? rules.broken("EMAIL_TAKEN", "Another user has this e-mail.", { errors, cause })
    : rules.broken("USERNAME_TAKEN", "Another user of the organisation has this username.", { errors, cause })
}
