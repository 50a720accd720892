import { transaction } from "rootstock"
import { UniqueError } from "rootstock/errors"
import type { Logger } from "rootstock/log"
import { absent, commonRules, currentActor, fail } from "rootstock/shared"
import { isStaff } from "../member.ts"
import { rules } from "../rules.ts"
import type { Organization, User } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"
import type { NewUser, UserService } from "./users.ts"

export type OrganizationChanges = {
  name?: string | undefined
  slug?: string | undefined
  description?: string | null | undefined
  /** Name of the IANA database. */
  timeZone?: string | undefined
  settings?: Record<string, unknown> | undefined
  /** Null: no limit. */
  tokenBudgetMonth?: number | null | undefined
  isActive?: boolean | undefined
}

export type NewOrganization = Omit<OrganizationChanges, "isActive"> & {
  name: string
  slug: string
  /** Whether everyone sees its users and their roles. */
  isSystem?: boolean | undefined
}

/** What a changed zone moves. */
type Realigning = { realign(orgId: string): Promise<void> }

export type OrganizationParts = {
  readonly people: PeopleChecks
  readonly users: UserService
  readonly calendar: Realigning
}

/** Organisations. Staff sees and changes all of them; the administrators of one see and change that one. */
export class OrganizationService {
  readonly #stores: Context["stores"]
  readonly #log: Logger
  readonly #parts: OrganizationParts

  constructor({ stores, log }: Pick<Context, "stores" | "log">, parts: OrganizationParts) {
    this.#stores = stores
    this.#log = log.named("assistants.organizations")
    this.#parts = parts
  }

  /** By name. @throws RuleError `FORBIDDEN` */
  list({ cursor, limit }: { cursor?: string | undefined; limit: number }) {
    return this.#asAllowed(() => this.#stores.organizations.after(cursor, { orderBy: { name: "asc" }, limit }))
  }

  /** @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  get(id: string): Promise<Organization> {
    return this.#asAllowed(
      async () => (await this.#stores.organizations.getById(id)) ?? fail(absent("organization", id)),
    )
  }

  /**
   * Lets staff make an organisation, with its first administrator where one is given.
   *
   * @throws RuleError `FORBIDDEN`, `SLUG_TAKEN`, `EMAIL_TAKEN`
   */
  async create(input: NewOrganization, admin?: NewUser): Promise<Organization> {
    requireStaff()
    return (await this.#make(input, admin)).organization
  }

  /** Makes an organisation with its first administrator, whoever asks. @throws RuleError `SLUG_TAKEN`, `EMAIL_TAKEN` */
  async found(input: NewOrganization, admin: NewUser): Promise<{ organization: Organization; user: User }> {
    const { organization, user } = await this.#make(input, admin)
    return { organization, user: user as User }
  }

  async #make(
    input: NewOrganization,
    admin: NewUser | undefined,
  ): Promise<{ organization: Organization; user?: User }> {
    const { users } = this.#parts
    const { organizations, audit } = this.#stores
    const { password, ...profile } = admin ?? {}
    const passwordHash = await users.hashed(password)
    const enter = (organization: Organization) =>
      tenant.run(organization.id, () =>
        users.whileUnique(profile, () =>
          users.enter(organization, { ...(profile as NewUser), isAdmin: true }, passwordHash),
        ),
      )
    const made = await tenant.unbounded(() =>
      transaction(
        async () => {
          const organization = await whileSlugIsFree(input.slug, () => organizations.create(input))
          await audit.record({
            action: "organizations.create",
            entity: "organizations",
            entityId: organization.id,
            after: organization,
          })
          return admin === undefined ? { organization } : { organization, user: await enter(organization) }
        },
        { name: "organizations.create" },
      ),
    )
    this.#log.info(`Created organization ${made.organization.id}`, { organization_id: made.organization.id })
    return made
  }

  /**
   * Changes an organisation; whether it is active is for staff to say. Another zone moves what is on its calendar.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `SLUG_TAKEN`
   */
  async update(id: string, changes: OrganizationChanges): Promise<Organization> {
    const organization = await this.#asAllowed(() =>
      transaction(
        async () => {
          const { organizations, audit } = this.#stores
          const before = (await organizations.lock(id)) ?? fail(absent("organization", id))
          if (changes.isActive !== undefined) requireStaff()
          if (Object.values(changes).every((value) => value === undefined)) return before
          const after = await whileSlugIsFree(changes.slug, () => organizations.update(id, changes))
          if (after.timeZone !== before.timeZone) {
            await tenant.run(id, () => this.#parts.calendar.realign(id))
          }
          await audit.record({ action: "organizations.update", entity: "organizations", entityId: id, before, after })
          return after
        },
        { name: "organizations.update" },
      ),
    )
    this.#log.info(`Changed organization ${id}`, { organization_id: id })
    return organization
  }

  /** Lets staff deactivate an organisation: every sign-in and token of its people is refused. @throws RuleError `NOT_FOUND`, `FORBIDDEN` */
  async deactivate(id: string): Promise<void> {
    requireStaff()
    await this.update(id, { isActive: false })
  }

  /** Runs work for all organisations where staff calls, and for their own where administrators do. */
  async #asAllowed<T>(work: () => Promise<T>): Promise<T> {
    if (currentActor(isStaff) !== undefined) return tenant.unbounded(work)
    await this.#parts.people.requireAdmin()
    return work()
  }
}

function requireStaff(): void {
  if (currentActor(isStaff) === undefined) throw commonRules.broken("FORBIDDEN", "The call is for staff.")
}

async function whileSlugIsFree<T>(slug: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UniqueError && error.columns.includes("slug"))) throw error
    throw rules.broken("SLUG_TAKEN", `Another organization has the slug ${JSON.stringify(slug)}.`, {
      errors: [{ path: "body/slug", message: "is taken" }],
      cause: error,
    })
  }
}
