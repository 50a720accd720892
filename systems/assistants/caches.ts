import { cacheResult, cacheRows, tagsOf } from "rootstock/cache"
import { readPromptFile } from "./ai/prompt-files.ts"
import { notificationChannels } from "./schema.ts"
import type { Stores } from "./storages/index.ts"
import { OrgStorage } from "./storages/organizations.ts"
import { RoleStorage } from "./storages/roles.ts"
import { UserStorage } from "./storages/users.ts"
import { tenant } from "./tenancy.ts"

const channelRows = tagsOf(notificationChannels)

/**
 * What the assistants cache.
 *
 * @param promptDirectory where prompt files are
 */
export function makeCaches(stores: Stores, promptDirectory?: string) {
  return {
    organizations: cacheRows(OrgStorage, { key: "org:{id}", ttl: "1h", onWrite: "invalidate" }),
    users: cacheRows(UserStorage, { key: "user:{id}", ttl: "1h", onWrite: "invalidate" }),
    roles: cacheRows(RoleStorage, { key: "role:{id}", ttl: "1h", onWrite: "invalidate" }),
    prompts: cacheResult("prompt:{file}", { ttl: "10m" }, (file: string) => readPromptFile(promptDirectory, file)),
    /** All channels of a person, the highest priority first. The person's id is the whole key: who asks has checked it. */
    channels: cacheResult(
      "channels:{user_id}",
      { ttl: "10m", tags: (userId) => [channelRows.where({ userId })] },
      (userId: string) => tenant.unbounded(() => stores.channels.listByUser(userId)),
    ),
  }
}

export type Caches = ReturnType<typeof makeCaches>
