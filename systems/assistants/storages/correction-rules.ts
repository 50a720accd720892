import { sql } from "kysely"
import { type CorrectionRule, correctionRules } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { Entities } from "./entities.ts"

/** What reviewers taught the roles. */
export class CorrectionRuleStorage extends Entities(correctionRules, tenant.column("orgId")) {
  /** The newest active rules of a role, the newest first. */
  async newest(roleId: string, limit = 20): Promise<CorrectionRule[]> {
    // A condition with bound values would not be known to be that of the partial index.
    const rules = this.sql
      .selectFrom("correctionRules")
      .selectAll()
      .where("roleId", "=", roleId)
      .where(sql<boolean>`is_active`)
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit)
    return (tenant.isUnbounded ? rules : rules.where("orgId", "=", tenant.current)).execute()
  }
}
