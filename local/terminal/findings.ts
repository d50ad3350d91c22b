import { styleText } from 'node:util';
import { printable } from '@image-pipeline/shared/printable.ts';
import { UserError } from '../user-error.ts';

/** The result of one check. `note`: worth knowing; `fix`: a problem. */
export interface Finding {
  readonly is: 'ok' | 'note' | 'fix';
  readonly text: string;
}

const colours = { ok: 'green', note: 'yellow', fix: 'red' } as const;

/** Prints a line for each. @throws UserError if there is a problem */
export function printFindings(findings: readonly Finding[]): void {
  for (const { is, text } of findings)
    console.log(`${styleText(colours[is], is.padEnd(4))}  ${printable(text)}`);
  const toFix = findings.filter(({ is }) => is === 'fix').length;
  if (toFix > 0) throw new UserError(`\n${toFix === 1 ? '1 problem' : `${toFix} problems`} to fix.`);
}
