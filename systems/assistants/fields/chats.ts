import {
  cursorPage,
  fieldsOf,
  flag,
  listOf,
  objectOf,
  oneOf,
  optional,
  orNull,
  refined,
  uuidText,
  wholeNumber,
  withDefault,
  words,
} from "rootstock/fields"
import { chats, correctionRules, messages } from "../schema.ts"
import { mostCharacters } from "../services/messages.ts"

const { directKey: _directKey, ...chatRow } = fieldsOf(chats)
export const chat = objectOf("Chat", { ...chatRow, participants: listOf(uuidText) })
export const chatPage = cursorPage("ChatPage", chat)
export const newDirectChat = objectOf("NewDirectChat", { userId: uuidText })
export const newGroup = objectOf("NewGroup", { name: words(255), participants: listOf(uuidText, { maxItems: 200 }) })
export const chatChanges = objectOf("ChatChanges", { name: optional(orNull(words(255))), isActive: optional(flag) })
export const participantChange = objectOf("ParticipantChange", { changed: flag })

const messageRow = fieldsOf(messages)
const mention = objectOf("Mention", {
  type: oneOf("user", "ai_role"),
  user_id: uuidText,
  username: words(50),
  position: refined(wholeNumber(0), { description: "Where it begins in the content, in UTF-16 units." }),
})
const repliedTo = objectOf("RepliedTo", {
  id: messageRow.id,
  senderType: messageRow.senderType,
  senderId: messageRow.senderId,
  isDeleted: messageRow.isDeleted,
  content: refined(orNull(messageRow.content), { description: "Null where the message is deleted." }),
})
export const message = objectOf("Message", {
  ...messageRow,
  mentions: orNull(listOf(mention)),
  replyTo: orNull(repliedTo),
})
/** A message as those see it who watch its chat. */
export const liveMessage = objectOf("LiveMessage", {
  ...messageRow,
  content: refined(orNull(messageRow.content), { description: "Null where the message is deleted." }),
  mentions: orNull(listOf(mention)),
  replyTo: orNull(repliedTo),
})
export const messageList = listOf(message)
const content = words(mostCharacters)
export const newMessage = objectOf("NewMessage", { content, replyToId: optional(uuidText) })
export const messageText = objectOf("MessageText", { content })
export const postedMessage = objectOf("PostedMessage", {
  message,
  runs: listOf(objectOf("RequestedRun", { id: uuidText, roleId: uuidText })),
})
export const messageQuery = {
  limit: withDefault(wholeNumber(1, 100), 50),
  offset: withDefault(wholeNumber(0), 0),
  afterId: optional(refined(uuidText, { description: "Only the messages behind this one that are nearest to it." })),
  beforeId: optional(refined(uuidText, { description: "Only the messages before this one that are nearest to it." })),
  includeDeleted: withDefault(flag, false),
}

export const approval = objectOf("Approval", {
  content: optional(refined(content, { description: "The text that is approved, where it is another one." })),
})
export const rejection = objectOf("Rejection", { correctionText: content })

export const correctionRule = objectOf("CorrectionRule", fieldsOf(correctionRules))
export const correctionRulePage = cursorPage("CorrectionRulePage", correctionRule)
export const correctionRuleChanges = objectOf("CorrectionRuleChanges", {
  isActive: optional(flag),
  correctionText: optional(content),
})
