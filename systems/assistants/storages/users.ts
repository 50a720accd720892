import { organizations, type User, users } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { activeOf } from "./conditions.ts"
import { Entities } from "./entities.ts"

const scope = tenant.column("orgId", { readable: tenant.otherwise("orgId", organizations, { isSystem: true }) })

/** People; those of a system organisation can be read from all others. */
export class UserStorage extends Entities(users, scope) {
  /** @param email in lower case */
  getByEmail(email: string): Promise<User | undefined> {
    return this.find({ email })
  }

  getByUsername(username: string, orgId: string): Promise<User | undefined> {
    return this.find({ orgId, username })
  }

  /** By name. */
  listByOrg(orgId: string, activeOnly = false): Promise<User[]> {
    return this.list({ where: { orgId, ...activeOf(activeOnly) }, orderBy: { name: "asc" } })
  }

  /** Who has the role, by name. */
  listByRole(roleId: string): Promise<User[]> {
    return this.list({ where: { roleId }, orderBy: { name: "asc" } })
  }

  /** Notes that the user was there just now. */
  async updateLastSeen(id: string): Promise<void> {
    await this.updateWhere({ id }, { lastSeenAt: this.now() })
  }

  /** Gives the user a role, or takes it away; whether there is such a user. */
  async assignRole(id: string, roleId?: string | null): Promise<boolean> {
    return (await this.updateWhere({ id }, { roleId: roleId ?? null })) > 0
  }

  existsByEmail(email: string, excludeId?: string): Promise<boolean> {
    return this.exists({ email }, { except: excludeId })
  }

  existsByUsername(username: string, orgId: string, excludeId?: string): Promise<boolean> {
    return this.exists({ orgId, username }, { except: excludeId })
  }

  /** Deactivates the user; whether the user was active. */
  override async delete(id: string): Promise<boolean> {
    return (await this.updateWhere({ id, isActive: true }, { isActive: false })) > 0
  }
}
