import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { credentials, refreshing, registered, registration, signedIn, user } from "../fields/people.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "auth"

export function authRoutes({ auth }: Services): Route[] {
  return [
    route(
      "POST",
      "/auth/register",
      {
        summary: "Found an organization with its first administrator",
        description: "Where sign-up is open (`ALLOW_SIGNUP`).",
        tag,
        access: "public",
        body: registration,
        answer: registered,
        status: 201,
        refusals: rules.pick("SIGNUP_CLOSED", "SLUG_TAKEN", "EMAIL_TAKEN"),
      },
      ({ body }) => auth.register(body),
    ),
    route(
      "POST",
      "/auth/login",
      {
        summary: "Sign in",
        description: "After 5 failures of an account, or 20 from an address, within 15 minutes it has to wait.",
        tag,
        access: "public",
        body: credentials,
        answer: signedIn,
        status: 200,
        secretAnswer: true,
        refusals: { ...rules.pick("BAD_CREDENTIALS"), ...commonRules.pick("RATE_LIMITED") },
      },
      ({ body }) => auth.login(body.email, body.password),
    ),
    route(
      "POST",
      "/auth/refresh",
      {
        summary: "Take new tokens for a refresh token",
        description: "A refresh token is good once. One that comes again ends the sign-in that it descends from.",
        tag,
        access: "public",
        body: refreshing,
        answer: signedIn,
        status: 200,
        secretAnswer: true,
        refusals: rules.pick("BAD_REFRESH_TOKEN"),
      },
      ({ body }) => auth.refresh(body.refreshToken),
    ),
    route(
      "POST",
      "/auth/logout",
      {
        summary: "Sign out",
        description: "Ends the sign-in that the refresh token descends from. One that is not known ends nothing.",
        tag,
        access: "public",
        body: refreshing,
      },
      ({ body }) => auth.logout(body.refreshToken),
    ),
    route("GET", "/auth/me", { summary: "Who is signed in", tag, answer: user }, () => auth.me()),
  ]
}
