import { cacheTables } from "rootstock/cache"
import { jobTables } from "rootstock/jobs"
import { scheduleTables } from "rootstock/schedule"
import {
  type AnyTableColumn,
  boolean,
  check,
  choice,
  index,
  integer,
  json,
  list,
  type Row,
  table,
  text,
  timestamp,
  unique,
  uuid,
} from "rootstock/schema"
import { createdAt, sharedTables, updatedAt } from "rootstock/shared"
import { stateTables } from "rootstock/state"
import type { AgentConfig, AttemptError, ChannelConfig, EventMetadata, Mention, PromptMessage } from "./shapes.ts"

export const agentTypes = ["simple", "chain", "multi_agent"] as const
export const chatTypes = ["main", "direct", "group"] as const
export const senderTypes = ["user", "ai_role", "system"] as const
export const reviewStates = ["none", "pending", "approved", "rejected"] as const
export const eventTypes = ["one_time", "recurring"] as const
export const channelTypes = ["telegram", "email", "webhook", "in_app"] as const
export const logStates = ["pending", "sent", "failed", "skipped"] as const
export const noticeTypes = ["mention", "review", "calendar", "system"] as const
export const runTriggers = ["mention", "auto", "calendar", "role", "test"] as const
export const runStates = ["queued", "running", "done", "failed", "cancelled"] as const
export const toolStates = ["ok", "error", "denied"] as const
export const chatEventKinds = ["created", "edited", "deleted", "reviewed"] as const

/** Tenants. Of a system organisation everyone sees the users and their roles. */
export const organizations = table(
  "organizations",
  {
    id: uuid().primaryKey(),
    name: text({ max: 255 }),
    slug: text({ max: 100 }).unique(),
    description: text().nullable(),
    isActive: boolean().default(true),
    timeZone: text({ max: 64 })
      .default("Europe/Moscow")
      .describe("In which its days, months and cron expressions are."),
    settings: json<Record<string, unknown>>().default({}),
    tokenBudgetMonth: integer()
      .nullable()
      .check("token_budget_month >= 0")
      .describe("Tokens that its runs may use in a month; null: no limit."),
    isSystem: boolean().default(false),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index(t.isActive).where("is_active").named("idx_organizations_active"),
    index(t.isSystem).named("idx_organizations_system"),
  ],
)

/** AI roles: what a model is told, and how it answers. */
export const roles = table(
  "roles",
  {
    id: uuid().primaryKey(),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    name: text({ max: 255 }),
    code: text({ max: 50 }),
    description: text().nullable(),
    systemPrompt: text(),
    ragCollection: text({ max: 255 }).nullable(),
    modelName: text({ max: 100 }).default("qwen2.5:7b"),
    agentType: choice(...agentTypes).default("simple"),
    agentConfig: json<AgentConfig>().default({}),
    tools: json<string[]>().default([]).describe("Names of the tools that the role may use."),
    promptFile: text({ max: 255 }).nullable().describe("Name inside the prompt directory."),
    isActive: boolean().default(true),
    version: integer().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [unique(t.orgId, t.code), index(t.orgId).named("idx_roles_org")],
  { version: "version" },
)

/** People; those of a system organisation are AI users that everyone may talk to. */
export const users = table(
  "users",
  {
    id: uuid().primaryKey(),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    name: text({ max: 255 }),
    username: text({ max: 50 }),
    email: text({ max: 255 }).unique().describe("In lower case."),
    passwordHash: text({ max: 255 }).nullable(),
    roleId: uuid()
      .nullable()
      .references(() => roles.id),
    isAdmin: boolean().default(false),
    isActive: boolean().default(true),
    avatarUrl: text().nullable(),
    lastSeenAt: timestamp().nullable().describe("To the minute."),
    isSystem: boolean().default(false),
    telegramId: integer().nullable().unique(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [unique(t.orgId, t.username), index(t.orgId).named("idx_users_org"), index(t.roleId).named("idx_users_role")],
)

export const chats = table(
  "chats",
  {
    id: uuid().primaryKey(),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    type: choice(...chatTypes).default("main"),
    name: text({ max: 255 }).nullable(),
    participants: list(text()).default([]).describe("Ids of users."),
    createdBy: uuid()
      .nullable()
      .references(() => users.id, { as: "creator" }),
    isActive: boolean().default(true),
    lastMessageAt: timestamp().nullable(),
    directKey: text({ max: 80 }).nullable().describe("Of a direct chat: both users' ids in order."),
    lastSeq: integer().default(0).describe("Number of its newest event."),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique(t.orgId, t.directKey),
    unique(t.createdBy).where("type = 'main'"),
    index(t.orgId).named("idx_chats_org"),
    index(t.participants).contains().named("idx_chats_participants"),
    index(t.lastMessageAt.desc().nullsLast()).named("idx_chats_last_message"),
  ],
)

export const messages = table(
  "messages",
  {
    id: uuid().primaryKey(),
    chatId: uuid().references(() => chats.id),
    senderType: choice(...senderTypes).default("user"),
    senderId: uuid().describe("The person who wrote it, or on whose behalf an AI role or the system speaks."),
    content: text(),
    mentions: json<Mention[]>().nullable(),
    replyToId: uuid().nullable().references("id", { as: "replyTo", many: "replies" }),
    aiValidated: boolean().default(false),
    aiEdited: boolean().default(false),
    isDeleted: boolean().default(false),
    aiReview: choice(...reviewStates).default("none"),
    runId: uuid()
      .nullable()
      .references((): AnyTableColumn => aiRuns.id, { onDelete: "set null", many: "answers" }),
    editedAt: timestamp().nullable(),
    editedBy: uuid()
      .nullable()
      .references(() => users.id, { as: "editor", many: "editedMessages" }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index(t.chatId).named("idx_messages_chat"),
    index(t.chatId, t.createdAt.desc()).named("idx_messages_created"),
    index(t.senderId, t.aiValidated)
      .where("sender_type = 'ai_role' AND NOT ai_validated")
      .named("idx_messages_ai_pending"),
    check("validated", "ai_validated = (ai_review = 'approved')"),
  ],
)

export const calendarEvents = table(
  "calendar_events",
  {
    id: uuid().primaryKey(),
    roleId: uuid().references(() => roles.id),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    title: text({ max: 500 }),
    description: text().nullable(),
    eventType: choice(...eventTypes).default("one_time"),
    scheduledAt: timestamp().nullable(),
    cronExpression: text({ max: 100 }).nullable(),
    nextTriggerAt: timestamp().nullable().describe("When it fires next; null where it is not active."),
    lastTriggeredAt: timestamp().nullable(),
    triggerCount: integer().default(0),
    sourceChatId: uuid().nullable(),
    sourceMessageId: uuid().nullable(),
    metadata: json<EventMetadata>().default({}),
    createdByUserId: uuid().nullable(),
    isActive: boolean().default(true),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index(t.roleId).named("idx_calendar_events_role"),
    index(t.orgId).named("idx_calendar_events_org"),
    index(t.nextTriggerAt).where("is_active AND next_trigger_at IS NOT NULL").named("idx_calendar_events_due"),
    check("next", "is_active OR next_trigger_at IS NULL"),
  ],
)

export const notificationChannels = table(
  "notification_channels",
  {
    id: uuid().primaryKey(),
    userId: uuid().references(() => users.id),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    channelType: choice(...channelTypes),
    config: json<ChannelConfig>().default({}).describe("Where it leads; secrets in it are encrypted."),
    isEnabled: boolean().default(true),
    isVerified: boolean().default(false),
    priority: integer().default(0).describe("The highest is tried first."),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [unique(t.userId, t.channelType), index(t.userId).named("idx_notification_channels_user")],
)

export const notificationLog = table(
  "notification_log",
  {
    id: uuid().primaryKey(),
    userId: uuid(),
    channelType: choice(...channelTypes),
    eventId: uuid().nullable(),
    roleId: uuid().nullable(),
    content: text().nullable(),
    status: choice(...logStates).default("pending"),
    attempts: integer().default(0),
    errorMessage: text().nullable().describe("The last one."),
    attemptErrors: json<AttemptError[]>().default([]),
    dedupeKey: text({ max: 160 }).nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index(t.userId, t.createdAt.desc()).named("idx_notification_log_user"),
    index(t.eventId).named("idx_notification_log_event"),
    index(t.createdAt),
    unique(t.userId, t.channelType, t.dedupeKey).where("dedupe_key IS NOT NULL"),
  ],
)

export const inAppNotifications = table(
  "in_app_notifications",
  {
    id: uuid().primaryKey(),
    userId: uuid().references(() => users.id, { onDelete: "cascade" }),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    type: choice(...noticeTypes),
    title: text({ max: 255 }),
    content: text().nullable(),
    referenceType: text({ max: 30 }).nullable(),
    referenceId: uuid().nullable(),
    isRead: boolean().default(false),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.userId, t.isRead, t.createdAt.desc())],
)

/** Answers of AI roles in the making, and how they were made. */
export const aiRuns = table(
  "ai_runs",
  {
    id: uuid().primaryKey(),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    roleId: uuid().references(() => roles.id),
    chatId: uuid()
      .nullable()
      .references(() => chats.id),
    trigger: choice(...runTriggers),
    triggerMessageId: uuid()
      .nullable()
      .references(() => messages.id, { onDelete: "set null", as: "triggerMessage", many: "runs" }),
    targetUserId: uuid()
      .nullable()
      .references(() => users.id, { as: "targetUser", many: "addressedRuns" })
      .describe("Who was addressed."),
    behalfOfId: uuid()
      .nullable()
      .references(() => users.id, { as: "behalfOf", many: "behalfRuns" })
      .describe("The sender of the answer, who reviews it."),
    parentRunId: uuid().nullable().references("id", { onDelete: "set null", as: "parentRun", many: "childRuns" }),
    state: choice(...runStates).default("queued"),
    provider: text({ max: 32 }).nullable(),
    model: text({ max: 100 }),
    agentType: choice(...agentTypes),
    promptTokens: integer().default(0),
    completionTokens: integer().default(0),
    latencyMs: integer().nullable(),
    finishReason: text({ max: 32 }).nullable(),
    error: text().nullable(),
    prompt: json<PromptMessage[]>().nullable().describe("What the model was told first; null until it was."),
    startedAt: timestamp().nullable(),
    finishedAt: timestamp().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique(t.triggerMessageId, t.targetUserId).where("trigger IN ('mention', 'auto')"),
    index(t.orgId, t.createdAt.desc()).named("ai_runs_org"),
    index(t.state, t.startedAt).where("state IN ('queued', 'running')").named("ai_runs_open"),
  ],
)

export const aiToolCalls = table(
  "ai_tool_calls",
  {
    id: uuid().primaryKey(),
    runId: uuid().references(() => aiRuns.id, { onDelete: "cascade", many: "toolCalls" }),
    seq: integer(),
    tool: text({ max: 50 }),
    args: json(),
    result: json().nullable(),
    state: choice(...toolStates),
    latencyMs: integer().nullable(),
    createdAt: createdAt(),
  },
  (t) => [unique(t.runId, t.seq)],
)

/** What reviewers taught a role by rejecting its answers. */
export const correctionRules = table(
  "correction_rules",
  {
    id: uuid().primaryKey(),
    orgId: uuid().references(() => organizations.id, { as: "organization" }),
    roleId: uuid().references(() => roles.id),
    aiMessageId: uuid().references(() => messages.id, { as: "aiMessage" }),
    userQuestion: text(),
    aiAnswer: text(),
    correctionText: text(),
    createdByUserId: uuid().references(() => users.id, { as: "creator" }),
    isActive: boolean().default(true),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.roleId, t.createdAt.desc()).where("is_active")],
)

/** What happened in a chat, by number, for those who watch it. Rows never change, and are kept for 7 days. */
export const chatEvents = table(
  "chat_events",
  {
    chatId: uuid()
      .references(() => chats.id, { onDelete: "cascade" })
      .primaryKey(),
    seq: integer().primaryKey(),
    kind: choice(...chatEventKinds),
    messageId: uuid(),
    createdAt: createdAt(),
  },
  (t) => [index(t.createdAt)],
)

/** Tokens that give new access tokens, each once; only their hashes are stored. */
export const refreshTokens = table(
  "refresh_tokens",
  {
    tokenHash: text({ max: 64 }).primaryKey(),
    userId: uuid().references(() => users.id, { onDelete: "cascade" }),
    family: uuid().describe("All that descend from one sign-in."),
    expiresAt: timestamp(),
    usedAt: timestamp().nullable(),
    revokedAt: timestamp().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.family), index(t.expiresAt)],
)

/** The tables of the assistants' database. */
export const tables = {
  organizations,
  roles,
  users,
  chats,
  messages,
  calendarEvents,
  notificationChannels,
  notificationLog,
  inAppNotifications,
  aiRuns,
  aiToolCalls,
  correctionRules,
  chatEvents,
  refreshTokens,
  ...sharedTables,
  ...cacheTables,
  ...jobTables,
  ...scheduleTables,
  ...stateTables,
}

export type Organization = Row<typeof organizations>
export type Role = Row<typeof roles>
export type User = Row<typeof users>
export type Chat = Row<typeof chats>
export type Message = Row<typeof messages>
export type CalendarEvent = Row<typeof calendarEvents>
export type NotificationChannel = Row<typeof notificationChannels>
export type NotificationLogEntry = Row<typeof notificationLog>
export type InAppNotification = Row<typeof inAppNotifications>
export type AiRun = Row<typeof aiRuns>
export type AiToolCall = Row<typeof aiToolCalls>
export type CorrectionRule = Row<typeof correctionRules>
export type ChatEvent = Row<typeof chatEvents>
export type RefreshToken = Row<typeof refreshTokens>
export type ChannelType = (typeof channelTypes)[number]
export type ChatType = (typeof chatTypes)[number]
export type RunState = (typeof runStates)[number]
export type RunTrigger = (typeof runTriggers)[number]
export type AgentType = (typeof agentTypes)[number]
