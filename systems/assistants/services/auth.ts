import { transaction } from "rootstock"
import type { Logger } from "rootstock/log"
import { actAs, commonRules, currentActor, fail, type Passwords, passwordVersion } from "rootstock/shared"
import { isVisitor, type Member } from "../member.ts"
import { rules } from "../rules.ts"
import type { Organization, User } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import type { Context } from "./context.ts"
import type { NewOrganization, OrganizationService } from "./organizations.ts"
import type { PeopleChecks } from "./people-checks.ts"
import type { SignInLimits } from "./sign-in-limits.ts"
import { accessLife, type TokenPair, type Tokens } from "./tokens.ts"
import type { NewUser } from "./users.ts"

/** A sign-in: tokens, for how many seconds the access token is good, and who signed in. */
export type SignedIn = TokenPair & { readonly tokenType: "Bearer"; readonly expiresIn: number; readonly user: User }

/** What the one who founds an organisation says. */
export type Registration = {
  readonly organization: Pick<NewOrganization, "name" | "slug">
  readonly user: NewUser & { readonly password: string }
}

export type AuthParts = {
  readonly people: PeopleChecks
  readonly tokens: Tokens
  readonly passwords: Passwords
  readonly limits: SignInLimits
  readonly organizations: OrganizationService
}

/** How stale the instant may be at which a person was last seen, in milliseconds. */
const seenEvery = 60_000

type Known = User & { readonly passwordHash: string }

const hasPassword = (user: User): user is Known => user.passwordHash !== null

/** Sign-in. It concerns all organisations: who signs in belongs to none before. */
export class AuthService {
  readonly #stores: Context["stores"]
  readonly #clock: Context["clock"]
  readonly #settings: Context["settings"]
  readonly #log: Logger
  readonly #parts: AuthParts

  constructor({ stores, clock, settings, log }: Context, parts: AuthParts) {
    this.#stores = stores
    this.#clock = clock
    this.#settings = settings
    this.#log = log.named("assistants.auth")
    this.#parts = parts
  }

  /**
   * Signs a person in.
   *
   * @param email in lower case
   * @throws RuleError `BAD_CREDENTIALS` for whatever reason, `RATE_LIMITED`
   */
  async login(email: string, password: string): Promise<SignedIn> {
    const { limits, passwords } = this.#parts
    const attempt = await limits.attempt(email, currentActor(isVisitor)?.address)
    const found = await tenant.unbounded(() => this.#stores.users.getByEmail(email))
    const isRight = await passwords.verify(password, found?.passwordHash)
    const signedIn =
      isRight && found !== undefined && hasPassword(found) ? await this.#begin(found, password) : undefined
    if (signedIn === undefined) {
      this.#log.warning("A sign-in failed", { user_id: found?.id })
      throw rules.broken("BAD_CREDENTIALS", "No active account has this e-mail and password.")
    }
    await attempt.succeeded()
    this.#log.info(`User ${signedIn.user.id} signed in`, { user_id: signedIn.user.id })
    return signedIn
  }

  /** Begins a sign-in of one whose password is right, unless that or the account has changed meanwhile. */
  async #begin(found: Known, password: string): Promise<SignedIn | undefined> {
    const raised = await this.#parts.passwords.raised(password, found.passwordHash)
    return tenant.unbounded(() =>
      transaction(
        async () => {
          const { users, audit } = this.#stores
          const user = await users.lock(found.id)
          if (user?.passwordHash !== found.passwordHash || !(await this.#mayEnter(user))) return undefined
          const passwordHash = raised ?? found.passwordHash
          const seen = await users.update(user.id, { lastSeenAt: this.#clock.now(), passwordHash })
          await actAs(memberOf(user), () => audit.record({ action: "auth.login", entity: "users", entityId: user.id }))
          return this.#signedIn(seen, await this.#parts.tokens.issue({ ...seen, passwordHash }))
        },
        { name: "auth.login" },
      ),
    )
  }

  /**
   * Gives new tokens for a refresh token, which is good once. Where it was used before, somebody else may have it: all that
   * descend from the same sign-in are void from then on.
   *
   * @throws RuleError `BAD_REFRESH_TOKEN`
   */
  async refresh(refreshToken: string): Promise<SignedIn> {
    // What a used token voids must be committed, so that the refusal is made behind the transaction.
    const signedIn = await tenant.unbounded(() =>
      transaction(() => this.#renew(refreshToken), { name: "auth.refresh" }),
    )
    return (
      signedIn ?? fail(rules.broken("BAD_REFRESH_TOKEN", "The refresh token is unknown, used, revoked or too old."))
    )
  }

  async #renew(refreshToken: string): Promise<SignedIn | undefined> {
    const { tokens } = this.#parts
    const found = await tokens.find(refreshToken)
    const user = found && (await this.#stores.users.lock(found.userId))
    // As it is behind the lock: another caller may have used it meanwhile.
    const row = user && (await tokens.find(refreshToken))
    if (user === undefined || row === undefined) return undefined
    if (row.revokedAt !== null || row.expiresAt <= this.#clock.now()) return undefined
    if (row.usedAt !== null) {
      await tokens.revokeFamily(row.family)
      await actAs(memberOf(user), () =>
        this.#stores.audit.record({ action: "auth.reused", entity: "users", entityId: user.id }),
      )
      this.#log.warning(`A used refresh token of user ${user.id} came again`, { user_id: user.id })
      return undefined
    }
    if (!hasPassword(user) || !(await this.#mayEnter(user))) return undefined
    await tokens.markUsed(row)
    return this.#signedIn(user, await tokens.issue(user, row.family))
  }

  /** Ends the sign-in that a refresh token descends from. One that is unknown ends nothing. */
  async logout(refreshToken: string): Promise<void> {
    await tenant.unbounded(() =>
      transaction(
        async () => {
          const { tokens } = this.#parts
          const row = await tokens.find(refreshToken)
          const user = row && (await this.#stores.users.lock(row.userId))
          if (row === undefined || user === undefined || !(await tokens.revokeFamily(row.family))) return
          await actAs(memberOf(user), () =>
            this.#stores.audit.record({ action: "auth.logout", entity: "users", entityId: user.id }),
          )
          this.#log.info(`User ${user.id} signed out`, { user_id: user.id })
        },
        { name: "auth.logout" },
      ),
    )
  }

  /**
   * Founds an organisation with its first administrator.
   *
   * @throws RuleError `SIGNUP_CLOSED`, `SLUG_TAKEN`, `EMAIL_TAKEN`
   */
  async register({ organization, user }: Registration): Promise<{ organization: Organization; user: User }> {
    if (!this.#settings.ALLOW_SIGNUP) throw rules.broken("SIGNUP_CLOSED", "Nobody can sign up here.")
    return this.#parts.organizations.found(organization, user)
  }

  /** Who is signed in. */
  me(): Promise<User> {
    return this.#parts.people.me()
  }

  /**
   * Who has an access token. It is good for an active user of an active organisation, and void from the moment when the
   * password changes or the user is deactivated.
   *
   * @throws RuleError `UNAUTHENTICATED`
   */
  async admit(accessToken: string): Promise<Member> {
    const claims = await this.#parts.tokens.read(accessToken)
    const user = claims && (await tenant.run(claims.orgId, () => this.#stores.users.get(claims.userId)))
    if (
      user === undefined ||
      user.orgId !== claims?.orgId ||
      !hasPassword(user) ||
      passwordVersion(user.passwordHash) !== claims.version ||
      !(await tenant.run(user.orgId, () => this.#mayEnter(user)))
    ) {
      throw unauthenticated("The access token is not valid, or not any more.")
    }
    await tenant.run(user.orgId, () => this.#touch(user))
    return memberOf(user)
  }

  async #mayEnter(user: User): Promise<boolean> {
    return user.isActive && (await this.#stores.organizations.get(user.orgId))?.isActive === true
  }

  /** Notes that the user is there, unless that was noted within the last minute. */
  async #touch({ id, lastSeenAt }: User): Promise<void> {
    const now = this.#clock.now()
    const stale = new Date(now.getTime() - seenEvery)
    if (lastSeenAt !== null && lastSeenAt > stale) return
    const where = { id, or: [{ lastSeenAt: null }, { lastSeenAt: { lte: stale } }] }
    await this.#stores.users.updateWhere(where, { lastSeenAt: now })
  }

  #signedIn(user: User, pair: TokenPair): SignedIn {
    return { ...pair, tokenType: "Bearer", expiresIn: accessLife, user }
  }
}

/** The error for credentials that are missing or wrong, with the challenge that RFC 6750 asks for. */
export function unauthenticated(message: string) {
  return commonRules.broken("UNAUTHENTICATED", message, { headers: { "www-authenticate": "Bearer" } })
}

function memberOf({ id, orgId }: User): Member {
  return Object.freeze({ kind: "user", id, orgId })
}
