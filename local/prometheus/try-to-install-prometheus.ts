import { canInstall } from '../broker/ensure-rabbitmq.ts';
import { installHint } from '../broker/install-hint.ts';
import { installWithApt } from '../broker/install-with-apt.ts';
import { agreed } from '../terminal/agreed.ts';
import { UserError } from '../user-error.ts';
import { findPrometheus } from './find-prometheus.ts';

/**
 * Installs Prometheus if it is missing and may be installed, as ensureRabbitmq does. Without it, what needs it is
 * skipped, so this does not fail: it says what to do.
 */
export async function tryToInstallPrometheus(say: (line: string) => void = console.log): Promise<void> {
  if ((await findPrometheus()) !== undefined) return;
  const hint = await installHint('prometheus');
  const mayInstall =
    canInstall(hint) && (await agreed('Prometheus is not installed. Install it with apt-get now?'));
  if (!mayInstall) {
    say(`Prometheus is not installed, so tests with it are skipped. To install it: ${hint.line}`);
    return;
  }
  say('Prometheus is missing: installing the package prometheus (apt-get) …');
  try {
    await installWithApt('prometheus');
    say('Prometheus is installed. Its system service is off; the pipeline runs one of its own.');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`Prometheus could not be installed, so tests with it are skipped. ${error.message}`);
  }
}
