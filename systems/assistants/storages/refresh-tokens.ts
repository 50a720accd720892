import { Storage } from "rootstock"
import { refreshTokens, tables, users } from "../schema.ts"
import { tenant } from "../tenancy.ts"

/** Tokens that renew a sign-in. */
export class RefreshTokenStorage extends Storage(refreshTokens, tables, {
  scope: tenant.through("userId", users, "orgId"),
}) {}
