/**
 * Text without regard to case, by a rule that both engines can follow for all of Unicode: lower case, with the two
 * forms of small sigma as one, and the dotted capital İ as i.
 */
export function fold(text: string): string {
  return text.toLowerCase().replaceAll("ς", "σ").replaceAll("i\u0307", "i")
}
