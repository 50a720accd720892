import { type Organization, organizations } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { activeOf } from "./conditions.ts"
import { Entities } from "./entities.ts"

/** Organisations; each sees itself alone. */
export class OrgStorage extends Entities(organizations, tenant.column("id")) {
  getBySlug(slug: string): Promise<Organization | undefined> {
    return this.find({ slug })
  }

  /** By name. */
  listAll(activeOnly = false): Promise<Organization[]> {
    return this.list({ where: activeOf(activeOnly), orderBy: { name: "asc" } })
  }

  /** Those whose users and roles everyone sees; read for all organisations. */
  listSystem(): Promise<Organization[]> {
    return tenant.unbounded(() => this.list({ where: { isSystem: true }, orderBy: { id: "asc" } }))
  }

  existsBySlug(slug: string, excludeId?: string): Promise<boolean> {
    return this.exists({ slug }, { except: excludeId })
  }

  /** Deactivates it; whether it was active. */
  override async delete(id: string): Promise<boolean> {
    return (await this.updateWhere({ id, isActive: true }, { isActive: false })) > 0
  }
}
