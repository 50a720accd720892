import { cacheResult, cacheRows } from "rootstock/cache"
import { readPromptFile } from "./ai/prompt-files.ts"
import { OrgStorage } from "./storages/organizations.ts"
import { RoleStorage } from "./storages/roles.ts"
import { UserStorage } from "./storages/users.ts"

/**
 * What the assistants cache.
 *
 * @param promptDirectory where prompt files are
 */
export function makeCaches(promptDirectory?: string) {
  return {
    organizations: cacheRows(OrgStorage, { key: "org:{id}", ttl: "1h", onWrite: "invalidate" }),
    users: cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", onWrite: "invalidate" }),
    roles: cacheRows(RoleStorage, { key: "role:{id}", ttl: "1h", onWrite: "invalidate" }),
    prompts: cacheResult("prompt:{file}", { ttl: "10m" }, (file: string) => readPromptFile(promptDirectory, file)),
  }
}

export type Caches = ReturnType<typeof makeCaches>
