import type { Route } from "rootstock/http"
import type { Services } from "../services/index.ts"
import { authRoutes } from "./auth.ts"
import { calendarRoutes } from "./calendar.ts"
import { chatRoutes } from "./chats.ts"
import { correctionRuleRoutes } from "./correction-rules.ts"
import { messageRoutes } from "./messages.ts"
import { notificationRoutes } from "./notifications.ts"
import { organizationRoutes } from "./organizations.ts"
import { roleRoutes } from "./roles.ts"
import { runRoutes } from "./runs.ts"
import { streamRoutes } from "./streams.ts"
import { telegramRoutes } from "./telegram.ts"
import { userRoutes } from "./users.ts"

/** Every call of the assistants, once. */
export function routes(services: Services): Route[] {
  return [
    authRoutes,
    organizationRoutes,
    userRoutes,
    roleRoutes,
    chatRoutes,
    messageRoutes,
    streamRoutes,
    correctionRuleRoutes,
    calendarRoutes,
    runRoutes,
    notificationRoutes,
    telegramRoutes,
  ].flatMap((make) => make(services))
}
