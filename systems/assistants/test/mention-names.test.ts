import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { findMentions, foldName } from "../services/mention-names.ts"

const named = (content: string) =>
  findMentions(content).map(({ type, name }) => `${type === "ai_role" ? "@@" : "@"}${name}`)

describe("names in a message", () => {
  const cases: [what: string, content: string, names: string[]][] = [
    ["a person and a role", "@anna ask @@lawyer", ["@anna", "@@lawyer"]],
    ["Cyrillic names", "Спросите @Андрея, или @@юрист_2!", ["@Андрея", "@@юрист_2"]],
    ["Chinese names", "你好 @王小明，@@助手", ["@王小明", "@@助手"]],
    [
      "names in brackets and behind punctuation",
      "(@anna) «@boris».@clara,@@dmitri",
      ["@anna", "@boris", "@clara", "@@dmitri"],
    ],
    ["no e-mail address", "anna@example.com, иван.петров+x@пример.рф", []],
    ["no e-mail address that ends like a list", "anna-@example.com", []],
    ["no e-mail address that begins like a mention", "@anna@example.com", []],
    ["no name inside of a word", "a@anna 2@anna _@anna й@anna", []],
    ["no name of one character, nor of 51", `@a @${"b".repeat(51)}`, []],
    ["names of 2 and 50 characters", `@ab @${"b".repeat(50)}`, ["@ab", `@${"b".repeat(50)}`]],
    ["no name behind three at signs", "@@@anna", []],
    ["no name in a code span", "`@anna` and ``a ` @@boris`` @clara", ["@clara"]],
    ["names behind a backtick that nothing closes", "it`s @anna and ``@boris", ["@anna", "@boris"]],
    ["names behind an escaped backtick", "\\`@anna` @boris", ["@anna", "@boris"]],
    ["no name in a code span over two lines", "`one\n@anna two` @boris", ["@boris"]],
    ["names in paragraphs with a backtick each", "a `\n\n@anna `", ["@anna"]],
    ["no name in a code block", "```ts\n@anna\n\n@@boris\n```\n@clara", ["@clara"]],
    ["no name in a code block of tildes with backticks", "~~~\n```\n@anna\n~~~\n@@boris", ["@@boris"]],
    ["no name in a code block that nothing closes", "@clara\n````\n@anna\n```\n@anna", ["@clara"]],
    ["a decomposed letter as one", "@Сергей".normalize("NFD"), ["@Сергей"]],
    ["names at both ends", "@@anna", ["@@anna"]],
  ]
  for (const [what, content, names] of cases) it(`are found: ${what}`, () => assert.deepEqual(named(content), names))

  it("stand where they begin, in UTF-16 units", () => {
    assert.deepEqual(
      findMentions("😀 `x` @anna @@boris").map(({ position }) => position),
      [7, 13],
    )
  })

  it("are compared without case, in all of Unicode", () => {
    assert.equal(foldName("ЮРИСТ"), foldName("юрист"))
    assert.equal(foldName("Сергей".normalize("NFD")), foldName("сергей"))
  })

  it("are found where they are, in any content, and quickly in the worst", () => {
    const piece = fc.constantFrom(
      "@",
      "@@",
      "`",
      "``",
      "```",
      "~~~",
      "\n",
      "\n\n",
      " ",
      "a",
      "anna",
      ".",
      "ю",
      "\\",
      "😀",
      "-",
      "e.com",
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const content = pieces.join("")
        for (const { type, name, position } of findMentions(content)) {
          const written = type === "ai_role" ? `@@${name}` : `@${name}`
          assert.equal(content.slice(position, position + written.length), written)
        }
      }),
      { numRuns: 500 },
    )
    for (const part of ["a", ".", "@", "@@", "`", "a.", "a@", "`a", "``` ", "\\`", "a-@a.", "@a@"]) {
      const worst = part.repeat(200_000 / part.length)
      const cpu = process.cpuUsage()
      findMentions(`${worst}@`)
      const { user } = process.cpuUsage(cpu)
      assert.ok(user < 2_000_000, `${part}: ${user} µs`)
    }
  })
})
