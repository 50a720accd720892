import { inColumns } from "./columns.ts"
import { type Command, optionsOf } from "./command.ts"

/** The help of a command, as lines. */
export function helpOf(command: Command, path: readonly string[]): string[] {
  const name = path.join(" ")
  const words = (command.arguments ?? []).map(({ name, required, multiple }) => {
    const shown = multiple === true ? `${name}...` : name
    return required === true ? `<${shown}>` : `[${shown}]`
  })
  const usage = command.commands === undefined ? [name, ...words, "[options]"] : [name, "<command>"]
  const lines = [command.summary, "", `Usage: ${usage.join(" ")}`]
  if (command.commands !== undefined) {
    lines.push("", "Commands:", ...columns(command.commands.map((one) => [one.name, one.summary])))
    lines.push("", `\`${name} <command> --help\` says more about each.`)
  }
  if (command.arguments !== undefined && command.arguments.length > 0) {
    lines.push("", "Arguments:", ...columns(command.arguments.map((one) => [one.name, one.sentence])))
  }
  const options = Object.entries(optionsOf(command)).map(([option, { short, value, sentence }]): [string, string] => [
    `${short === undefined ? "" : `-${short}, `}--${option}${value === undefined ? "" : ` <${value}>`}`,
    sentence,
  ])
  lines.push("", "Options:", ...columns(options))
  if (command.examples !== undefined)
    lines.push("", "Examples:", ...command.examples.map((one) => `  rootstock ${one}`))
  return lines
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  return inColumns(rows).map((line) => `  ${line}`)
}
