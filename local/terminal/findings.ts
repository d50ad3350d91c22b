import { styleText } from 'node:util';
import { UserError } from '../user-error.ts';

/** One thing that was looked at. `note` is a matter to know of, `fix` one that must be put right. */
export interface Finding {
  readonly is: 'ok' | 'note' | 'fix';
  readonly text: string;
}

const colours = { ok: 'green', note: 'yellow', fix: 'red' } as const;

/** A line each. @throws UserError if something must be put right */
export function printFindings(findings: readonly Finding[]): void {
  for (const { is, text } of findings) console.log(`${styleText(colours[is], is.padEnd(4))}  ${text}`);
  const toFix = findings.filter(({ is }) => is === 'fix').length;
  if (toFix > 0) throw new UserError(`\n${toFix === 1 ? '1 problem' : `${toFix} problems`} to fix.`);
}
