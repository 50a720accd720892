import { AuthService } from "./auth.ts"
import type { Context } from "./context.ts"
import { OrganizationService } from "./organizations.ts"
import { PeopleChecks } from "./people-checks.ts"
import { RoleService } from "./roles.ts"
import { SignInLimits } from "./sign-in-limits.ts"
import { Tokens } from "./tokens.ts"
import { UserService } from "./users.ts"

/** The services of the assistants. */
export type Services = ReturnType<typeof makeServices>

export function makeServices(context: Context) {
  const { passwords } = context
  const people = new PeopleChecks(context)
  const tokens = new Tokens(context)
  const limits = new SignInLimits(context)
  const users = new UserService(context, { people, tokens, passwords, limits })
  const calendar = {
    realign: () => {
      throw new Error("The calendar is not there.")
    },
  }
  const organizations = new OrganizationService(context, { people, users, calendar })
  return {
    people,
    users,
    organizations,
    roles: new RoleService(context, people),
    auth: new AuthService(context, { people, tokens, passwords, limits, organizations }),
  }
}

export type { Context } from "./context.ts"
