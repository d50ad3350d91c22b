import { findChromium } from '../chromium/find-chromium.ts';
import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { agreed } from '../terminal/agreed.ts';
import { UserError } from '../user-error.ts';
import { canInstall } from './ensure-rabbitmq.ts';
import { installHint } from './install-hint.ts';
import { installWithApt } from './install-with-apt.ts';

/** Programs that only some tests need. The key is also the name of Debian's package. */
const OPTIONAL = {
  prometheus: {
    title: 'Prometheus',
    find: () => findPrometheus(),
    note: ' Its system service is disabled; the pipeline runs its own instance.',
  },
  chromium: { title: 'Chromium', find: () => findChromium(), note: '' },
} as const;

/**
 * Installs a program if it is missing and may be installed, as ensureRabbitmq does. Without it, the tests that need it
 * are skipped, so this does not fail: it says what to do.
 */
export async function tryToInstall(
  program: keyof typeof OPTIONAL,
  say: (line: string) => void = console.log,
): Promise<void> {
  const { title, find, note } = OPTIONAL[program];
  if ((await find()) !== undefined) return;
  const hint = await installHint(program);
  const mayInstall =
    canInstall(hint) && (await agreed(`${title} is not installed. Install it with apt-get now?`));
  if (!mayInstall) {
    say(`${title} is not installed, so the tests that need it are skipped. To install it: ${hint.line}`);
    return;
  }
  say(`Installing ${title} (package ${program}) …`);
  try {
    await installWithApt(program);
    say(`${title} is installed.${note}`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`${title} could not be installed, so the tests that need it are skipped. ${error.message}`);
  }
}
