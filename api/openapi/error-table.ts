import { errorCodes } from '@image-pipeline/shared/errors.ts';
import { problemCodes, problemMeanings } from '../http/problem.ts';

/** Every error code with its HTTP status and meaning, as a Markdown table. */
export function errorTable(): string {
  const rows = Object.entries(errorCodes).map(([code, meaning]) => {
    const known = problemCodes.find((problem) => problem === code);
    return `| \`${code}\` | ${known === undefined ? 'in a failed job' : problemMeanings[known].status} | ${meaning} |`;
  });
  return ['| code | status | meaning |', '|---|---|---|', ...rows].join('\n');
}
