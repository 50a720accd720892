import { commonRules, fail } from "rootstock/shared"
import { currentMember } from "../member.ts"
import type { User } from "../schema.ts"
import type { Context } from "./context.ts"

/**
 * Who is signed in, as the database has it. Rights are looked up at each write: what an access token says of them may be 15
 * minutes old. Inside of a transaction the row is read in it, else it may come from the cache.
 */
export class PeopleChecks {
  readonly #users: Context["stores"]["users"]

  constructor({ stores }: Pick<Context, "stores">) {
    this.#users = stores.users
  }

  /** The person who is signed in. @throws RuleError `FORBIDDEN` for other callers, `UNAUTHENTICATED` where not active any more */
  async me(): Promise<User> {
    const user = await this.#users.get(currentMember().id)
    if (user?.isActive === true) return user
    throw commonRules.broken("UNAUTHENTICATED", "The signed-in user is not active.")
  }

  /** The person who is signed in, an administrator of the organisation. @throws RuleError `FORBIDDEN`, `UNAUTHENTICATED` */
  async requireAdmin(): Promise<User> {
    const user = await this.me()
    return user.isAdmin ? user : fail(commonRules.broken("FORBIDDEN", "The call is for administrators."))
  }
}
