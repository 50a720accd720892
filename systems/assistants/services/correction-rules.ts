import { transaction } from "rootstock"
import { absent, commonRules, fail } from "rootstock/shared"
import type { KeysetPage } from "rootstock/storage"
import type { CorrectionRule, User } from "../schema.ts"
import type { Context } from "./context.ts"
import { checkContent } from "./messages.ts"
import type { PeopleChecks } from "./people-checks.ts"

export type CorrectionRuleChanges = { isActive?: boolean | undefined; correctionText?: string | undefined }

/** What reviewers taught the roles: for administrators, and for those who review what the role says. */
export class CorrectionRuleService {
  readonly #stores: Context["stores"]
  readonly #people: PeopleChecks

  constructor({ stores }: Pick<Context, "stores">, people: PeopleChecks) {
    this.#stores = stores
    this.#people = people
  }

  /** The rules of a role, the newest first. @throws RuleError `NOT_FOUND`, `FORBIDDEN`; CursorError */
  async list(
    roleId: string,
    page: { cursor?: string | undefined; limit: number },
  ): Promise<KeysetPage<CorrectionRule>> {
    if ((await this.#stores.roles.get(roleId)) === undefined) throw absent("role", roleId)
    await this.#requireReviewer(roleId)
    return this.#stores.correctionRules.pageOfRole(roleId, { cursor: page.cursor, limit: page.limit })
  }

  /** @throws RuleError `NOT_FOUND`, `FORBIDDEN`, `VALIDATION_FAILED` */
  async update(id: string, changes: CorrectionRuleChanges): Promise<CorrectionRule> {
    if (changes.correctionText !== undefined) checkContent(changes.correctionText, "body/correction_text")
    return transaction(async () => {
      const { correctionRules, audit } = this.#stores
      const before = (await correctionRules.lock(id)) ?? fail(absent("correction rule", id))
      await this.#requireReviewer(before.roleId)
      const after = await correctionRules.update(id, changes)
      const entry = { action: "correction_rules.update", entity: "correction_rules", entityId: id, before, after }
      await audit.record(entry)
      return after
    })
  }

  /** An administrator, a user who has the role, or somebody who rejected an answer of it. */
  async #requireReviewer(roleId: string): Promise<User> {
    const me = await this.#people.me()
    const reviews =
      me.isAdmin ||
      me.roleId === roleId ||
      (await this.#stores.correctionRules.exists({ roleId, createdByUserId: me.id }))
    if (reviews) return me
    throw commonRules.broken("FORBIDDEN", "Correction rules are for administrators and reviewers of the role.")
  }
}
