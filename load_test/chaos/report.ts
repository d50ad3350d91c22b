import { describeFault, type ScheduledFault } from './fault.ts';
import type { Ledger } from './ledger.ts';
import type { Recovery } from './scenario.ts';
import type { ScenarioResult } from './run-scenario.ts';

const NAME_WIDTH = 24;
const FIGURE_WIDTH = 24;
/** Of a long list of ids the first ones tell enough. */
const MOST_SHOWN = 10;

/** The one line of a scenario. */
export function scenarioLine({ scenario, verdict, reasons, recoveries, ledger }: ScenarioResult): string {
  const jobs = ledger === undefined ? '' : `${ledger.figures['accepted'] ?? 0} jobs`;
  const times = recoveries.map(recoveryText).join('; ');
  const because = reasons.length === 0 ? '' : `— ${reasons.join('; ')}`;
  return [scenario.name.padEnd(NAME_WIDTH), verdict.padEnd(8), jobs.padStart(9), ` ${times}`, because]
    .join(' ')
    .trimEnd();
}

function recoveryText({ what, ms, goalMs }: Recovery): string {
  return `${what} ${(ms / 1_000).toFixed(1)} s (goal ≤ ${goalMs / 1_000} s)`;
}

/** Every figure, then what is broken. */
export function ledgerTable({ figures, violations }: Ledger): string {
  const rows = Object.entries(figures).map(
    ([name, value]) => `  ${name.padEnd(FIGURE_WIDTH)} ${String(value).padStart(6)}`,
  );
  const { accepted = 0, completed = 0, failed = 0, open = 0 } = figures;
  const sum = `  ${accepted} accepted = ${completed} completed + ${failed} failed + ${open} open`;
  const balance = accepted === completed + failed + open ? `${sum}: exact` : `${sum}: DOES NOT BALANCE`;
  const broken = violations.map(({ invariant, what, which }) => {
    const more = which.length > MOST_SHOWN ? ` … and ${which.length - MOST_SHOWN} more` : '';
    return `  ${invariant} ${what}: ${which.slice(0, MOST_SHOWN).join(', ')}${more}`;
  });
  return [...rows, balance, ...broken].join('\n');
}

export function scheduleTable(schedule: readonly ScheduledFault[]): string {
  return schedule.map((fault) => `  ${describeFault(fault)}`).join('\n');
}
