/** Text as a template that has no parameters. */
export function plainSql(text: string): TemplateStringsArray {
  return Object.assign([text], { raw: [text] }) as unknown as TemplateStringsArray
}
