/** @throws Error that says what was expected and what was seen */
export function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

/** The lines around what matters, for the line of a step that failed. */
export function endOf(text: string, lines = 8): string {
  return text.trim().split('\n').slice(-lines).join('\n  ');
}
