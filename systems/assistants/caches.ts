import { cacheRows } from "rootstock/cache"
import { OrgStorage } from "./storages/organizations.ts"
import { RoleStorage } from "./storages/roles.ts"
import { UserStorage } from "./storages/users.ts"

/** What the assistants cache. */
export function makeCaches() {
  return {
    organizations: cacheRows(OrgStorage, { key: "org:{id}", ttl: "1h", onWrite: "invalidate" }),
    users: cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", onWrite: "invalidate" }),
    roles: cacheRows(RoleStorage, { key: "role:{id}", ttl: "1h", onWrite: "invalidate" }),
  }
}

export type Caches = ReturnType<typeof makeCaches>
