import { objectOf, refined, words } from "rootstock/fields"
import type { AiRun, Role } from "../../schema.ts"
import type { Stores } from "../../storages/index.ts"
import { asTool, type Tool, type ToolContext, ToolError } from "./tool.ts"

/** Most calls from role to role, one inside of the other. */
export const deepestCall = 2

/** Has a role answer another one. Its run is done when `keep` was called, in a transaction. */
export type RoleCaller = {
  answerRole(
    role: Role,
    question: string,
    context: ToolContext,
  ): Promise<{ run: AiRun; content: string; keep(): Promise<void> }>
}

const args = objectOf("RoleCall", {
  role: refined(words(50), { description: "Code of the role." }),
  question: refined(words(8_000), { description: "What it is asked." }),
})

/** Asks another role of the organisation, or of a system organisation. */
export function roleCall({ roles }: Pick<Stores, "roles">, caller: RoleCaller): Tool {
  return asTool({
    name: "role_call",
    description: "Asks another AI role a question and gives its answer.",
    args,
    readsOnly: false,
    async begin({ role: code, question }, context) {
      if (context.ancestors.length >= deepestCall) {
        throw new ToolError(`Roles call each other at most ${deepestCall} deep.`)
      }
      const named = await roles.list({ where: { code, isActive: true }, orderBy: { id: "asc" }, limit: 100 })
      const role = named.find(({ orgId }) => orgId === context.organization.id) ?? named[0]
      if (role === undefined) throw new ToolError(`There is no active role ${JSON.stringify(code)}.`)
      const { run, content, keep } = await caller.answerRole(role, question, context)
      return async () => {
        await keep()
        return { run_id: run.id, answer: content }
      }
    },
  })
}
