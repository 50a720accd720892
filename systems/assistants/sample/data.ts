/** The sample data: two organisations, of which the second is the one whose AI users everyone may talk to. */

type SampleRole = {
  code: string
  name: string
  description: string
  systemPrompt: string
  tools: string[]
}

type SampleUser = { username: string; name: string; admin?: true; role?: string }

export type SampleOrganization = {
  slug: string
  name: string
  description: string
  timeZone: string
  system: boolean
  roles: SampleRole[]
  users: SampleUser[]
}

/** Who speaks: a user, or a role on behalf of the user whose main chat it is or who asked. */
export type SampleMessage = {
  from: string
  /** Code of the role that speaks on behalf of `from`; it replies to the message before it. */
  role?: string
  content: string
  /** Of an answer of a role; without it it awaits review. */
  review?: "approved" | "rejected"
  correction?: string
}

export type SampleChat = {
  /** Its type, and who takes part; of a main chat its owner. */
  type: "main" | "direct" | "group"
  participants: string[]
  name?: string
  messages: SampleMessage[]
}

/** An event of the calendar; one that fires once does so at the next instant that fits its timing. */
export type SampleEvent = {
  title: string
  description: string
  role: string
  creator: string
  notified: string[]
  /** In the zone of the organisation. */
  cron: string
  once?: true
}

/** The password of everyone in the sample data. */
export const samplePassword = "polar-star-2026"

/** Its hash: everyone can read the password, and a start need not wait for what hashing costs. */
export const samplePasswordHash =
  "$scrypt$ln=17,r=8,p=1,ver=rAVJlFFjarmV$tr3cs3O6u9eqnxefv9zBDQ$T2UT7FZKCasMLdEauv6i-PubuwrvF00y96iFdQZIU5U"

export const organizationsOfSample: SampleOrganization[] = [
  {
    slug: "polar-star",
    name: "Polar Star",
    description: "Maps and tours of the far north.",
    timeZone: "Europe/Moscow",
    system: false,
    roles: [
      {
        code: "analyst",
        name: "Analyst",
        description: "Answers questions about bookings and prices.",
        systemPrompt:
          "You are the analyst of Polar Star, which sells maps and tours of the far north. Answer briefly, with figures where you have them, and say what you do not know.",
        tools: ["calendar_query"],
      },
      {
        code: "secretary",
        name: "Secretary",
        description: "Keeps the calendar and reminds people.",
        systemPrompt:
          "You are the secretary of Polar Star. You keep the calendar, remind people of what is due, and write short and friendly notes.",
        tools: ["calendar_create", "calendar_query"],
      },
    ],
    users: [
      { username: "anna", name: "Anna Orlova", admin: true, role: "secretary" },
      { username: "boris", name: "Boris Belov", role: "analyst" },
      { username: "vera", name: "Vera Kim" },
      { username: "gleb", name: "Gleb Sokolov" },
      { username: "dina", name: "Dina Petrova" },
    ],
  },
  {
    slug: "house",
    name: "House",
    description: "The AI users that every organisation may talk to.",
    timeZone: "Europe/Moscow",
    system: true,
    roles: [
      {
        code: "helper",
        name: "Helper",
        description: "Answers questions of all kinds.",
        systemPrompt: "You are a helpful colleague. Answer in the language of the question, in at most five sentences.",
        tools: ["role_call"],
      },
      {
        code: "editor",
        name: "Editor",
        description: "Makes texts shorter and clearer.",
        systemPrompt:
          "You are an editor. Rewrite what you are given so that it is shorter and clearer; keep its meaning.",
        tools: [],
      },
    ],
    users: [
      { username: "keeper", name: "Keeper of the House", admin: true },
      { username: "helper", name: "Helper", role: "helper" },
      { username: "editor", name: "Editor", role: "editor" },
    ],
  },
]

export const chatsOfSample: SampleChat[] = [
  {
    type: "main",
    participants: ["anna"],
    messages: [
      { from: "anna", content: "What is due this week?" },
      {
        from: "anna",
        role: "secretary",
        content: "On Monday at 10:00 the weekly stand-up, and on Friday the invoice of the printers.",
        review: "approved",
      },
      { from: "anna", content: "Write a note to everyone that the office is closed on Friday afternoon." },
      {
        from: "anna",
        role: "secretary",
        content: "Dear all, on Friday the office closes at 14:00. Have a good weekend!",
        review: "approved",
      },
      { from: "anna", content: "And remind me to call the printers." },
      { from: "anna", role: "secretary", content: "I will remind you on Thursday at 11:00 to call the printers." },
    ],
  },
  {
    type: "main",
    participants: ["boris"],
    messages: [
      { from: "boris", content: "How many tours to Svalbard did we sell in February?" },
      {
        from: "boris",
        role: "analyst",
        content: "We sold 41 tours to Svalbard in February, seven more than in January.",
        review: "rejected",
        correction: "Say from which report the figure is; without one, say that it is not known.",
      },
      { from: "boris", content: "From which report is that?" },
      {
        from: "boris",
        role: "analyst",
        content: "I do not have a report of February, so the number of tours is not known to me.",
        review: "approved",
      },
      { from: "boris", content: "Which maps sell best in spring?" },
      {
        from: "boris",
        role: "analyst",
        content: "I have no sales of this spring. Last year the map of the Lofoten was asked for most often.",
      },
    ],
  },
  {
    type: "direct",
    participants: ["anna", "boris"],
    messages: [
      { from: "anna", content: "Can you look at the prices of the Lofoten tours before Monday?" },
      { from: "boris", content: "Yes, tomorrow. Shall I ask @@boris for a comparison?" },
      {
        from: "boris",
        role: "analyst",
        content: "The three-day tour costs as much as last year, the week is 4 % dearer.",
      },
      { from: "anna", content: "Thank you, that will do." },
    ],
  },
  {
    type: "group",
    name: "Spring catalogue",
    participants: ["anna", "boris", "vera", "gleb"],
    messages: [
      { from: "vera", content: "The photographs of the catalogue are in, @gleb can you check the captions?" },
      { from: "gleb", content: "On it. Two captions name the wrong fjord." },
      { from: "vera", content: "@@anna please put the deadline of the printers into the calendar." },
      {
        from: "anna",
        role: "secretary",
        content: "The deadline of the printers is in the calendar: the 27th at 12:00.",
      },
      { from: "gleb", content: "Captions are done." },
      { from: "boris", content: "Prices are final, too." },
      { from: "anna", content: "Then we print next week. Well done, all!" },
    ],
  },
  {
    type: "direct",
    participants: ["dina", "helper"],
    messages: [
      { from: "dina", content: "How do I say “map of the coast” in Norwegian?" },
      { from: "dina", role: "helper", content: "“Kart over kysten”.", review: "approved" },
      { from: "dina", content: "And “sold out”?" },
      { from: "dina", role: "helper", content: "“Utsolgt”." },
    ],
  },
  {
    type: "main",
    participants: ["vera"],
    messages: [
      { from: "vera", content: "Notes for the catalogue: cover in blue, prices on the last page." },
      { from: "vera", content: "Ask Gleb for the photograph of the lighthouse." },
      { from: "vera", content: "Paper: 120 g, matt." },
    ],
  },
]

export const eventsOfSample: SampleEvent[] = [
  {
    title: "Weekly stand-up",
    description: "Fifteen minutes: what is done, what is next, what is in the way.",
    role: "secretary",
    creator: "anna",
    notified: ["anna", "boris", "vera", "gleb", "dina"],
    cron: "0 10 * * MON",
  },
  {
    title: "Call the printers",
    description: "Paper and delivery of the spring catalogue.",
    role: "secretary",
    creator: "anna",
    notified: ["anna"],
    cron: "0 11 * * THU",
    once: true,
  },
  {
    title: "Invoice of the printers",
    description: "It is due at noon.",
    role: "secretary",
    creator: "vera",
    notified: ["anna", "vera"],
    cron: "0 12 * * FRI",
    once: true,
  },
]
