import { outsideTransaction, transaction } from "rootstock"
import { ForeignKeyError, UniqueError } from "rootstock/errors"
import type { Logger } from "rootstock/log"
import { absent, type FieldProblem, fail } from "rootstock/shared"
import { rules } from "../rules.ts"
import type { User } from "../schema.ts"
import type { Stores } from "../storages/index.ts"
import type { Context, PageRequest } from "./context.ts"

export type NewUser = { username: string; email: string; description?: string | null | undefined }
export type UserChanges = { [K in keyof NewUser]?: NewUser[K] | undefined }

/** Users: people who order. */
export class UserService {
  readonly #stores: Stores
  readonly #log: Logger

  constructor({ stores, log }: Context) {
    this.#stores = stores
    this.#log = log.named("shop.users")
  }

  page(request: PageRequest): Promise<{ rows: User[]; total: number }> {
    return this.#stores.users.page(request)
  }

  /** @throws RuleError `NOT_FOUND` */
  async get(id: number): Promise<User> {
    return (await this.#stores.users.get(id)) ?? fail(absent("user", id))
  }

  /** @throws RuleError `EMAIL_EXISTS`, `USERNAME_EXISTS`; where both are taken, its `errors` name both */
  async create(input: NewUser): Promise<User> {
    this.#log.info("Creating a user")
    const user = await this.#whileUnique(input, undefined, async () => {
      const row = await this.#stores.users.create(input)
      await this.#stores.audit.record({ action: "users.create", entity: "users", entityId: row.id, after: row })
      return row
    })
    this.#log.info(`Created user ${user.id}`, { user_id: user.id })
    return user
  }

  /** @throws RuleError `NOT_FOUND`, `EMAIL_EXISTS`, `USERNAME_EXISTS` */
  async update(id: number, changes: UserChanges): Promise<User> {
    this.#log.info(`Changing user ${id}`, { user_id: id })
    const user = await this.#whileUnique(changes, id, async () => {
      const before = (await this.#stores.users.lock(id)) ?? fail(absent("user", id))
      if (Object.values(changes).every((value) => value === undefined)) return before
      const after = await this.#stores.users.update(id, changes)
      await this.#stores.audit.record({ action: "users.update", entity: "users", entityId: id, before, after })
      return after
    })
    this.#log.info(`Changed user ${id}`, { user_id: id })
    return user
  }

  /** @throws RuleError `NOT_FOUND`, `USER_HAS_ORDERS` */
  async delete(id: number): Promise<void> {
    this.#log.info(`Deleting user ${id}`, { user_id: id })
    try {
      await transaction(async () => {
        const before = (await this.#stores.users.lock(id)) ?? fail(absent("user", id))
        await this.#stores.users.delete(id)
        await this.#stores.audit.record({ action: "users.delete", entity: "users", entityId: id, before })
      })
    } catch (error) {
      if (!(error instanceof ForeignKeyError)) throw error
      throw rules.broken("USER_HAS_ORDERS", `User ${id} has orders.`, { cause: error })
    }
    this.#log.info(`Deleted user ${id}`, { user_id: id })
  }

  /** Carries out `work`; where it breaks a unique constraint, finds out which of the fields are taken. */
  async #whileUnique(input: UserChanges, exceptId: number | undefined, work: () => Promise<User>): Promise<User> {
    try {
      return await transaction(work)
    } catch (error) {
      if (!(error instanceof UniqueError)) throw error
      throw await outsideTransaction(() => this.#taken(input, exceptId, error))
    }
  }

  async #taken({ email, username }: UserChanges, exceptId: number | undefined, cause: UniqueError) {
    const { users } = this.#stores
    const emailTaken =
      email !== undefined && (cause.columns.includes("email") || (await users.emailExists(email, exceptId)))
    const usernameTaken =
      username !== undefined && (cause.columns.includes("username") || (await users.usernameExists(username, exceptId)))
    const errors: FieldProblem[] = []
    if (emailTaken) errors.push({ path: "body/email", message: "is taken" })
    if (usernameTaken) errors.push({ path: "body/username", message: "is taken" })
    const what = [...(emailTaken ? ["e-mail"] : []), ...(usernameTaken ? ["username"] : [])].join(" and this ")
    const why = `Another user has this ${what}.`
    return rules.broken(emailTaken ? "EMAIL_EXISTS" : "USERNAME_EXISTS", why, { errors, cause })
  }
}
