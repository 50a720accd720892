import { sql } from "kysely"
import { type CorrectionRule, correctionRules, type Message } from "../schema.ts"
import { tenant } from "../tenancy.ts"
import { ofTenant } from "./conditions.ts"
import { Entities } from "./entities.ts"

/** What reviewers taught the roles. */
export class CorrectionRuleStorage extends Entities(correctionRules, tenant.column("orgId")) {
  /** The newest active rules of a role, the newest first. */
  async newest(roleId: string, limit = 20): Promise<CorrectionRule[]> {
    // A condition with bound values would not be known to be that of the partial index.
    return this.sql
      .selectFrom("correctionRules")
      .selectAll()
      .where("roleId", "=", roleId)
      .where(sql<boolean>`is_active`)
      .where(ofTenant())
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit)
      .execute()
  }

  /** All rules of a role, the newest first. @throws CursorError */
  pageOfRole(roleId: string, { cursor, limit }: { cursor: string | undefined; limit: number }) {
    return this.after(cursor, { where: { roleId }, orderBy: [{ createdAt: "desc" }, { id: "desc" }], limit })
  }

  /** Takes the text of a message, which is deleted, out of the rules: no model is told of it any more. */
  async forget({ id, senderType }: Pick<Message, "id" | "senderType">): Promise<void> {
    if (senderType === "ai_role") await this.updateWhere({ aiMessageId: id }, { aiAnswer: "" })
    const answers = this.sql.selectFrom("messages").select("id").where("replyToId", "=", id)
    const ids = (await answers.where("senderType", "=", "ai_role").execute()).map((answer) => answer.id)
    if (ids.length > 0) await this.updateWhere({ aiMessageId: ids }, { userQuestion: "" })
  }
}
