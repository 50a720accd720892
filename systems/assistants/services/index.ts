import { AssistantsBot } from "../bot/bot.ts"
import { Hub } from "../live/hub.ts"
import { ChatStreams } from "../live/stream.ts"
import { ChannelSecrets } from "../notifications/channel-secrets.ts"
import { Delivery } from "../notifications/delivery.ts"
import { EmailSender } from "../notifications/email.ts"
import { Notifier } from "../notifications/notifier.ts"
import { TelegramSender } from "../notifications/telegram.ts"
import { WebhookSender } from "../notifications/webhook.ts"
import { AiService } from "./ai.ts"
import { Announcements } from "./announcements.ts"
import { AnswererChoice } from "./answering.ts"
import { AnswerService } from "./answers.ts"
import { AuthService } from "./auth.ts"
import { CalendarService } from "./calendar.ts"
import { ChannelService } from "./channels.ts"
import { ChatAccess } from "./chat-access.ts"
import { ChatService } from "./chats.ts"
import type { Context } from "./context.ts"
import { CorrectionRuleService } from "./correction-rules.ts"
import { Mentions } from "./mentions.ts"
import { MessageService } from "./messages.ts"
import { NotificationService } from "./notifications.ts"
import { OrganizationService } from "./organizations.ts"
import { PeopleChecks } from "./people-checks.ts"
import { Posting } from "./posting.ts"
import { Retention } from "./retention.ts"
import { ReviewService } from "./reviews.ts"
import { RoleService } from "./roles.ts"
import { RunService } from "./runs.ts"
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
  const calendar = new CalendarService(context, people)
  const organizations = new OrganizationService(context, { people, users, calendar })
  const hub = new Hub(context)
  const notifier = new Notifier(context)
  const secrets = new ChannelSecrets(context)
  const senders = {
    telegram: new TelegramSender(context),
    email: new EmailSender(context),
    webhook: new WebhookSender(context),
  }
  const access = new ChatAccess(context, people)
  const posting = new Posting({ ...context, hub })
  const answering = new AnswererChoice(context)
  const messages = new MessageService(context, {
    access,
    posting,
    mentions: new Mentions(context),
    answering,
    notifier,
  })
  const ai = new AiService(context, { events: calendar })
  const answers = new AnswerService({ ...context, hub }, ai, posting)
  const channels = new ChannelService(context, { ...senders, people, secrets })
  const chats = new ChatService(context, people, access)
  const reviews = new ReviewService(context, { people, posting, messages })
  const { telegram } = senders
  return {
    ai,
    bot: new AssistantsBot(context, { channels, chats, messages, reviews, notifier, telegram }),
    answers,
    runs: new RunService(context, people, ai, answers),
    people,
    notifier,
    delivery: new Delivery(context, { senders, secrets }),
    channels,
    notifications: new NotificationService(context, people),
    retention: new Retention(context),
    calendar,
    announcements: new Announcements(context, { ai, notifier }),
    posting,
    access,
    hub,
    streams: new ChatStreams(context, access, hub),
    chats,
    messages,
    reviews,
    correctionRules: new CorrectionRuleService(context, people),
    users,
    organizations,
    roles: new RoleService(context, people),
    auth: new AuthService(context, { people, tokens, passwords, limits, organizations }),
  }
}

export type { Context } from "./context.ts"
