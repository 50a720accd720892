import { transaction } from "rootstock"
import { UniqueError } from "rootstock/errors"
import { invalidRequest } from "rootstock/fields"
import type { Logger } from "rootstock/log"
import { absent, fail, otherVersion } from "rootstock/shared"
import { agentProblems } from "../agent-config.ts"
import { currentMember } from "../member.ts"
import { rules } from "../rules.ts"
import type { AgentType, Role } from "../schema.ts"
import type { AgentConfig } from "../shapes.ts"
import type { Context } from "./context.ts"
import type { PeopleChecks } from "./people-checks.ts"

export type NewRole = {
  name: string
  /** What it is called by, in the organisation. */
  code: string
  systemPrompt: string
  description?: string | null | undefined
  ragCollection?: string | null | undefined
  modelName?: string | undefined
  agentType?: AgentType | undefined
  agentConfig?: AgentConfig | undefined
  tools?: string[] | undefined
  promptFile?: string | null | undefined
  isActive?: boolean | undefined
}
export type RoleChanges = { [K in keyof NewRole]?: NewRole[K] | undefined }

/** AI roles. Administrators make and change them; all of the organisation read them. */
export class RoleService {
  readonly #stores: Context["stores"]
  readonly #people: PeopleChecks
  readonly #log: Logger

  constructor({ stores, log }: Pick<Context, "stores" | "log">, people: PeopleChecks) {
    this.#stores = stores
    this.#people = people
    this.#log = log.named("assistants.roles")
  }

  /** By name. */
  list({
    activeOnly = false,
    cursor,
    limit,
  }: {
    activeOnly?: boolean | undefined
    cursor?: string | undefined
    limit: number
  }) {
    const where = activeOnly ? { isActive: true } : {}
    return this.#stores.roles.after(cursor, { where, orderBy: { name: "asc" }, limit })
  }

  /** @throws RuleError `NOT_FOUND` */
  async get(id: string): Promise<Role> {
    return (await this.#stores.roles.getById(id)) ?? fail(absent("role", id))
  }

  /** @throws RuleError `FORBIDDEN`, `CODE_TAKEN`, `VALIDATION_FAILED` */
  async create(input: NewRole): Promise<Role> {
    const role = await whileCodeIsFree(input.code, () =>
      transaction(
        async () => {
          await this.#people.requireAdmin()
          refuseUnfit(input.agentType ?? "simple", input.agentConfig ?? {})
          const row = await this.#stores.roles.create({ ...input, orgId: currentMember().orgId })
          await this.#stores.audit.record({ action: "roles.create", entity: "roles", entityId: row.id, after: row })
          return row
        },
        { name: "roles.create" },
      ),
    )
    this.#log.info(`Created role ${role.id}`, { role_id: role.id })
    return role
  }

  /** @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `CODE_TAKEN`, `VERSION_MISMATCH`, `VALIDATION_FAILED` */
  async update(id: string, changes: RoleChanges, ifVersion?: number): Promise<Role> {
    const role = await whileCodeIsFree(changes.code, () =>
      transaction(
        async () => {
          const { roles, audit } = this.#stores
          const before = (await roles.lock(id)) ?? fail(absent("role", id))
          await this.#people.requireAdmin()
          if (ifVersion !== undefined && ifVersion !== before.version) {
            throw otherVersion("role", id, ifVersion, before.version)
          }
          if (Object.values(changes).every((value) => value === undefined)) return before
          if (changes.agentConfig !== undefined || changes.agentType !== undefined) {
            refuseUnfit(changes.agentType ?? before.agentType, changes.agentConfig ?? before.agentConfig)
          }
          const after = await roles.update(id, changes)
          await audit.record({ action: "roles.update", entity: "roles", entityId: id, before, after })
          return after
        },
        { name: "roles.update" },
      ),
    )
    this.#log.info(`Changed role ${id}`, { role_id: id })
    return role
  }

  /** @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `VERSION_MISMATCH` */
  deactivate(id: string, ifVersion?: number): Promise<Role> {
    return this.update(id, { isActive: false }, ifVersion)
  }
}

function refuseUnfit(agentType: AgentType, config: AgentConfig): void {
  const problems = agentProblems(agentType, config)
  if (problems.length > 0) throw invalidRequest(problems)
}

async function whileCodeIsFree(code: string | undefined, work: () => Promise<Role>): Promise<Role> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UniqueError && error.columns.includes("code"))) throw error
    throw rules.broken("CODE_TAKEN", `Another role of the organization has the code ${JSON.stringify(code)}.`, {
      errors: [{ path: "body/code", message: "is taken" }],
      cause: error,
    })
  }
}
