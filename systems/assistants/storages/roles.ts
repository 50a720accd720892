import { organizations, type Role, roles } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { activeOf } from "./conditions.ts"
import { Entities } from "./entities.ts"

const scope = tenant.column("orgId", { readable: tenant.otherwise("orgId", organizations, { isSystem: true }) })

/** AI roles; those of a system organisation can be read from all others. */
export class RoleStorage extends Entities(roles, scope) {
  getByCode(code: string, orgId: string): Promise<Role | undefined> {
    return this.find({ orgId, code })
  }

  /** By name. */
  listByOrg(orgId: string, activeOnly = false): Promise<Role[]> {
    return this.list({ where: { orgId, ...activeOf(activeOnly) }, orderBy: { name: "asc" } })
  }

  existsByCode(code: string, orgId: string, excludeId?: string): Promise<boolean> {
    return this.exists({ orgId, code }, { except: excludeId })
  }

  /** Deactivates it; whether it was active. */
  override async delete(id: string): Promise<boolean> {
    return (await this.updateWhere({ id, isActive: true }, { isActive: false })) > 0
  }
}
