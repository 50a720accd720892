import { defineRules } from "rootstock/shared"

/** The rules of the assistants that a request can break. */
export const rules = defineRules({
  BAD_CREDENTIALS: {
    status: 401,
    title: "E-mail or password is wrong",
    cure: "Check both, or have the password reset.",
  },
  BAD_REFRESH_TOKEN: { status: 401, title: "Refresh token is not valid", cure: "Sign in again." },
  WRONG_PASSWORD: { status: 403, title: "Password is wrong", cure: "Give your present password as current_password." },
  SIGNUP_CLOSED: { status: 403, title: "Sign-up is closed", cure: "Ask an administrator for an account." },
  SLUG_TAKEN: { status: 409, title: "Slug is taken", cure: "Give another slug." },
  EMAIL_TAKEN: { status: 409, title: "E-mail is taken", cure: "Give another e-mail." },
  USERNAME_TAKEN: { status: 409, title: "Username is taken", cure: "Give another username." },
  CODE_TAKEN: { status: 409, title: "Code is taken", cure: "Give another code." },
  LAST_ADMIN: { status: 409, title: "Last administrator", cure: "Make somebody else an administrator first." },
  FIXED_PARTICIPANTS: {
    status: 409,
    title: "Participants are fixed",
    cure: "Only those of a group can be changed: make one.",
  },
  CHAT_INACTIVE: { status: 409, title: "Chat is not active", cure: "Write in another chat." },
  CHANNEL_UNCHANGEABLE: { status: 409, title: "Channel cannot be removed", cure: "Notices in the app always stay." },
  WRONG_CODE: { status: 422, title: "Code is wrong or too old", cure: "Ask for a new code." },
  CHALLENGE_FAILED: {
    status: 422,
    title: "The address did not answer the challenge",
    cure: "Answer with the challenge that was sent, as plain text.",
  },
  CHANNEL_OFF: { status: 409, title: "Channel is not set up here", cure: "Ask who runs this server to set it up." },
  BUDGET_EXCEEDED: {
    status: 409,
    title: "Token budget of the month is spent",
    cure: "Wait for the next month, or have the budget raised.",
  },
  ROLE_INACTIVE: { status: 409, title: "Role is not active", cure: "Make the role active first." },
  PROVIDER_FAILED: { status: 503, title: "The model did not answer", cure: "Repeat the request later." },
})
